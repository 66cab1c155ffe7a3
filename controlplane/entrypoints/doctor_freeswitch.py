"""What `controlplane doctor` looks at in a FreeSWITCH."""

from __future__ import annotations

import re

from controlplane.domain.errors import SwitchUnavailable
from controlplane.entrypoints.findings import Finding
from controlplane.settings import Settings
from controlplane.supervisor.freeswitch_tree import NATIVE_MODULES, OLDEST
from controlplane.switches.freeswitch.inbound import InboundClient

_SECONDS = 5.0
_MODULES = ("mod_sofia", "mod_lua", "mod_dptools", "mod_dialplan_xml", "mod_sndfile", "mod_tone_stream")
_CONTEXTS = ("cp-kind", "cp-check", "cp-fallback")
_KNOWN_PASSWORD = "ClueCon"  # noqa: S105 (the one that every installation begins with)
_NO_EXPANSION = re.compile(r'name="api-expansion"\s+value="(false|no|off|0)"')


async def check_freeswitch(settings: Settings) -> list[Finding]:
    """FreeSWITCH answers, is new enough, and has the modules and contexts that calls need."""
    event_socket = settings.event_socket
    password = event_socket.password.get_secret_value()
    try:
        async with InboundClient.connected(
            event_socket.host, event_socket.port, password=password, seconds=_SECONDS
        ) as client:
            version = await client.api("version short")
            modules = _MODULES if settings.fallback == "record" else (*_MODULES, *NATIVE_MODULES)
            missing = [name for name in modules if await client.api(f"module_exists {name}") != "true"]
            contexts = [
                name
                for name in _CONTEXTS
                if "<context" not in await client.api(f"xml_locate dialplan context name {name}")
            ]
            switch_conf = await client.api("xml_locate configuration configuration name switch.conf")
    except SwitchUnavailable as error:
        remedy = (
            "Start FreeSWITCH with mod_event_socket, and compare its event_socket.conf with"
            f" CONTROLPLANE_EVENT_SOCKET__* ({event_socket.host}:{event_socket.port})."
        )
        return [Finding(subject="FreeSWITCH", found=str(error), remedy=remedy)]
    findings = [_version(version), *_absent(missing, contexts)]
    if password == _KNOWN_PASSWORD:
        findings.append(
            Finding(
                subject="event socket",
                found="has the password that everybody knows",
                remedy="Set another one in event_socket.conf and CONTROLPLANE_EVENT_SOCKET__PASSWORD.",
            )
        )
    if not _NO_EXPANSION.search(switch_conf):
        findings.append(
            Finding(
                subject="switch.conf",
                found="text that is set twice may run commands",
                remedy='Add <param name="api-expansion" value="false"/> to switch.conf, and start it again.',
            )
        )
    return findings


def _version(version: str) -> Finding:
    numbers = re.match(r"(\d+)\.(\d+)\.(\d+)", version)
    if numbers is None or tuple(map(int, numbers.groups())) < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        return Finding(
            subject="FreeSWITCH", found=f"is {version.strip()}", remedy=f"Install {oldest} or later."
        )
    return Finding(subject="FreeSWITCH", found=f"answers, version {version.strip()}")


def _absent(modules: list[str], contexts: list[str]) -> list[Finding]:
    findings = [Finding(subject="modules", found="those that calls need are loaded")]
    if modules:
        remedy = "Load them in modules.conf.xml."
        findings = [Finding(subject="modules", found=f"not loaded: {', '.join(modules)}", remedy=remedy)]
    if contexts:
        remedy = "Include our cp-dialplan.xml in its dialplan, and publish."
        return [
            *findings,
            Finding(subject="dialplan", found=f"lacks {', '.join(contexts)}", remedy=remedy),
        ]
    return [*findings, Finding(subject="dialplan", found="has our contexts")]
