"""The Voicemail page of the portal: finding messages, and what the buttons do with them."""

from __future__ import annotations

import asyncio
import io
import zipfile
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import event
from tests.support.api import Api
from tests.support.hostile import HOSTILE_TEXTS
from tests.support.portal import ORIGIN, Browser, Shown

PAGE = "/portal/mailboxes/8001/voicemail"
MARCH = datetime(2026, 3, 2, 23, 30, tzinfo=UTC)
MAY = datetime(2026, 5, 4, 10, 0, tzinfo=UTC)


@pytest.fixture
async def office(mailbox: httpx.Response, bob: Browser) -> Browser:
    """Return Bob's browser, and have the mailbox 8001."""
    assert mailbox.status_code == 201
    return bob


def chosen(shown: Shown) -> list[str]:
    """Return the ids of the messages that a page shows, in order."""
    return [tag["value"] for tag in shown.with_attribute("value") if tag.get("name") == "id"]


def states(api: Api) -> dict[str, str]:
    """Return the state of each message."""
    return {str(row["id"]): row["state"] for row in api.rows("SELECT id, state FROM messages")}


async def press(browser: Browser, do: str, *ids: UUID, path: str = PAGE) -> Shown:
    """Choose messages, and press a button; `path` is where the form goes."""
    shown = await browser.open(PAGE)
    token = shown.form("/sign-out").fields["csrf"]
    return await browser.post(path, {"csrf": token, "do": do, "id": [str(i) for i in ids]})  # type: ignore[dict-item]


async def test_newest_message_is_first(api: Api, office: Browser) -> None:
    """With who called, since when, how long, how it got here, and whether somebody heard it."""
    old = await api.message(name="Alice", received_at=MARCH)
    new = await api.message(name="Bert", caller="+49 30 1", received_at=MAY, seconds=65)
    shown = await office.open(PAGE)

    assert [str(new), str(old)] == chosen(shown)
    for said in ("Bert", "+49 30 1", "1:05", "Dialled directly", "May 4, 2026", "Unread", "months ago"):
        assert said in shown.text
    assert "Sales (8001) · Shared Voicemail" == shown.title


async def test_opening_the_page_and_fetching_audio_read_nothing(api: Api, office: Browser) -> None:
    """A message is unread until somebody played it to its end."""
    message = await api.message(seconds=1)
    await office.open(PAGE)
    await office.open(f"/portal/messages/{message}")
    answer = await office.client.get(f"/portal/messages/{message}/audio?format=wav")

    assert (200, "audio/wav", b"RIFF") == (
        answer.status_code,
        answer.headers["content-type"],
        answer.content[:4],
    )
    assert {str(message): "new"} == states(api)


async def test_playing_to_the_end_marks_read_only_what_is_unread(api: Api, office: Browser) -> None:
    """What a colleague has deleted meanwhile stays in the trash."""
    heard, gone = await api.message(), await api.message()
    await press(office, "delete", gone)
    token = office.shown.form("/sign-out").fields["csrf"]
    for message, status in ((heard, 204), (gone, 204), (uuid4(), 404)):
        answer = await office.client.post(
            f"/portal/messages/{message}/heard", headers={"X-CSRF-Token": token, "Origin": "http://test"}
        )
        assert answer.status_code == status

    assert {str(heard): "saved", str(gone): "deleted"} == states(api)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", "new saved"),
        ("?show=all", "new saved"),
        ("?show=unread", "new"),
        ("?show=read", "saved"),
        ("?show=trash", "gone"),
        ("?show=nonsense", "new saved"),
        ("?q=ALI", "new"),
        ("?q=4930", "saved"),
        ("?q=%25", ""),
        ("?since=2026-05-01", "new"),
        ("?until=2026-05-01", "saved"),
        ("?since=2026-03-02&until=2026-03-02", "saved"),
        ("?since=2026-03-03&until=2026-03-03", ""),
        ("?after=nonsense", "new saved"),
        ("?show=trash&q=carol", "gone"),
    ],
)
async def test_filters(api: Api, office: Browser, query: str, found: str) -> None:
    """By state, by a part of the caller's name or number, and by whole days, the last one included."""
    ids = {
        "new": await api.message(name="Alice", received_at=MAY),
        "saved": await api.message(name="Bert", caller="+4930", received_at=MARCH),
        "gone": await api.message(name="Carol", received_at=MARCH),
    }
    await press(office, "mark_read", ids["saved"])
    await press(office, "delete", ids["gone"])
    shown = await office.open(PAGE + query)

    assert [str(ids[name]) for name in found.split()] == chosen(shown)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", "last urgent first"),
        ("?show=urgent", "urgent"),
        ("?order=urgent", "urgent last first"),
        ("?order=nonsense", "last urgent first"),
    ],
)
async def test_urgent_messages_are_shown_found_and_sorted(
    api: Api, office: Browser, query: str, found: str
) -> None:
    """What a caller marked has a badge, a tab of its own, and comes first if somebody wants that."""
    ids = {
        "first": await api.message(received_at=MARCH),
        "urgent": await api.message(received_at=MAY, urgent=True),
        "last": await api.message(received_at=MAY + timedelta(hours=1)),
    }
    shown = await office.open(PAGE + query)

    assert [str(ids[name]) for name in found.split()] == chosen(shown)
    assert 1 == shown.text.count("Unread Urgent")
    assert "Unread Urgent" in (await office.open(f"/portal/messages/{ids['urgent']}")).text


async def test_urgent_ones_come_first_over_all_pages(api: Api, office: Browser) -> None:
    """The second page goes on where the first one ended."""
    urgent = [str(await api.message(received_at=MARCH, urgent=True)) for _ in range(31)]
    others = [str(await api.message(received_at=MAY)) for _ in range(2)]
    first = chosen(await office.open(f"{PAGE}?order=urgent"))
    older = [
        tag["href"] for name, tag in office.shown.tags if name == "a" and "after=" in tag.get("href", "")
    ]
    second = chosen(await office.open(older[-1]))

    assert set(first + second[:1]) == set(urgent)
    assert set(second[1:]) == set(others)


async def test_days_are_those_of_the_tenant(api: Api, office: Browser) -> None:
    """Half past eleven at night in UTC is the next day in Berlin."""
    system = api.client(await api.token(None))
    changed = await system.patch("/api/v1/tenants/default", json={"time_zone": "Europe/Berlin"})
    assert changed.status_code == 200, changed.text
    message = await api.message(received_at=MARCH)
    shown = await office.open(f"{PAGE}?since=2026-03-03&until=2026-03-03")

    assert [str(message)] == chosen(shown)
    assert "Mar 3, 2026, 12:30" in shown.text


async def test_wrong_day_is_told_beside_the_field(office: Browser) -> None:
    """The others filters hold all the same."""
    shown = await office.open(f"{PAGE}?since=yesterday")

    assert "This is no day" in shown.text
    assert [{"id": "since", "value": "yesterday"}] == [
        {name: tag[name] for name in ("id", "value")} for tag in shown.with_attribute("aria-invalid")
    ]


async def test_pages_go_on_where_the_last_one_ended(api: Api, office: Browser) -> None:
    """Each message is on exactly one page, though many came at the same time."""
    ids = {str(await api.message(received_at=MAY)) for _ in range(65)}
    seen: list[str] = []
    shown = await office.open(PAGE)
    while True:
        seen += chosen(shown)
        older = [tag["href"] for name, tag in shown.tags if name == "a" and "after=" in tag.get("href", "")]
        if not older:
            break
        shown = await office.open(older[-1])

    assert (ids, 65) == (set(seen), len(seen))


async def test_buttons_change_what_is_chosen(api: Api, office: Browser) -> None:
    """Read, unread, into the trash and out of it; each is told, and lamps are brought up to date."""
    one, two, other = [await api.message() for _ in range(3)]
    told = []
    for do in ("mark_read", "mark_unread", "delete", "restore"):
        shown = await press(office, do, one, two)
        told.append(shown.text)
        expected = {"mark_read": "saved", "delete": "deleted"}.get(do, "new")
        assert {str(one): expected, str(two): expected, str(other): "new"} == states(api)

    for sentence, text in zip(
        (
            "2 messages are marked as read.",
            "2 messages are marked as unread.",
            "2 messages are in the trash.",
            "2 messages are back.",
        ),
        told,
        strict=True,
    ):
        assert sentence in text
    assert [("user bob",)] == [
        tuple(row.values())
        for row in api.rows("SELECT DISTINCT state_changed_by FROM messages WHERE version > 1")
    ]
    assert api.jobs() != []


async def test_button_of_a_row_changes_that_row_alone(api: Api, office: Browser) -> None:
    """Whatever else is chosen."""
    one, two = await api.message(), await api.message()
    await press(office, f"delete:{one}", two)

    assert {str(one): "deleted", str(two): "new"} == states(api)


async def test_deleting_can_be_undone(api: Api, office: Browser) -> None:
    """By one button beside what was told, also for a whole page of messages."""
    ids = [await api.message() for _ in range(30)]
    await press(office, "mark_read", ids[0])
    await press(office, "delete", *ids)
    undo = next(form for form in office.shown.forms if form.fields.get("do") == "restore")
    hidden = [tag["value"] for tag in office.shown.with_attribute("value") if tag.get("name") == "id"]
    shown = await office.post(undo.action, {**undo.fields, "id": hidden})  # type: ignore[dict-item]

    assert "30 messages are back." in shown.text
    assert {**{str(i): "new" for i in ids}, str(ids[0]): "saved"} == states(api)


async def test_what_a_colleague_did_is_told_and_stays(
    api: Api, office: Browser, client: httpx.AsyncClient
) -> None:
    """Who acts on a page that is not up to date harms nothing."""
    one, two = await api.message(), await api.message()
    await client.delete(f"/api/v1/messages/{one}")
    read = (await press(office, "mark_read", one, two)).text
    await client.delete(f"/api/v1/messages/{one}")
    deleted = (await press(office, "delete", one, two)).text
    await client.patch(f"/api/v1/messages/{two}", json={"state": "restored"})
    purged = (await press(office, "purge", two, path=PAGE)).text
    token = office.shown.form("/sign-out").fields["csrf"]
    left = await office.post(PAGE, {"csrf": token, "do": "purge", "sure": "yes", "id": str(two)})

    assert "Marked as read. Somebody else has deleted one meanwhile: it stays in the trash." in read
    assert "The message is in the trash. Somebody else has deleted one for good meanwhile." in deleted
    assert "Delete for good?" in purged
    assert "One is not in the trash any more, and stays as it is." in left.text
    assert {str(two): "saved"} == states(api)


async def test_purging_asks_first(api: Api, office: Browser) -> None:
    """The recording is gone after the second button, and not before."""
    message = await api.message(seconds=1)
    await press(office, "delete", message)
    shown = await press(office, "purge", message, path=f"{PAGE}?show=trash")
    before = states(api)
    done = await office.post(f"{PAGE}?show=trash", shown.forms[-1].fields)

    assert ({str(message): "deleted"}, {}) == (before, states(api))
    assert "1 message of the trash" in shown.text
    assert "The message is gone for good." in done.text
    assert not api.store.path(message).exists()


async def test_nothing_chosen_is_told(api: Api, office: Browser) -> None:
    """And nothing is changed."""
    message = await api.message()
    shown = await press(office, "delete")

    assert "Choose at least one message first." in shown.text
    assert {str(message): "new"} == states(api)


@pytest.mark.parametrize("do", ["", "drop", "purge_all", "delete;"])
async def test_unknown_action_is_refused(api: Api, office: Browser, do: str) -> None:
    """No button of ours sends it."""
    message = await api.message()
    await press(office, do, message)

    assert (422, {str(message): "new"}) == (office.answer.status_code, states(api))


@pytest.mark.parametrize("path", [PAGE, "/portal/messages/{id}", "/portal/messages/{id}/heard"])
@pytest.mark.parametrize("token", ["", "0" * 64])
async def test_forms_of_other_sites_change_nothing(api: Api, office: Browser, path: str, token: str) -> None:
    """Every change wants the token of the session."""
    message = await api.message()
    address = path.format(id=message)
    answer = await office.client.post(
        address,
        data={"csrf": token, "do": "delete", "id": str(message)},
        headers={"Origin": "http://test"},
    )

    assert (403, {str(message): "new"}) == (answer.status_code, states(api))


@pytest.mark.parametrize(
    "path", ["/mailboxes/8001/voicemail", "/mailboxes/8001/events", "/messages/{id}", "/messages/{id}/audio"]
)
async def test_other_tenants_find_nothing(api: Api, office: Browser, alice: Browser, path: str) -> None:
    """Neither the mailbox nor the message nor its recording, and no form changes it."""
    message = await api.message(seconds=1)
    await api.tenant("north")
    await alice.open("/portal/tenants")
    token = alice.shown.form("/sign-out").fields["csrf"]
    await alice.post("/portal/tenants", {"csrf": token, "tenant": "north"})
    await alice.open("/portal" + path.format(id=message))
    found = alice.answer.status_code
    await alice.post(f"/portal/messages/{message}/heard", {"csrf": token})
    await alice.post(f"/portal/messages/{message}", {"csrf": token, "do": "delete"})

    assert (404, {str(message): "new"}) == (found, states(api))
    assert office.path == "/portal/welcome"


async def test_who_is_signed_out_signs_in_first(api: Api, office: Browser, visitor: Browser) -> None:
    """And comes back to the message that a mail or a colleague named."""
    message = await api.message(seconds=1)
    answer = await visitor.client.get(f"/portal/messages/{message}/audio")
    await visitor.open(f"/portal/messages/{message}")

    assert (303, f"/portal/sign-in?next=/portal/messages/{message}") == (answer.status_code, visitor.path)
    assert office.path == "/portal/welcome"


@pytest.mark.parametrize(
    ("asked", "status", "said"),
    [
        ("bytes=0-3", 206, "bytes 0-3/"),
        ("bytes=-4", 206, "bytes "),
        ("bytes=9999999-", 416, "bytes */"),
        ("bytes=99999999999999999-", 416, "bytes */"),
        ("bytes=0-1,4-5", 200, ""),
        ("items=0-3", 200, ""),
    ],
)
async def test_parts_of_a_recording(api: Api, office: Browser, asked: str, status: int, said: str) -> None:
    """A player seeks; what is beyond the end is refused, and says how long the recording is."""
    message = await api.message(seconds=1)
    answer = await office.client.get(f"/portal/messages/{message}/audio", headers={"Range": asked})

    assert (status, True) == (answer.status_code, answer.headers.get("content-range", "").startswith(said))


async def test_missing_recording_is_told(api: Api, office: Browser) -> None:
    """A page says so, and no error of ours."""
    message = await api.message()
    shown = await office.open(f"/portal/messages/{message}/audio")

    assert (404, True) == (
        office.answer.status_code,
        "The recording of this message is not there." in shown.text,
    )


async def test_download_has_a_name_of_ours(api: Api, office: Browser) -> None:
    """Made of the mailbox and the time; nothing that a caller said is in the header."""
    message = await api.message(name='x"; filename="evil.exe', received_at=MARCH, seconds=1)
    await press(office, "download", message)

    assert (
        'attachment; filename="voicemail-8001-20260302-233000.wav"'
        == (office.answer.headers["content-disposition"])
    )


async def test_many_are_downloaded_as_one_zip(api: Api, office: Browser) -> None:
    """Two of the same second have different names; what has no recording, or is not ours, is left out."""
    ids = [await api.message(received_at=MARCH, seconds=1) for _ in range(2)]
    await press(office, "download", *ids, await api.message(), uuid4())
    archive = zipfile.ZipFile(io.BytesIO(office.answer.content))
    names = archive.namelist()

    assert (2, None) == (len(set(names)), archive.testzip())
    assert all(name.startswith("voicemail-8001-20260302-233000") for name in names)
    assert {api.store.path(i).read_bytes() for i in ids} == {archive.read(name) for name in names}


@pytest.mark.parametrize("text", HOSTILE_TEXTS)
async def test_hostile_callers_are_words_and_nothing_else(api: Api, office: Browser, text: str) -> None:
    """Whatever a caller calls themselves, the pages have the same tags, and no header is of theirs."""
    plain = await api.message(name="Alice", caller="102", seconds=0.1)
    paths = (PAGE, f"/portal/messages/{plain}")
    change = "UPDATE messages SET caller_name = %s, caller_number = %s WHERE id = %s RETURNING id"
    shapes = {path: [await _shape(office, path)] for path in paths}
    # A name of blanks is none.
    api.rows(change, " ", "102", plain)
    for path in paths:
        shapes[path].append(await _shape(office, path))
    storable = text.encode("utf-8", "replace").decode().replace("\x00", "\ufffd")
    api.rows(change, storable, f"1{storable}", plain)
    for path in paths:
        assert await _shape(office, path) in shapes[path]
    answer = await office.client.get(f"/portal/messages/{plain}/audio?save=true")
    assert answer.headers["content-disposition"].startswith('attachment; filename="voicemail-8001-')
    assert "x-injected" not in answer.headers
    await office.open(f"{PAGE}?{httpx.QueryParams({'q': storable})}")
    assert office.answer.status_code == 200


async def _shape(browser: Browser, path: str) -> list[tuple[str, list[str]]]:
    shown = await browser.open(path)
    return [(name, sorted(attributes)) for name, attributes in shown.tags]


async def test_page_is_light(api: Api, office: Browser) -> None:
    """All that a browser loads for a full page is less than 150 kB, with long names."""
    for _ in range(31):
        await api.message(name="n" * 60, caller="+" + "4" * 20)
    shown = await office.open(PAGE)
    weight = len(office.answer.content)
    for _, tag in shown.tags:
        address = tag.get("src") or (tag.get("href") if tag.get("rel") == "stylesheet" else None)
        if address and "/static/" in address:
            weight += len((await office.client.get(address)).content)

    assert weight < 150_000


async def test_live_page_leaves_what_is_to_be_told(api: Api, office: Browser) -> None:
    """A window that brings itself up to date takes no notice away from the one that did something."""
    message = await api.message()
    token = (await office.open(PAGE)).form("/sign-out").fields["csrf"]
    await office.client.post(
        PAGE,
        data={"csrf": token, "do": "delete", "id": str(message)},
        headers={"Origin": "http://test"},
        follow_redirects=False,
    )
    await office.client.get(PAGE, headers={"X-Live": "yes"})
    shown = await office.open(PAGE)

    assert "The message is in the trash." in shown.text


async def test_german(api: Api, office: Browser) -> None:
    """The page speaks the person's language, dates and lengths too."""
    await api.message(received_at=MAY, seconds=3)
    office.client.headers["Accept-Language"] = "de"
    shown = await office.open(PAGE)

    for said in ("Ungelesen", "04.05.2026, 10:00", "3 Sekunden", "Direkt gewählt", "Herunterladen"):
        assert said in shown.text


async def test_messages_are_found_by_their_way(api: Api, office: Browser) -> None:
    """A queue that the call passed, or the number that was dialled, as people write it; a word is none."""
    step = {"kind": "call-queue", "number": "6500", "reason": "queue_timeout"}
    direct = await api.message(received_at=MARCH)
    queued = await api.message(
        received_at=MAY,
        reached_by={"did": "+49 30 901820", "reason": "queue_timeout", "path": [step, step]},
    )
    found = [
        chosen(await office.open(f"{PAGE}?way={way}"))
        for way in ("6500", "%2B49+(30)+90-1820", "650", "4930901820&until=2026-04-01", "")
    ]
    word = await office.open(f"{PAGE}?way=queue")

    assert [[str(queued)], [str(queued)], [], [], [str(queued), str(direct)]] == found
    assert "This is no number." in word.text
    assert "6500" == (await office.open(f"{PAGE}?way=6500")).form("/voicemail").fields["way"]


async def test_who_marks_by_hand_reads_nothing_by_playing(api: Api, office: Browser) -> None:
    """The setting of one's own account says so, and the page of a message tells it."""
    message = await api.message(seconds=1)
    account = await office.open("/portal/account")
    fields = {key: value for key, value in account.form("/account").fields.items() if key != "played_is_read"}
    await office.post("/portal/account", fields)
    shown = await office.open(f"/portal/messages/{message}")
    path = f"/portal/messages/{message}/heard"
    answer = await office.post(path, {"csrf": shown.form("/sign-out").fields["csrf"]})
    left = states(api)[str(message)]
    await office.open("/portal/account")
    await office.send("/account", played_is_read="yes")
    await office.post(path, {"csrf": shown.form("/sign-out").fields["csrf"]})

    assert "playing it does not mark it read" in shown.text
    assert ("", "new", "saved") == (answer.text, left, states(api)[str(message)])


async def test_a_zip_asks_for_all_messages_at_once(api: Api, office: Browser) -> None:
    """However many they are: once for what they are, once to note who has them."""
    ids = [await api.message(seconds=0.1) for _ in range(5)]
    asked: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if "FROM messages" in statement:
            asked.append(statement)

    shown = await office.open(PAGE)
    engine = api.deps.db._engine.sync_engine
    event.listen(engine, "after_cursor_execute", note)
    try:
        token = shown.form("/sign-out").fields["csrf"]
        fields = {"csrf": token, "do": "download", "id": [str(each) for each in ids]}
        await office.client.post(PAGE, data=fields, headers={"Origin": ORIGIN})
    finally:
        event.remove(engine, "after_cursor_execute", note)

    assert 2 == len(asked)


async def test_pages_of_many_share_what_they_fetch(api: Api, office: Browser, alice: Browser) -> None:
    """One page is made for all who may see the same, and has in its forms the token of whoever gets it."""
    await api.message()
    asked: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if "FROM messages JOIN mailboxes" in statement:
            asked.append(statement)

    tokens = [(await each.open(PAGE)).form("/sign-out").fields["csrf"] for each in (office, alice)]
    engine = api.deps.db._engine.sync_engine
    event.listen(engine, "after_cursor_execute", note)
    try:
        answers = await asyncio.gather(
            *(each.client.get(PAGE, headers={"X-Live": "yes"}) for each in (office, alice) * 10)
        )
    finally:
        event.remove(engine, "after_cursor_execute", note)

    forms = [form for answer in answers for form in Shown(answer.text).forms if form.method == "post"]
    assert tokens * 10 == [form.fields["csrf"] for form in forms]
    assert len(asked) < len(answers)
    assert "Sign out" not in answers[0].text
