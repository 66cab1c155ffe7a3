"""A whole `up`: what it tells, what it mends by itself, and that nothing of it is left."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from controlplane.supervisor.instance import Instance
from controlplane.supervisor.leftovers import start_time
from tests.support.processes import open_folder, processes_of

# One instance serves the tests of this file: they stay with one worker.
pytestmark = pytest.mark.xdist_group("up-life")

NAMES = {"postgres", "switch", "calls", "events", "jobs", "web"}


@pytest.fixture(scope="module")
def instance() -> Iterator[Instance]:
    """Run an instance below a long path."""
    with open_folder() as folder:
        made = Instance(folder / ("long-name-" * 12) / "state")
        made.start()
        yield made
        made.stop()


@pytest.fixture
def place() -> Iterator[Path]:
    """Return a folder for an instance of one test's own."""
    with open_folder() as folder:
        yield folder


def until(fact: Callable[[], Any], *, seconds: float) -> Any:
    """Return the fact as soon as it is one."""
    deadline = time.monotonic() + seconds
    while not (found := fact()):
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.05)
    return found


def controlplane(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command."""
    return subprocess.run(
        [sys.executable, "-m", "controlplane.entrypoints.cli", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def ask(ready: dict[str, Any], path: str) -> Any:
    """Ask the REST API with the token that was made."""
    token = Path(ready["token_file"]).read_text().strip()
    request = urllib.request.Request(ready["api_url"] + path, headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def replaced(instance: Instance, name: str, number: signal.Signals, *, seconds: float) -> tuple[int, int]:
    """Send a signal to a process and wait for another one; returns both ids."""
    before = instance.ready["pids"][name]
    os.kill(before, number)
    return before, until(
        lambda: pid if (pid := instance.ready["pids"][name]) != before else None, seconds=seconds
    )


def healthy(instance: Instance) -> bool:
    """Ask the doctor."""
    return controlplane("doctor", "--state-dir", str(instance.state_dir)).returncode == 0


def test_ready_names_every_process(instance: Instance) -> None:
    """`ready.json` has the id of each process, and each one runs."""
    pids = instance.ready["pids"]

    assert set(pids) == NAMES
    assert [] == [name for name, pid in pids.items() if start_time(pid) is None]


def test_ready_is_private(instance: Instance) -> None:
    """It holds a PIN and passwords: mode 0600, and so is the file of settings."""
    modes = {
        stat.S_IMODE((instance.state_dir / name).stat().st_mode) for name in ("ready.json", "environment")
    }

    assert modes == {0o600}


def test_ready_has_what_a_first_call_needs(instance: Instance) -> None:
    """The address to dial, the PIN, two log-ins, and where mail is captured."""
    ready = instance.ready
    numbers = [each["number"] for each in ready["extensions"] if len(each["sip_password"]) >= 8]

    assert ready["sip_uri"].startswith("sip:8001@127.0.0.1:")
    assert (6, ["101", "102"]) == (len(ready["mailbox"]["pin"]), numbers)
    assert Path(ready["mail_dir"]).is_dir()


def test_the_same_is_told_to_people(instance: Instance) -> None:
    """What was printed has the address, the PIN and how to stop."""
    ready, told = instance.ready, instance.log.read_text()

    assert [] == [text for text in (ready["sip_uri"], ready["mailbox"]["pin"], "Ctrl-C") if text not in told]


def test_the_link_opens_the_portal(instance: Instance) -> None:
    """It is printed too, and leads to the form by which the first admin makes an account."""
    link = instance.ready["portal_link"]
    with urllib.request.urlopen(link, timeout=10) as answer:
        page = answer.read().decode()

    assert link.startswith(f"{instance.ready['portal_url']}portal/link/")
    assert (True, True) == (link in instance.log.read_text(), "<title>Welcome" in page)


def test_the_token_opens_the_api(instance: Instance) -> None:
    """A system token was made, and the mailbox is there."""
    assert ask(instance.ready, "/mailboxes/8001")["number"] == "8001"


def test_the_greeting_is_there(instance: Instance) -> None:
    """The first caller hears the mailbox's own greeting."""
    greetings = list(Path(instance.ready["configuration_dir"]).glob("greetings/*.wav"))

    assert len(greetings) == 1


def test_the_doctor_finds_nothing(instance: Instance) -> None:
    """Every check of a fresh instance passes."""
    done = controlplane("doctor", "--state-dir", str(instance.state_dir))

    assert (0, "") == (done.returncode, "".join(line for line in done.stdout.splitlines() if "WRONG" in line))


def test_a_second_up_is_refused(instance: Instance) -> None:
    """The first one goes on."""
    done = controlplane("up", "--state-dir", str(instance.state_dir))

    assert (2, True) == (done.returncode, (instance.state_dir / "ready.json").exists())


@pytest.mark.parametrize("name", ["calls", "events", "jobs", "web", "switch", "postgres"])
def test_a_killed_process_is_replaced(instance: Instance, name: str) -> None:
    """`ready.json` has the new one, and the instance is healthy again."""
    before, after = replaced(instance, name, signal.SIGKILL, seconds=60)
    until(lambda: healthy(instance), seconds=30)

    assert (None, True) == (start_time(before), start_time(after) is not None)


def test_a_hung_calls_is_replaced(instance: Instance) -> None:
    """It is silent for too long and is killed; a caller's dialplan goes on by itself then."""
    before, _ = replaced(instance, "calls", signal.SIGSTOP, seconds=30)

    assert start_time(before) is None
    assert "reason=silent socket=calls.notify" in instance.log.read_text()


def test_the_doctor_finds_a_stopped_switch(instance: Instance) -> None:
    """A switch that does not answer is found, with what to do; exit code 1."""
    pid = instance.ready["pids"]["switch"]
    os.kill(pid, signal.SIGSTOP)
    done = controlplane("doctor", "--state-dir", str(instance.state_dir))
    os.kill(pid, signal.SIGCONT)

    assert (1, True) == (done.returncode, "WRONG  Asterisk" in done.stdout)


def test_an_instance_comes_back_as_it_was(place: Path) -> None:
    """It ends in time and leaves nothing; the second start has the same PIN, log-ins, ports, a new link."""
    instance = Instance(place / "state")
    instance.start()
    first = instance.ready
    code = instance.stop()
    left = processes_of(place)
    told = (place / "state" / "ready.json").exists()
    instance.start()
    second = instance.ready
    instance.stop()

    # It would be -9 had it not ended in time.
    assert (0, [], False) == (code, left, told)
    assert first.pop("portal_link") != second.pop("portal_link")
    assert {**first, "pids": {}} == {**second, "pids": {}}


def test_a_killed_instance_leaves_nothing_and_comes_back(place: Path) -> None:
    """`kill -9` of `up` ends all its processes; the next start works on what is left behind."""
    instance = Instance(place / "state")
    instance.start()
    instance.stop(end=signal.SIGKILL)
    until(lambda: not processes_of(place), seconds=5)
    instance.start()
    found = ask(instance.ready, "/mailboxes/8001")["number"]
    instance.stop()

    assert found == "8001"


def test_a_second_signal_ends_at_once(place: Path) -> None:
    """Ctrl-C again, half a second later: nothing is left, whatever still wanted to end in order."""
    instance = Instance(place / "state")
    instance.start()
    os.kill(instance.ready["pids"]["web"], signal.SIGSTOP)
    os.kill(instance.pid, signal.SIGINT)
    until(lambda: "Stopping" in instance.log.read_text(), seconds=5)

    def ended_after_one_more() -> bool:
        os.kill(instance.pid, signal.SIGINT)
        return start_time(instance.pid) is None

    until(ended_after_one_more, seconds=3)
    until(lambda: not processes_of(place), seconds=2)
    code = instance.stop()

    assert code == 130


def test_up_runs_without_a_switch(place: Path) -> None:
    """`--switch none`: the API works, and nothing is told of phones."""
    instance = Instance(place / "state")
    instance.start("--switch", "none")
    ready = instance.ready
    found = ask(ready, "/mailboxes/8001")["number"]
    instance.stop()

    assert ("8001", None, NAMES - {"switch", "events"}) == (found, ready["sip_uri"], set(ready["pids"]))
