"""The portal's page on which a message is forwarded to another mailbox, or mailed."""

from __future__ import annotations

from uuid import UUID

import httpx
import pytest
from tests.support.api import MAILBOX, Api
from tests.support.hostile import HOSTILE_TEXTS
from tests.support.members import give, make_member
from tests.support.portal import Browser, make_user

MAILBOXES = "/api/v1/mailboxes"


def _page(message_id: UUID) -> str:
    return f"/portal/messages/{message_id}/forward"


@pytest.fixture
async def message(api: Api, client: httpx.AsyncClient, mailbox: httpx.Response) -> UUID:
    """Leave a message in 8001, and have the mailbox 8002."""
    await client.post(MAILBOXES, json={**MAILBOX, "number": "8002", "display_name": "Support"})
    return await api.message(seconds=0.2)


def _copies(api: Api) -> list[str]:
    """Return the numbers of the mailboxes whose messages came by way of another one."""
    found = api.rows(
        "SELECT number FROM messages JOIN mailboxes ON mailboxes.id = mailbox_id"
        " WHERE jsonb_array_length(reached_by->'path') > 0"
    )
    return [row["number"] for row in found]


async def test_a_message_is_forwarded_from_its_page(api: Api, bob: Browser, message: UUID) -> None:
    """In a few clicks, and it is told to whom; a button that is pressed twice forwards once."""
    shown = await bob.open(f"/portal/messages/{message}")
    (link,) = [tag["href"] for tag in shown.with_attribute("data-forward")]
    shown = await bob.open(link)
    form = shown.form(link)
    shown = await bob.post(link, {**form.fields, "to": "8002", "do": "save"})

    assert f"/portal/messages/{message}" == bob.path
    assert "A copy of the message is in Support (8002) now." in shown.text
    await bob.post(link, {**form.fields, "to": "8002", "do": "save"})
    assert ["8002"] == _copies(api)
    (entry,) = api.rows("SELECT author FROM audit_entries WHERE action = 'forwarded'")
    assert "user bob" == entry["author"]


async def test_the_list_leads_there_and_back(api: Api, bob: Browser, message: UUID) -> None:
    """By a key; afterwards the list is shown again."""
    await bob.open(f"{_page(message)}?back=list")
    shown = await bob.send(_page(message), to="8002", do="save")

    assert "/portal/mailboxes/8001/voicemail" == bob.path
    assert "A copy of the message is in Support (8002) now." in shown.text


@pytest.mark.parametrize(
    ("to", "said", "status"),
    [
        ("8001", "The message is in this mailbox already.", 422),
        ("8999", "No mailbox has this number.", 422),
        ("", "No mailbox has this number.", 422),
        ("not a number", "No mailbox has this number.", 422),
        ("8003", "The mailbox 8003 takes no messages at the moment.", 409),
        ("8004", "The mailbox 8004 is full.", 409),
    ],
)
async def test_what_cannot_be_is_told_beside_the_field(  # noqa: PLR0917 (cases and fixtures)
    api: Api, client: httpx.AsyncClient, bob: Browser, message: UUID, to: str, said: str, status: int
) -> None:
    """With what was typed; nothing is forwarded."""
    await client.post(MAILBOXES, json={**MAILBOX, "number": "8003", "enabled": False})
    await client.post(MAILBOXES, json={**MAILBOX, "number": "8004", "max_messages": 1})
    await api.message("8004")
    await bob.open(_page(message))
    shown = await bob.send(_page(message), to=to, do="save")

    assert status == bob.answer.status_code
    assert said in shown.text
    assert to == shown.form(_page(message)).fields["to"]
    assert [] == _copies(api)


async def test_a_message_is_mailed_again(
    api: Api, client: httpx.AsyncClient, bob: Browser, message: UUID
) -> None:
    """The page names the recipients; without any there is no button."""
    without = await bob.open(_page(message))
    await client.patch(f"{MAILBOXES}/8001", json={"email_recipients": ["a@example.com"]})
    api.jobs()
    shown = await bob.open(_page(message))
    named = "a@example.com" in shown.text
    token = shown.form(_page(message)).fields["csrf"]
    shown = await bob.post(_page(message), {"csrf": token, "do": "mail"})

    assert "Nobody is set as a recipient of mails of Sales." in without.text
    assert named
    assert "The message is on its way to the recipients of its mailbox." in shown.text
    assert ["mail.send"] == [name for name, _ in api.jobs()]


async def test_recipients_that_went_meanwhile_are_told(api: Api, bob: Browser, message: UUID) -> None:
    """As every other refusal, on the same page."""
    shown = await bob.open(_page(message))
    token = shown.form(_page(message)).fields["csrf"]
    shown = await bob.post(_page(message), {"csrf": token, "do": "mail"})

    assert 409 == bob.answer.status_code
    assert "This mailbox has no recipients of mails." in shown.text


async def test_an_admin_chooses_from_the_list(api: Api, bob: Browser, message: UUID) -> None:
    """Without script on a page of its own, which lists mailboxes alone, and comes back with the number."""
    await bob.open(_page(message))
    picker = await bob.send(_page(message), do="pick to")
    shown = await bob.send(_page(message), do="ok to", picked="8002")

    assert "Support" in picker.text
    assert "8002" == shown.form(_page(message)).fields["to"]
    assert [] == _copies(api)


async def test_a_member_names_any_mailbox_and_sees_their_own_alone(
    api: Api, client: httpx.AsyncClient, message: UUID
) -> None:
    """As by phone: it takes no right at the other mailbox; and nobody learns the names of others by it."""
    await client.post(MAILBOXES, json={**MAILBOX, "number": "8005", "display_name": "Theirs"})
    await make_member(api, "carol", ["download"])
    await give(api, "carol", ["listen"], number="8005")
    async with Browser(api) as carol:
        await carol.sign_in("carol")
        shown = await carol.open(_page(message))
        checked = await carol.send(_page(message), to="8002", do="check")
        picker = await carol.send(_page(message), to="8002", do="pick to")
        said = (shown.text, checked.text, picker.text)
        await carol.send(_page(message), to="8002", do="save")

    assert all("Theirs" in each and "Support" not in each for each in said)
    assert ["8002"] == _copies(api)


async def test_hostile_words_are_words(api: Api, bob: Browser, message: UUID) -> None:
    """What is typed, and where to go back to, stays text: the page has the same tags."""
    shapes = set()
    await bob.open(_page(message))
    for text in ("8999", *HOSTILE_TEXTS):
        await bob.open(_page(message))
        spelled = text[:500].encode("utf-8", "replace").decode()
        shown = await bob.send(_page(message), to=spelled, back=spelled, once=spelled, do="save")
        assert 422 == bob.answer.status_code
        shapes.add(str([(name, sorted(tag)) for name, tag in shown.tags]))

    assert 1 == len(shapes)
    assert [] == _copies(api)


async def test_german(api: Api, mailbox: httpx.Response) -> None:
    """The page speaks German too."""
    message = await api.message(seconds=0.2)
    await make_user(api, "dora", tenant="default")
    async with Browser(api, language="de") as dora:
        await dora.sign_in("dora")
        shown = await dora.open(_page(message))
        refused = await dora.send(_page(message), to="8001", do="save")

    assert "Nachricht weiterleiten" in shown.text
    assert "Die Nachricht ist schon in dieser Mailbox." in refused.text
