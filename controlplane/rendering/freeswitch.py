"""Render the configuration of FreeSWITCH: one tree of files out of one context."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from uuid import UUID

from controlplane.rendering.check_xml import check_xml
from controlplane.rendering.context import TenantContext, default_among, music_of
from controlplane.rendering.context_freeswitch import FreeswitchContext
from controlplane.rendering.environment import environment_of
from controlplane.rendering.parts import Part, Sources
from controlplane.rendering.pieces import Piece
from controlplane.rendering.renderer import Whole, render_template
from controlplane.rendering.tree import RenderedTree, digest_of, render_tree

PROFILE = "shared-voicemail"
FILES = (
    "freeswitch.xml",
    "cp-callcenter.xml",
    "cp-configuration.xml",
    "cp-dialplan.xml",
    "cp-directory.xml",
    "cp-event-socket.xml",
    "cp-mailboxes.xml",
    "cp-phrases.xml",
    "cp-voicemail.xml",
    "cp_agent.lua",
    "cp_call_queue.lua",
    "cp_caller.lua",
    "cp_directory.lua",
    "cp_entrance.lua",
    "cp_extension.lua",
    "cp_inbound.lua",
    "cp_keys.lua",
    "cp_phones.lua",
    "cp_ring_group.lua",
    "cp_receptionist.lua",
    "cp_route.lua",
    "cp_routing.lua",
    "cp_stage.lua",
)
_WITH_REVISION = ("cp-dialplan.xml",)
_QUEUES = "cp-callcenter.xml"
_PIECE = "freeswitch/cp-extensions.xml.j2"
_RULES = "freeswitch/cp-rules.lua.j2"


def render_freeswitch(context: FreeswitchContext, *, templates: Path) -> RenderedTree:
    """Render and check all files, as `freeswitch/<name>`, into memory; raises RenderingError."""
    return render_tree(FreeswitchRenderer(context, templates=templates), context.tenants)


class FreeswitchRenderer:
    """Renders for FreeSWITCH; implements `Renderer`.

    The digest is that of the files with an empty revision, and is then put into them: the switch
    reports it as the global variable `cp_revision`, and that of the call queues alone as `cp_queues`.
    """

    def __init__(self, context: FreeswitchContext, *, templates: Path) -> None:
        self._context = context
        self._environment = environment_of(templates, xml=True)
        self._sources = Sources(templates)

    @property
    def has_phones(self) -> bool:
        """Whether extensions are rendered."""
        return self._context.installation.sip.phones

    def piece(self, tenant: TenantContext, piece: Piece) -> Part:
        """Return the file of some extensions: a group of the directory."""
        realm = self._context.installation.sip.realm
        named = [(one.number, one.display_name, one.a1_hash) for one in piece.extensions]
        domain = self._context.domain_of(tenant)
        return Part(
            path=f"freeswitch/directory/{tenant.id}/{piece.name}.xml",
            template=_PIECE,
            source=self._sources.digest(_PIECE, (tenant.id, realm, piece.name, named)),
            values={"tenant_id": tenant.id, "realm": realm, "piece": piece},
            endpoints=tuple(f"{one.number}@{domain}" for one in piece.extensions),
        )

    def parts(self, tenant: TenantContext) -> Iterable[Part]:
        """Return the file of the tenant's inbound rules, if it has any: it is read with each of its calls."""
        if not tenant.rules:
            return ()
        source = self._sources.digest(_RULES, (tenant.rules,))
        path = f"freeswitch/rules/{tenant.id}.lua"
        return (Part(path=path, template=_RULES, source=source, values={"rules": tenant.rules}),)

    def text(self, part: Part) -> str:
        """Render and check a part; raises RenderingError."""
        return _checked(part.path, render_template(self._environment, part.template, part.values))

    def whole(self, pieces: Mapping[UUID, Sequence[str]]) -> Whole:
        """Render and check all other files; raises RenderingError."""
        unnamed = self._render(FILES, pieces=pieces, revision="")
        queues = f"freeswitch/{_QUEUES}"
        digest = digest_of({queues: unnamed[queues]})
        return Whole(
            files=unnamed | self._render((_QUEUES,), pieces=pieces, revision="", queues=digest),
            endpoints=self._context.endpoints | self._context.queues,
            named=lambda revision: self._render(_WITH_REVISION, pieces=pieces, revision=revision),
        )

    def _render(
        self, names: Iterable[str], *, pieces: Mapping[UUID, Sequence[str]], revision: str, queues: str = ""
    ) -> dict[str, str]:
        context = self._context
        installation = context.installation
        values = {
            "revision": revision,
            "queues_revision": queues,
            "tenants": context.tenants,
            "default_tenant": default_among(context.tenants),
            "domains": tuple(
                (context.domain_of(tenant), tenant, pieces.get(tenant.id, ())) for tenant in context.tenants
            ),
            "prompts": context.prompts,
            "music": music_of(context.prompts),
            "profile": PROFILE,
            "address": _address(installation.sip.host),
            "sip": installation.sip,
            "socket": installation.socket,
            "event_socket": installation.event_socket,
            "paths": installation.paths,
            "calls": installation.calls,
            "native": installation.native,
            "native_profiles": context.native_profiles,
            "native_storage": installation.native_storage,
            "mailboxes": context.mailboxes,
            "gateways": context.gateways,
        }
        return {
            f"freeswitch/{name}": _checked(
                f"freeswitch/{name}", render_template(self._environment, f"freeswitch/{name}.j2", values)
            )
            for name in names
        }


def _checked(path: str, text: str) -> str:
    if path.endswith(".xml"):
        check_xml(path, text)
    return text


def _address(host: str) -> str:
    """Return what sip-ip takes: an address to listen on, `auto` for the machine's own."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    return "auto" if address.is_unspecified else str(address)
