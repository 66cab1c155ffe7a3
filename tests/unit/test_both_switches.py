"""Every test of calls runs on both switches, but for those listed here with their reason."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

# The tests are collected once.
pytestmark = pytest.mark.xdist_group("both-switches")

SWITCHES = ("asterisk", "freeswitch")
WITHOUT_CALLS = {"unit", "contract", "integration", "bench", "support"}
_SWITCH = re.compile(rf"(?<=[\[-])({'|'.join(SWITCHES)})(?=[\]-])")

FACTS = "tests/freeswitch/test_freeswitch_facts.py"
# By the begin of a test's id. One of another tier, or one that is gone, fails.
ONLY_ONE = {
    "asterisk": {
        "tests/asterisk/test_asterisk_limit.py": (
            "Asterisk itself leaves a server that hangs in a call; FreeSWITCH goes on when the watchdog has"
            " ended `calls`, which test_calls_hangs shows on both"
        ),
        "tests/asterisk/test_asterisk_lines.py": "lines of AGI, which a newline in a number could forge",
        "tests/asterisk/test_asterisk_loading.py": "endpoints of PJSIP, and globals that a dialplan has once",
    },
    "freeswitch": {
        "tests/freeswitch/test_freeswitch_addresses.py": (
            "FreeSWITCH listens on the machine's own address alone: only another one can be told apart"
        ),
        "tests/freeswitch/test_freeswitch_hostile_configuration.py": (
            "XML, which one name could end; tests/unit/test_rendering_asterisk.py reads the lines of Asterisk"
        ),
        f"{FACTS}::test_pin_leaves_no_trace": (
            "FreeSWITCH makes events and variables of keys; Asterisk gives them to FastAGI alone"
        ),
        f"{FACTS}::test_half_a_pin_is_in_no_report_of_the_call": (
            "FreeSWITCH makes events and variables of keys; Asterisk gives them to FastAGI alone"
        ),
        f"{FACTS}::test_secret_leaves_the_channel": (
            "the secret is a channel variable; on Asterisk it is an argument of AGI()"
        ),
        f"{FACTS}::test_positions_and_recordings_are_the_same_for_every_codec": (
            "FreeSWITCH counts a position in samples of the channel; Asterisk says milliseconds"
        ),
        "tests/existing/test_existing_freeswitch.py": "`api-expansion`, and the stock users' dial string",
        "tests/freeswitch/test_event_socket_rights.py": "users of the event socket, and what each may say",
        "tests/freeswitch/test_freeswitch_contacts.py": (
            "brackets in an address, which Asterisk does not read at all"
        ),
        "tests/freeswitch/test_freeswitch_doctor.py": "its modules and settings, each found by `doctor`",
        "tests/freeswitch/test_freeswitch_publishing.py": "what it says of a file that it cannot read",
        "tests/freeswitch/test_freeswitch_tenants.py": "XML that a script makes out of a name",
        "tests/freeswitch/test_freeswitch_silence.py": (
            "Asterisk notices no silence where no audio comes (docs/existing-freeswitch.md, section 6)"
        ),
        f"{FACTS}::test_phone_that_suppresses_silence_is_recorded_whole": (
            "Asterisk records no gap that a phone does not send (docs/existing-freeswitch.md, section 6)"
        ),
        f"{FACTS}::test_broken_configuration_is_refused_and_the_old_one_stays": (
            "`reloadxml` says +OK to what it refused"
        ),
        f"{FACTS}::test_end_of_a_recording_is_told": (
            "RECORD_STOP; on Asterisk the end of the call is what `events` waits for"
        ),
        "tests/freeswitch/test_native_": (
            "mod_voicemail as the fall-back; Asterisk has the dialplan's own alone"
        ),
        "tests/freeswitch/test_up_freeswitch.py": (
            "FREESWITCH_PREFIX, and paths that `record` cannot name; tests/integration has it on Asterisk"
        ),
    },
}


def tier_of(test_id: str) -> str | None:
    """Return the switch on which a test runs: by its parameter, else by its folder."""
    found = _SWITCH.search(test_id)
    folder = Path(test_id).parts[1]
    return found[1] if found else folder if folder in SWITCHES else None


def has_calls(folder: Path) -> bool:
    """Tell whether tests of calls are in a folder."""
    return folder.name not in WITHOUT_CALLS and any(folder.glob("test_*.py"))


def without_switch(test_id: str) -> str:
    """Return what is left of an id when the switch is taken out."""
    return _SWITCH.sub("", test_id, count=1)


@pytest.fixture(scope="module")
def ids(root: Path) -> dict[str, set[str]]:
    """Collect the tests of each switch, whether or not this machine can run them."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "--collect-only", "-q", "-m", " or ".join(SWITCHES)),
            *(str(folder) for folder in sorted((root / "tests").glob("[a-z]*/")) if has_calls(folder)),
        ],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    collected = [line for line in done.stdout.splitlines() if "::" in line]
    return {switch: {each for each in collected if tier_of(each) == switch} for switch in SWITCHES}


def listed(switch: str, test_id: str) -> list[str]:
    """Return the entries that say why a test runs on this switch alone."""
    return [begin for begin in ONLY_ONE[switch] if test_id.startswith(begin)]


@pytest.mark.parametrize(("switch", "other"), [SWITCHES, SWITCHES[::-1]])
def test_each_test_runs_on_the_other_switch_too(ids: dict[str, set[str]], switch: str, other: str) -> None:
    """The ids are equal but for the switch in them; what is not has a reason in the list."""
    others = {without_switch(each) for each in ids[other]}
    alone = {each for each in ids[switch] if without_switch(each) not in others}

    assert len(ids[switch]) > 100
    assert set() == {each for each in alone if not listed(switch, each)}


@pytest.mark.parametrize("switch", SWITCHES)
def test_nothing_is_listed_in_vain(ids: dict[str, set[str]], switch: str) -> None:
    """Each entry of the list names tests that there are, and that run on this switch alone."""
    other = next(each for each in SWITCHES if each != switch)
    others = {without_switch(each) for each in ids[other]}
    needed = {
        begin for each in ids[switch] if without_switch(each) not in others for begin in listed(switch, each)
    }

    assert set(ONLY_ONE[switch]) == needed
