"""Faults that are put into the rendered dialplan of a rig, and calls that show them.

Each is a few replacements in one file, each of text that is there once: a template that changes fails loudly.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from tests.support.random_routing import CALLERS
from tests.support.rig import Rig
from tests.support.short_routings import Case, case, extension

Change = tuple[str, Sequence[tuple[str, str]]]
"""A file, and what stands in it instead of what."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What is changed on each switch, a call that meets it, and how its difference begins."""

    asterisk: Change
    freeswitch: Change
    case: Case
    shows: str


@asynccontextmanager
async def seeded(rig: Rig, fault: Fault) -> AsyncIterator[None]:
    """Let the switch run with a fault while the block runs."""
    name, changes = fault.asterisk if rig.switch == "asterisk" else fault.freeswitch
    path = rig.home / "configuration/live" / rig.switch / name
    sound = path.read_text()
    faulty = sound
    for before, after in changes:
        assert 1 == faulty.count(before), before
        faulty = faulty.replace(before, after)
    path.write_text(faulty)
    try:
        await _read_again(rig)
        yield
    finally:
        path.write_text(sound)
        await _read_again(rig)


async def _read_again(rig: Rig) -> None:
    # FreeSWITCH reads a script each time that it runs.
    if rig.switch == "asterisk":
        assert "reloaded" in await rig.ask("dialplan reload")


_DECLINES = {"states": {"101": "declined"}}

FAULTS = {
    "busy and no answer swapped": Fault(
        asterisk=(
            "extensions.conf",
            [
                ('"${DIALSTATUS}" = "BUSY"]?busy:', '"${DIALSTATUS}" = "NOANSWER"]?busy:'),
                ('"${DIALSTATUS}" = "NOANSWER"]?no_answer:', '"${DIALSTATUS}" = "BUSY"]?no_answer:'),
            ],
        ),
        freeswitch=(
            "cp_phones.lua",
            [
                ('ALLOTTED_TIMEOUT = "no_answer"', 'ALLOTTED_TIMEOUT = "busy"'),
                ('USER_BUSY = "busy"', 'USER_BUSY = "no_answer"'),
            ],
        ),
        case=case(
            "101", {"states": {"101": "busy"}}, n101=extension(busy=["hangup"] * 3, no_answer=["102"] * 3)
        ),
        shows="way without seconds",
    ),
    "holidays ignored": Fault(
        asterisk=("extensions.conf", [("FILTER(0-2,${FILE(", "FILTER(0-1,${FILE(")]),
        freeswitch=("cp_routing.lua", [('digit:match("^[012]$")', 'digit:match("^[01]$")')]),
        case=case("101", {"hours": 2}, n101=extension(always=["102", "102", "hangup"])),
        shows="numbers met",
    ),
    "a second too many": Fault(
        asterisk=(
            "extensions.conf",
            [("Dial(${CP_PHONES},${CP_SECONDS})", "Dial(${CP_PHONES},$[${CP_SECONDS} + 1])")],
        ),
        freeswitch=(
            "cp_phones.lua",
            [
                (
                    "function M.ringing(legs, seconds)\n",
                    "function M.ringing(legs, seconds)\n  seconds = seconds + 1\n",
                )
            ],
        ),
        case=case("101", {"states": {"101": "unanswered"}}, n101=extension(seconds=1)),
        shows="101 rang for",
    ),
    "do not disturb before an exception": Fault(
        asterisk=(
            "extensions.conf",
            [('GotoIf($["${CP_NEXT}" = "ring"]?phones,1)', 'GotoIf($["${CP_NEXT}" = "ring"]?always)')],
        ),
        freeswitch=(
            "cp_extension.lua",
            [
                (
                    'elseif excepted == "" and plan.do_not_disturb == "1" then',
                    'elseif plan.do_not_disturb == "1" then',
                )
            ],
        ),
        case=case(
            "101",
            _DECLINES,
            n101=extension(
                exceptions=[(CALLERS[0], "a", "ring")],
                always=["102"] * 3,
                dnd=True,
                dnd_to=["102"] * 3,
                busy=["hangup"] * 3,
            ),
        ),
        shows="way without seconds",
    ),
    "hops not counted": Fault(
        asterisk=("extensions.conf", [("Set(__CP_HOPS=$[0${CP_HOPS} + 1])", "Set(__CP_HOPS=1)")]),
        freeswitch=(
            "cp_route.lua",
            [('routing.set("cp_hops", tostring(hops))', 'routing.set("cp_hops", "0")')],
        ),
        case=case("101", {}, n101=extension(always=["102"] * 3), n102=extension(always=["101"] * 3)),
        shows="numbers met",
    ),
}
