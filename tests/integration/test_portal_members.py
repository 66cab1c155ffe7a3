"""What members of mailboxes see and do in the portal, and how they are made."""

from __future__ import annotations

from uuid import uuid4

import httpx
import pytest
from controlplane.storage.tables import UserRow
from tests.integration.test_portal_events import stream
from tests.support.api import MAILBOX, Api
from tests.support.hostile import HOSTILE_TEXTS
from tests.support.members import give, make_member, make_team, tenant_id
from tests.support.portal import Browser, make_user

_BOX = "/portal/mailboxes/8001"


@pytest.fixture
async def mia(api: Api, mailbox: httpx.Response) -> Browser:
    """Return the browser of Mia, who may listen at 8001, signed in; 8002 is none of hers."""
    assert mailbox.status_code == 201
    async with api.client(await api.token()) as client:
        await client.post("/api/v1/mailboxes", json={**MAILBOX, "number": "8002", "display_name": "Secret"})
    await make_member(api, "mia", ["listen"])
    browser = Browser(api)
    await browser.sign_in("mia")
    return browser


async def _csrf(browser: Browser) -> str:
    return (await browser.open("/portal/account")).form("/sign-out").fields["csrf"]


def _buttons(browser: Browser) -> set[str]:
    """Return what the buttons of the shown page ask for."""
    named = [
        attributes for tag, attributes in browser.shown.tags if tag == "button" and "value" in attributes
    ]
    links = [attributes for tag, attributes in browser.shown.tags if tag == "a" and "download" in attributes]
    return {each["value"].partition(":")[0] for each in named} | ({"download-link"} if links else set())


async def test_member_sees_their_mailboxes_alone(mia: Browser) -> None:
    """In the list and in the menu; nothing is offered that is not theirs, and names lead to messages."""
    shown = await mia.open("/portal/mailboxes")
    links = {attributes.get("href", "") for tag, attributes in shown.tags if tag == "a"}

    assert ("Sales" in shown.text, "Secret" in shown.text, "8002" in shown.text) == (True, False, False)
    assert "The mailboxes that you were given." in shown.text
    assert f"{_BOX}/voicemail" in links
    assert not links & {_BOX, "/portal/mailboxes/add", "/portal/users", "/portal/teams"}
    assert {"voicemail"} == _buttons(mia)


async def test_member_without_mailboxes_is_told(api: Api) -> None:
    """What to do, and no button for it."""
    await make_member(api, "mia")
    async with Browser(api) as browser:
        shown = await browser.sign_in("mia")

    assert "No mailbox yet" in shown.text
    assert "An admin can give you mailboxes." in shown.text


@pytest.mark.parametrize(
    ("rights", "buttons", "trash"),
    [
        (["listen"], {"mark_read", "mark_unread"}, 403),
        (["download"], {"mark_read", "mark_unread", "download", "download-link"}, 403),
        (["delete"], {"mark_read", "mark_unread", "delete"}, 200),
        (["manage"], {"mark_read", "mark_unread", "delete", "download", "download-link"}, 200),
    ],
)
async def test_voicemail_page_has_the_buttons_of_their_rights(
    api: Api, mailbox: httpx.Response, rights: list[str], buttons: set[str], trash: int
) -> None:
    """And the trash for who may delete; the page of a message offers the same."""
    assert mailbox.status_code == 201
    message = await api.message(seconds=0.2)
    await make_member(api, "mia", rights)
    async with Browser(api) as browser:
        await browser.sign_in("mia")
        await browser.open(f"{_BOX}/voicemail")
        listed = _buttons(browser)
        await browser.open(f"/portal/messages/{message}")
        single = _buttons(browser)
        shown = await browser.open(f"{_BOX}/voicemail?show=trash")

        assert (buttons, trash) == (listed, browser.answer.status_code)
        assert buttons - {"mark_unread", "download"} == single - {"mark_unread", "download"}
        assert (trash == 403) is ("You may not do this" in shown.text)


async def test_forms_made_by_hand_get_no_further(api: Api, mia: Browser) -> None:
    """Deleting, purging and downloading without the right change nothing, and are told."""
    message = await api.message(seconds=0.2)
    csrf = await _csrf(mia)
    deleted = await mia.post(f"{_BOX}/voicemail", {"csrf": csrf, "do": "delete", "id": str(message)})
    saved = await mia.client.get(f"/portal/messages/{message}/audio?format=wav&save=true")
    several = await mia.post(f"{_BOX}/voicemail", {"csrf": csrf, "do": "download", "id": str(message)})
    await mia.post(f"{_BOX}/voicemail", {"csrf": csrf, "do": "purge", "id": str(message), "sure": "yes"})
    settings = await mia.open(_BOX)

    assert "One you may not do this with." in deleted.text
    assert (403, True) == (saved.status_code, "You may not do this" in several.text)
    assert "You were not given the right to do this at this mailbox." in settings.text
    assert ["new"] == [row["state"] for row in api.rows("SELECT state FROM messages")]


async def test_many_are_downloaded_as_far_as_rights_go(api: Api, mia: Browser) -> None:
    """A ZIP has what may be kept; without anything it is refused in words."""
    one, two = await api.message(seconds=0.2), await api.message(seconds=0.2)
    csrf = await _csrf(mia)
    data = {"csrf": csrf, "do": "download", "id": [str(one), str(two)]}
    headers = {"Origin": "http://test"}
    refused = await mia.client.post(f"{_BOX}/voicemail", data=data, headers=headers)
    async with Browser(api) as other:
        await make_member(api, "dora", ["download"])
        await other.sign_in("dora")
        data["csrf"] = await _csrf(other)
        packed = await other.client.post(f"{_BOX}/voicemail", data=data, headers=headers)

    assert (403, 200) == (refused.status_code, packed.status_code)
    assert packed.content.startswith(b"PK")


async def test_playing_marks_read_for_who_may_listen(api: Api, mia: Browser) -> None:
    """Hearing a message to its end is listening, here as by phone."""
    message = await api.message(seconds=0.2)
    heard = await mia.client.get(f"/portal/messages/{message}/audio?format=wav")
    await mia.post(f"/portal/messages/{message}/heard", {"csrf": await _csrf(mia)})

    assert 200 == heard.status_code
    assert ["saved"] == [row["state"] for row in api.rows("SELECT state FROM messages")]


async def test_open_page_hears_nothing_once_the_right_is_gone(api: Api, mia: Browser) -> None:
    """The stream ends at the next change; the page that fetches itself is told."""
    async with stream(api, mia) as opened:
        await opened.until("event: changed")
        api.rows("DELETE FROM mailbox_members RETURNING id")
        await api.message()
        assert "event: changed\ndata:\n\n" == await opened.whole()
        assert await opened.until("end")
    await mia.open(f"{_BOX}/voicemail")

    assert 404 == mia.answer.status_code


async def test_admin_makes_members_and_is_told_what_that_means(
    api: Api, mailbox: httpx.Response, bob: Browser
) -> None:
    """The first closes the mailbox to other extensions, the last one gone opens it; the list names them."""
    assert mailbox.status_code == 201
    await make_member(api, "mia")
    team = await make_team(api, "Night shift", ["mia"])
    shown = await bob.open(f"{_BOX}/members")
    empty = "Every extension that knows the PIN hears the messages by phone" in shown.text
    first = await bob.send("/members", who="user:mia", rights="delete", do="add")
    second = await bob.send("/members", who=f"team:{team}", rights="listen", do="add")
    rows = api.rows("SELECT user_id IS NULL AS team, rights FROM mailbox_members ORDER BY user_id")
    listed = await bob.open("/portal/mailboxes")
    named = "Sales, Members: Night shift, Mia" in listed.text
    await bob.open(f"{_BOX}/members")
    forms = [form for form in bob.shown.forms if "member" in form.fields]
    told = [await bob.post(f"{_BOX}/members", {**form.fields, "do": "remove"}) for form in forms]

    assert (True, True) == (empty, named)
    assert "Mia is a member now. From now on only members hear the messages by phone." in first.text
    assert "Night shift is a member now. " not in first.text
    assert "Night shift is a member now." in second.text
    assert [(False, ["listen", "delete"]), (True, ["listen"])] == [(r["team"], r["rights"]) for r in rows]
    assert "is no member any more. Without members, every extension that knows the PIN" in told[-1].text
    assert [] == api.rows("SELECT id FROM mailbox_members")


async def test_rights_are_changed_unless_somebody_was_first(
    api: Api, mailbox: httpx.Response, bob: Browser
) -> None:
    """Given again without a right it is refused; a form that is too old is told."""
    assert mailbox.status_code == 201
    await make_member(api, "mia", ["listen"])
    await bob.open(f"{_BOX}/members")
    old = next(form for form in bob.shown.forms if "member" in form.fields).fields
    changed = await bob.post(f"{_BOX}/members", {**old, "rights": "manage", "do": "save"})
    late = await bob.post(f"{_BOX}/members", {**old, "rights": "listen", "do": "save"})
    late_status = bob.answer.status_code
    none = await bob.post(
        f"{_BOX}/members", {name: value for name, value in old.items() if name != "rights"} | {"do": "save"}
    )
    again = await bob.send("/members", who="", rights="listen", do="add")
    (row,) = api.rows("SELECT rights FROM mailbox_members")

    assert "The rights of Mia are saved." in changed.text
    assert (412, True) == (late_status, "Somebody else changed this meanwhile." in late.text)
    assert "Give at least one right." in none.text
    assert "Choose a person or a team of this tenant." in again.text
    assert ["listen", "download", "delete", "manage"] == row["rights"]


async def test_member_who_manages_changes_settings_and_members(api: Api, mailbox: httpx.Response) -> None:
    """All but deleting; whoever takes themselves out is led away."""
    assert mailbox.status_code == 201
    await make_member(api, "max", ["manage"])
    await make_member(api, "mia")
    async with Browser(api) as browser:
        await browser.sign_in("max")
        shown = await browser.open(_BOX)
        deletes = any("delete" in a.get("href", "") for _, a in shown.tags)
        saved = await browser.send("/8001", display_name="Renamed", do="save")
        await browser.open(f"{_BOX}/members")
        added = await browser.send("/members", who="user:mia", rights="listen", do="add")
        own = next(f for f in added.forms if f.fields.get("rights") == "manage")
        left = await browser.post(f"{_BOX}/members", {**own.fields, "do": "remove"})

        assert (False, "/portal/mailboxes") == (deletes, browser.path)
    assert "Renamed is saved." in saved.text
    assert "You are no member of that mailbox any more." in left.text


async def test_foreign_people_are_no_choice(api: Api, mailbox: httpx.Response, bob: Browser) -> None:
    """Users and teams of another tenant are neither offered nor taken."""
    assert mailbox.status_code == 201
    await api.tenant("north")
    await make_user(api, "nora", tenant="north")
    shown = await bob.open(f"{_BOX}/members")
    refused = await bob.send("/members", who="user:nora", rights="listen", do="add")

    assert "nora" not in shown.text
    assert "Choose a person or a team of this tenant." in refused.text


async def test_role_and_extension_of_a_user_are_changed(api: Api, bob: Browser) -> None:
    """At once, also for who is signed in; an extension is of one person, and of this tenant."""
    async with api.client(await api.token()) as client:
        await client.post("/api/v1/extensions", json={"number": "101", "display_name": "Phone"})
    carol = await make_user(api, "carol", tenant="default")
    await make_member(api, "mia", extension="101")
    async with Browser(api) as browser:
        await browser.sign_in("carol")
        await browser.open("/portal/users")
        before = browser.answer.status_code
        await bob.open(f"/portal/users/{carol}")
        taken = await bob.send(f"/{carol}", role="member", extension="101")
        unknown = await bob.send(f"/{carol}", role="member", extension="999")
        saved = await bob.send(f"/{carol}", role="member", extension="", pin_spared="yes")
        shown = await browser.open("/portal/users")

        assert (200, 403) == (before, browser.answer.status_code)
    assert "This extension is somebody else's" in taken.text
    assert "There is no extension with this number." in unknown.text
    assert "carol is saved." in saved.text
    assert "This page is for admins." in shown.text
    (row,) = api.rows("SELECT role, pin_spared FROM users WHERE user_name = 'carol'")
    assert {"role": "member", "pin_spared": True} == row


async def test_deleting_a_user_says_what_goes_with_them(
    api: Api, mailbox: httpx.Response, bob: Browser
) -> None:
    """Rights, teams and sessions; nobody deletes themselves."""
    assert mailbox.status_code == 201
    mia = await make_member(api, "mia", ["listen"])
    await make_team(api, "Sales", ["mia"])
    shown = await bob.open(f"/portal/users/{mia}/delete")
    gone = await bob.send("")
    (me,) = api.rows("SELECT id FROM users")
    own = await bob.post(f"/portal/users/{me['id']}/delete", {"csrf": await _csrf(bob)})

    assert "the rights at 1 mailbox the place in 1 team" in shown.text
    assert "mia is deleted." in gone.text
    assert (409, True) == (bob.answer.status_code, "it is your own user" in own.text)
    assert [] == api.rows("SELECT id FROM mailbox_members") + api.rows("SELECT user_id FROM team_people")


async def test_last_system_admin_is_not_deleted(api: Api, alice: Browser) -> None:
    """Not even by another one who signed in before being disabled."""
    other = await make_user(api, "sam")
    csrf = await _csrf(alice)
    first = await alice.post(f"/portal/users/{other}/delete", {"csrf": csrf})
    (me,) = api.rows("SELECT id FROM users")
    last = await alice.post(f"/portal/users/{me['id']}/delete", {"csrf": csrf})

    assert "sam is deleted." in first.text
    assert (409, True) == (alice.answer.status_code, "own user" in last.text)


async def test_teams_are_made_changed_and_deleted(api: Api, mailbox: httpx.Response, bob: Browser) -> None:
    """With the people that are ticked; what only the team gave goes with it."""
    assert mailbox.status_code == 201
    await make_member(api, "mia")
    await bob.open("/portal/teams/add")
    added = await bob.send("", name="Sales", people="mia")
    await bob.open("/portal/teams/add")
    again = await bob.send("", name="Sales")
    (team,) = api.rows("SELECT id FROM teams")
    address = f"/portal/teams/{team['id']}"
    await bob.open(address)
    saved = await bob.send("", name="Support", people="mia")
    await bob.open(f"{_BOX}/members")
    await bob.send("/members", who=f"team:{team['id']}", rights="listen", do="add")
    asked = await bob.open(f"{address}/delete")
    gone = await bob.send("")

    assert "The team Sales is there." in added.text
    assert "A team has this name." in again.text
    assert "1 person: mia" in saved.text
    assert "the rights of the team at 1 mailbox" in asked.text
    assert "The team Support is deleted." in gone.text
    assert [] == api.rows("SELECT id FROM mailbox_members")


async def test_hostile_names_stay_text(api: Api, mailbox: httpx.Response, bob: Browser) -> None:
    """Of users and teams, on every page that shows them; what is no name is refused beside its field."""
    assert mailbox.status_code == 201
    csrf = await _csrf(bob)
    names = [text for text in HOSTILE_TEXTS if "<" in text or "{{" in text or "$" in text]
    kept = []
    for n, text in enumerate(names):
        await bob.post("/portal/teams/add", {"csrf": csrf, "name": text})
        if bob.answer.status_code == 200:
            kept.append(text)
            await make_user(api, f"user-{n}", tenant="default", display_name=text)
            await give(api, f"user-{n}", ["listen"])
    pages = [
        await bob.open(path)
        for path in (
            "/portal/teams",
            "/portal/teams/add",
            "/portal/users",
            f"{_BOX}/members",
            "/portal/mailboxes",
        )
    ]

    assert len(kept) > 5
    for shown in pages:
        tags = {tag for tag, _ in shown.tags}
        handlers = {name for _, attributes in shown.tags for name in attributes if name.startswith("on")}
        assert (set(), set()) == (tags & {"img", "iframe", "object", "style"}, handlers)
        assert all("src" in attributes for tag, attributes in shown.tags if tag == "script")


async def test_long_lists_of_people_are_searched(api: Api, mailbox: httpx.Response, bob: Browser) -> None:
    """Nobody is left out unsaid: what fits is found, and what was typed before is still in the form."""
    db, tenant = api.deps.db, tenant_id(api)
    async with db.transaction() as session:
        for i in range(60):
            name = f"person-{i:02}"
            row = {"id": uuid4(), "user_name": name, "display_name": f"Person {i}", "role": "member"}
            session.add(UserRow(tenant_id=tenant, **row))
    page = await bob.open(f"{_BOX}/members")
    first = ("The first 50 are shown." in page.text, "person-59" in page.text)
    found = await bob.send("/members", do="find", find="person-59", rights="delete")
    one = ("person-59" in found.text, "person-58" in found.text)
    added = await bob.send("/members", do="add", who="user:person-59")
    nobody = await bob.send("/members", do="find", find="nobody like that")
    await bob.open("/portal/teams/add")
    await bob.send("", do="find", find="person-57", name="Night shift")
    chosen = await bob.send("", do="find", find="person-58", people="person-57")
    fields = chosen.form("").fields
    await bob.send("")
    token_for = await bob.open("/portal/tokens/add")
    token_found = await bob.send("", do="find", find="person-56", name="app")

    assert ((True, False), (True, False)) == (first, one)
    assert "Person 59 person-59" in added.text
    assert ["delete", "listen"] == sorted(api.rows("SELECT rights FROM mailbox_members")[0]["rights"])
    assert "Nobody has such a name." in nobody.text
    assert ("Night shift", "person-57", True) == (
        fields["name"],
        fields["people"],
        "person-58" in chosen.text,
    )
    assert [{"user_name": "person-57"}] == api.rows(
        "SELECT user_name FROM team_people JOIN users ON users.id = user_id"
    )
    assert "The first 50 are shown." in token_for.text
    assert ("app", True) == (token_found.form("").fields["name"], "person-56" in token_found.text)
