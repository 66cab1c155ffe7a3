"""Adding and changing a mailbox in the portal: every field, every refusal, two people at once."""

from __future__ import annotations

import logging
from typing import Any

import httpx
import pytest
import structlog
from tests.support.api import PIN, Api
from tests.support.hostile import HOSTILE_TEXTS
from tests.support.portal import Browser

_ADD = "/portal/mailboxes/add"
_ONE = "/portal/mailboxes/8001"
_REST = "/api/v1/mailboxes"
NEW = {"number": "8001", "display_name": "Sales", "pin": PIN, "do": "save"}
_LABELS = (
    "Extension Number",
    "Display Name",
    "Prompt Language",
    "PIN Number",
    "Email",
    "Voicemail PIN Authentication",
    "Send email when receiving a voicemail",
)


async def add(browser: Browser, **fields: str) -> None:
    """Open the form for a new mailbox, fill it in and send it."""
    await browser.open(_ADD)
    await browser.send("/add", **{**NEW, **fields})


async def change(browser: Browser, **fields: str) -> None:
    """Do the same with the form of the mailbox 8001."""
    await browser.open(_ONE)
    await browser.send("/8001", do="save", **fields)


async def stored(client: httpx.AsyncClient) -> dict[str, Any]:
    """Return the mailbox 8001 over REST."""
    return dict((await client.get(f"{_REST}/8001")).json())


def told(browser: Browser) -> str:
    """Return what the summary of the faults says."""
    text = browser.shown.text
    return text[text.index("That did not work") :].partition(" Extension Number")[0]


async def test_form_has_the_known_fields_as_they_are_known(bob: Browser) -> None:
    """In their order, before all others, in the words that people know."""
    text = (await bob.open(_ADD)).text
    places = [
        text.index(f" {label} ") for label in (*_LABELS[:4], _LABELS[5], _LABELS[4], _LABELS[6], "More")
    ]

    assert sorted(places) == places


async def test_every_field_is_stored(client: httpx.AsyncClient, bob: Browser) -> None:
    """What is entered is what REST reads, and what the form shows when it is opened again."""
    fields = {
        "display_name": " Vertrieb „Süd“ ",
        "language": "de",
        "pin_required": "",
        "email_recipients": "a@example.com, b@example.com\r\n\r\nc@example.com;",
        "email_notification": "yes",
        "email_attachment_format": "wav",
        "email_attachment_max_mb": "4",
        "email_notice_only": "C@example.com",
        "after_mail": "mark_read",
        "say_datetime": "24h",
        "review": "yes",
        "min_message_seconds": "3",
        "max_message_seconds": "600",
        "source_greetings-0-source": "+4930123",
        "source_greetings-0-greeting": "Hello <b>you</b>",
        "source_greetings-0-language": "en",
        "source_greetings-4-source": "6100",
    }
    await bob.open(_ADD)
    form = bob.shown.form("/add").fields
    sent = {**form, **NEW, **fields}
    for unticked in ("pin_required", "enabled", "email_attachment"):
        sent.pop(unticked, None)
    await bob.post(_ADD, sent)
    read = await stored(client)
    shown = (await bob.open(_ONE)).form("/8001").fields

    assert {
        "number": "8001",
        "display_name": "Vertrieb „Süd“",
        "language": "de",
        "pin_required": False,
        "enabled": False,
        "email_recipients": ["a@example.com", "b@example.com", "c@example.com"],
        "email_notification": True,
        "email_attachment": False,
        "email_attachment_format": "wav",
        "email_attachment_max_mb": 4,
        "email_notice_only": ["c@example.com"],
        "after_mail": "mark_read",
        "say_datetime": "24h",
        "review": True,
        "min_message_seconds": 3,
        "max_message_seconds": 600,
        "source_greetings": [
            {"source": "+4930123", "greeting": "Hello <b>you</b>", "language": "en"},
            {"source": "6100", "greeting": None, "language": None},
        ],
    }.items() <= read.items()
    assert ("wav", "24h", "3", "6100", "Hello <b>you</b>", "") == (
        shown["email_attachment_format"],
        shown["say_datetime"],
        shown["min_message_seconds"],
        shown["source_greetings-1-source"],
        shown["source_greetings-0-greeting"],
        shown["pin"],
    )


async def test_new_mailbox_has_the_defaults_of_rest(client: httpx.AsyncClient, bob: Browser) -> None:
    """Who fills in the number, the name and the PIN alone gets the same by both ways."""
    await add(bob)
    by_portal = await stored(client)
    await client.post(_REST, json={"number": "8002", "display_name": "Sales", "pin": PIN})
    by_rest = (await client.get(f"{_REST}/8002")).json()
    own = {"id", "number", "created_at", "updated_at"}

    assert {key: value for key, value in by_rest.items() if key not in own} == {
        key: value for key, value in by_portal.items() if key not in own
    }
    assert "The mailbox 8001 “Sales” is there." in bob.shown.text


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"number": ""}, "Enter a number: 3 to 64 digits."),
        ({"number": "80"}, "A number has 3 to 64 digits and nothing else."),
        ({"number": "8a01"}, "A number has 3 to 64 digits and nothing else."),
        ({"number": "6100"}, "6100 belongs to “Counter” (Ring Group). Choose another number."),
        ({"number": "9005"}, "9005 is reserved:"),
        ({"display_name": ""}, "Enter a name."),
        ({"display_name": "x" * 65}, "A name has at most 64 characters."),
        ({"display_name": "\u202eevil"}, "A name has 1 to 64 characters in one line."),
        ({"pin": ""}, "Enter a PIN, or let one be made."),
        ({"pin": "12a4"}, "A PIN has digits only."),
        ({"pin": "719"}, "The PIN is too short: 4 digits at least."),
        ({"pin": "719" * 11}, "The PIN is too long: 32 digits at most."),
        ({"pin": "719" * 50}, "The PIN is too long: 32 digits at most."),
        ({"pin": "7777"}, "The PIN repeats one digit"),
        ({"pin": "9876"}, "The PIN runs up or down"),
        ({"pin": "8001"}, "The PIN is the number of the mailbox or its end"),
        ({"language": "xx"}, "There are no prompts in this language."),
        ({"language": "?"}, "Choose a language from the list."),
        ({"email_recipients": "a@example.com, b@"}, "“b@” is not a mail address such as sales@example.com."),
        (
            {"email_recipients": ",".join(f"a{n}@example.com" for n in range(16))},
            "There can be 15 mail addresses",
        ),
        ({"email_attachment_format": "ogg"}, "Choose one from the list."),
        ({"email_attachment_max_mb": "16"}, "This is a number of megabytes from 1 to 15."),
        ({"email_attachment_max_mb": "many"}, "Enter a number of megabytes."),
        (
            {"email_notice_only": "a@example.com"},
            "“a@example.com” is not among the addresses that are mailed.",
        ),
        ({"after_mail": "purge"}, "Choose one from the list."),
        ({"say_datetime": "always"}, "Choose one from the list."),
        ({"min_message_seconds": "61"}, "This is a number of seconds from 0 to 60."),
        ({"min_message_seconds": "one"}, "Enter a number of seconds."),
        ({"max_message_seconds": "0"}, "This is a number of seconds from 1 to 3600."),
        ({"max_message_seconds": ""}, "Enter a number of seconds."),
        (
            {"min_message_seconds": "9", "max_message_seconds": "9"},
            "The shortest message must be shorter than the longest one.",
        ),
        ({"source_greetings-0-source": "x"}, "This is a number of at least 3 digits"),
        ({"source_greetings-0-greeting": "Hello"}, "This is a number of at least 3 digits"),
        (
            {"source_greetings-0-source": "6100", "source_greetings-1-source": "6100"},
            "There is another greeting for this number.",
        ),
        (
            {"source_greetings-0-source": "6100", "source_greetings-0-greeting": "x" * 1001},
            "A greeting has at most 1000 characters.",
        ),
        (
            {"source_greetings-0-source": "6100", "source_greetings-0-language": "xx"},
            "There are no prompts in this language.",
        ),
    ],
)
async def test_each_refusal_names_the_field_and_keeps_what_was_typed(
    client: httpx.AsyncClient, bob: Browser, fields: dict[str, str], sentence: str
) -> None:
    """Beside the field and in the summary, whose link leads to the field; nothing is made."""
    await client.post("/api/v1/extensions", json={"number": "101", "display_name": "Alice"})
    await client.post(
        "/api/v1/ring-groups", json={"number": "6100", "display_name": "Counter", "members": ["101"]}
    )
    await client.post("/api/v1/numbers/reserved", json={"first": "9000", "last": "9099"})
    await add(bob, **fields)
    links = [each["href"] for each in bob.shown.with_attribute("href") if each["href"].startswith("#")]
    ids = {f"#{each['id']}" for each in bob.shown.with_attribute("id")}
    kept = bob.shown.form("/add").fields
    opened = any(tag == "details" and "open" in attributes for tag, attributes in bob.shown.tags)
    under_more = next(iter(fields)).startswith(
        ("source", "min", "max", "say", "email_att", "email_not", "after")
    )

    assert (422, True, True) == (bob.answer.status_code, sentence in told(bob), set(links) <= ids)
    assert bob.answer.text.count(sentence.partition("“")[0]) >= 2
    assert under_more == opened
    if "language" not in "".join(fields):
        assert {name: text.replace(",", "\n").replace(" ", "") for name, text in fields.items()} == {
            name: kept.get(name, "").replace(" ", "") for name in fields
        } or not {"email_attachment_format", "after_mail", "say_datetime"}.isdisjoint(fields)
    assert [] == (await client.get(_REST)).json()["items"]


async def test_all_faults_are_told_at_once(bob: Browser) -> None:
    """Also those that the schema finds, and those that only the rules know."""
    await add(bob, number="8", display_name="", pin="1234", email_recipients="x", max_message_seconds="x")

    assert told(bob) == (
        "That did not work A number has 3 to 64 digits and nothing else. Enter a name. "
        "The PIN runs up or down, as 1234 does; choose one that is harder to guess. "
        "“x” is not a mail address such as sales@example.com. Enter a number of seconds. Save"
    )


async def test_german_is_spoken(api: Api, client: httpx.AsyncClient, bob: Browser) -> None:
    """Labels and faults are in the language of the person."""
    await bob.open("/portal/account")
    await bob.send("/account", language="de")
    await bob.open(_ADD)
    await bob.send("/add", **{**NEW, "pin": "1234"})

    assert "Die PIN läuft auf" in bob.shown.text


async def test_pin_is_made_without_saving(client: httpx.AsyncClient, bob: Browser) -> None:
    """The button fills in a PIN that the rules take, and keeps all else; without script it sends the form."""
    await add(bob, do="generate", display_name="Typed before")
    fields = bob.shown.form("/add").fields

    assert ("Typed before", 6, True) == (fields["display_name"], len(fields["pin"]), fields["pin"].isdigit())
    assert (200, []) == (bob.answer.status_code, (await client.get(_REST)).json()["items"])


async def test_check_answers_without_saving(client: httpx.AsyncClient, bob: Browser) -> None:
    """What script asks for while somebody types is the same form, with what is wrong and what is right."""
    await add(bob, do="check", pin="1234", display_name="")
    text = bob.shown.text

    assert (200, True, True) == (bob.answer.status_code, "8001 is free." in text, "runs up or down" in text)
    assert [] == (await client.get(_REST)).json()["items"]


async def test_pin_is_never_shown_again_and_stays_if_empty(
    api: Api, client: httpx.AsyncClient, bob: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    """An empty PIN keeps the old one, another one replaces it, and neither is on a page or in a log."""
    caplog.set_level(logging.DEBUG)
    with structlog.testing.capture_logs() as logged:
        await add(bob)
        first = api.rows("SELECT pin_hash FROM mailboxes")
        await change(bob, display_name="Other")
        same = api.rows("SELECT pin_hash FROM mailboxes")
        await change(bob, pin="618273")
        other = api.rows("SELECT pin_hash FROM mailboxes")
        shown = await bob.open(_ONE)

    assert (True, False, "") == (first == same, same == other, shown.form("/8001").fields["pin"])
    assert not any(pin in f"{logged}{caplog.text}{bob.answer.text}" for pin in (PIN, "618273"))


async def test_only_what_was_changed_is_sent(api: Api, client: httpx.AsyncClient, bob: Browser) -> None:
    """Saving what was not touched changes nothing, not even the version."""
    await add(bob)
    before = api.rows("SELECT version FROM mailboxes")
    await change(bob)

    assert before == api.rows("SELECT version FROM mailboxes")
    assert "Sales is saved." in bob.shown.text


async def test_greeting_of_a_source_is_added_and_removed(client: httpx.AsyncClient, bob: Browser) -> None:
    """A button adds a row, a tick removes one; both work without script."""
    await add(bob)
    await bob.open(_ONE)
    await bob.send("/8001", do="row")
    await bob.send("/8001", do="save", **{"source_greetings-0-source": "6100"})
    added = (await stored(client))["source_greetings"]
    await change(bob, **{"source_greetings-0-remove": "yes"})

    assert [{"source": "6100", "greeting": None, "language": None}] == added
    assert [] == (await stored(client))["source_greetings"]


async def test_second_of_two_admins_is_told_who_was_first(
    client: httpx.AsyncClient, alice: Browser, bob: Browser
) -> None:
    """In words, with what the first changed; both changes are in the form, and saving again keeps both."""
    await add(bob)
    await alice.open(_ONE)
    await change(bob, display_name="Sales and <i>service</i>", review="yes", email_recipients="b@example.com")
    await alice.send("/8001", do="save", display_name="Sales team", say_datetime="12h", pin="618273")
    text, fields = alice.shown.text, alice.shown.form("/8001").fields
    told_first = alice.answer.status_code
    await alice.send("/8001", do="save")
    read = await stored(client)

    assert (412, True, True, True) == (
        told_first,
        "bob was first" in text,
        "Display Name: Sales and <i>service</i> (you entered something else" in text,
        "Callers may listen and record again: on" in text,
    )
    assert ("Sales team", "12h", "yes", "b@example.com", "618273") == (
        fields["display_name"],
        fields["say_datetime"],
        fields["review"],
        fields["email_recipients"],
        fields["pin"],
    )
    assert ("Sales team", "12h", True, ["b@example.com"]) == (
        read["display_name"],
        read["say_datetime"],
        read["review"],
        read["email_recipients"],
    )


@pytest.mark.parametrize("seen", ["", "x", "[]", "[" * 100_0, '{"number": {}}'])
@pytest.mark.parametrize("version", ["", "-1", "x", "9" * 30])
async def test_tampered_form_changes_nothing_by_mistake(
    client: httpx.AsyncClient, bob: Browser, seen: str, version: str
) -> None:
    """What the form says of itself is believed by nobody: it counts as a form that is too old."""
    await add(bob)
    await change(bob, seen=seen, version=version, display_name="Mine")

    assert (412, "Sales") == (bob.answer.status_code, (await stored(client))["display_name"])


async def test_hostile_texts_in_every_field_are_refused_or_stored(
    client: httpx.AsyncClient, bob: Browser
) -> None:
    """Nothing that is typed ends in an error of ours, or in markup."""
    await add(bob)
    names = ("display_name", "language", "pin", "email_recipients", "say_datetime", "max_message_seconds")
    for text in HOSTILE_TEXTS:
        clean = text.encode("utf-8", "replace").decode()[:300]
        await bob.open(_ONE)
        await bob.send("/8001", do="save", **dict.fromkeys((*names, "source_greetings-0-source"), clean))
        scripts = sum(tag in {"script", "img"} for tag, _ in bob.shown.tags)
        assert (True, 3) == (bob.answer.status_code in {200, 422}, scripts), text
        await bob.post(_ADD, {**bob.shown.form("/sign-out").fields, **NEW, "number": clean})
        assert bob.answer.status_code == 422, text


@pytest.mark.parametrize("number", ["8009", "%00", "..", "x%2Fy", "%F0%9F%98%80", "8001%20"])
async def test_mailbox_that_is_not_there_is_told(bob: Browser, number: str) -> None:
    """A page says so, in words."""
    await bob.open(f"/portal/mailboxes/{number}")

    assert (404 if number != ".." else 200) == bob.answer.status_code
