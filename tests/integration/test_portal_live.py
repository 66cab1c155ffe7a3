"""What an event brings along: the page as it is now, for who may see it now."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import httpx
import pytest
from controlplane.web.portal import events
from sqlalchemy import event
from tests.integration.test_portal_events import PATH, Stream, stream
from tests.support.api import Api
from tests.support.members import give, make_member
from tests.support.portal import Browser, Shown


def page_of(told: str) -> Shown:
    """Return the page that an event brings along, as a browser reads it."""
    lines = told.split("\n")
    assert ("event: changed", ["", ""]) == (lines[0], lines[-2:])
    assert all(line.startswith("data: ") for line in lines[1:-2])
    return Shown("\n".join(line.removeprefix("data: ") for line in lines[1:-2]))


async def opened(api: Api, stack: AsyncExitStack, browser: Browser, path: str = PATH) -> Stream:
    """Open a stream, and read what it says at first."""
    one = await stack.enter_async_context(stream(api, browser, path))
    await one.until("event: changed")
    return one


async def test_event_brings_what_the_page_shows(api: Api, mailbox: httpx.Response, bob: Browser) -> None:
    """Filtered as the page of the same query; a stream that begins brings what happened before."""
    await api.message(name="Ann Early")
    async with AsyncExitStack() as stack:
        unread = await opened(api, stack, bob, f"{PATH}?show=unread")
        heard = await opened(api, stack, bob, f"{PATH}?show=read")
        async with stream(api, bob) as late:
            await late.next()
            first = page_of(await late.whole()).text
        await api.message(name="Zoe Late")
        both = page_of(await unread.whole()).text
        none = page_of(await heard.whole()).text

    assert 201 == mailbox.status_code
    assert ("Ann Early" in first, "Ann Early" in both, "Zoe Late" in both) == (True, True, True)
    assert ("Ann Early" in none, "Zoe Late" in none) == (False, False)


async def test_everybody_gets_their_own_rights_and_token(
    api: Api, mailbox: httpx.Response, bob: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One page is made for those with the same rights, none is sent to others; one question asks for all."""
    asked: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        asked.extend(kind for kind in ("FROM messages JOIN", "unnest") if kind in statement)

    # Streams that were opened one after the other would hear of the change one after the other.
    monkeypatch.setattr(events, "PAUSE_SECONDS", 0)
    people = {"mia": ["listen"], "max": ["listen"], "zoe": ["delete"]}
    async with AsyncExitStack() as stack:
        browsers = [bob]
        for name, rights in people.items():
            await make_member(api, name, rights)
            browsers.append(await stack.enter_async_context(Browser(api)))
            await browsers[-1].sign_in(name)
        tokens = [(await each.open("/portal/account")).form("/sign-out").fields["csrf"] for each in browsers]
        streams = [await opened(api, stack, each) for each in browsers]
        engine = api.deps.db._engine.sync_engine
        event.listen(engine, "after_cursor_execute", note)
        try:
            await api.message()
            pages = [page_of(each) for each in await asyncio.gather(*(each.whole() for each in streams))]
        finally:
            event.remove(engine, "after_cursor_execute", note)

    sent = [{form.fields["csrf"] for form in page.forms if form.method == "post"} for page in pages]
    deletes = [any(each["value"] == "delete" for each in page.with_attribute("value")) for page in pages]
    assert [{token} for token in tokens] == sent
    assert [True, False, False, True] == deletes
    assert (3, 1, 201) == (asked.count("FROM messages JOIN"), asked.count("unnest"), mailbox.status_code)


async def test_a_session_that_ended_hears_nothing_more(
    api: Api, mailbox: httpx.Response, bob: Browser
) -> None:
    """From the very next change on, and so does one of a user who was disabled."""
    await make_member(api, "mia", ["listen"])
    async with AsyncExitStack() as stack:
        mia = await stack.enter_async_context(Browser(api))
        await mia.sign_in("mia")
        hers, his = await opened(api, stack, mia), await opened(api, stack, bob)
        api.rows("UPDATE users SET enabled = false WHERE user_name = 'mia' RETURNING id")
        api.rows(
            "DELETE FROM user_sessions USING users"
            " WHERE users.id = user_id AND user_name = 'bob' RETURNING user_sessions.id"
        )
        await api.message(name="Ann")
        told = [[await each.whole(), await each.whole()] for each in (hers, his)]

    assert [["event: signed-out\ndata:\n\n", "end"]] * 2 == told
    assert 201 == mailbox.status_code


async def test_rights_hold_from_the_next_change_on(api: Api, mailbox: httpx.Response) -> None:
    """One taken away and one given; what is asked for and is not theirs any more comes with no event."""
    await make_member(api, "mia", ["delete"])
    async with AsyncExitStack() as stack:
        mia = await stack.enter_async_context(Browser(api))
        await mia.sign_in("mia")
        inbox = await opened(api, stack, mia)
        trash = await opened(api, stack, mia, f"{PATH}?show=trash")
        api.rows("DELETE FROM mailbox_members RETURNING id")
        await give(api, "mia", ["download"])
        await api.message()
        told, thrown = page_of(await inbox.whole()), await trash.whole()

    values = {each["value"] for each in told.with_attribute("value")}
    assert {"download"} == values & {"delete", "download"}
    assert "event: changed\ndata:\n\n" == thrown
    assert 201 == mailbox.status_code


async def test_session_that_went_to_another_tenant_hears_nothing_more(
    api: Api, mailbox: httpx.Response, alice: Browser, foreigner: httpx.AsyncClient
) -> None:
    """The page is of the tenant that its session works on."""
    async with AsyncExitStack() as stack:
        one = await opened(api, stack, alice)
        api.rows(
            "UPDATE user_sessions SET tenant_id = (SELECT id FROM tenants WHERE name = 'north') RETURNING id"
        )
        await api.message()
        told = await one.whole()

    assert ("event: signed-out\ndata:\n\n", 201) == (told, mailbox.status_code)


def test_no_text_ends_a_line_of_an_event() -> None:
    """Whatever browsers take for an end of a line begins another one of the same event."""
    assert "event: changed\ndata: a\ndata: event: x\ndata: \ndata: b\n\n" == events.lines_of(
        "a\revent: x\r\n\nb"
    )
