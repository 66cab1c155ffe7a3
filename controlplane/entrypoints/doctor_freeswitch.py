"""What `controlplane doctor` looks at in a FreeSWITCH."""

from __future__ import annotations

import re
from dataclasses import dataclass

from controlplane.domain.errors import SwitchUnavailable
from controlplane.domain.event_socket import EventSocketUser
from controlplane.entrypoints.event_socket import log_in_of
from controlplane.entrypoints.findings import Finding
from controlplane.settings import Settings
from controlplane.supervisor.freeswitch_tree import NATIVE_MODULES, OLDEST
from controlplane.switches.freeswitch.inbound import InboundClient, LogInRefused

_SECONDS = 5.0
_MODULES = (
    "mod_sofia",
    "mod_lua",
    "mod_dptools",
    "mod_dialplan_xml",
    "mod_sndfile",
    "mod_tone_stream",
    "mod_hash",
)
_QUEUE_MODULES = ("mod_callcenter", "mod_loopback")
_CONTEXTS = ("cp-kind", "cp-check", "cp-fallback")
_KNOWN_PASSWORD = "ClueCon"  # noqa: S105 (the one that every installation begins with)
_NO_EXPANSION = re.compile(r'name="api-expansion"\s+value="(false|no|off|0)"')
_FIRST_PORT = re.compile(r'name="rtp-start-port"\s+value="(\d+)"')


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """What a FreeSWITCH said about itself."""

    version: str
    missing_modules: tuple[str, ...]
    missing_contexts: tuple[str, ...]
    switch_conf: str


async def check_freeswitch(settings: Settings) -> list[Finding]:
    """FreeSWITCH answers, is new enough, and has the modules, contexts and settings that calls need."""
    opened = await _lets_in_everybody(settings)
    try:
        seen = await _look(settings)
    except SwitchUnavailable as error:
        return [Finding(subject="FreeSWITCH", found=str(error), remedy=_remedy(settings, error)), *opened]
    return [
        _version(seen.version),
        *_absent(settings, seen.missing_modules, seen.missing_contexts),
        *opened,
        *_switch_conf(settings, seen.switch_conf),
    ]


async def _look(settings: Settings) -> _Seen:
    log_in = log_in_of(settings, EventSocketUser.DOCTOR)
    modules = (*_MODULES, *_QUEUE_MODULES, *(NATIVE_MODULES if settings.fallback == "native" else ()))
    async with InboundClient.connected(
        settings.event_socket.host,
        settings.event_socket.port,
        user=log_in.user,
        password=log_in.password,
        seconds=_SECONDS,
    ) as client:
        return _Seen(
            version=await client.api("version short"),
            missing_modules=tuple(
                [name for name in modules if await client.api(f"module_exists {name}") != "true"]
            ),
            missing_contexts=tuple(
                [
                    name
                    for name in _CONTEXTS
                    if "<context" not in await client.api(f"xml_locate dialplan context name {name}")
                ]
            ),
            switch_conf=await client.api("xml_locate configuration configuration name switch.conf"),
        )


async def _lets_in_everybody(settings: Settings) -> list[Finding]:
    """Try the password that FreeSWITCH ships with, whatever ours is."""
    event_socket = settings.event_socket
    try:
        async with InboundClient.connected(
            event_socket.host, event_socket.port, password=_KNOWN_PASSWORD, seconds=_SECONDS
        ):
            pass
    except SwitchUnavailable:
        return []
    return [
        Finding(
            subject="event socket",
            found="has the password that everybody knows",
            remedy="Set another one in event_socket.conf and start FreeSWITCH again; where it is the one that"
            " we log in with, set CONTROLPLANE_EVENT_SOCKET__PASSWORD too.",
        )
    ]


def _remedy(settings: Settings, error: SwitchUnavailable) -> str:
    event_socket = settings.event_socket
    if settings.event_socket_users and isinstance(error, LogInRefused):
        return (
            "Publish, have our cp-event-socket.xml in the directory of FreeSWITCH, and start it again;"
            " or set CONTROLPLANE_EVENT_SOCKET__LOG_IN=password."
        )
    return (
        "Start FreeSWITCH with mod_event_socket, and compare its event_socket.conf with"
        f" CONTROLPLANE_EVENT_SOCKET__* ({event_socket.host}:{event_socket.port})."
    )


def _switch_conf(settings: Settings, text: str) -> list[Finding]:
    findings = []
    if not _NO_EXPANSION.search(text):
        findings.append(
            Finding(
                subject="switch.conf",
                found="text that is set twice may run commands",
                remedy='Add <param name="api-expansion" value="false"/> to switch.conf, and start it again.',
            )
        )
    ports = _FIRST_PORT.search(text)
    ours = settings.sip.rtp_ports.partition("-")[0]
    if settings.sip.phones and (ports is None or ports[1] != ours):
        live = settings.paths.configuration.absolute() / "live" / "freeswitch"
        findings.append(
            Finding(
                subject="switch.conf",
                found="is not the published one",
                remedy=f"Start FreeSWITCH with `-conf {live}`, or set CONTROLPLANE_SIP__PHONES=false"
                " if it has phones of its own.",
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


def _absent(settings: Settings, missing: tuple[str, ...], contexts: tuple[str, ...]) -> list[Finding]:
    findings = [Finding(subject="modules", found="those that calls need are loaded")]
    # Who keeps the switch he has may do without call queues.
    spared = () if settings.sip.phones else _QUEUE_MODULES
    modules = [name for name in missing if name not in spared]
    if modules:
        remedy = "Load them in modules.conf.xml."
        findings = [Finding(subject="modules", found=f"not loaded: {', '.join(modules)}", remedy=remedy)]
    without = [name for name in missing if name in spared]
    if without:
        found = f"none can be used: {', '.join(without)} is not loaded"
        findings.append(Finding(subject="call queues", found=found))
    if contexts:
        remedy = "Include our cp-dialplan.xml in its dialplan, and publish."
        return [
            *findings,
            Finding(subject="dialplan", found=f"lacks {', '.join(contexts)}", remedy=remedy),
        ]
    return [*findings, Finding(subject="dialplan", found="has our contexts")]
