"""What `controlplane doctor` says of lamps and BLF keys: whether the switch has what they need.

Calls work without any of it, so a switch that has phones of its own may do without.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from controlplane.domain.errors import SwitchUnavailable
from controlplane.domain.event_socket import EventSocketUser
from controlplane.entrypoints.event_socket import log_in_of
from controlplane.entrypoints.findings import Finding
from controlplane.settings import Settings
from controlplane.switches.asterisk.ami import AmiClient, agrees
from controlplane.switches.freeswitch.inbound import InboundClient

_SECONDS = 5.0
_LAMPS = "no phone has a lamp"
_SUBSCRIPTIONS = "no phone can subscribe to a lamp, or have a BLF key"
_KEYS = "no phone has a BLF key of a mailbox"
_PRESENCE = re.compile(r'name="manage-presence"\s+value="([^"]*)"')
_PUBLISHED = "Publish, and start the switch with what is published."


@dataclass(frozen=True, slots=True, kw_only=True)
class _Lack:
    """Something that the switch does not have, what phones do without, and what to do."""

    what: str
    without: str
    remedy: str


def _module(name: str, without: str, also: str = "") -> _Lack:
    remedy = f"Install {name}.so, load it in modules.conf{also}, and start Asterisk again."
    return _Lack(what=f"{name} is not loaded", without=without, remedy=remedy)


_MODULES = {
    "app_minivm": _module("app_minivm", _LAMPS, " with a minivm.conf, which may be empty"),
    "res_pjsip_pubsub": _module("res_pjsip_pubsub", _SUBSCRIPTIONS),
    "res_pjsip_mwi": _module("res_pjsip_mwi", _LAMPS),
    "res_pjsip_mwi_body_generator": _module("res_pjsip_mwi_body_generator", _LAMPS),
    "res_mwi_devstate": _module("res_mwi_devstate", _KEYS),
    "res_pjsip_exten_state": _module("res_pjsip_exten_state", _KEYS),
    "res_pjsip_dialog_info_body_generator": _module("res_pjsip_dialog_info_body_generator", _KEYS),
}
_OUR_PHONES = {"func_db": _module("func_db", "no phone can subscribe to the lamp of a number")}
_CONTEXT = _Lack(what="the dialplan lacks cp-lamps", without=_LAMPS, remedy="Run `controlplane publish`.")


async def check_lamps(settings: Settings) -> list[Finding]:
    """The switch tells phones of messages, and answers their BLF keys."""
    try:
        match settings.switch:
            case "none":
                return []
            case "freeswitch":
                lacks = await _freeswitch(settings)
            case "asterisk":
                lacks = await _asterisk(settings)
    except SwitchUnavailable as error:
        return [Finding(subject="lamps", found=str(error), remedy="See the findings above.")]
    if not lacks:
        return [Finding(subject="lamps", found="the switch has what they need")]
    if settings.sip.phones:
        return [
            Finding(subject="lamps", found=f"{lack.what}: {lack.without}", remedy=lack.remedy)
            for lack in lacks
        ]
    # Who keeps the switch that he has may do without.
    told = "; ".join(f"{lack.what}: {lack.without}" for lack in lacks)
    return [Finding(subject="lamps", found=f"{told}. docs/lamps.md says what they need")]


async def _asterisk(settings: Settings) -> list[_Lack]:
    manager = settings.manager
    modules = _MODULES | (_OUR_PHONES if settings.sip.phones else {})
    async with AmiClient.connected(
        manager.host,
        manager.port,
        username=manager.username,
        secret=manager.secret.get_secret_value(),
        events="off",
        seconds=_SECONDS,
    ) as client:
        lacks = [
            lack
            for name, lack in modules.items()
            if not await agrees(client.action("ModuleCheck", Module=name))
        ]
        if not await agrees(client.list_action("ShowDialPlan", Context="cp-lamps")):
            lacks.append(_CONTEXT)
    return lacks


async def _freeswitch(settings: Settings) -> list[_Lack]:
    """FreeSWITCH tells of lamps by mod_sofia, whose profile says whether phones may watch anything."""
    log_in = log_in_of(settings, EventSocketUser.DOCTOR)
    async with InboundClient.connected(
        settings.event_socket.host,
        settings.event_socket.port,
        user=log_in.user,
        password=log_in.password,
        seconds=_SECONDS,
    ) as client:
        if await client.api("module_exists mod_sofia") != "true":
            remedy = "Load it in modules.conf.xml."
            return [_Lack(what="mod_sofia is not loaded", without=_LAMPS, remedy=remedy)]
        profiles = await client.api("xml_locate configuration configuration name sofia.conf")
    kept = {value.lower() for value in _PRESENCE.findall(profiles)}
    if kept & {"true", "yes", "on", "1"}:
        return []
    remedy = _PUBLISHED if settings.sip.phones else ""
    if "passive" in kept:
        what = "manage-presence of the SIP profile is passive"
        return [_Lack(what=what, without=_KEYS, remedy=remedy)]
    return [_Lack(what="no SIP profile has manage-presence", without=_SUBSCRIPTIONS, remedy=remedy)]
