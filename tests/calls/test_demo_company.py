"""`controlplane demo company` at a running `up`: refused, asked for, done, and then called as it says."""

from __future__ import annotations

import asyncio
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.support.processes import open_folder
from tests.support.product import Product, need_phone, until

MADE = {"6000", "6100", "6200", "8101", "8102", "103", "104"}


@pytest.fixture
def fresh(switch: str) -> Iterator[Product]:
    """Run a product as `up` makes it: the numbers of the company are those of its example."""
    need_phone()
    with open_folder() as folder:
        running = Product.start(folder / "state", switch=switch)
        yield running

        assert running.instance.stop() == 0, running.instance.last_words()


async def controlplane(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command where nobody can be asked."""
    command = [sys.executable, "-m", "controlplane.entrypoints.cli", *arguments]
    return await asyncio.to_thread(
        subprocess.run, command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )


async def numbers(product: Product) -> set[str]:
    """Return what can be dialled."""
    async with product.api() as api:
        listed = (await api.get("/destinations", params={"limit": "100"})).json()["items"]
    return {one["number"] for one in listed}


async def test_the_company_is_made_and_answers_the_call_that_is_told(fresh: Product) -> None:
    """Nothing is done unasked, then all of it.

    The line that is printed for a call from outside leaves a message in the shared mailbox by key 5.
    """
    demo = ("demo", "company", "--state-dir", str(fresh.instance.state_dir))
    before = await numbers(fresh)
    unasked = await controlplane(*demo)
    after = await numbers(fresh)
    done = await controlplane(*demo, "--yes")

    assert (2, before) == (unasked.returncode, after)
    assert "say --yes, or --dry-run" in unasked.stderr
    assert 0 == done.returncode, done.stderr
    assert before | MADE == await numbers(fresh)
    message = await message_of_the_call(fresh, told(done.stdout))
    assert ("493023125100", "direct", [("virtual-receptionist", "6000", "5")]) == (
        message["reached_by"]["did"],
        message["reached_by"]["reason"],
        [(step["kind"], step["number"], step["key"]) for step in message["reached_by"]["path"]],
    )


def told(printed: str) -> list[str]:
    """Return the arguments of the command that is told for a call from outside."""
    (line,) = re.findall(r"^From outside: controlplane (phone .+)$", printed, re.MULTILINE)
    return shlex.split(line)


async def message_of_the_call(product: Product, arguments: list[str]) -> dict[str, Any]:
    """Open the office, whatever day it is, do what was told, and return the message that it left."""
    async with product.api() as api:
        answer = await api.patch("/office-hours/default", json={"week": None, "holidays": []})
        assert 200 == answer.status_code, answer.text
    days = Path(product.ready["configuration_dir"]) / "hours" / answer.json()["id"]
    await until(lambda: is_open(days), "the switch is told that the office is open", seconds=60)
    called = await controlplane(*arguments)
    assert 0 == called.returncode, called.stdout + called.stderr
    # For who reads of a failure: what was done, and what was heard.
    sys.stdout.write(called.stdout)
    (message,) = await product.wait_for_messages("8001", 1)
    return message


def is_open(days: Path) -> bool:
    """Say whether the files of office hours have nothing but open minutes today and tomorrow."""
    today = datetime.now(UTC).date()
    files = [days / f"{day:%Y%m%d}" for day in (today, today + timedelta(days=1))]
    return all(path.is_file() and set(path.read_text()) == {"0"} for path in files)
