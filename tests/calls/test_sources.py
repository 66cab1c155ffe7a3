"""What callers hear of a mailbox by the way that they came: its greeting, and its language."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from controlplane.callflows.prompts import Greeting, Prompt
from tests.support.product import Product, until

NAME = "Sales"
IN_THE_GROUP = "Im Verkauf spricht gerade jeder."
FROM_OUTSIDE = "You called our number in Vienna."


@dataclass(frozen=True, slots=True, kw_only=True)
class Ways:
    """A mailbox and the numbers that lead to it."""

    box: str
    group: str
    queue: str
    to_queue: str
    to_box: str


def to(number: str) -> dict[str, Any]:
    """Return a destination."""
    return {"action": "forward_to_number", "number": number}


@pytest.fixture
async def ways(product: Product) -> AsyncIterator[Ways]:
    """Make the ways, and greetings for three of them; wait until they are spoken and live."""
    box = await product.mailbox(display_name=NAME)
    ways = Ways(
        box=box,
        group=f"64{box[2:]}",
        queue=f"65{box[2:]}",
        to_queue=f"49301{box}",
        to_box=f"49302{box}",
    )
    made: list[tuple[str, str, dict[str, Any]]] = [
        ("ring-groups", ways.group, {"number": ways.group, "display_name": "Verkauf", "no_answer": to(box)}),
        ("call-queues", ways.queue, {"number": ways.queue, "display_name": "Hilfe", "no_answer": to(box)}),
        *(
            ("inbound-rules", f"did-{did}", {"name": f"did-{did}", "dids": [did], "destination": target})
            for did, target in (
                (ways.to_queue, {"office_hours": to(ways.queue)}),
                (ways.to_box, {"office_hours": to(box)}),
            )
        ),
    ]
    sources = [
        {"source": ways.group, "greeting": IN_THE_GROUP, "language": "de"},
        {"source": ways.queue, "language": "de-AT"},
        {"source": f"+{ways.to_queue}", "greeting": FROM_OUTSIDE},
        {"source": f"+{ways.to_box}", "greeting": FROM_OUTSIDE},
    ]
    async with product.api() as api:
        for kind, _, body in made:
            answer = await api.post(f"/{kind}", json=body)
            assert 201 == answer.status_code, answer.text
        answer = await api.patch(f"/mailboxes/{box}", json={"source_greetings": sources})
        assert 200 == answer.status_code, answer.text
        for language, text in (("de", IN_THE_GROUP), ("de", None), ("en", FROM_OUTSIDE)):
            words = Greeting(display_name=NAME, text=text)
            await until(
                lambda words=words, language=language: bool(product.prompts.files(words, language)),
                f"the greeting {text}",
                seconds=60,
            )
        await product.wait_until_published()
        yield ways
        for kind, name, _ in reversed(made):
            assert 204 == (await api.delete(f"/{kind}/{name}")).status_code
        await product.wait_until_published()


async def test_greeting_and_language_are_those_of_the_nearest_source(
    product: Product, ways: Ways, speech: Callable[[str], Path]
) -> None:
    """From the group its own words in German, and all that follows; from the queue the mailbox's in German.

    The queue is nearer than the number that was dialled from outside, which has words too, in the mailbox's
    language. Who dials the mailbox hears its own ones in English.
    """
    words = speech("Please call me back.")
    own, outside = Greeting(display_name=NAME), Greeting(display_name=NAME, text=FROM_OUTSIDE)
    async with product.phone() as phone:
        call = await phone.dial(ways.group, language="de")
        await call.expect_to_hear(Greeting(display_name=NAME, text=IN_THE_GROUP))
        await call.expect_beep()
        await call.say(words)
        await call.press("#")
        await call.expect_to_hear(Prompt.MESSAGE_SENT)
        await call.expect_the_end()
        for number, language, said in (
            (ways.to_queue, "de", own),
            (ways.to_box, "en", outside),
            (ways.box, "en", own),
        ):
            call = await phone.dial(number, language=language)
            await call.expect_to_hear(said)
            await call.hang_up()
    (message,) = await product.wait_for_messages(ways.box, 1)

    assert [("ring-group", ways.group, "not_registered")] == [
        (step["kind"], step["number"], step["reason"]) for step in message["reached_by"]["path"]
    ]
