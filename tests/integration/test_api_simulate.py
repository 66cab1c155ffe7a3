"""Simulated calls over REST."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from controlplane.domain.routing.destination import ByHours, Destination, DestinationAction
from controlplane.domain.routing.extension_rules import ExtensionRules
from controlplane.domain.routing.inbound_rule import InboundRule
from controlplane.domain.routing.kinds import RoutingKind
from controlplane.domain.routing.receptionist import KeyRule, VirtualReceptionist
from controlplane.services.routing.objects import create_object
from controlplane.services.routing.pointing import note_pointers
from controlplane.storage import extensions
from controlplane.storage.routing import objects as stored
from controlplane.storage.routing.documents import to_document
from controlplane.storage.tables import RoutingObjectRow
from tests.support.api import MAILBOX, Api

URL = "/api/v1/simulate"


def _to(number: str) -> Destination:
    return Destination(action=DestinationAction.FORWARD_TO_NUMBER, number=number)


@pytest.fixture
async def company(api: Api, client: httpx.AsyncClient, default_tenant: UUID) -> None:
    """Make DID 4930… → receptionist 6000, whose 1 rings group 6100 of 101 and 102, whose end is 8001.

    The extension 101 owns the mailbox 8001 and sends what is busy into it.
    """
    await client.post("/api/v1/mailboxes", json=dict(MAILBOX))
    for number in ("101", "102"):
        await client.post("/api/v1/extensions", json={"number": number, "display_name": f"Phone {number}"})
    made = await client.post(
        "/api/v1/ring-groups",
        json={
            "number": "6100",
            "display_name": "Sales",
            "members": ["101", "102"],
            "no_answer": {"action": "forward_to_number", "number": "8001"},
        },
    )
    assert 201 == made.status_code, made.text
    await create_object(
        api.deps.db,
        api.deps.jobs,
        tenant_id=default_tenant,
        kind=RoutingKind.VIRTUAL_RECEPTIONIST,
        number="6000",
        name="Main",
        settings=VirtualReceptionist(
            keys=(KeyRule(keys="1", destination=ByHours(office_hours=_to("6100"))),)
        ),
        by="tests",
    )
    voicemail = Destination(action=DestinationAction.FORWARD_TO_VOICEMAIL)
    rules = ExtensionRules(busy=ByHours(office_hours=voicemail), mailbox="8001")
    rule = InboundRule(dids=("4930*",), destination=ByHours(office_hours=_to("6000")))
    async with api.deps.db.transaction() as session:
        alice = await extensions.by_number(session, default_tenant, "101")
        assert alice is not None
        await extensions.update_values(session, alice.id, {"rules": to_document(rules)})
        await note_pointers(session, tenant_id=default_tenant, object_id=alice.id, pointers=rules.pointers())
        row = RoutingObjectRow(
            id=uuid4(),
            tenant_id=default_tenant,
            kind=RoutingKind.INBOUND_RULE.value,
            number=None,
            name="main",
            settings=to_document(rule),
        )
        await stored.insert(session, row)
        await note_pointers(session, tenant_id=default_tenant, object_id=row.id, pointers=rule.pointers())


async def _simulated(client: httpx.AsyncClient, **query: str) -> dict[str, Any]:
    answer = await client.get(URL, params=query)
    assert 200 == answer.status_code, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_a_call_from_outside_is_told_step_by_step(client: httpx.AsyncClient, company: None) -> None:
    """Rule, receptionist, group, mailbox: what rang, why it went on, and what the message would carry."""
    found = await _simulated(client, did="49301", keys="1", states="101:busy,*:unanswered")

    assert [
        ("inbound-rule", None, None, "6000"),
        ("virtual-receptionist", "6000", "direct", "6100"),
        ("ring-group", "6100", "no_answer", "8001"),
        ("mailbox", "8001", None, None),
    ] == [(step["kind"], step["number"], step["reason"], step["next"]) for step in found["steps"]]
    assert ("mailbox", "8001", 20, ["102"]) == (
        found["result"],
        found["number"],
        found["seconds"],
        found["steps"][2]["rang"],
    )
    assert {"did": "49301", "reason": "no_answer"} == {
        name: found["reached_by"][name] for name in ("did", "reason")
    }


async def test_who_answers_is_named(client: httpx.AsyncClient, company: None) -> None:
    """Phones that are not named answer."""
    found = await _simulated(client, to="6100", states="101:unregistered")

    assert ("answered", "102") == (found["result"], found["number"])


async def test_an_extension_that_owns_a_mailbox(client: httpx.AsyncClient, company: None) -> None:
    """Busy goes into its own mailbox, as the rule says; no answer has no rule and ends the call."""
    busy = await _simulated(client, to="101", states="101:declined")
    silent = await _simulated(client, to="101", states="101:unanswered")

    assert ("mailbox", "8001") == (busy["result"], busy["number"])
    assert ("hung_up", "no_answer", 30) == (silent["result"], silent["cause"], silent["seconds"])


async def test_an_extension_can_be_dialled_by_keys(client: httpx.AsyncClient, company: None) -> None:
    """Although nothing points at it."""
    found = await _simulated(client, to="6000", keys="102")

    assert ("answered", "102") == (found["result"], found["number"])


async def test_keys_during_the_greeting_of_a_mailbox(client: httpx.AsyncClient, company: None) -> None:
    """0 is followed to its operator and what comes of it there, * to the PIN; only where it has them."""
    nothing = await _simulated(client, to="8001", keys="0,*")
    await client.patch(
        "/api/v1/mailboxes/8001", json={"operator_number": "102", "log_in_from_greeting": True}
    )
    operator = await _simulated(client, did="49301", keys="1,0", states="101:busy,102:unanswered")
    log_in = await _simulated(client, to="8001", keys="*")

    assert ("mailbox", [None]) == (nothing["result"], [step["key"] for step in nothing["steps"]])
    assert [
        ("inbound-rule", None, None, "6000"),
        ("virtual-receptionist", "1", "direct", "6100"),
        ("ring-group", None, "no_answer", "8001"),
        ("mailbox", "0", "exit_key", "102"),
        ("extension", None, "no_answer", ""),
    ] == [(step["kind"], step["key"], step["reason"], step["next"]) for step in operator["steps"]]
    assert ("hung_up", "no_answer") == (operator["result"], operator["cause"])
    assert ["virtual-receptionist", "ring-group", "mailbox", "extension"] == [
        step["kind"] for step in operator["reached_by"]["path"]
    ]
    assert ("log_in", "8001", "*") == (log_in["result"], log_in["number"], log_in["steps"][0]["key"])


@pytest.mark.parametrize(
    ("query", "field", "error_id"),
    [
        ({}, "did", "missing-field"),
        ({"did": "49", "to": "101"}, "did", "named-twice"),
        ({"to": "101", "states": "101:asleep"}, "states", "invalid-state"),
        ({"to": "101", "states": "101"}, "states", "wrong-pattern"),
        ({"to": "101", "keys": "a"}, "keys", "wrong-pattern"),
        ({"to": "101", "at": "2026-03-02T09:00:00"}, "at", "wrong-pattern"),
        ({"to": "101", "at": "2026-02-30T09:00:00Z"}, "at", "invalid-value"),
        ({"to": "101", "at": "9999-12-31T23:59:59-14:00"}, "at", "invalid-value"),
        ({"to": "101", "at": "0001-01-01T00:00:00+14:00"}, "at", "invalid-value"),
        ({"to": "101", "who": "me"}, "who", "unknown-field"),
    ],
)
async def test_wrong_parameters_are_named(
    client: httpx.AsyncClient, query: dict[str, str], field: str, error_id: str
) -> None:
    """Each is refused with its name."""
    refused = await client.get(URL, params=query)

    assert (422, field, error_id) == (
        refused.status_code,
        refused.json()["errors"][0]["field"],
        refused.json()["errors"][0]["error_id"],
    )


async def test_another_tenant_has_no_such_number(foreigner: httpx.AsyncClient, company: None) -> None:
    """What belongs to another tenant is not met."""
    found = await _simulated(foreigner, to="6100")

    assert "unknown_number" == found["result"]
