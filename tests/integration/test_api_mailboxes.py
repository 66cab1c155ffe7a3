"""`/mailboxes` over HTTP."""

from __future__ import annotations

import asyncio
import json
import unicodedata
from typing import Any

import httpx
import pytest
from sqlalchemy import event
from tests.support.api import MAILBOX, PIN, Api
from tests.support.hostile import HOSTILE_TEXTS

URL = "/api/v1/mailboxes"
ONE = f"{URL}/8001"


def normal(text: str) -> str:
    """Return what is stored of a name."""
    return unicodedata.normalize("NFC", text).strip()


def _fields(answer: httpx.Response) -> list[tuple[str, str]]:
    return [(error["field"], error["error_id"]) for error in answer.json()["errors"]]


async def test_created_mailbox_is_answered_with_its_defaults(client: httpx.AsyncClient) -> None:
    """POST answers 201 with the mailbox as it is then, without its PIN."""
    answer = await client.post(URL, json=dict(MAILBOX))
    body = answer.json()
    for key in ("id", "created_at", "updated_at"):
        assert body.pop(key)

    assert answer.status_code == 201
    assert body == {
        "number": "8001",
        "display_name": "Sales",
        "language": None,
        "prompt_language": "en",
        "pin_required": True,
        "enabled": True,
        "email_recipients": [],
        "email_notification": False,
        "email_attachment": True,
        "email_attachment_format": "mp3",
        "email_attachment_max_mb": 15,
        "email_notice_only": [],
        "after_mail": "keep",
        "email_subject": None,
        "email_introduction": None,
        "say_datetime": "off",
        "review": False,
        "min_message_seconds": 1,
        "max_message_seconds": 300,
        "greeting": None,
        "operator_number": None,
        "log_in_from_greeting": False,
        "source_greetings": [],
        "retain_days": None,
        "trash_days": None,
        "max_messages": None,
        "max_total_seconds": None,
        "kind_greetings": [],
        "counts": {"new": 0, "saved": 0, "deleted": 0},
        "usage": {
            "messages": 0,
            "max_messages": 0,
            "seconds": None,
            "max_total_seconds": 0,
            "percent": 0,
            "state": "room",
        },
    }


async def test_location_of_a_created_mailbox_leads_to_it(
    client: httpx.AsyncClient, mailbox: httpx.Response
) -> None:
    """The Location of the answer is the address of the same mailbox with the same ETag."""
    found = await client.get(mailbox.headers["location"])

    assert (found.json(), found.headers["etag"]) == (mailbox.json(), mailbox.headers["etag"])


async def test_every_field_of_a_mailbox_is_kept(client: httpx.AsyncClient) -> None:
    """What is sent is what is read."""
    wanted: dict[str, Any] = {
        "number": "007",
        "display_name": "Zoë & Søn ✓",
        "language": "en-GB",
        "pin_required": False,
        "enabled": False,
        "email_recipients": ["a@example.com", "b@company.local"],
        "email_notification": True,
        "email_attachment": False,
        "email_attachment_format": "wav",
        "email_attachment_max_mb": 3,
        "email_notice_only": ["b@company.local"],
        "after_mail": "trash",
        "email_subject": "{{ CALLER_NAME }}: {{ VOICEMAIL_NAME }}",
        "email_introduction": "Dear all,\n\n{{ DATE_TIME }}",
        "say_datetime": "24h",
        "review": True,
        "min_message_seconds": 0,
        "max_message_seconds": 3600,
    }
    await client.post(URL, json={**wanted, "pin": PIN})
    found = (await client.get(f"{URL}/007")).json()

    assert {key: found[key] for key in wanted} == wanted


async def test_a_new_mailbox_is_published_and_greeted(api: Api, client: httpx.AsyncClient) -> None:
    """Making a mailbox defers the route of its number and its greeting, and no revision."""
    made = (await client.post(URL, json=dict(MAILBOX))).json()
    (tenant,) = api.rows("SELECT id FROM tenants WHERE name = 'default'")

    assert api.jobs() == [
        ("configuration.mailboxes", {}),
        ("configuration.routes", {"tenant_id": str(tenant["id"]), "numbers": ["8001"]}),
        ("speech.greeting", {"mailbox_id": made["id"]}),
        ("mwi.introduce", {"number": "8001"}),
    ]


WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"number": "12"}, "number", "wrong-pattern"),
    ({"number": "8001\n"}, "number", "wrong-pattern"),
    ({"number": "٨٠٠١"}, "number", "wrong-pattern"),
    ({"number": "1" * 65}, "number", "wrong-pattern"),
    ({"number": 8001}, "number", "wrong-type"),
    ({"display_name": ""}, "display_name", "too-short"),
    ({"display_name": "   "}, "display_name", "invalid-display-name"),
    ({"display_name": "a\nb"}, "display_name", "invalid-display-name"),
    ({"display_name": "a\x00b"}, "display_name", "invalid-display-name"),
    ({"display_name": "x" * 65}, "display_name", "too-long"),
    ({"display_name": None}, "display_name", "wrong-type"),
    ({"language": "xx"}, "language", "language-without-prompts"),
    ({"language": "not a tag"}, "language", "invalid-language"),
    ({"pin": 290174}, "pin", "wrong-type"),
    ({"pin": ""}, "pin", "too-short"),
    ({"pin": "12a4"}, "pin", "pin-not-digits"),
    ({"pin": "290"}, "pin", "pin-too-short"),
    ({"pin": "29" * 20}, "pin", "pin-too-long"),
    ({"pin": "7777"}, "pin", "pin-one-digit"),
    ({"pin": "4567"}, "pin", "pin-run"),
    ({"pin": "8001"}, "pin", "pin-is-number"),
    ({"pin_required": "yes"}, "pin_required", "wrong-type"),
    ({"enabled": 1}, "enabled", "wrong-type"),
    ({"email_recipients": "a@example.com"}, "email_recipients", "wrong-type"),
    ({"email_recipients": ["a@example.com", "nonsense"]}, "email_recipients[1]", "invalid-address"),
    (
        {"email_recipients": ["a@example.com\r\nBcc: b@example.com"]},
        "email_recipients[0]",
        "invalid-address",
    ),
    ({"email_recipients": [None]}, "email_recipients[0]", "wrong-type"),
    ({"email_recipients": [f"a{n}@example.com" for n in range(16)]}, "email_recipients", "too-long"),
    ({"email_notification": None}, "email_notification", "wrong-type"),
    ({"email_attachment": "true"}, "email_attachment", "wrong-type"),
    ({"email_attachment_format": "ogg"}, "email_attachment_format", "not-one-of"),
    ({"email_attachment_max_mb": 0}, "email_attachment_max_mb", "out-of-range"),
    ({"email_attachment_max_mb": 16}, "email_attachment_max_mb", "out-of-range"),
    ({"email_notice_only": ["x"]}, "email_notice_only[0]", "invalid-address"),
    ({"email_notice_only": ["a@example.com"]}, "email_notice_only[0]", "not-a-recipient"),
    ({"after_mail": "purge"}, "after_mail", "not-one-of"),
    ({"say_datetime": True}, "say_datetime", "not-one-of"),
    ({"review": []}, "review", "wrong-type"),
    ({"min_message_seconds": -1}, "min_message_seconds", "out-of-range"),
    ({"min_message_seconds": 61}, "min_message_seconds", "out-of-range"),
    ({"min_message_seconds": 1.5}, "min_message_seconds", "wrong-type"),
    ({"max_message_seconds": 0}, "max_message_seconds", "out-of-range"),
    ({"max_message_seconds": 3601}, "max_message_seconds", "out-of-range"),
    ({"max_message_seconds": "300"}, "max_message_seconds", "wrong-type"),
    ({"min_message_seconds": 30, "max_message_seconds": 30}, "min_message_seconds", "lengths-contradict"),
    ({"greetings": "hello"}, "greetings", "unknown-field"),
    ({"id": "1"}, "id", "read-only-field"),
]


async def test_wrong_fields_of_a_new_mailbox_are_named(client: httpx.AsyncClient) -> None:
    """A value that breaks a rule is answered by 422 with the path of its field and the rule."""
    found = []
    for change, _, _ in WRONG:
        answer = await client.post(URL, json={**MAILBOX, **change})
        assert answer.status_code == 422, (change, answer.text)
        found += [(change, field, error_id) for field, error_id in _fields(answer)]

    assert found == WRONG


async def test_missing_fields_are_named(client: httpx.AsyncClient) -> None:
    """Each required field that is left out is named."""
    answer = await client.post(URL, json={})

    assert _fields(answer) == [(field, "missing-field") for field in ("number", "display_name", "pin")]


async def test_all_faults_are_named_at_once(client: httpx.AsyncClient) -> None:
    """Rules that are broken in several fields are told together."""
    answer = await client.post(
        URL,
        json={**MAILBOX, "pin": "1234", "language": "xx", "email_recipients": ["x", "a@example.com", "y"]},
    )

    assert answer.json()["error_id"] == "invalid-values"
    assert _fields(answer) == [
        ("pin", "pin-run"),
        ("language", "language-without-prompts"),
        ("email_recipients[0]", "invalid-address"),
        ("email_recipients[2]", "invalid-address"),
    ]


async def test_a_refused_pin_is_not_repeated(client: httpx.AsyncClient) -> None:
    """No answer holds the PIN that was offered."""
    for pin in ("1234", "55555", "98765432", "abc987def"):
        answer = await client.post(URL, json={**MAILBOX, "pin": pin})

        assert (answer.status_code, pin in answer.text) == (422, False)


async def test_an_accepted_pin_is_told_nowhere(api: Api, client: httpx.AsyncClient) -> None:
    """Neither the answers nor the row hold the PIN in clear."""
    made = await client.post(URL, json=dict(MAILBOX))
    listed = await client.get(URL)
    (row,) = api.rows("SELECT pin_hash FROM mailboxes")

    assert PIN not in made.text + listed.text + row["pin_hash"]


async def test_recipients_that_differ_by_case_are_one(client: httpx.AsyncClient) -> None:
    """Of addresses that differ by case alone the first is kept, in order."""
    made = await client.post(
        URL, json={**MAILBOX, "email_recipients": ["B@example.com", "a@example.com", "b@EXAMPLE.com"]}
    )

    assert made.json()["email_recipients"] == ["B@example.com", "a@example.com"]


async def test_a_taken_number_says_by_what(client: httpx.AsyncClient) -> None:
    """A number in use is refused with the kind and the name of the object that has it."""
    await client.post("/api/v1/extensions", json={"number": "8001", "display_name": "Alice"})
    answer = await client.post(URL, json=dict(MAILBOX))
    problem = answer.json()

    assert (answer.status_code, problem["error_id"]) == (409, "number-taken")
    assert problem["details"] == {"kind": "extension", "display_name": "Alice"}
    assert _fields(answer) == [("number", "number-taken")]


async def test_of_many_at_once_one_gets_the_number(api: Api, client: httpx.AsyncClient) -> None:
    """Requests for one number at the same time make one mailbox; the others are told that it is taken."""
    answers = await asyncio.gather(*(client.post(URL, json=dict(MAILBOX)) for _ in range(5)))

    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409]
    assert {a.json()["error_id"] for a in answers if a.status_code == 409} == {"number-taken"}
    assert len(api.rows("SELECT id FROM mailboxes")) == 1


async def test_the_same_number_in_another_tenant_is_free(
    mailbox: httpx.Response, foreigner: httpx.AsyncClient
) -> None:
    """Each tenant has a number space of its own."""
    answer = await foreigner.post(URL, json=dict(MAILBOX))

    assert answer.status_code == 201


async def test_hostile_names_are_kept_as_they_are_or_refused(
    client: httpx.AsyncClient, mailbox: httpx.Response
) -> None:
    """Foreign text in a display name is either stored or answered by 422, never by an error of ours."""
    wrong = []
    for text in HOSTILE_TEXTS:
        sent = json.dumps({"display_name": text}).encode()
        answer = await client.patch(ONE, content=sent, headers={"Content-Type": "application/json"})
        kept = answer.status_code == 200 and answer.json()["display_name"] == normal(text)
        if not kept and answer.status_code != 422:
            wrong.append((text, answer.status_code))

    assert wrong == []


async def test_mailboxes_are_listed_in_pages(client: httpx.AsyncClient) -> None:
    """Pages follow each other in the order of the numbers, without gaps or repetition."""
    for number in ("8003", "8001", "8002"):
        await client.post(URL, json={**MAILBOX, "number": number})
    first = (await client.get(URL, params={"limit": 2})).json()
    second = (await client.get(URL, params={"limit": 2, "after": first["next"]})).json()

    assert [item["number"] for item in first["items"]] == ["8001", "8002"]
    assert [item["number"] for item in second["items"]] == ["8003"]
    assert second["next"] is None


async def test_mailboxes_are_found_by_number_and_name(client: httpx.AsyncClient) -> None:
    """`q` is looked for as plain text in number and name, whatever its case."""
    await client.post(URL, json=dict(MAILBOX))
    await client.post(URL, json={**MAILBOX, "number": "8002", "display_name": "100 % support"})
    found = {}
    for q in ("SALES", "800", "%", "_", "nobody"):
        page = (await client.get(URL, params={"q": q})).json()
        found[q] = [item["number"] for item in page["items"]]

    assert found == {"SALES": ["8001"], "800": ["8001", "8002"], "%": ["8002"], "_": [], "nobody": []}


WRONG_QUERIES: list[tuple[dict[str, str], str, str]] = [
    ({"limit": "0"}, "limit", "out-of-range"),
    ({"limit": "201"}, "limit", "out-of-range"),
    ({"limit": "ten"}, "limit", "wrong-type"),
    ({"after": "nonsense"}, "after", "invalid-cursor"),
    ({"after": "WzFd"}, "after", "invalid-cursor"),
    ({"q": "x" * 65}, "q", "too-long"),
    ({"q": "a\x00b"}, "q", "wrong-pattern"),
    ({"page": "2"}, "page", "unknown-field"),
]


async def test_wrong_queries_of_the_list_are_named(client: httpx.AsyncClient) -> None:
    """A parameter that is unknown or out of range is answered by 422."""
    found = []
    for query, _, _ in WRONG_QUERIES:
        answer = await client.get(URL, params=query)
        assert answer.status_code == 422, (query, answer.text)
        found += [(query, field, error_id) for field, error_id in _fields(answer)]

    assert found == WRONG_QUERIES


async def test_a_mailbox_counts_its_messages(
    api: Api, client: httpx.AsyncClient, mailbox: httpx.Response
) -> None:
    """The counts by state are those of the mailbox's own messages, in the list and alone."""
    await client.post(URL, json={**MAILBOX, "number": "8002"})
    await api.message("8001")
    saved = await api.message("8001")
    await api.message("8002")
    await client.patch(f"/api/v1/messages/{saved}", json={"state": "saved"})
    listed = (await client.get(URL)).json()["items"]

    assert [item["counts"] for item in listed] == [
        {"new": 1, "saved": 1, "deleted": 0},
        {"new": 1, "saved": 0, "deleted": 0},
    ]
    assert (await client.get(ONE)).json()["counts"] == listed[0]["counts"]


async def test_a_changed_mailbox_is_answered_as_it_is_then(
    client: httpx.AsyncClient, mailbox: httpx.Response
) -> None:
    """PATCH changes what is sent, keeps the rest, and gives a new ETag."""
    answer = await client.patch(ONE, json={"display_name": "Support", "language": "en-GB"})
    before, after = mailbox.json(), answer.json()

    assert answer.status_code == 200
    assert after == {
        **before,
        "display_name": "Support",
        "language": "en-GB",
        "updated_at": after["updated_at"],
    }
    assert answer.headers["etag"] != mailbox.headers["etag"]


async def test_a_null_language_is_the_tenants(client: httpx.AsyncClient, mailbox: httpx.Response) -> None:
    """PATCH with `language: null` goes back to the tenant's language."""
    await client.patch(ONE, json={"language": "en-GB"})
    answer = await client.patch(ONE, json={"language": None})

    assert (answer.json()["language"], answer.json()["prompt_language"]) == (None, "en")


@pytest.mark.parametrize(
    ("change", "deferred"),
    [
        ({"display_name": "Support"}, ["speech.greeting"]),
        ({"language": "en-GB"}, ["speech.greeting", "configuration.mailboxes"]),
        ({"max_message_seconds": 60}, ["configuration.mailboxes"]),
        ({"display_name": "Sales"}, []),
        ({"review": True}, []),
        ({}, []),
    ],
)
async def test_a_change_of_name_or_language_is_greeted_anew(
    api: Api, client: httpx.AsyncClient, mailbox: httpx.Response, change: dict[str, Any], deferred: list[str]
) -> None:
    """Only what is heard in the greeting makes a new one; what mod_voicemail must know is published to it."""
    await client.patch(ONE, json=change)

    assert [name for name, _ in api.jobs()] == deferred


async def test_a_change_that_changes_nothing_keeps_the_etag(
    client: httpx.AsyncClient, mailbox: httpx.Response
) -> None:
    """A repeated PATCH is harmless: no new version."""
    answer = await client.patch(ONE, json={"display_name": "Sales"})

    assert answer.headers["etag"] == mailbox.headers["etag"]


async def test_a_new_pin_lifts_what_the_old_one_was_refused_for(
    api: Api, client: httpx.AsyncClient, mailbox: httpx.Response
) -> None:
    """PATCH of the PIN stores another hash, sets the time of the change and lifts the refusal."""
    before = api.rows("UPDATE mailboxes SET pin_refused_at = now() RETURNING pin_hash, pin_changed_at")[0]
    answer = await client.patch(ONE, json={"pin": "603815"})
    (after,) = api.rows("SELECT pin_hash, pin_changed_at, pin_refused_at FROM mailboxes")

    assert answer.status_code == 200
    assert after["pin_hash"] != before["pin_hash"]
    assert after["pin_changed_at"] > before["pin_changed_at"]
    assert after["pin_refused_at"] is None


WRONG_CHANGES: list[tuple[dict[str, Any], str, str]] = [
    ({"number": "8002"}, "number", "read-only-field"),
    ({"pin": "8001"}, "pin", "pin-is-number"),
    ({"pin": None}, "pin", "wrong-type"),
    ({"display_name": None}, "display_name", "wrong-type"),
    ({"email_recipients": ["x"]}, "email_recipients[0]", "invalid-address"),
    ({"max_message_seconds": 1}, "min_message_seconds", "lengths-contradict"),
    ({"say_datetime": "13h"}, "say_datetime", "not-one-of"),
    ({"colour": "red"}, "colour", "unknown-field"),
]


async def test_wrong_fields_of_a_change_are_named(client: httpx.AsyncClient, mailbox: httpx.Response) -> None:
    """PATCH obeys the rules of POST, also between what is sent and what is stored; the number stays."""
    found = []
    for change, _, _ in WRONG_CHANGES:
        answer = await client.patch(ONE, json=change)
        assert answer.status_code == 422, (change, answer.text)
        found += [(change, field, error_id) for field, error_id in _fields(answer)]

    assert found == WRONG_CHANGES


async def test_a_stale_etag_refuses_the_change(client: httpx.AsyncClient, mailbox: httpx.Response) -> None:
    """PATCH and DELETE with the ETag of an older version are answered by 412 and change nothing."""
    stale = {"If-Match": mailbox.headers["etag"]}
    await client.patch(ONE, json={"display_name": "Support"})
    changed = await client.patch(ONE, json={"display_name": "Other"}, headers=stale)
    deleted = await client.delete(ONE, headers=stale)

    assert [(a.status_code, a.json()["error_id"]) for a in (changed, deleted)] == [(412, "stale-etag")] * 2
    assert (await client.get(ONE)).json()["display_name"] == "Support"


async def test_the_present_etag_lets_the_change_through(
    api: Api, client: httpx.AsyncClient, mailbox: httpx.Response
) -> None:
    """PATCH with the ETag as read is done, even when a message came in meanwhile."""
    await api.message("8001")
    answer = await client.patch(
        ONE, json={"display_name": "Support"}, headers={"If-Match": mailbox.headers["etag"]}
    )

    assert answer.status_code == 200


async def test_a_new_message_changes_the_etag(
    api: Api, client: httpx.AsyncClient, mailbox: httpx.Response
) -> None:
    """GET with the ETag as read is 304, until the counts are others."""
    known = {"If-None-Match": mailbox.headers["etag"]}
    before = await client.get(ONE, headers=known)
    await api.message("8001")
    after = await client.get(ONE, headers=known)

    assert (before.status_code, before.content, after.status_code) == (304, b"", 200)


async def test_a_deleted_mailbox_frees_its_number_and_trashes_its_messages(
    api: Api, client: httpx.AsyncClient, mailbox: httpx.Response
) -> None:
    """After DELETE the number is free, the messages are in the trash, and a new mailbox has none of them."""
    message_id = await api.message("8001")
    deleted = await client.delete(ONE)
    gone = await client.get(ONE)
    free = await client.get("/api/v1/numbers/8001")
    message = (await client.get(f"/api/v1/messages/{message_id}")).json()
    again = await client.post(URL, json=dict(MAILBOX))

    assert [a.status_code for a in (deleted, gone, free, again)] == [204, 404, 404, 201]
    assert (message["state"], message["mailbox_deleted"]) == ("deleted", True)
    assert message["state_changed_by"] == "token tests"
    assert again.json()["counts"] == {"new": 0, "saved": 0, "deleted": 0}


async def test_deleting_a_mailbox_is_published(
    api: Api, client: httpx.AsyncClient, mailbox: httpx.Response
) -> None:
    """DELETE defers the route of the number, and the removal of the greeting."""
    await client.delete(ONE)

    assert [name for name, _ in api.jobs()] == [
        "configuration.mailboxes",
        "configuration.routes",
        "speech.greeting",
        "mwi.send",
    ]


async def test_deleting_twice_is_not_found(client: httpx.AsyncClient, mailbox: httpx.Response) -> None:
    """A second DELETE finds nothing."""
    await client.delete(ONE)
    answer = await client.delete(ONE)

    assert (answer.status_code, answer.json()["error_id"]) == (404, "no-such-mailbox")


async def test_another_tenant_does_not_find_the_mailbox(
    client: httpx.AsyncClient, mailbox: httpx.Response, foreigner: httpx.AsyncClient
) -> None:
    """To a token of another tenant the mailbox does not exist, and nothing happens to it."""
    answers = [
        await foreigner.get(ONE),
        await foreigner.patch(ONE, json={"review": True}),
        await foreigner.delete(ONE),
        await foreigner.get(f"{ONE}/messages"),
    ]

    assert [(a.status_code, a.json()["error_id"]) for a in answers] == [(404, "no-such-mailbox")] * 4
    assert (await client.get(ONE)).json() == mailbox.json()


async def test_another_tenants_list_is_its_own(mailbox: httpx.Response, foreigner: httpx.AsyncClient) -> None:
    """A list holds nothing of other tenants."""
    assert (await foreigner.get(URL)).json() == {"items": [], "next": None}


async def test_a_repeated_request_makes_one_mailbox(api: Api, client: httpx.AsyncClient) -> None:
    """POST with the same Idempotency-Key and body is answered the same, and done once."""
    key = {"Idempotency-Key": "order 66"}
    first = await client.post(URL, json=dict(MAILBOX), headers=key)
    second = await client.post(URL, json=dict(MAILBOX), headers=key)

    assert (second.status_code, second.content) == (first.status_code, first.content)
    assert second.headers["etag"] == first.headers["etag"]
    assert second.headers["location"] == first.headers["location"]
    assert second.headers["idempotent-replayed"] == "true"
    assert [name for name, _ in api.jobs()] == [
        "configuration.mailboxes",
        "configuration.routes",
        "speech.greeting",
        "mwi.introduce",
    ]


async def test_a_longer_list_asks_the_database_no_more_often(api: Api, client: httpx.AsyncClient) -> None:
    """The number of statements of a list does not grow with its items."""
    statements: list[int] = []
    counted = 0

    def count(*_: object) -> None:
        nonlocal counted
        counted += 1

    event.listen(api.deps.db._engine.sync_engine, "before_cursor_execute", count)
    for number in ("8001", "8002", "8003"):
        await client.post(URL, json={**MAILBOX, "number": number})
        counted = 0
        await client.get(URL)
        statements.append(counted)

    assert len(set(statements)) == 1
