"""An example company by real calls: from its main number by receptionist and ring group into a mailbox."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from controlplane.callflows.prompts import Greeting, Prompt
from tests.calls.test_receptionist import receptionist, to
from tests.support.product import Product, until, until_told
from tests.support.ringing_phone import RingingPhone

RING_SECONDS = 5


class Company:
    """Who works there: a receptionist, the ring group Sales with one phone, and the mailbox of both."""

    def __init__(self, box: str) -> None:
        self.box = box
        self.did = f"4930{box}"
        self.main = f"6{box[1:]}"
        self.sales = f"5{box[1:]}"
        self.seller = f"2{box[1:]}"
        self.greeting = Path()


async def _make(product: Product, path: str, body: dict[str, Any]) -> dict[str, Any]:
    async with product.api() as api:
        answer = await api.post(path, json=body)
    assert 201 == answer.status_code, answer.text
    return dict(answer.json())


@pytest.fixture
async def company(product: Product) -> AsyncIterator[Company]:
    """Found the company; the seller's phone rings, and nobody takes it up."""
    box = await product.mailbox(display_name="Sales team", email_notification=True)
    async with product.api() as api:
        await api.patch(f"/mailboxes/{box}", json={"email_recipients": [f"{box}@example.org"]})
    there = Company(box)
    made = await _make(product, "/extensions", {"number": there.seller, "display_name": "Seller"})
    await _make(
        product,
        "/ring-groups",
        {
            "number": there.sales,
            "display_name": "Sales",
            "members": [there.seller],
            "ring_seconds": RING_SECONDS,
            "no_answer": to(box),
        },
    )
    there.greeting = await receptionist(
        product,
        there.main,
        keys=[
            {"keys": "1", "destination": {"office_hours": to(there.sales)}},
            {"keys": "5", "destination": {"office_hours": to(box)}},
        ],
    )
    rule = {"name": f"did-{box}", "dids": [there.did], "destination": {"office_hours": to(there.main)}}
    await _make(product, "/inbound-rules", rule)
    routes = Path(product.ready["configuration_dir"]) / "routes"
    await until(lambda: any(routes.glob(f"*/{there.sales[-2:]}/{there.sales}")), "the route of Sales")
    async with RingingPhone(product.sip).opened() as phone:

        async def registers() -> bool:
            return 200 == await phone.register(there.seller, made["sip_password"])

        await until_told(registers, "the seller's account", seconds=30)
        await product.wait_until_published()
        yield there


async def test_nobody_in_sales_answers_and_the_message_says_its_way(
    product: Product, company: Company, message_wav: Path
) -> None:
    """Main number, receptionist, key 1, Sales rings out, the team's mailbox: over REST and in the mail."""
    async with product.phone() as phone:
        call = await phone.dial(company.did)
        await call.expect_sound(company.greeting, "the greeting of the receptionist")
        await call.press("1")
        await call.expect_to_hear(Greeting(display_name="Sales team"), seconds=RING_SECONDS + 20)
        await call.expect_beep()
        await call.say(message_wav)
        await call.press("#")
        await call.expect_to_hear(Prompt.MESSAGE_SENT)
    (message,) = await product.wait_for_messages(company.box, 1)
    reached = message["reached_by"]
    first, second = reached["path"]

    assert (company.did, "no_answer") == (reached["did"], reached["reason"])
    assert ("virtual-receptionist", company.main, "1", "direct") == tuple(
        first[name] for name in ("kind", "number", "key", "reason")
    )
    assert ("ring-group", company.sales, None, "no_answer") == tuple(
        second[name] for name in ("kind", "number", "key", "reason")
    )
    assert RING_SECONDS - 1 <= second["waited_seconds"] <= RING_SECONDS + 3
    mail = await product.wait_for_mail(company.box)
    body = mail.get_body(("plain",))
    assert body is not None
    assert f"ring group Sales ({company.sales}), no answer" in str(body.get_content())


async def test_key_5_leads_to_the_mailbox_at_once(
    product: Product, company: Company, message_wav: Path
) -> None:
    """Who wants to leave a message need not wait for anybody."""
    async with product.phone() as phone:
        call = await phone.dial(company.did)
        await call.expect_sound(company.greeting, "the greeting of the receptionist")
        await call.press("5")
        await call.expect_to_hear(Greeting(display_name="Sales team"))
        await call.expect_beep()
        await call.say(message_wav)
        await call.hang_up()
    (message,) = await product.wait_for_messages(company.box, 1)
    reached = message["reached_by"]

    assert (company.did, "direct", ["5"]) == (
        reached["did"],
        reached["reason"],
        [step["key"] for step in reached["path"]],
    )
