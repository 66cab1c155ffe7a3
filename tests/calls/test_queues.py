"""A call queue by real calls to the whole product: made over REST, logged out of by phone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from controlplane.callflows.prompts import Prompt
from tests.support.product import Product, until_told

QUEUE = "/call-queues/6200"


@pytest.fixture
async def mailbox(product: Product) -> AsyncIterator[str]:
    """Make a queue of 101 that leads to a mailbox, and wait until it is live; return the mailbox."""
    box = await product.mailbox()
    leave = {"action": "forward_to_number", "number": box}
    body = {"number": "6200", "display_name": "Help", "agents": ["101"], "no_answer": leave}
    async with product.api() as api:
        made = await api.post("/call-queues", json=body)
        assert 201 == made.status_code, made.text
        await product.wait_until_published()
        yield box
        await api.delete(QUEUE)
        await product.wait_until_published()


async def _dial(product: Product, code: str, said: Prompt) -> None:
    async with product.phone("101") as phone:
        call = await phone.dial(code)
        await call.expect_to_hear(said)
        await call.expect_the_end()


async def test_an_agent_logs_out_and_in_by_phone(product: Product, mailbox: str) -> None:
    """The codes say what they did, REST says it too, and the line of agents that the switch reads follows."""

    async def agents() -> str:
        (path,) = (product.instance.state_dir / "configuration" / "routes").glob("*/00/6200")
        return ([*path.read_text().splitlines(), *[""] * 13])[12]

    async def is_out() -> bool:
        return await agents() == ""

    async def is_in() -> bool:
        return await agents() == "101"

    await until_told(is_in, "the agent is in the queue")
    await _dial(product, "*396200", Prompt.QUEUE_LOGGED_OUT)
    await until_told(is_out, "the switch is told that nobody is logged in")
    async with product.api() as api:
        (listed,) = (await api.get(f"{QUEUE}/agents")).json()["items"]
    await _dial(product, "*386200", Prompt.QUEUE_LOGGED_IN)
    await until_told(is_in, "the switch is told that the agent is back")
    await _dial(product, "*386299", Prompt.QUEUE_UNKNOWN)

    assert ("101", False) == (listed["number"], listed["logged_in"])


async def test_a_message_tells_that_it_came_by_a_queue(
    product: Product, mailbox: str, message_wav: Path
) -> None:
    """Without a phone of its agent the queue leads on at once, and the message says why."""
    async with product.phone("102") as phone:
        call = await phone.dial("6200")
        await call.expect_beep()
        await call.say(message_wav)
        await call.press("#")
        await call.expect_to_hear(Prompt.MESSAGE_SENT)
        await call.expect_the_end()
    (message,) = await product.wait_for_messages(mailbox, 1)

    assert [("call-queue", "6200", "no_agents")] == [
        (step["kind"], step["number"], step["reason"]) for step in message["reached_by"]["path"]
    ]
