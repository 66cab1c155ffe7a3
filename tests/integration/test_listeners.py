"""Who listens to which message now: on open pages, over REST, and as it is told to the phone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID, uuid4

import httpx
import pytest
from controlplane.domain.colleague import Colleague
from controlplane.domain.presence import Doing, PresentCall, ProcessKind
from controlplane.domain.user import Role
from controlplane.services.presence import Presence
from controlplane.storage import presence as rows
from controlplane.storage.database import Database
from tests.integration.test_portal_events import Stream, stream
from tests.support.api import Api
from tests.support.members import client_of, give, tenant_id
from tests.support.phone_side import voicemail_of
from tests.support.portal import Browser, Shown, make_user

PAGE = "/portal/mailboxes/8001/voicemail"
LISTENERS = "/api/v1/mailboxes/8001/listeners"


@asynccontextmanager
async def calls(database: Database) -> AsyncIterator[Presence]:
    """Be the process `calls`, which tells of itself."""
    presence = Presence(database, ProcessKind.CALLS, host="here")
    async with presence.told():
        yield presence


def call_of(
    api: Api, message_id: UUID, call_id: str = "c1", extension: str | None = "102", who: str = ""
) -> PresentCall:
    """Make a call of an extension, or of `who` from outside, that is at a message of the mailbox 8001."""
    (box,) = api.rows("SELECT mailbox_id FROM messages WHERE id = %s", message_id)
    now = datetime.now(UTC)
    return PresentCall(
        call_id=call_id,
        tenant_id=tenant_id(api),
        mailbox_id=UUID(str(box["mailbox_id"])),
        doing=Doing.LISTENING,
        who=extension or who,
        extension=extension,
        since=now,
        message_id=message_id,
        message_since=now,
    )


async def shown(one: Stream, wanted: str, *, there: bool = True) -> None:
    """Wait until an open page shows some words, or does not any more."""
    while (wanted in Shown("\n".join((await one.whole()).split("\ndata: "))).text) is not there:
        pass


async def says(browser: Browser, what: str, message_id: UUID, player: UUID) -> int:
    """Let a player say that it plays or stopped; return the status of the answer."""
    token = (await browser.open("/portal/account")).form("/sign-out").fields["csrf"]
    await browser.post(
        f"/portal/messages/{message_id}/{what}", {"player": str(player)}, **{"X-CSRF-Token": token}
    )
    return browser.answer.status_code


async def heard(client: httpx.AsyncClient) -> list[tuple[str, str, str | None, str | None]]:
    """Return who listens to what, as REST tells it."""
    answer = await client.get(LISTENERS)
    assert answer.status_code == 200, answer.text
    return [
        (each["message_id"], each["by"], each["extension"], each["name"]) for each in answer.json()["items"]
    ]


@pytest.fixture
async def message(api: Api, mailbox: httpx.Response) -> UUID:
    """Leave a message in the mailbox 8001."""
    assert mailbox.status_code == 201
    return await api.message(name="Zoe")


async def test_who_listens_by_phone_is_on_an_open_page(
    api: Api, database: Database, client: httpx.AsyncClient, message: UUID, bob: Browser
) -> None:
    """From the announcement on; then at the next message; and no longer once the call is over."""
    second = await api.message(name="Ann")
    await client.post("/api/v1/extensions", json={"number": "102", "display_name": "Front desk"})
    async with calls(database) as presence, stream(api, bob) as page:
        await page.until("event: changed")
        presence.enter(call_of(api, message))
        await shown(page, "Front desk (102) listens by phone")
        first = await heard(client)
        presence.enter(call_of(api, second))
        await shown(page, "Front desk (102) listens by phone")
        after = await heard(client)
        one = await bob.open(f"/portal/messages/{second}")
        other = await bob.open(f"/portal/messages/{message}")
        presence.leave("c1")
        await shown(page, "listens", there=False)
        last = await heard(client)

    assert [(str(message), "phone", "102", "Front desk")] == first
    assert [(str(second), "phone", "102", "Front desk")] == after
    assert ("listens" in one.text, "listens" in other.text, last) == (True, False, [])


@pytest.mark.parametrize("who", ["102", "Bob <5551234>", "102 <102>", "Carol", ""])
async def test_nobody_from_outside_passes_for_an_extension(
    *, api: Api, database: Database, client: httpx.AsyncClient, message: UUID, bob: Browser, who: str
) -> None:
    """Whatever number and name they send, even a colleague's: on the pages, over REST and on the phone."""
    await client_extension(api, "102")
    presence = Presence(database, ProcessKind.CALLS, host="here")
    presence.enter(call_of(api, message, "out", None, who))
    await presence._tell()
    shown = await bob.open(PAGE)
    (told,) = (await client.get(LISTENERS)).json()["items"]
    calls = await bob.open("/portal/calls")

    assert f"{who or 'Somebody'} listens by phone from outside" in shown.text
    assert "Phone (102)" not in shown.text
    assert (None, None, who) == (told["extension"], told["name"], told["caller"])
    assert f"{who or 'Unknown caller'}, from outside" in calls.text
    assert [Colleague(outside=True)] == await voicemail_of(api).listeners(message, besides="own")


async def test_an_extension_and_its_number_from_outside_are_two(
    api: Api, database: Database, message: UUID
) -> None:
    """The phone is told of both, of all who called from outside once."""
    presence = Presence(database, ProcessKind.CALLS, host="here")
    for call_id, extension, who in (("c1", "102", ""), ("c2", None, "102"), ("c3", None, "103")):
        presence.enter(call_of(api, message, call_id, extension, who))
    await presence._tell()

    found = await voicemail_of(api).listeners(message, besides="own")

    assert {Colleague(extension="102"), Colleague(outside=True)} == set(found)
    assert 2 == len(found)


async def test_who_plays_it_in_a_browser_is_on_the_pages_of_colleagues(
    api: Api, client: httpx.AsyncClient, message: UUID, alice: Browser, bob: Browser
) -> None:
    """As long as the player says so; that it says so again is no news."""
    player = uuid4()
    async with stream(api, alice) as page:
        await page.until("event: changed")
        told = [await says(bob, "playing", message, player)]
        await shown(page, "Bob listens in the portal")
        told.append(await says(bob, "playing", message, player))
        there = await heard(client)
        told.append(await says(bob, "stopped", message, player))
        await shown(page, "listens", there=False)

    assert ([204] * 3, [(str(message), "browser", None, "Bob")]) == (told, there)
    assert [] == await heard(client)


async def test_player_goes_on_to_another_message(
    api: Api, client: httpx.AsyncClient, message: UUID, bob: Browser
) -> None:
    """That it stopped the one before may arrive later, and takes nothing away."""
    second, player = await api.message(), uuid4()
    await says(bob, "playing", message, player)
    await says(bob, "playing", second, player)
    await says(bob, "stopped", message, player)

    assert [(str(second), "browser", None, "Bob")] == await heard(client)


async def test_player_of_somebody_else_is_left_alone(
    client: httpx.AsyncClient, message: UUID, alice: Browser, bob: Browser
) -> None:
    """Nobody speaks for it, even who knows its id; nonsense and what is not there are refused."""
    player = uuid4()
    await says(bob, "playing", message, player)
    await says(alice, "playing", message, player)
    await says(alice, "stopped", message, player)
    unknown = await says(alice, "playing", uuid4(), player)
    await alice.open("/portal/account")
    token = alice.shown.form("/sign-out").fields["csrf"]
    await alice.post(f"/portal/messages/{message}/playing", {"player": "x"}, **{"X-CSRF-Token": token})

    assert [(str(message), "browser", None, "Bob")] == await heard(client)
    assert (404, 422) == (unknown, alice.answer.status_code)


async def test_closed_tab_and_dead_process_are_forgotten(
    api: Api, client: httpx.AsyncClient, message: UUID, alice: Browser, bob: Browser
) -> None:
    """Neither could say so: what they told counts no longer, and any process tells the open pages."""
    async with stream(api, alice) as page:
        await page.until("event: changed")
        await says(bob, "playing", message, uuid4())
        await shown(page, "Bob listens in the portal")
        api.rows("UPDATE present_players SET seen_at = now() - interval '13 s' RETURNING id")
        dead = Presence(api.deps.db, ProcessKind.CALLS, host="dead")
        dead.enter(call_of(api, message))
        await dead._tell()
        await shown(page, "102 listens by phone")
        api.rows("UPDATE running_processes SET seen_at = now() - interval '17 s' RETURNING id")
        silent = await heard(client)
        async with Presence(api.deps.db, ProcessKind.JOBS, host="here").told():
            await shown(page, "listens", there=False)
        left = api.rows("SELECT call_id FROM present_calls UNION SELECT id::text FROM present_players")

    assert ([], []) == (silent, left)


async def test_process_that_was_lost_tells_all_of_it_again(
    api: Api, database: Database, client: httpx.AsyncClient, message: UUID
) -> None:
    """It was stopped for a while; others forgot its calls, of which one is over by now."""
    stopped = Presence(database, ProcessKind.CALLS, host="here")
    stopped.enter(call_of(api, message, "c1"))
    stopped.enter(call_of(api, message, "c2", "103"))
    await stopped._tell()
    api.rows("UPDATE running_processes SET seen_at = now() - interval '17 s' RETURNING id")
    stopped.leave("c1")
    await stopped._tell()

    assert [(str(message), "phone", "103", None)] == await heard(client)


async def test_call_that_ended_while_the_database_was_away_is_over(
    api: Api, database: Database, client: httpx.AsyncClient, message: UUID
) -> None:
    """A process that could not tell of its end tells all of it anew."""
    presence = Presence(database, ProcessKind.CALLS, host="here")
    presence.enter(call_of(api, message))
    await presence._tell()
    presence._sure = False
    presence.leave("c1")
    await presence._tell()

    assert [] == await heard(client)


async def test_listeners_are_for_who_may_listen(
    api: Api, client: httpx.AsyncClient, message: UUID, bob: Browser
) -> None:
    """To a member of another mailbox this one does not exist; a number that nobody has is told."""
    await says(bob, "playing", message, uuid4())
    await client.post("/api/v1/mailboxes", json={"number": "8002", "display_name": "B", "pin": "739182"})
    for name, number in (("mia", "8001"), ("max", "8002")):
        await make_user(api, name, tenant="default", role=Role.MEMBER)
        await give(api, name, ["listen"], number=number)
    async with await client_of(api, "mia") as mia, await client_of(api, "max") as stranger:
        answers = [(await mia.get(LISTENERS)), (await stranger.get(LISTENERS))]
        answers.append(await client.get("/api/v1/mailboxes/9999/listeners"))

    assert [200, 404, 404] == [answer.status_code for answer in answers]
    assert "Bob" == answers[0].json()["items"][0]["name"]


async def test_of_two_who_come_to_a_message_at_once_one_is_told(
    api: Api, database: Database, message: UUID
) -> None:
    """Each shows itself first and looks then, in one process and in two: never does neither see the other."""
    phone = voicemail_of(api)

    async def comes(presence: Presence, extension: str) -> list[Colleague]:
        await presence.show(call_of(api, message, extension, extension))
        return await phone.listeners(message, besides=extension)

    async with calls(database) as here, calls(database) as there:
        for _ in range(20):
            for other in (here, there):
                told = await asyncio.gather(comes(here, "101"), comes(other, "102"))
                assert [Colleague(extension="102")] == told[0] or [Colleague(extension="101")] == told[1]
                here.leave("101")
                other.leave("102")


async def test_who_shows_that_they_listen_is_seen_at_once(
    api: Api, database: Database, client: httpx.AsyncClient, message: UUID
) -> None:
    """Nothing is waited for but that it is written; who left and comes again is seen again."""
    async with calls(database) as presence:
        await presence.show(call_of(api, message))
        first = await heard(client)
        presence.enter(replace(call_of(api, message), message_id=None))
        await presence.show(call_of(api, message))
        again = await heard(client)

    assert [(str(message), "phone", "102", None)] == first == again


async def test_nobody_waits_to_be_seen_where_nobody_can_see(api: Api, message: UUID) -> None:
    """Without the database, or where nothing tells: the call goes on."""
    away = Database("postgresql+psycopg://nobody@127.0.0.1:1/nothing", timeout_seconds=1)
    presence = Presence(away, ProcessKind.CALLS, host="here")
    async with asyncio.timeout(10):
        await presence.show(call_of(api, message))
        async with presence.told():
            await presence.show(call_of(api, message))
            await presence.show(call_of(api, message, "c2"))
    await away.close()

    assert ["c1", "c2"] == list(presence._calls)


async def test_the_phone_is_told_of_all_but_itself(
    api: Api, database: Database, message: UUID, bob: Browser
) -> None:
    """Somebody in a browser is named by the own extension; who listens twice is told once."""
    await client_extension(api, "103")
    mia = await make_user(api, "mia", tenant="default", role=Role.MEMBER, extension="103")
    presence = Presence(database, ProcessKind.CALLS, host="here")
    presence.enter(call_of(api, message, "own", "101"))
    presence.enter(call_of(api, message, "c2", "102"))
    await presence._tell()
    await says(bob, "playing", message, uuid4())
    async with database.transaction() as session:
        await rows.plays(
            session,
            uuid4(),
            user_id=mia,
            tenant_id=tenant_id(api),
            mailbox_id=call_of(api, message).mailbox_id,
            message_id=message,
        )
    found = await voicemail_of(api).listeners(message, besides="own")

    assert [
        Colleague(extension="102"),
        Colleague(name="Bob"),
        Colleague(extension="103", name="Mia"),
    ] == found


async def client_extension(api: Api, number: str) -> None:
    """Make an extension."""
    async with api.client(await api.token()) as client:
        made = await client.post("/api/v1/extensions", json={"number": number, "display_name": "Phone"})
    assert made.status_code == 201, made.text


def names_to_speak(api: Api) -> list[dict[str, str]]:
    """Return for whom a job was deferred since the last time that speaks their name."""
    return [arguments for task, arguments in api.jobs() if task == "speech.colleague"]


async def test_name_is_spoken_when_somebody_begins_to_play(
    api: Api, client: httpx.AsyncClient, message: UUID, bob: Browser
) -> None:
    """Once, in the language of the mailbox; not of who is known by an extension."""
    player = uuid4()
    await client.patch("/api/v1/mailboxes/8001", json={"language": "de"})
    await says(bob, "playing", message, player)
    await says(bob, "playing", message, player)
    spoken = names_to_speak(api)
    await client_extension(api, "103")
    await make_user(api, "mia", tenant="default", role=Role.TENANT_ADMIN, extension="103")
    async with Browser(api) as mia:
        await mia.sign_in("mia")
        await says(mia, "playing", message, uuid4())

    assert ([{"name": "Bob", "language": "de"}], []) == (spoken, names_to_speak(api))


async def deletes(browser: Browser, message_id: UUID) -> None:
    """Delete a message by the button of its row."""
    token = (await browser.open(PAGE)).form("/sign-out").fields["csrf"]
    await browser.post(PAGE, {"csrf": token, "do": f"delete:{message_id}"})


async def test_name_of_who_is_faster_is_spoken_while_somebody_is_on_the_phone(
    api: Api, database: Database, client: httpx.AsyncClient, message: UUID, bob: Browser
) -> None:
    """Otherwise nobody is told of it; a program has no name to speak."""
    await deletes(bob, message)
    nobody_there = names_to_speak(api)
    presence = Presence(database, ProcessKind.CALLS, host="here")
    presence.enter(replace(call_of(api, message), message_id=None))
    await presence._tell()
    await client.patch(f"/api/v1/messages/{message}", json={"state": "restored"})
    by_program = names_to_speak(api)
    await deletes(bob, message)

    assert ([], [], ["Bob"]) == (
        nobody_there,
        by_program,
        [each["name"] for each in names_to_speak(api)],
    )


async def test_of_a_burst_of_calls_those_that_stay_are_there(
    api: Api, database: Database, client: httpx.AsyncClient, message: UUID
) -> None:
    """They come, move on and go in one moment, and are told together."""
    second = await api.message()
    presence = Presence(database, ProcessKind.CALLS, host="here")
    for turn in range(2):
        for number in range(30):
            presence.enter(call_of(api, message, f"c{number}", str(200 + number)))
            if number % 3 == turn:
                presence.enter(call_of(api, second, f"c{number}", str(200 + number)))
            elif number % 3 == 2:
                presence.leave(f"c{number}")
        await presence._tell()
    found = await heard(client)

    assert (10, 10) == (
        sum(each[0] == str(message) for each in found),
        sum(each[0] == str(second) for each in found),
    )
