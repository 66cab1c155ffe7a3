"""Call forward rules by real calls to the whole product."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.support.product import Product, until


async def give(product: Product, number: str, rules: dict[str, Any], lines: str) -> None:
    """Set the rules of an extension, and wait until the switch reads these lines of its plan, or no plan."""
    async with product.api() as api:
        answer = await api.put(f"/extensions/{number}/rules", json=rules)
    assert 200 == answer.status_code, answer.text
    routes = Path(product.ready["configuration_dir"]) / "routes"
    (file,) = routes.glob(f"*/{number[-2:]}/{number}")

    def is_read() -> bool:
        plan = "".join(file.read_text().splitlines(keepends=True)[2:])
        return lines in plan if lines else not plan

    await until(is_read, f"the plan of {number}")


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
