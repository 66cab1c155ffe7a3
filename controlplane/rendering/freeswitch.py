"""Render the configuration of FreeSWITCH: one tree of files out of one context."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from pathlib import Path

from jinja2 import Environment, TemplateError

from controlplane.rendering.check_xml import check_xml
from controlplane.rendering.context import music_of
from controlplane.rendering.context_freeswitch import FreeswitchContext
from controlplane.rendering.environment import make_xml_environment
from controlplane.rendering.escape import RenderingError
from controlplane.rendering.tree import RenderedTree, digest_of

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


def render_freeswitch(context: FreeswitchContext, *, templates: Path) -> RenderedTree:
    """Render and check all files, as `freeswitch/<name>`.

    The digest is that of the files with an empty revision, and is then put into them: the switch
    reports it as the global variable `cp_revision`, and that of the call queues alone as `cp_queues`.
    Raises RenderingError.
    """
    environment = make_xml_environment(templates)
    unnamed = _render(context, environment, FILES, revision="")
    unnamed |= _render(context, environment, (_QUEUES,), revision="", queues=_queues_digest(unnamed))
    digest = digest_of(unnamed)
    files = unnamed | _render(context, environment, _WITH_REVISION, revision=digest)
    for path, text in files.items():
        if path.endswith(".xml"):
            check_xml(path, text)
    return RenderedTree(files=files, digest=digest, endpoints=context.endpoints | context.queues)


def _queues_digest(files: Mapping[str, str]) -> str:
    path = f"freeswitch/{_QUEUES}"
    return digest_of({path: files[path]})


def _render(
    context: FreeswitchContext,
    environment: Environment,
    names: Iterable[str],
    *,
    revision: str,
    queues: str = "",
) -> dict[str, str]:
    if context.default_tenant is None:
        raise RenderingError("There is no tenant named default; run the migrations.")
    installation = context.installation
    values = {
        "revision": revision,
        "queues_revision": queues,
        "tenants": context.tenants,
        "default_tenant": context.default_tenant,
        "domains": tuple((context.domain_of(tenant), tenant) for tenant in context.tenants),
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
    rendered = {}
    for name in names:
        try:
            rendered[f"freeswitch/{name}"] = environment.get_template(f"freeswitch/{name}.j2").render(values)
        except TemplateError as error:
            raise RenderingError(f"The template of {name} failed: {error}") from error
        except RenderingError as error:
            raise RenderingError(f"{name}: {error}") from error
    return rendered


def _address(host: str) -> str:
    """Return what sip-ip takes: an address to listen on, `auto` for the machine's own."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    return "auto" if address.is_unspecified else str(address)
