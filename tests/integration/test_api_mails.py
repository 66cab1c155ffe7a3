"""Mails by REST: an admin's own words, preview and test mail, and the mails that wait or failed."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import httpx
import pytest
from controlplane.mail.compose import Composer
from controlplane.mail.send import SmtpSender
from controlplane.services.mail_trials import send_trial
from controlplane.services.mailing import Mailing, mail_again, send_message_mail
from controlplane.storage.mail_words import note_fault
from controlplane.storage.recordings import RecordingStore
from tests.support.api import MAILBOX, Api
from tests.support.smtp_server import smtp_server

API = "/api/v1"
BOX = f"{API}/mailboxes/8001"
LOOP = "{% for a in 'x' * 99999 %}{% for b in 'x' * 99999 %}{% set c = a %}{% endfor %}{% endfor %}"
BAD: list[tuple[str, str, str]] = [
    ("{{ CALLER_NAME", "template-unreadable", "line 1"),
    ("{{ CALLER }}", "template-unknown-variable", "There is no variable CALLER."),
    ("%%CALLER_NAME%%", "template-foreign", "{{ CALLER_NAME }}"),
    ("{{ CALLER_NUMBER[0] }}", "template-fails", "no element 0"),
    ("{{ 'x' * 20000 }}", "template-too-long", "longer"),
    ("{{ 'x' * 999999999 }}", "template-too-large", "memory"),
    ("{{ CALLER_NAME.__class__.__mro__ }}", "template-fails", "unsafe"),
    (LOOP, "template-too-slow", "was stopped"),
]


@pytest.mark.parametrize(("template", "error_id", "part"), BAD, ids=[one[1] for one in BAD])
async def test_a_bad_template_is_refused_when_it_is_saved(
    client: httpx.AsyncClient, mailbox: httpx.Response, template: str, error_id: str, part: str
) -> None:
    """What cannot be read, or fails for a caller without a number, is told, and nothing is changed."""
    before = (await client.get(BOX)).json()
    answer = await client.patch(BOX, json={"email_introduction": template, "review": True})
    (error,) = answer.json()["errors"]

    assert (422, "email_introduction", error_id) == (answer.status_code, error["field"], error["error_id"])
    assert part in error["detail"]
    assert before == (await client.get(BOX)).json()


@pytest.mark.parametrize(("field", "longest"), [("email_subject", 300), ("email_introduction", 4000)])
async def test_a_template_has_a_length(
    client: httpx.AsyncClient, mailbox: httpx.Response, field: str, longest: int
) -> None:
    """One of all characters that it may have is taken; one more, or none, is told with the limit."""
    answers = [
        await client.patch(url, json={field: "x" * length})
        for url in (BOX, WORDS)
        for length in (longest, longest + 1, 0)
    ]

    assert [200, 422, 422] * 2 == [answer.status_code for answer in answers]
    for answer in answers[1::3]:
        (error,) = answer.json()["errors"]
        assert (field, True) == (error["field"], str(longest) in error["detail"])


async def test_words_are_kept_and_taken_back(client: httpx.AsyncClient, mailbox: httpx.Response) -> None:
    """Good words are read as they were sent; null are those of the tenant."""
    words = {"email_subject": "{{ CALLER_NAME }}", "email_introduction": "Dear all,\n{{ DURATION }}"}
    made = await client.post(f"{API}/mailboxes", json={**MAILBOX, "number": "8002", **words})
    kept = (await client.patch(BOX, json=words)).json()
    gone = (await client.patch(BOX, json={"email_subject": None, "email_introduction": None})).json()

    assert words == {name: made.json()[name] for name in words} == {name: kept[name] for name in words}
    assert (None, None) == (gone["email_subject"], gone["email_introduction"])


async def test_a_new_mailbox_with_a_bad_subject_is_not_made(client: httpx.AsyncClient) -> None:
    """A subject that says nothing is none; both faults are told."""
    answer = await client.post(
        f"{API}/mailboxes",
        json={**MAILBOX, "email_subject": "{% if false %}x{% endif %}", "email_introduction": "{{"},
    )

    assert {"email_subject": "template-empty", "email_introduction": "template-unreadable"} == {
        error["field"]: error["error_id"] for error in answer.json()["errors"]
    }
    assert 404 == (await client.get(BOX)).status_code


async def test_a_tenant_has_words_too(system: httpx.AsyncClient) -> None:
    """A tenant's words are checked as those of a mailbox, and nothing is published for them."""
    url = f"{API}/tenants/default"
    revisions = (await system.get(f"{API}/configuration/revisions")).json()
    bad = await system.patch(url, json={"email_subject": "{{ NOBODY }}"})
    good = await system.patch(url, json={"email_subject": "{{ TENANT_NAME }}"})

    assert (422, "template-unknown-variable") == (bad.status_code, bad.json()["errors"][0]["error_id"])
    assert (
        "{{ TENANT_NAME }}" == good.json()["email_subject"] == (await system.get(url)).json()["email_subject"]
    )
    assert revisions == (await system.get(f"{API}/configuration/revisions")).json()


WORDS = f"{API}/mail-words"


async def test_a_tenant_says_by_its_own_token_what_its_mails_say(client: httpx.AsyncClient, api: Api) -> None:
    """Words are set, read and taken back; what is left out stays, and nobody else's are touched."""
    other = await api.tenant("north")
    api.jobs()
    before = (await client.get(WORDS)).json()
    words = {"email_subject": "{{ TENANT_NAME }}", "email_introduction": "Dear all,\n{{ DURATION }}"}
    kept = await client.patch(WORDS, json=words)
    half = (await client.patch(WORDS, json={"email_subject": None})).json()
    read = await client.get(WORDS)
    same = await client.get(WORDS, headers={"If-None-Match": read.headers["etag"]})
    async with other:
        foreign = (await other.get(WORDS)).json()

    none = dict.fromkeys(words)
    assert (none, words, none) == (before, kept.json(), foreign)
    assert {**words, "email_subject": None} == half == read.json()
    assert 304 == same.status_code
    assert [] == api.jobs()
    assert "token tests" in {
        row["author"]
        for row in api.rows("SELECT author FROM audit_entries WHERE details -> 'after' ? 'email_subject'")
    }


@pytest.mark.parametrize(("template", "error_id", "part"), BAD[:3], ids=[one[1] for one in BAD[:3]])
async def test_bad_words_of_a_tenant_are_refused(
    client: httpx.AsyncClient, template: str, error_id: str, part: str
) -> None:
    """The field and what is wrong are told as at a mailbox, and nothing is changed."""
    answer = await client.patch(WORDS, json={"email_subject": "good", "email_introduction": template})
    (error,) = answer.json()["errors"]

    assert (422, "email_introduction", error_id) == (answer.status_code, error["field"], error["error_id"])
    assert part in error["detail"]
    assert {"email_subject": None, "email_introduction": None} == (await client.get(WORDS)).json()


async def test_the_second_of_two_who_change_a_tenants_words_is_told(client: httpx.AsyncClient) -> None:
    """With the ETag that was read; without one the last one counts."""
    read = (await client.get(WORDS)).headers["etag"]
    first = await client.patch(WORDS, json={"email_subject": "first"}, headers={"If-Match": read})
    second = await client.patch(WORDS, json={"email_subject": "second"}, headers={"If-Match": read})

    assert (200, 412) == (first.status_code, second.status_code)
    assert "first" == (await client.get(WORDS)).json()["email_subject"]


async def test_a_preview_of_a_tenants_words_is_a_mail(
    client: httpx.AsyncClient, system: httpx.AsyncClient
) -> None:
    """The stored words stand where none are tried, what is wrong is told, and nothing is saved."""
    await system.patch(f"{API}/tenants/default", json={"language": "de-AT"})
    await client.patch(WORDS, json={"email_introduction": "Dear all"})
    seen = (await client.post(f"{WORDS}/preview", json={"email_subject": "{{ TENANT_NAME }}!"})).json()
    bad = (
        await client.post(f"{WORDS}/preview", json={"email_subject": "{{ X }}", "email_introduction": LOOP})
    ).json()

    assert ("default!", []) == (seen["subject"], seen["faults"])
    assert "Dear all" in seen["text"]
    assert "Länge: 1 Minute, 5 Sekunden" in seen["text"]
    assert {"email_subject": "template-unknown-variable", "email_introduction": "template-too-slow"} == {
        fault["field"]: fault["error_id"] for fault in bad["faults"]
    }
    assert bad["subject"].startswith("Neue Nachricht für Shared Voicemail (8001)")
    assert "Dear all" not in bad["text"]
    assert (await client.get(WORDS)).json()["email_subject"] is None


async def test_a_test_mail_of_a_tenant_is_sent_once(
    api: Api, client: httpx.AsyncClient, mailbox: httpx.Response, tmp_path: Path
) -> None:
    """With the stored words of the tenant, whatever a mailbox says; no other tenant and no mailbox has it."""
    await client.patch(WORDS, json={"email_subject": "{{ TENANT_NAME }} works"})
    await client.patch(BOX, json={"email_subject": "not this"})
    asked = await client.post(f"{WORDS}/test", json={"recipient": "admin@example.com"})
    trial = UUID(asked.json()["id"])
    async with smtp_server() as server:
        mailing = _mailing(api, server.port, tmp_path)
        await send_trial(mailing, trial)
        await send_trial(mailing, trial)
    found = (await client.get(asked.headers["location"])).json()
    async with await api.tenant("north") as other:
        strangers = [
            (await asking.get(f"{path}/test/{trial}")).json()["error_id"]
            for asking, path in ((other, WORDS), (client, f"{BOX}/mail"))
        ]
    bad = await client.post(f"{WORDS}/test", json={"recipient": "nobody"})

    assert (202, "queued", "sent") == (asked.status_code, asked.json()["status"], found["status"])
    assert ["default works"] == [mail["Subject"] for mail in server.mails]
    assert ["no-such-test-mail"] * 2 == strangers
    assert (422, "recipient") == (bad.status_code, bad.json()["errors"][0]["field"])


async def test_a_preview_is_a_mail(client: httpx.AsyncClient, mailbox: httpx.Response) -> None:
    """A preview has the words that are tried, the stored ones beside them, and the facts of a sample."""
    await client.patch(BOX, json={"email_introduction": "Dear all", "language": "de"})
    seen = (await client.post(f"{BOX}/mail/preview", json={"email_subject": "{{ CALLER_NAME }}!"})).json()
    standard = (await client.post(f"{BOX}/mail/preview", json={"email_introduction": None})).json()

    assert ("Erika Mustermann!", []) == (seen["subject"], seen["faults"])
    assert "Dear all" in seen["text"]
    assert "Dear all" in seen["html"]
    assert "Länge: 1 Minute, 5 Sekunden" in seen["text"]
    assert "Neue Nachricht für Sales (8001) von Erika Mustermann <+4930123456>" == standard["subject"]
    assert "Dear all" not in standard["text"]


async def test_a_preview_of_bad_words_says_so(client: httpx.AsyncClient, mailbox: httpx.Response) -> None:
    """The standard words stand where a template is wrong, and what is wrong is told; nothing is noted."""
    seen = (
        await client.post(
            f"{BOX}/mail/preview", json={"email_subject": "{{ X }}", "email_introduction": "Hi"}
        )
    ).json()

    assert [("email_subject", "template-unknown-variable")] == [
        (fault["field"], fault["error_id"]) for fault in seen["faults"]
    ]
    assert seen["subject"].startswith("New message for Sales (8001)")
    assert "Hi" in seen["text"]
    assert [] == (await client.get(f"{API}/mails")).json()["template_faults"]


def _mailing(api: Api, port: int, folder: Path) -> Mailing:
    return Mailing(
        database=api.deps.db,
        jobs=api.deps.jobs,
        recordings=RecordingStore(folder),
        sender=SmtpSender(host="127.0.0.1", port=port, security="none", timeout_seconds=5),
        composer=Composer("Shared Voicemail <voicemail@example.com>"),
        links=api.deps.links,
        public_url="https://voicemail.example.com",
        retry_seconds=(60,),
    )


@pytest.mark.parametrize(
    ("refusal", "status", "error"),
    [
        (None, "sent", None),
        (
            "550 5.1.1 Nobody",
            "failed",
            "The mail server refused the recipient (550 5.1.1 Nobody).",
        ),
    ],
)
async def test_a_test_mail_is_sent_once(
    *,
    api: Api,
    client: httpx.AsyncClient,
    mailbox: httpx.Response,
    tmp_path: Path,
    refusal: str | None,
    status: str,
    error: str | None,
) -> None:
    """It goes the way of all mails, with the words that are stored, and its address says how it went."""
    await client.patch(BOX, json={"email_subject": "{{ VOICEMAIL_NAME }} works"})
    asked = await client.post(f"{BOX}/mail/test", json={"recipient": "Admin@Example.com"})
    trial = UUID(asked.json()["id"])
    async with smtp_server() as server:
        if refusal:
            server.refused["Admin"] = refusal
        mailing = _mailing(api, server.port, tmp_path)
        await send_trial(mailing, trial)
        await send_trial(mailing, trial)
    found = (await client.get(asked.headers["location"])).json()

    assert (202, "queued") == (asked.status_code, asked.json()["status"])
    assert ("mail.trial", {"trial_id": str(trial)}) in api.jobs()
    assert (status, error, "Admin@example.com") == (found["status"], found["error"], found["recipient"])
    assert ([] if refusal else ["Sales works"]) == [mail["Subject"] for mail in server.mails]


async def test_a_test_mail_needs_an_address_and_its_mailbox(
    api: Api, client: httpx.AsyncClient, mailbox: httpx.Response
) -> None:
    """Nonsense is refused, and a test mail is found at its own mailbox alone."""
    await client.post(f"{API}/mailboxes", json={**MAILBOX, "number": "8002"})
    asked = (await client.post(f"{BOX}/mail/test", json={"recipient": "a@example.com"})).json()
    bad = await client.post(f"{BOX}/mail/test", json={"recipient": "nobody"})
    foreign = await client.get(f"{API}/mailboxes/8002/mail/test/{asked['id']}")

    assert (422, "invalid-address", "recipient") == (
        bad.status_code,
        bad.json()["errors"][0]["error_id"],
        bad.json()["errors"][0]["field"],
    )
    assert (404, "no-such-test-mail") == (foreign.status_code, foreign.json()["error_id"])


async def _fault(api: Api, tenant_id: UUID, mailbox_id: UUID, template: str) -> None:
    async with api.deps.db.transaction() as session:
        await note_fault(
            session,
            tenant_id=tenant_id,
            mailbox_id=mailbox_id,
            field="email_subject",
            template=template,
            sentence="It fails: no element 1.",
        )


async def test_words_that_failed_are_told_until_they_are_changed(
    api: Api, client: httpx.AsyncClient, mailbox: httpx.Response
) -> None:
    """What failed when mails were sent is listed; a fault of words that were changed is not noted."""
    await client.patch(BOX, json={"email_subject": "{{ CALLER_NAME }}"})
    (row,) = api.rows("SELECT id, tenant_id FROM mailboxes")
    await _fault(api, row["tenant_id"], row["id"], "{{ CALLER_NAME }}")
    await _fault(api, row["tenant_id"], row["id"], "{{ CALLER_NAME }}")
    await _fault(api, row["tenant_id"], row["id"], "of before")
    (told,) = (await client.get(f"{API}/mails")).json()["template_faults"]
    await client.patch(BOX, json={"email_introduction": "Hello"})
    still = (await client.get(f"{API}/mails")).json()["template_faults"]
    await client.patch(BOX, json={"email_subject": "{{ DURATION }}"})
    gone = (await client.get(f"{API}/mails")).json()["template_faults"]

    assert ("8001", "email_subject", 2, "It fails: no element 1.") == tuple(
        told[name] for name in ("mailbox", "field", "mails", "sentence")
    )
    assert ([told], []) == (still, gone)


async def test_a_refusal_is_shown_by_its_address(
    api: Api, client: httpx.AsyncClient, mailbox: httpx.Response, tmp_path: Path
) -> None:
    """What the mail server said of one recipient stands beside that one, and the other one got the mail."""
    people = ["alice@example.com", "bob@example.com", "carol@example.com"]
    await client.patch(BOX, json={"email_recipients": people, "email_notification": True})
    message = await api.message()
    assert await mail_again(api.deps.db, api.deps.jobs, message, by="tests")
    async with smtp_server() as server:
        server.refused = {"bob": "550 5.1.1 <bob> unknown", "carol": "450 4.2.1 Try\x00 later"}
        mailing = _mailing(api, server.port, tmp_path)
        for person in people:
            await send_message_mail(mailing, message, person)
    of_message = (await client.get(f"{API}/messages/{message}")).json()["mails"]
    listed = (await client.get(f"{API}/mails")).json()

    told = {
        "bob@example.com": "The mail server refused the recipient (550 5.1.1 <bob> unknown).",
        "carol@example.com": "The mail server refused the recipient (450 4.2.1 Try later).",
    }
    assert ["alice@example.com"] == server.recipients
    assert {"alice@example.com": None, **told} == {mail["recipient"]: mail["error"] for mail in of_message}
    assert told == {mail["recipient"]: mail["error"] for mail in listed["items"]}
    assert (1, 1) == (listed["waiting"], listed["failed"])


async def test_mails_that_failed_are_tried_again_or_given_up(
    api: Api, client: httpx.AsyncClient, mailbox: httpx.Response, system: httpx.AsyncClient
) -> None:
    """Each is listed by its address with what the server said; another tenant sees and changes none."""
    (row,) = api.rows("SELECT id, tenant_id FROM mailboxes")
    message = "3e7f8a52-6a0a-4a39-9c8e-0f6f3f1c2d11"
    api.rows(
        "INSERT INTO messages (id, tenant_id, mailbox_id, call_id, caller_number, caller_name, received_at, "
        f"duration_ms, reached_by) VALUES ('{message}', '{row['tenant_id']}', '{row['id']}', '1', '102', '', "
        "now(), 1000, '{}') RETURNING id"
    )
    api.rows(
        "INSERT INTO message_mails (message_id, recipient, status, attempts, error) VALUES "
        f"('{message}', 'a@example.com', 'failed', 1, 'said 550'), "
        f"('{message}', 'b@example.com', 'failed', 1, 'said 551') RETURNING recipient"
    )
    await system.post(f"{API}/tenants", json={"name": "north", "sip_domain": "north.example.com"})
    async with api.client() as foreign:
        foreign.headers["Authorization"] = f"Bearer {await api.token(tenant='north')}"
        foreign_list = (await foreign.get(f"{API}/mails")).json()
        refused = await foreign.post(
            f"{API}/mails/discard", json={"message_id": message, "recipient": "a@example.com"}
        )
    listed = (await client.get(f"{API}/mails")).json()
    key = {"message_id": message, "recipient": "a@example.com"}
    retried = (await client.post(f"{API}/mails/retry", json={"mail": key})).json()
    again = (await client.get(f"{API}/mails")).json()
    discarded = await client.post(f"{API}/mails/discard", json={**key, "recipient": "b@example.com"})
    every = (await client.post(f"{API}/mails/retry", json={})).json()

    assert ([], 404, "no-such-mail") == (
        foreign_list["items"],
        refused.status_code,
        refused.json()["error_id"],
    )
    assert {"a@example.com": "said 550", "b@example.com": "said 551"} == {
        mail["recipient"]: mail["error"] for mail in listed["items"]
    }
    assert ({"mails": 1}, 1, 1) == (retried, again["waiting"], again["failed"])
    assert (204, {"mails": 1}) == (discarded.status_code, every)
