"""Call forward rules by real calls to the whole product."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from controlplane.callflows.prompts import Greeting, Prompt
from tests.support.product import Product, until


async def give(product: Product, number: str, rules: dict[str, Any], lines: str) -> None:
    """Set the rules of an extension, and wait until the switch reads these lines of its plan, or no plan."""
    async with product.api() as api:
        answer = await api.put(f"/extensions/{number}/rules", json=rules)
    assert 200 == answer.status_code, answer.text
    await plan_has(product, number, lines)


async def plan_has(product: Product, number: str, lines: str) -> None:
    """Wait until the switch reads these lines of an extension's plan, or no plan."""
    routes = Path(product.ready["configuration_dir"]) / "routes"
    (file,) = routes.glob(f"*/{number[-2:]}/{number}")

    def is_read() -> bool:
        plan = "".join(file.read_text().splitlines(keepends=True)[2:])
        return lines in plan if lines else not plan

    await until(is_read, f"the plan of {number}")


def to(number: str) -> dict[str, Any]:
    """Return a rule that leads to a number at all hours."""
    return {"office_hours": {"action": "forward_to_number", "number": number}}


async def test_a_call_to_an_extension_lands_in_its_own_mailbox(product: Product, message_wav: Path) -> None:
    """Set over REST, met by the next call: nobody is registered, and the message says how it got there."""
    box = await product.mailbox()
    rule = {"office_hours": {"action": "forward_to_voicemail"}}
    await give(product, "102", {"mailbox": box, "not_registered": rule}, f"{box}\n{box}\n{box}\n")
    async with product.phone("101") as phone:
        call = await phone.dial("102")
        await call.expect_beep()
        await call.say(message_wav)
        await call.hang_up()
    (message,) = await product.wait_for_messages(box, 1)
    await give(product, "102", {}, "")

    step = {
        "kind": "extension",
        "number": "102",
        "key": None,
        "reason": "not_registered",
        "waited_seconds": None,
    }
    assert ("101", "not_registered", [step]) == (
        message["caller_number"],
        message["reached_by"]["reason"],
        message["reached_by"]["path"],
    )


async def test_a_phone_that_left_is_not_rung(product: Product) -> None:
    """It takes its registration back when it goes, so that a call to it finds nobody, and at once."""
    async with product.phone("102"):
        pass
    async with product.phone("101") as phone:
        call = await phone.dial("102", answered=False)

        assert 480 == await call.expect_the_end()


async def test_who_wants_no_calls_sends_them_where_busy_ones_go_or_elsewhere(
    product: Product, speech: Callable[[str], Path]
) -> None:
    """Switched on by phone: callers land where the busy rule leads; with a destination of its own, there.

    The phone does not ring, and either way the message says busy.
    """
    words = speech("Please call me back.")
    boxes = [await product.mailbox(display_name=name) for name in ("Backup", "Quiet")]
    rules = {"busy": to(boxes[0])}
    messages = []
    async with product.phone("102") as callee, product.phone("101") as phone:
        await give(product, "102", rules, f"{boxes[0]}\n" * 3)
        code = await callee.dial("*78")
        await code.expect_to_hear(Prompt.DO_NOT_DISTURB_ON)
        await code.expect_the_end()
        # Do not disturb, where calls go then, and where busy ones go, each at three kinds of hours.
        await plan_has(product, "102", "1\n" + f"{boxes[0]}\n" * 6)
        for box, name in zip(boxes, ("Backup", "Quiet"), strict=True):
            call = await phone.dial("102")
            await call.expect_to_hear(Greeting(display_name=name))
            await call.expect_beep()
            await call.say(words)
            await call.hang_up()
            messages += await product.wait_for_messages(box, 1)
            elsewhere = {"do_not_disturb": True, "do_not_disturb_destination": to(boxes[1])}
            await give(product, "102", rules | elsewhere, "1\n" + f"{boxes[1]}\n" * 3)
        rang = callee.phone._incoming
    await give(product, "102", {}, "")

    assert [("busy", [("extension", "102", "busy")])] * 2 == [
        (
            message["reached_by"]["reason"],
            [(step["kind"], step["number"], step["reason"]) for step in message["reached_by"]["path"]],
        )
        for message in messages
    ]
    assert [] == rang
