"""Greetings for what a moment is, by real calls: busy, outside office hours, on a holiday."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from controlplane.callflows.prompts import Greeting
from tests.calls.test_rules import give, to
from tests.support.product import Product, until

NAME = "Sales"
TEXTS = {
    "busy": "Everybody here is talking to somebody else.",
    "holiday": "Happy holidays. The whole team is at home today.",
}


def holidays() -> list[dict[str, str]]:
    """Return a holiday that is today, also when midnight comes meanwhile."""
    today = datetime.now(UTC).date()
    day = timedelta(days=1)
    return [{"name": "Feast", "first_day": str(today - day), "last_day": str(today + day)}]


async def test_busy_closed_and_holiday_are_heard_each_in_its_moment(
    product: Product, speech: Callable[[str], Path]
) -> None:
    """A busy phone sends the same caller on each time; what its office hours say goes before that.

    In office hours the greeting for busy is heard, outside them the recorded one for closed, on a holiday
    that for holidays.
    """
    box = await product.mailbox(display_name=NAME)
    name = f"desk-{box}"
    closed = speech("Our doors are locked until tomorrow morning.")
    hours: dict[str, dict[str, Any]] = {"closed": {"closed_now": True}, "holiday": {"holidays": holidays()}}
    async with product.api() as api:
        made = await api.post("/office-hours", json={"name": name, "time_zone": "UTC"})
        assert 201 == made.status_code, made.text
        kinds = [{"kind": kind, "greeting": text} for kind, text in TEXTS.items()]
        given = await api.patch(f"/mailboxes/{box}", json={"kind_greetings": kinds})
        assert 200 == given.status_code, given.text
        recorded = {"kind": "closed"}
        sent = await api.put(
            f"/mailboxes/{box}/greeting",
            params=recorded,
            content=closed.read_bytes(),
            headers={"Content-Type": "audio/wav"},
        )
        assert 204 == sent.status_code, sent.text
        wav = (await api.get(f"/mailboxes/{box}/greeting", params=recorded)).content
    for text in TEXTS.values():
        words = Greeting(display_name=NAME, text=text)
        await until(lambda words=words: bool(product.prompts.files(words, "en")), f"the greeting {text}")
    folder = product.prompts.root / "recorded"
    await until(lambda: any(path.read_bytes() == wav for path in folder.glob("*.wav")), "the recording")
    async with product.phone("102") as desk, product.phone("101") as phone, product.api() as api:
        await give(product, "102", {"office_hours": name, "busy": to(box)}, f"{box}\n")
        for kind in ("busy", "closed", "holiday"):
            if kind in hours:
                answer = await api.patch(f"/office-hours/{name}", json={"closed_now": False} | hours[kind])
                assert 200 == answer.status_code, answer.text
            call = await phone.dial("102", answered=False)
            ringing, _ = await desk.phone.incoming()
            await desk.phone.answer(ringing, code=486)
            await call.call.answered()
            if kind == "closed":
                await call.expect_sound(closed, "the greeting for closed")
            else:
                await call.expect_to_hear(Greeting(display_name=NAME, text=TEXTS[kind]))
            await call.hang_up()
        asked = {"from": "102", "reason": "busy"}
        told = (await api.get(f"/mailboxes/{box}/greetings/effective", params=asked)).json()
        await give(product, "102", {}, "")
        assert 204 == (await api.delete(f"/office-hours/{name}")).status_code

    assert ("holiday", TEXTS["holiday"]) == (told["reason"], told["heard"]["greeting"])
