"""What mails say, in the portal: words, preview and test mail; and words that could not be used."""

from __future__ import annotations

from uuid import UUID

import httpx
from controlplane.storage.mail_words import note_fault, record_trial
from tests.support.api import Api
from tests.support.members import make_member
from tests.support.portal import Browser

_PAGE, _TENANT = "/portal/mailboxes/8001/mail", "/portal/mail-words"
_HOSTILE = "<script>alert(1)</script>{{ '{{ CALLER_NAME }}' }}"


async def _send(browser: Browser, page: str, do: str, **fields: str) -> str:
    """Fill the form of words in, as it is shown, and press one of its buttons; return the page after that."""
    form = (await browser.open(page)).form(page.removeprefix("/portal"))
    return (await browser.post(page, {**form.fields, "do": do, **fields})).text


async def test_words_are_saved_and_taken_back(
    client: httpx.AsyncClient, mailbox: httpx.Response, bob: Browser
) -> None:
    """What is entered is what REST reads, and what the page shows; an empty field is none."""
    text = await _send(
        bob, _PAGE, "save", email_subject=" Hi {{ CALLER_NAME }} ", email_introduction="Dear\r\n\r\nall"
    )
    kept = (await client.get("/api/v1/mailboxes/8001")).json()
    shown = (await bob.open(_PAGE)).form("/8001/mail").fields
    await _send(bob, _PAGE, "save", email_subject="", email_introduction=" ")
    gone = (await client.get("/api/v1/mailboxes/8001")).json()

    assert "The words of the mails are saved." in text
    assert ("Hi {{ CALLER_NAME }}", "Dear\n\nall") == (kept["email_subject"], kept["email_introduction"])
    assert "Hi {{ CALLER_NAME }}" == shown["email_subject"]
    assert (None, None) == (gone["email_subject"], gone["email_introduction"])


async def test_bad_words_are_told_beside_their_field(
    client: httpx.AsyncClient, mailbox: httpx.Response, bob: Browser
) -> None:
    """Nothing is saved, and what was entered is in the form still."""
    text = await _send(bob, _PAGE, "save", email_subject="{{ CALLER }}", email_introduction="{{ x")
    shown = bob.shown.form("/8001/mail").fields

    assert 422 == bob.answer.status_code
    assert "There is no variable CALLER. There are CALLER_NAME, CALLER_NUMBER" in text
    assert "This cannot be read: line 1:" in text
    assert "{{ CALLER }}" == shown["email_subject"]
    assert (await client.get("/api/v1/mailboxes/8001")).json()["email_subject"] is None


async def test_a_preview_saves_nothing(
    client: httpx.AsyncClient, mailbox: httpx.Response, bob: Browser
) -> None:
    """The mail is shown as it would be, its markup as text; what is wrong is told."""
    text = await _send(bob, _PAGE, "preview", email_subject="{{ NOBODY }}", email_introduction=_HOSTILE)

    assert "<script>alert(1)</script>" in text
    assert "<script>alert" not in bob.answer.text
    assert "New message for Sales (8001) from Erika Mustermann" in text
    assert "There is no variable NOBODY." in text
    assert (await client.get("/api/v1/mailboxes/8001")).json()["email_introduction"] is None


async def test_the_second_of_two_is_told(
    client: httpx.AsyncClient, mailbox: httpx.Response, bob: Browser
) -> None:
    """Somebody else changed the mailbox meanwhile: the words stay, and are saved the second time."""
    form = (await bob.open(_PAGE)).form("/8001/mail").fields
    await client.patch("/api/v1/mailboxes/8001", json={"email_subject": "theirs"})
    text = (await bob.post(_PAGE, {**form, "do": "save", "email_subject": "mine"})).text
    again = bob.shown.form("/8001/mail").fields
    await bob.post(_PAGE, {**again, "do": "save"})

    assert "Somebody else changed this meanwhile." in text
    assert "mine" == (await client.get("/api/v1/mailboxes/8001")).json()["email_subject"]


async def test_a_test_mail_is_told_of(api: Api, mailbox: httpx.Response, bob: Browser) -> None:
    """It is on its way, then taken or not, with what the server said; nonsense is no address."""
    api.jobs()
    waits = await _send(bob, _PAGE, "test", recipient="me@example.com")
    ((task, arguments),) = api.jobs()
    async with api.deps.db.transaction() as session:
        await record_trial(session, UUID(arguments["trial_id"]), error="said <550>")
    failed = (await bob.open(_PAGE)).text
    wrong = await _send(bob, _PAGE, "test", recipient="nobody")

    assert "mail.trial" == task
    assert "The test mail to me@example.com is on its way." in waits
    assert "was not taken." in failed
    assert "said <550>" in failed
    assert (422, True) == (bob.answer.status_code, "not a mail address" in wrong)


async def test_words_of_the_tenant_are_an_admins(
    client: httpx.AsyncClient, mailbox: httpx.Response, alice: Browser, api: Api
) -> None:
    """An admin of the tenant sets and previews them; bad ones are told."""
    bad = await _send(alice, _TENANT, "save", email_subject="{% if %}")
    seen = await _send(alice, _TENANT, "preview", email_subject="{{ TENANT_NAME }} / {{ VOICEMAIL_NAME }}")
    saved = await _send(alice, _TENANT, "save", email_subject="{{ TENANT_NAME }}")
    (row,) = api.rows("SELECT email_subject FROM tenants WHERE name = 'default'")

    assert "This cannot be read: line 1:" in bad
    assert "default / Shared Voicemail" in seen
    assert "The words of the mails are saved." in saved
    assert "{{ TENANT_NAME }}" == row["email_subject"]
    assert [{"author": "user alice", "kind": "tenant"}] == api.rows(
        "SELECT author, kind FROM audit_entries WHERE details -> 'after' ? 'email_subject'"
    )


async def test_a_test_mail_of_the_tenant_is_told_of(api: Api, alice: Browser) -> None:
    """Also where there is no mailbox yet: it is on its way, then taken; nonsense is no address."""
    api.jobs()
    waits = await _send(alice, _TENANT, "test", recipient="me@example.com")
    ((_, arguments),) = api.jobs()
    async with api.deps.db.transaction() as session:
        await record_trial(session, UUID(arguments["trial_id"]), error=None)
    sent = (await alice.open(_TENANT)).text
    wrong = await _send(alice, _TENANT, "test", recipient="nobody")

    assert "The test mail to me@example.com is on its way." in waits
    assert "The mail server took the test mail to me@example.com" in sent
    assert (422, True) == (alice.answer.status_code, "not a mail address" in wrong)


async def test_words_that_failed_are_seen_by_admins(
    api: Api, client: httpx.AsyncClient, mailbox: httpx.Response, bob: Browser, alice: Browser
) -> None:
    """Under Mail, at the mailbox and under Health, until they are changed."""
    await client.patch("/api/v1/mailboxes/8001", json={"email_subject": "{{ DURATION }}"})
    (row,) = api.rows("SELECT id, tenant_id FROM mailboxes")
    async with api.deps.db.transaction() as session:
        await note_fault(
            session,
            tenant_id=row["tenant_id"],
            mailbox_id=row["id"],
            field="email_subject",
            template="{{ DURATION }}",
            sentence="It fails: <b>.",
        )
    pages = [(await bob.open(page)).text for page in ("/portal/mails", _PAGE)]
    health = (await alice.open("/portal/health")).text
    await _send(bob, _PAGE, "save", email_subject="Hello")
    after = [(await bob.open(page)).text for page in ("/portal/mails", _PAGE)]

    assert [True, True] == ["It fails: <b>." in page for page in pages]
    assert "words of mails could not be used at 1 place" in health
    assert [False, False] == ["It fails" in page for page in after]


async def test_who_may_not_manage_sees_no_words(api: Api, mailbox: httpx.Response) -> None:
    """A member who listens is refused, and is offered nothing."""
    await make_member(api, "mia", ["listen"])
    async with Browser(api) as mia:
        await mia.sign_in("mia")
        shown = await mia.open("/portal/mailboxes/8001/voicemail")
        await mia.open(_PAGE)

    assert "/8001/mail" not in shown.text
    assert 403 == mia.answer.status_code
