"""What FreeSWITCH tells of phones that ask for a lamp: read strictly, as a phone wrote it."""

from __future__ import annotations

from uuid import UUID

import pytest
from controlplane.domain.lamp import LampQuery
from controlplane.switches.freeswitch.command import encode_command
from controlplane.switches.freeswitch.lamp_queries import probe_of, query_of, registration_of
from tests.support.hostile import HOSTILE_TEXTS

TENANT = UUID("5e1b3f0c-0f2f-4f0e-9a59-5a1f0b6a3c58")
ASKED = {
    "Message-Account": "sip:8001@shared-voicemail",
    "VM-Sofia-Profile": "shared-voicemail",
    "VM-sub-call-id": "a84b4c76e66710@pc33.example.com",
}
REGISTERED = {
    "profile-name": "shared-voicemail",
    "from-user": "101",
    "from-host": "shared-voicemail",
    "call-id": "843817637684230@998sdasdh09",
}


def test_a_subscription_is_answered_with_its_headers_copied() -> None:
    """mod_sofia finds the phone by its dialog, which it named in the question."""
    assert query_of(ASKED) == LampQuery(
        number="8001",
        domain="shared-voicemail",
        reply_to=(("Sofia-Profile", "shared-voicemail"), ("sub-call-id", ASKED["VM-sub-call-id"])),
    )


def test_a_new_registration_is_told_of_its_account() -> None:
    """It is the phone's own number, or where its mwi-account points."""
    own = registration_of(REGISTERED)
    pointed = registration_of({**REGISTERED, "mwi-account": "8001@shared-voicemail"})

    assert own is not None
    assert pointed is not None
    assert ("101", "8001") == (own.number, pointed.number)
    assert ("Call-ID", REGISTERED["call-id"]) in own.reply_to


def test_a_registration_of_another_tenant_names_it() -> None:
    """Its account is a number and the tenant's id; a subscription to such a one is not answered."""
    account = f"101.{TENANT}@shared-voicemail"
    query = registration_of({**REGISTERED, "mwi-account": account})

    assert query is not None
    assert ("101", TENANT) == (query.number, query.tenant)
    assert query_of({**ASKED, "Message-Account": f"sip:{account}"}) is None


def test_a_key_is_what_it_dials() -> None:
    """The answer goes to its dialog; a key without a feature code is somebody's phone, and no lamp."""
    probe = {"to": "*568001@shared-voicemail", "sub-call-id": "k1@10.0.0.1"}

    assert probe_of(probe) == LampQuery(
        number="", domain="shared-voicemail", reply_to=(("call-id", "k1@10.0.0.1"),), key="*568001"
    )
    assert probe_of({**probe, "to": "101@shared-voicemail"}) is None
    assert probe_of({"to": "*568001@shared-voicemail"}) is None


def test_a_repeated_registration_asks_nothing() -> None:
    """Thousands of phones register again every few minutes."""
    assert registration_of({**REGISTERED, "update-reg": "true"}) is None


@pytest.mark.parametrize("account", ["", "sip:bob@host", "8001", "8001@", "sip:8001@a b", "8001@x\n", "12@h"])
def test_an_account_that_is_no_number_is_left_alone(account: str) -> None:
    """A mailbox has a number of three digits or more."""
    assert query_of({**ASKED, "Message-Account": account}) is None


def test_a_question_without_a_dialog_is_left_alone() -> None:
    """Its answer would go to everybody who watches the mailbox."""
    assert query_of({key: value for key, value in ASKED.items() if "call-id" not in key}) is None


@pytest.mark.parametrize("text", HOSTILE_TEXTS)
@pytest.mark.parametrize("name", ["Message-Account", "VM-Sofia-Profile", "VM-sub-call-id"])
def test_hostile_text_makes_no_header_of_its_own(name: str, text: str) -> None:
    """What is copied is one word; the command has one line for each field, or is refused as a whole."""
    query = query_of({**ASKED, name: text})
    if query is None:
        return
    fields = [("MWI-Message-Account", f"sip:{query.number}@{query.domain}"), *query.reply_to]
    try:
        encoded = encode_command("sendevent MESSAGE_WAITING", fields)
    except ValueError:
        return

    assert len(fields) + 3 == len(encoded.split(b"\n"))
