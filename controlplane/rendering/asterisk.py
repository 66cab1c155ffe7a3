"""Render the configuration of Asterisk: one tree of files out of one context."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from uuid import UUID

from controlplane.rendering.check import check_file
from controlplane.rendering.context import AsteriskContext, TenantContext, default_among, lamps_of, music_of
from controlplane.rendering.environment import environment_of
from controlplane.rendering.parts import Part, Sources
from controlplane.rendering.pieces import Piece
from controlplane.rendering.renderer import Whole, render_template
from controlplane.rendering.tree import RenderedTree, render_tree

FILES = (
    "extensions.conf",
    "cp-contexts.conf",
    "cp-globals.conf",
    "pjsip.conf",
    "manager.conf",
    "modules.conf",
    "musiconhold.conf",
    "queues.conf",
    "rtp.conf",
)
_WITH_REVISION = ("extensions.conf", "cp-globals.conf")
_PIECE = "asterisk/cp-extensions.conf.j2"
_SIDECAR = (
    ("v", "1"),
    ("tenant", "${CP_TENANT}"),
    ("mailbox", "${CP_OBJECT}"),
    ("number", "${CALLERID(num)}"),
    ("name", "${CALLERID(name)}"),
    ("call", "${UNIQUEID}"),
    ("at", "${EPOCH}"),
    ("reached_by", "${CP_REACHED_BY}"),
)


def render_asterisk(context: AsteriskContext, *, templates: Path) -> RenderedTree:
    """Render and check all files, as `asterisk/<name>`, into memory; raises RenderingError."""
    return render_tree(AsteriskRenderer(context, templates=templates), context.tenants)


class AsteriskRenderer:
    """Renders for Asterisk; implements `Renderer`.

    The digest is that of the files with an empty revision, and is then put into them: the switch
    reports it as the global variable `CP_REVISION`.
    """

    def __init__(self, context: AsteriskContext, *, templates: Path) -> None:
        self._context = context
        self._environment = environment_of(templates)
        self._sources = Sources(templates)

    @property
    def has_phones(self) -> bool:
        """Whether extensions are rendered."""
        return self._context.installation.sip.phones

    def piece(self, tenant: TenantContext, piece: Piece) -> Part:
        """Return the file of some extensions: their endpoints, which pjsip.conf includes."""
        named = [(one.number, one.display_name, one.endpoint, one.a1_hash) for one in piece.extensions]
        lamps = lamps_of(tenant)
        return Part(
            path=f"asterisk/pjsip/{tenant.id}/{piece.name}.conf",
            template=_PIECE,
            source=self._sources.digest(_PIECE, (tenant.id, tenant.language, lamps, named)),
            values={
                "tenant_id": tenant.id,
                "language": tenant.language,
                "lamps": lamps,
                "extensions": piece.extensions,
            },
            endpoints=tuple(one.endpoint for one in piece.extensions),
        )

    def parts(self, tenant: TenantContext) -> Iterable[Part]:  # noqa: ARG002 (as of the other switch)
        """Return nothing more: its dialplan is one file."""
        return ()

    def text(self, part: Part) -> str:
        """Render and check a part; raises RenderingError."""
        text = render_template(self._environment, part.template, part.values)
        check_file(part.path, text)
        return text

    def whole(self, pieces: Mapping[UUID, Sequence[str]]) -> Whole:
        """Render and check all other files; raises RenderingError."""
        return Whole(
            files=self._render(FILES, pieces=pieces, revision=""),
            endpoints=self._context.endpoints | self._context.queues,
            named=lambda revision: self._render(_WITH_REVISION, pieces=pieces, revision=revision),
        )

    def _render(
        self, names: Iterable[str], *, pieces: Mapping[UUID, Sequence[str]], revision: str
    ) -> dict[str, str]:
        context = self._context
        installation = context.installation
        values = {
            "revision": revision,
            "tenants": context.tenants,
            "default_tenant": default_among(context.tenants),
            "pieces": pieces,
            "prompts": context.prompts,
            "sidecar": _SIDECAR,
            "music": music_of(context.prompts),
            "sip": installation.sip,
            "agi": installation.agi,
            "manager": installation.manager,
            "paths": installation.paths,
            "calls": installation.calls,
        }
        rendered = {}
        for name in names:
            text = render_template(self._environment, f"asterisk/{name}.j2", values)
            check_file(f"asterisk/{name}", text)
            rendered[f"asterisk/{name}"] = text
        return rendered
