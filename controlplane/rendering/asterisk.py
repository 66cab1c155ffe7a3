"""Render the configuration of Asterisk: one tree of files out of one context."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from jinja2 import Environment, TemplateError

from controlplane.rendering.check import check_file
from controlplane.rendering.context import AsteriskContext, music_of
from controlplane.rendering.environment import make_environment
from controlplane.rendering.escape import RenderingError
from controlplane.rendering.tree import RenderedTree, digest_of

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
    """Render and check all files, as `asterisk/<name>`.

    The digest is that of the files with an empty revision, and is then put into them: the switch
    reports it as the global variable `CP_REVISION`. Raises RenderingError.
    """
    environment = make_environment(templates)
    unnamed = _render(context, environment, FILES, revision="")
    digest = digest_of(unnamed)
    files = unnamed | _render(context, environment, _WITH_REVISION, revision=digest)
    for path, text in files.items():
        check_file(path, text)
    return RenderedTree(files=files, digest=digest, endpoints=context.endpoints | context.queues)


def _render(
    context: AsteriskContext, environment: Environment, names: Iterable[str], *, revision: str
) -> dict[str, str]:
    if context.default_tenant is None:
        raise RenderingError("There is no tenant named default; run the migrations.")
    installation = context.installation
    values = {
        "revision": revision,
        "tenants": context.tenants,
        "default_tenant": context.default_tenant,
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
        try:
            rendered[f"asterisk/{name}"] = environment.get_template(f"asterisk/{name}.j2").render(values)
        except TemplateError as error:
            raise RenderingError(f"The template of {name} failed: {error}") from error
        except RenderingError as error:
            raise RenderingError(f"{name}: {error}") from error
    return rendered
