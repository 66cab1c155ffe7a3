"""The Voicemail page in Chromium: two clicks to a message, keys, undo, and two people at once."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from controlplane.domain.message import ReachedBy, ReachedReason, ReachedStep
from controlplane.domain.presence import Doing, PresentCall, ProcessKind
from controlplane.services.presence import Presence
from playwright.async_api import Page, expect
from tests.support.api import MAILBOX, Api, write_tone
from tests.support.browser_fixtures import NARROW, WIDE, OpenPage, sign_in
from tests.support.looks import axe, faults_to_see
from tests.support.portal import make_user

PAGE = "/portal/mailboxes/8001/voicemail"
WAY = ReachedBy(
    did="+49 30 901820",
    reason=ReachedReason.QUEUE_TIMEOUT,
    path=(
        ReachedStep(kind="virtual-receptionist", number="8000", key="2", reason=ReachedReason.EXIT_KEY),
        ReachedStep(kind="call-queue", number="6000", reason=ReachedReason.QUEUE_TIMEOUT, waited_seconds=95),
    ),
)


@pytest_asyncio.fixture(loop_scope="session")
async def box(site: Api) -> Api:
    """Make the mailbox 8001 with three messages, the newest from Alice."""
    async with site.client(await site.token()) as client:
        await client.post("/api/v1/mailboxes", json=dict(MAILBOX))
    now = site.clock.now()
    for name, caller, minutes in (
        ("Alice Archer", "+49 170 5550101", 4),
        ("", "0301234567", 130),
        ("Müller & Söhne Haustechnik GmbH", "+49 89 4402201", 3000),
    ):
        await site.message(
            caller=caller, name=name, seconds=0.4, received_at=now - timedelta(minutes=minutes)
        )
    return site


def states(api: Api) -> dict[str, str]:
    """Return the state of each message by its caller's number."""
    return {
        row["caller_number"]: row["state"] for row in api.rows("SELECT caller_number, state FROM messages")
    }


def row(page: Page, text: str) -> Any:
    """Return the row of a message."""
    return page.locator("#rows > tr").filter(has_text=text)


async def test_message_is_found_and_played_in_two_clicks(box: Api, signed_in: OpenPage) -> None:
    """From the list of mailboxes; played to its end it is read, and was not before."""
    page = await signed_in()
    await page.get_by_role("link", name="Sales: 3 Unread").click()
    await expect(row(page, "Alice").get_by_text("Unread")).to_be_visible()
    await page.get_by_role("link", name="Play the message from Alice").click()

    await expect(row(page, "Alice").locator(".state")).to_have_text("Read")
    assert {"new", "saved"} == set(states(box).values())


async def test_delete_and_undo(box: Api, signed_in: OpenPage) -> None:
    """The row goes at once, without a new page, and one button brings it back."""
    page = await signed_in(PAGE)
    await page.evaluate("window.same = true")
    await page.get_by_role("button", name="Delete the message from Alice").click()
    await expect(row(page, "Alice")).to_have_count(0)
    await page.get_by_role("button", name="Undo").click()

    await expect(row(page, "Alice")).to_have_count(1)
    assert await page.evaluate("window.same")
    assert {"new"} == set(states(box).values())


async def test_two_people_see_what_each_other_does(box: Api, signed_in: OpenPage) -> None:
    """Long before a page would ask, and a new message too; what one has chosen stays chosen."""
    one = await signed_in(PAGE)
    other = await one.context.new_page()
    await other.goto(PAGE)
    await expect(other.locator("#live")).to_be_visible()
    await expect(one.locator("#live")).to_be_visible()
    await other.get_by_label("Choose the message from 0301234567").check()
    await one.get_by_role("button", name="Delete the message from Alice").click()
    await expect(row(other, "Alice")).to_have_count(0)
    await box.message(caller="0409", name="Dora Deichsel", received_at=box.clock.now())

    await expect(row(other, "Dora")).to_have_count(1)
    await expect(other.locator("#arrivals")).to_have_text("A new message has arrived.")
    await expect(other.get_by_label("Choose the message from 0301234567")).to_be_checked()
    await expect(one.get_by_role("button", name="Undo")).to_be_visible()


async def test_everything_without_script(box: Api, signed_in: OpenPage) -> None:
    """Find, open, mark, delete and undo are links and forms; the player is the browser's own."""
    page = await signed_in(PAGE, java_script_enabled=False)
    await page.get_by_label("Caller").fill("alice")
    await page.get_by_role("button", name="Find").click()
    await expect(page.locator("#rows > tr")).to_have_count(1)
    await page.get_by_role("link", name="Play the message from Alice").click()
    await expect(page.locator("audio")).to_be_visible()
    await page.get_by_role("button", name="Mark as Read").click()
    await expect(page.get_by_role("status")).to_have_text("Marked as read.")
    await page.get_by_role("button", name="Delete").click()
    await expect(page.get_by_role("status").first).to_have_text("The message is in the trash.")
    await page.get_by_role("button", name="Undo").click()

    await expect(page.get_by_role("status").first).to_have_text("The message is back.")
    assert "saved" == states(box)["+49 170 5550101"]


async def test_keys_alone(box: Api, signed_in: OpenPage) -> None:
    """J and k go through the messages, space plays, r marks, d deletes; none of them in a field."""
    page = await signed_in(PAGE)
    await page.get_by_label("Caller").press_sequentially("jd")
    await expect(page.get_by_text("No message found")).to_be_visible()
    await page.get_by_label("Caller").fill("")
    await expect(page.locator("#rows > tr")).to_have_count(3)
    await page.locator("h1").click()
    await page.keyboard.press("j")
    await page.keyboard.press("j")
    await page.keyboard.press("k")
    await expect(row(page, "Alice").locator(".play")).to_be_focused()
    await page.keyboard.press("r")
    await expect(row(page, "Alice").locator(".state")).to_have_text("Read")
    await page.keyboard.press("d")
    await expect(row(page, "Alice")).to_have_count(0)
    await expect(row(page, "0301234567").locator(".play")).to_be_focused()
    await page.keyboard.press(" ")
    await expect(row(page, "0301234567").locator(".state")).to_have_text("Read")
    await page.keyboard.press("?")
    await expect(page.get_by_role("dialog")).to_be_visible()
    await page.get_by_label("Use the keys").uncheck()
    await page.keyboard.press("Escape")
    await page.keyboard.press("d")

    assert {"+49 170 5550101": "deleted", "0301234567": "saved", "+49 89 4402201": "new"} == states(box)


@pytest.mark.parametrize(
    ("size", "scheme"), [(NARROW, "dark"), (WIDE, "light")], ids=["360-dark", "1440-light"]
)
async def test_voicemail_looks_right(
    box: Api, signed_in: OpenPage, pictures: Path, size: dict[str, int], scheme: str
) -> None:
    """Nothing is cut off or too small, and axe-core finds nothing, in each size and colour scheme."""
    box.rows(
        "UPDATE messages SET reached_by = %s::jsonb, duration_ms = 83000"
        " WHERE caller_name LIKE 'M%%' RETURNING id",
        json.dumps(WAY.to_json()),
    )
    box.rows("UPDATE messages SET state = 'saved' WHERE caller_number = '0301234567' RETURNING id")
    page = await signed_in(PAGE, viewport=size, color_scheme=scheme)
    name = f"{size['width']}-{scheme}"
    await expect(page.locator("#live")).to_be_visible()
    await page.screenshot(path=pictures / f"voicemail-{name}.png", full_page=True)
    found = [*await axe(page), *await faults_to_see(page)]
    await page.get_by_role("button", name="Delete the message from Alice").click()
    await expect(page.get_by_role("button", name="Undo")).to_be_visible()
    await page.get_by_role("link", name="Play the message from Müller").click()
    await expect(page.locator("#dock")).to_be_visible()
    await page.screenshot(path=pictures / f"voicemail-playing-{name}.png")
    found += [*await axe(page), *await faults_to_see(page)]
    await row(page, "Müller").locator(".caller a").click()
    await expect(page.locator("#message")).to_be_visible()
    await page.screenshot(path=pictures / f"message-{name}.png", full_page=True)
    found += [*await axe(page), *await faults_to_see(page)]

    assert [] == found


async def test_message_is_forwarded_by_keys_alone(box: Api, signed_in: OpenPage) -> None:
    """F opens the page, the picker lists mailboxes in a dialog, and the list tells that it was done."""
    async with box.client(await box.token()) as client:
        await client.post("/api/v1/mailboxes", json={**MAILBOX, "number": "8002", "display_name": "Support"})
    page = await signed_in(PAGE)
    await row(page, "Alice").locator(".play").focus()
    await page.keyboard.press("f")
    await page.get_by_label("Mailbox number", exact=True).press_sequentially("8001")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("alert")).to_contain_text("in this mailbox already")
    await page.get_by_role("button", name="Choose").press("Enter")
    dialog = page.get_by_role("dialog")
    await dialog.get_by_role("radio", name="Support (8002)").press("Space")
    await dialog.get_by_role("button", name="OK").press("Enter")
    await expect(page.locator("#to-told")).to_contain_text("Support")
    await page.get_by_role("button", name="Forward", exact=True).press("Enter")
    await expect(page.get_by_role("status").first).to_have_text(
        "A copy of the message is in Support (8002) now."
    )

    assert PAGE in page.url
    assert 4 == len(box.rows("SELECT id FROM messages"))


@pytest.mark.parametrize(
    ("size", "scheme"), [(NARROW, "dark"), (WIDE, "light")], ids=["360-dark", "1440-light"]
)
async def test_forwarding_looks_right(
    box: Api, signed_in: OpenPage, pictures: Path, size: dict[str, int], scheme: str
) -> None:
    """Before and after a refusal, with recipients of mails of which one is long."""
    to = ["sales@example.com", f"{'a-very-long-name' * 3}@support.example.com"]
    async with box.client(await box.token()) as client:
        await client.patch("/api/v1/mailboxes/8001", json={"email_recipients": to})
    page = await signed_in(PAGE, viewport=size, color_scheme=scheme)
    await row(page, "Müller").locator(".caller a").click()
    await page.get_by_role("link", name="Forward", exact=True).click()
    await expect(page.get_by_role("button", name="Send by mail")).to_be_visible()
    name = f"{size['width']}-{scheme}"
    await page.screenshot(path=pictures / f"forward-{name}.png", full_page=True)
    found = [*await axe(page), *await faults_to_see(page)]
    await page.get_by_label("Mailbox number", exact=True).fill("8001")
    await page.get_by_role("button", name="Forward", exact=True).click()
    await expect(page.get_by_role("alert")).to_be_visible()
    await page.screenshot(path=pictures / f"forward-refused-{name}.png", full_page=True)
    found += [*await axe(page), *await faults_to_see(page)]

    assert [] == found


async def test_waveform_seeks_by_pointer_and_keys(box: Api, signed_in: OpenPage) -> None:
    """On a message's own page and in the list's player, whose speed can be chosen."""
    (found,) = box.rows("SELECT id FROM messages WHERE caller_name = 'Alice Archer'")
    write_tone(box.store.path(found["id"]), 20)
    box.rows("UPDATE messages SET duration_ms = 20000 WHERE id = %s RETURNING id", found["id"])
    page = await signed_in(f"/portal/messages/{found['id']}")
    wave = page.get_by_role("slider", name="Position")
    await wave.click(position={"x": 2, "y": 10})
    await wave.press("ArrowRight")
    await expect(wave).to_have_attribute("aria-valuetext", "0:05 of 0:20")
    await wave.press("End")
    await wave.press("Home")
    await expect(wave).to_have_attribute("aria-valuenow", "0")
    await page.goto(PAGE)
    await page.get_by_role("link", name="Play the message from Alice").click()
    dock = page.locator("#dock")
    await dock.get_by_role("slider", name="Position").press("End")
    await dock.get_by_role("button", name="Speed").click()

    await expect(row(page, "Alice").locator(".state")).to_have_text("Read")
    await expect(dock.locator("[data-speed]")).to_contain_text("1.5")
    assert 1.5 == await dock.locator("audio").evaluate("(audio) => audio.playbackRate")


async def test_page_without_a_stream_asks(box: Api, signed_in: OpenPage) -> None:
    """Where a proxy lets no stream through, the page says so, and fetches itself now and then."""
    page = await signed_in()
    await page.route("**/events", lambda route: route.abort())
    await page.clock.install()
    await page.goto(PAGE)
    await expect(page.locator("#live")).to_contain_text("asks again")
    await box.message(name="Zoe", caller="0815")
    await page.clock.run_for(16_000)

    await expect(row(page, "Zoe")).to_be_visible()


async def test_two_users_see_each_other_on_a_message(
    box: Api, signed_in: OpenPage, open_page: OpenPage
) -> None:
    """Bert deletes in the list what Alice has open; her page says so by itself, and hers in his list."""
    await make_user(box, "bert", tenant="default")
    (found,) = box.rows("SELECT id FROM messages WHERE caller_name = 'Alice Archer'")
    alice = await signed_in(f"/portal/messages/{found['id']}")
    await expect(alice.locator("#live")).to_be_visible()
    bert = await open_page("/portal/sign-in")
    await sign_in(bert, "bert")
    await bert.wait_for_url("**/portal/welcome")
    await bert.goto(PAGE)
    await bert.get_by_role("button", name="Delete the message from Alice").click()
    await expect(alice.get_by_role("button", name="Restore")).to_be_visible()
    await alice.get_by_role("button", name="Restore").click()

    await expect(row(bert, "Alice")).to_be_visible()


async def test_colleagues_see_who_plays_what(box: Api, signed_in: OpenPage, open_page: OpenPage) -> None:
    """At the first sound, a pause, another message and the end of a tab, long before a page would ask."""
    found = box.rows("SELECT id FROM messages WHERE caller_name <> ''")
    for each in found:
        write_tone(box.store.path(each["id"]), 20)
    await make_user(box, "bert", tenant="default")
    bert = await open_page("/portal/sign-in")
    await sign_in(bert, "bert")
    await bert.wait_for_url("**/portal/welcome")
    await bert.goto(PAGE)
    await expect(bert.locator("#live")).to_be_visible()
    alice = await signed_in(PAGE)
    listening = bert.get_by_text("listens in the portal")
    await alice.get_by_role("link", name="Play the message from Alice").click()
    await expect(row(bert, "Alice").get_by_text("listens in the portal")).to_be_visible()
    await alice.locator("#dock audio").evaluate("(audio) => audio.pause()")
    await expect(listening).to_have_count(0)
    await alice.locator("#dock audio").evaluate("(audio) => audio.play()")
    await expect(listening).to_have_count(1)
    await alice.get_by_role("link", name="Play the message from Müller").click()
    await expect(row(bert, "Müller").get_by_text("listens in the portal")).to_be_visible()
    await expect(listening).to_have_count(1)
    faults = await faults_to_see(bert)
    await alice.close()

    await expect(listening).to_have_count(0)
    assert [] == faults


async def test_page_is_told_who_listens_by_phone(box: Api, signed_in: OpenPage) -> None:
    """By the stream, with what the page shows then: from the first word to the last it asks for nothing."""
    (found,) = box.rows("SELECT id, tenant_id, mailbox_id FROM messages WHERE caller_name = 'Alice Archer'")
    async with box.client(await box.token()) as client:
        await client.post("/api/v1/extensions", json={"number": "102", "display_name": "Bert's phone"})
    asked: list[str] = []
    page = await signed_in(PAGE)
    await expect(page.locator("#live")).to_be_visible()
    page.on("request", lambda request: asked.append(request.url))
    now = datetime.now(UTC)
    call = PresentCall(
        call_id="c1",
        tenant_id=found["tenant_id"],
        mailbox_id=found["mailbox_id"],
        doing=Doing.LISTENING,
        who="102",
        extension="102",
        since=now,
        message_id=found["id"],
        message_since=now,
    )
    listening = row(page, "Alice").get_by_text("(102) listens by phone")
    presence = Presence(box.deps.db, ProcessKind.CALLS, host="here")
    async with presence.told():
        presence.enter(call)
        await expect(listening).to_be_visible()
        presence.enter(replace(call, message_id=None, message_since=None))
        await expect(listening).to_have_count(0)
        presence.leave("c1")

    assert [] == asked
