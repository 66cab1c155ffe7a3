"""What a round of the soak finds: each kind of loss, doubling and wrong mail is told."""

from __future__ import annotations

import dataclasses
import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from tests.soak import round as rounds
from tests.soak.stepped_clock import SteppedClock
from tests.soak.traffic import Left, Moment
from tests.soak.troubles import TROUBLES, Need

ONE = "11111111-1111-4111-8111-111111111111"
TWO = "22222222-2222-4222-8222-222222222222"
PLAN = rounds.plan(0, has=frozenset())
LEFT = Left(caller="5501", seconds=4.0, finished=True)


def _message(id_: str = ONE, caller: str = "5501", duration_ms: int = 4000) -> dict[str, Any]:
    return {"id": id_, "caller_number": caller, "duration_ms": duration_ms, "state": "new"}


@pytest.mark.parametrize(
    ("messages", "found"),
    [
        ([_message()], []),
        ([], ["caller 5501 (finished): 0 messages"]),
        ([_message(), _message(TWO)], ["caller 5501 (finished): 2 messages"]),
        ([_message(duration_ms=1000)], ["caller 5501 spoke 4.0 s; recorded: 1.0 s"]),
        ([_message(duration_ms=9000)], ["caller 5501 spoke 4.0 s; recorded: 9.0 s"]),
        ([_message(), _message(TWO, "5502")], ["a message of 5502, who is nobody here"]),
    ],
)
def test_messages(messages: list[dict[str, Any]], found: list[str]) -> None:
    """Of who finished there is one, as long as was spoken, and there is no other."""
    assert found == rounds.wrong_messages([LEFT], messages, {"5501"})


@pytest.mark.parametrize(("count", "faults"), [(0, 0), (1, 0), (2, 1)])
def test_who_was_interrupted_may_be_missing_and_never_twice(count: int, faults: int) -> None:
    """Nobody promised a message to who was cut off; two would be one that is not theirs."""
    cut = Left(caller="5501", seconds=4.0, finished=False, told="cut off")
    messages = [_message(id_) for id_ in (ONE, TWO)[:count]]

    assert faults == len(rounds.wrong_messages([cut], messages, set()))


@pytest.mark.parametrize(
    ("taken", "found"),
    [
        ({f"<{ONE}.a@host>": 1}, []),
        ({f"<{ONE}.a@host>": 3}, []),
        ({}, [f"message {ONE} was not mailed"]),
        (
            {f"<{ONE}.a@host>": 1, f"<{ONE}.b@host>": 1},
            [f"message {ONE} was mailed under several Message-IDs"],
        ),
        ({f"<{ONE}.a@host>": 1, f"<{TWO}.a@host>": 1}, [f"a mail about no message: <{TWO}.a@host>"]),
        ({f"<{ONE}.a@host>": 1, "<hello@host>": 1}, ["a mail about no message: <hello@host>"]),
    ],
)
def test_mails(taken: dict[str, int], found: list[str]) -> None:
    """Each message has its mail; a second one must be known as the same."""
    assert found == rounds.wrong_mails(Counter(taken), [_message()])


def test_seed_is_a_plan() -> None:
    """The same seed is the same round; every trouble and every moment has its turn."""
    plans = [rounds.plan(seed, has=frozenset(Need)) for seed in range(200)]

    assert plans == [rounds.plan(seed, has=frozenset(Need)) for seed in range(200)]
    assert {each.name for each in TROUBLES} == {each.trouble.name for each in plans}
    assert set(Moment) == {each.moment for each in plans}


def test_no_disk_is_filled_where_there_is_no_small_one() -> None:
    """Another trouble takes its place."""
    assert not any(rounds.plan(seed, has=frozenset()).trouble.needs for seed in range(200))


@pytest.mark.parametrize(("cuts_calls", "found"), [(False, ["caller 5501: no beep"]), (True, [])])
def test_who_is_cut_off_notices_a_trouble(cuts_calls: bool, found: list[str]) -> None:
    """It is a fault unless the trouble is of that kind."""
    left = dataclasses.replace(LEFT, finished=False, told="no beep")

    assert found == rounds.cut_off([left, LEFT], dataclasses.replace(PLAN.trouble, cuts_calls=cuts_calls))


def test_clock_is_stepped_for_a_process_and_what_it_starts(tmp_path: Path) -> None:
    """The time of day moves, and the times of files with it; what was written before keeps its age."""
    if shutil.which("cc") is None:
        pytest.skip("There is no C compiler (`cc`).")
    clock = SteppedClock(tmp_path)
    old, new = tmp_path / "old", tmp_path / "new"
    old.touch()
    clock.step(3600)
    new.touch()
    program = (
        "import os, subprocess, sys, time;"
        "print(time.time(), *(os.stat(path).st_mtime for path in sys.argv[1:]));"
        "subprocess.run(['date', '+%s'], env={'PATH': os.defpath}, check=True)"
    )
    command = [sys.executable, "-c", program, str(old), str(new)]
    told = subprocess.run(
        command, env={**os.environ, **clock.environment}, capture_output=True, text=True, check=True
    )

    now, of_old, of_new, of_child = map(float, told.stdout.split())
    assert 3600 <= now - time.time() + 60 <= 3660
    assert 3600 <= of_new - of_old < 3660
    assert abs(of_child - now) < 60
