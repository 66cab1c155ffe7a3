"""The example company by real calls: examples/company.yaml, applied as `controlplane apply` does.

Its numbers are others here, because the tests of a worker share an instance; its phones ring for a shorter
time, and the office is open whenever the tests run.
"""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from controlplane.callflows.prompts import Greeting, Prompt
from tests.support.product import Product, until, until_told
from tests.support.ringing_phone import RingingPhone

RING_SECONDS, QUEUE_SECONDS = 5, 15
TEAM = "Example Company"
IN_SALES = "Nobody in Sales can take your call now. Please leave a message after the tone."
IN_IT = "Nobody in I T can take your call now. Please leave a message after the tone."
HOURS = "/office-hours/default"


class Company:
    """The company and its numbers, by those that the file has."""

    def __init__(self, box: str) -> None:
        end = box[1:]
        self.box = box
        self.did = f"49302312{box}"
        self.numbers = {
            "8001": box,
            "+493023125100": f"+{self.did}",
            "8101": f"81{end}",
            "8102": f"82{end}",
            **{number: f"{number[:2]}{end}" for number in ("6000", "6100", "6200")},
            **{number: f"{number[0]}{number[2]}{end}" for number in ("101", "102", "103", "104")},
        }
        self.passwords: dict[str, str] = {}
        self.greeting = Path()

    def __getitem__(self, number: str) -> str:
        return self.numbers[number]

    def file(self, root: Path) -> str:
        """Return the example with these numbers and short times."""
        text = (root / "examples/company.yaml").read_text()
        text = re.sub(r'"(\+?[0-9]{3,})"', lambda found: f'"{self[found[1]]}"', text)
        for written, here in (
            ("team@example.com", f"{self.box}@example.org"),
            ("name: main-number", f"name: main-{self.box}"),
            (
                "ring_seconds: 20\n    total_seconds: 20",
                f"ring_seconds: 5\n    total_seconds: {RING_SECONDS}",
            ),
            ("max_wait_seconds: 60", f"max_wait_seconds: {QUEUE_SECONDS}"),
        ):
            assert written in text, written
            text = text.replace(written, here)
        return re.sub(r"    week:\n.*?\n\n", "\n", text, count=1, flags=re.DOTALL)


def _apply(product: Product, text: str) -> str:
    command = [sys.executable, "-m", "controlplane.entrypoints.cli", "apply", "-", "--yes"]
    state = ["--state-dir", str(product.instance.state_dir)]
    done = subprocess.run([*command, *state], input=text, capture_output=True, text=True, check=False)
    assert 0 == done.returncode, done.stderr
    return done.stdout


@pytest.fixture
async def company(product: Product, root: Path) -> AsyncIterator[Company]:
    """Found the company on a mailbox that is there; phones of Sales and IT ring, and nobody takes them up."""
    there = Company(await product.mailbox(display_name="Sales"))
    said = await asyncio.to_thread(_apply, product, there.file(root))
    there.passwords = dict(re.findall(r"extension ([0-9]+): sip_password (\S+)", said))
    async with product.api() as api:
        hours = (await api.get(HOURS)).json()
        main = (await api.get(f"/virtual-receptionists/{there['6000']}")).json()
    assert (None, []) == (hours["week"], hours["holidays"])
    there.greeting = Path(product.ready["configuration_dir"]) / "greetings" / f"{main['id']}.wav"
    await until(there.greeting.exists, "the greeting of the receptionist", seconds=60)
    for text in (None, IN_SALES, IN_IT):
        greeting = Greeting(display_name=TEAM, text=text)
        await until(partial(_is_spoken, product, greeting), f"the greeting {text}", seconds=60)
    async with RingingPhone(product.sip).opened() as phone:
        for number in (there["101"], there["102"]):
            registers = partial(_registers, phone, number, there.passwords[number])
            await until_told(registers, f"the account of {number}", seconds=60)
        await product.wait_until_published()
        yield there
    async with product.api() as api:
        await api.delete(HOURS)


def _is_spoken(product: Product, greeting: Greeting) -> bool:
    return bool(product.prompts.files(greeting, "en"))


async def _registers(phone: RingingPhone, number: str, password: str) -> bool:
    return 200 == await phone.register(number, password)


async def _left(
    product: Product, company: Company, key: str, heard: Greeting, wav: Path, *, seconds: int
) -> dict[str, Any]:
    """Call the main number, press a key, leave a message after the greeting; return how it was reached."""
    async with product.phone() as phone:
        call = await phone.dial(company.did)
        await call.expect_sound(company.greeting, "the greeting of the receptionist")
        await call.press(key)
        await call.expect_to_hear(heard, seconds=seconds + 20)
        await call.expect_beep()
        await call.say(wav)
        await call.press("#")
        await call.expect_to_hear(Prompt.MESSAGE_SENT)
    (message,) = await product.wait_for_messages(company.box, 1)
    reached: dict[str, Any] = message["reached_by"]
    return reached


def _steps(reached: dict[str, Any]) -> list[tuple[str, str, str | None, str]]:
    return [(step["kind"], step["number"], step["key"], step["reason"]) for step in reached["path"]]


async def test_nobody_in_sales_answers_and_the_message_says_its_way(
    product: Product, company: Company, message_wav: Path
) -> None:
    """Main number, receptionist, key 1, Sales rings out, the shared mailbox: over REST and in the mail."""
    heard = Greeting(display_name=TEAM, text=IN_SALES)
    reached = await _left(product, company, "1", heard, message_wav, seconds=RING_SECONDS)

    assert (company.did, "no_answer") == (reached["did"], reached["reason"])
    assert [
        ("virtual-receptionist", company["6000"], "1", "direct"),
        ("ring-group", company["6100"], None, "no_answer"),
    ] == _steps(reached)
    assert RING_SECONDS - 1 <= reached["path"][1]["waited_seconds"] <= RING_SECONDS + 3
    mail = await product.wait_for_mail(company.box)
    body = mail.get_body(("plain",))
    assert body is not None
    assert f"ring group Sales ({company['6100']}), no answer" in str(body.get_content())


async def test_nobody_in_it_answers_and_the_caller_lands_in_the_same_mailbox(
    product: Product, company: Company, message_wav: Path
) -> None:
    """Key 3 waits in the queue of IT, whose phone rings, for as long as callers wait."""
    heard = Greeting(display_name=TEAM, text=IN_IT)
    reached = await _left(product, company, "3", heard, message_wav, seconds=QUEUE_SECONDS)

    assert (company.did, "queue_timeout") == (reached["did"], reached["reason"])
    assert [
        ("virtual-receptionist", company["6000"], "3", "direct"),
        ("call-queue", company["6200"], None, "queue_timeout"),
    ] == _steps(reached)
    assert QUEUE_SECONDS - 2 <= reached["path"][1]["waited_seconds"] <= QUEUE_SECONDS + 5


async def test_key_5_leads_to_the_mailbox_at_once(
    product: Product, company: Company, message_wav: Path
) -> None:
    """Who wants to leave a message need not wait for anybody."""
    reached = await _left(product, company, "5", Greeting(display_name=TEAM), message_wav, seconds=0)

    assert (company.did, "direct", ["5"]) == (
        reached["did"],
        reached["reason"],
        [step["key"] for step in reached["path"]],
    )


async def test_outside_office_hours_callers_meet_the_mailbox(
    product: Product, company: Company, message_wav: Path
) -> None:
    """The main number asks nobody for a key then."""
    async with product.api() as api:
        hours = (await api.patch(HOURS, json={"closed_now": True})).json()
    marker = product.instance.state_dir / "configuration" / "hours" / hours["id"] / "closed"
    await until(marker.exists, "the switch is told that it is closed")
    async with product.phone() as phone:
        call = await phone.dial(company.did)
        await call.expect_to_hear(Greeting(display_name=TEAM))
        await call.expect_beep()
        await call.say(message_wav)
        await call.hang_up()
    (message,) = await product.wait_for_messages(company.box, 1)
    reached = message["reached_by"]

    assert (company.did, "closed") == (reached["did"], reached["reason"])
    assert [("inbound-rule", "", None, "closed")] == _steps(reached)
