"""A backup of a running product, restored elsewhere and called: what was there is there, and it goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from controlplane.callflows.prompts import MessageCounts, Prompt
from controlplane.entrypoints.backup import back_up, restore
from tests.support.processes import open_folder
from tests.support.product import PIN, Product, until
from tests.support.raw_sip import RawPhone, leave_as
from tests.support.takes import facts_for, leave_take


@pytest.fixture
def elsewhere() -> Iterator[Path]:
    """Return a folder for the backup and what is restored from it."""
    with open_folder() as folder:
        yield folder


@pytest.mark.timeout(240)
async def test_restored_product_takes_calls(
    product: Product, switch: str, elsewhere: Path, message_wav: Path
) -> None:
    """Its phones register, a lamp shows old and new messages, and an old recording is heard."""
    box = await product.mailbox()
    async with product.api() as api:
        mailbox = (await api.get(f"/mailboxes/{box}")).json()
    leave_take(product.instance.state_dir / "spool", facts_for(UUID(mailbox["id"])), recording=message_wav)
    (old,) = await product.wait_for_messages(box, 1)
    file, state = elsewhere / "backup.tar", elsewhere / "state"
    back_up(file, state_dir=product.instance.state_dir, with_secrets=True)
    restore(file, state_dir=state, without_pin_keys=False)
    restored = await asyncio.to_thread(Product.start, state, switch=switch)
    try:
        async with RawPhone(restored.sip).opened() as lamp, restored.phone("101") as phone:
            assert await lamp.subscribe(box, user="102", password=restored.passwords["102"]) in {200, 202}
            await until(lambda: lamp.lamps[-1:] == ["yes 1/0"], "the lamp of the old message", seconds=30)
            await leave_as(restored.sip, box, "Caller")
            await until(lambda: lamp.lamps[-1:] == ["yes 2/0"], "the lamp of both", seconds=30)
            call = await phone.dial(f"*56{box}")
            await call.expect_to_hear(Prompt.ENTER_PIN)
            await call.press(f"{PIN}#")
            await call.expect_to_hear(MessageCounts(new=2, saved=0), Prompt.FIRST_MESSAGE)
            await call.expect_sound(message_wav, "the old message")
            await call.press("2")
            await until(lambda: lamp.lamps[-1:] == ["yes 1/1"], "the lamp of what is left", seconds=30)
            await call.hang_up()
        there = await restored.messages(box)
    finally:
        assert 0 == restored.instance.stop(), restored.instance.last_words()

    assert [("5551234", "new"), ("101", "saved")] == [(m["caller_number"], m["state"]) for m in there]
    assert old["id"] == there[1]["id"]
    # What happens there concerns nobody here.
    assert [old["id"]] == [each["id"] for each in await product.messages(box, "new")]
