"""The scenario that SIPp is given, and what is read from its log."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from tests.bench.sipp import Callers, Load, Times, command, read_log, scenario

pytestmark = pytest.mark.unit

CALLERS = Callers(
    number="8100", prefix="4930", calls=40, rate=20.0, seconds=6.5, speech=Path("/tmp/speech.ulaw")
)
LOG = """\
answered 1 2026-11-25\t22:40:53.410582\t1795646453.410582
Warning: something that SIPp says 2 7
answered 2 2026-11-25\t22:40:53.460000\t1795646453.460000
hung-up 1 2026-11-25\t22:40:59.910582\t1795646459.910582
"""


def test_scenario_calls_speaks_and_hangs_up() -> None:
    """The caller sends INVITE, ACK and BYE, speaks the file, and stays for as long as was said."""
    root = ET.fromstring(scenario(CALLERS))
    sent = [(send.text or "").split()[0] for send in root.iter("send")]
    streams = [each.get("rtp_stream") for each in root.iter("exec")]
    pauses = [each.get("milliseconds") for each in root.iter("pause")]

    assert (["INVITE", "ACK", "BYE"], ["/tmp/speech.ulaw,-1,0"], ["6500"]) == (sent, streams, pauses)


def test_scenario_notes_the_hangup_right_before_the_bye() -> None:
    """Nothing lies between the note of the time and the BYE."""
    names = [(each.tag, (each.text or "").split()[:1]) for each in ET.fromstring(scenario(CALLERS))]

    at = names.index(("send", ["BYE"]))
    assert "nop" == names[at - 1][0]


def test_each_caller_shows_a_number_of_its_own() -> None:
    """The caller's number is the prefix and the number of the call."""
    assert "From: <sip:4930[call_number]@" in scenario(CALLERS)


def test_log_tells_the_times_of_each_call() -> None:
    """Times are those since 1970; a call that did not get so far has none."""
    assert {
        "49301": Times(answered=1795646453.410582, hung_up=1795646459.910582),
        "49302": Times(answered=1795646453.46),
    } == read_log(LOG, "4930")


def test_only_answered_calls_count_as_hung_up() -> None:
    """A call whose answer was never seen left no message that could be missed."""
    load = Load(
        times={"1": Times(answered=1.0, hung_up=2.0), "2": Times(hung_up=2.0), "3": Times(answered=1.0)},
        exit_code=0,
        cpu_seconds=0.0,
    )

    assert {"1": 2.0} == load.hung_up


def test_sipp_makes_so_many_calls_at_that_rate() -> None:
    """Calls, their rate, the most at once and the ports stand in the command."""
    words = command(CALLERS, ("127.0.0.1", 5060), Path("/tmp/x"), sip_port=5070, rtp_port=63000)
    options = dict(zip(words[2::2], words[3::2], strict=False))

    assert ("127.0.0.1:5060", "40", "20.0", "40", "5070", "63000") == (
        words[1],
        *(options[name] for name in ("-m", "-r", "-l", "-p", "-mp")),
    )
