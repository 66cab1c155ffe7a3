"""What points at what over REST: destinations, pointers, re-pointing, loops and reserved numbers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
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
from controlplane.services.routing.re_pointing import re_point
from controlplane.storage import extensions
from controlplane.storage.database import Database
from controlplane.storage.routing import objects as stored
from controlplane.storage.routing.documents import to_document
from controlplane.storage.tables import RoutingObjectRow
from sqlalchemy.ext.asyncio import AsyncSession
from tests.support.api import MAILBOX, PIN, Api

API = "/api/v1"


def _forward(number: str) -> dict[str, Any]:
    return {"action": "forward_to_number", "number": number}


def _to(number: str) -> Destination:
    return Destination(action=DestinationAction.FORWARD_TO_NUMBER, number=number)


async def _made(client: httpx.AsyncClient, path: str, body: dict[str, Any]) -> None:
    made = await client.post(f"{API}/{path}", json=body)
    assert 201 == made.status_code, made.text


async def _group(client: httpx.AsyncClient, number: str, **settings: Any) -> httpx.Response:
    return await client.post(
        f"{API}/ring-groups", json={"number": number, "display_name": f"Group {number}", **settings}
    )


async def _rules(api: Api, tenant_id: UUID, number: str, rules: ExtensionRules) -> None:
    """Give an extension rules in the database."""
    async with api.deps.db.transaction() as session:
        row = await extensions.by_number(session, tenant_id, number)
        assert row is not None
        await extensions.update_values(session, row.id, {"rules": to_document(rules)})
        await note_pointers(session, tenant_id=tenant_id, object_id=row.id, pointers=rules.pointers())


async def _inbound(api: Api, tenant_id: UUID, name: str, rule: InboundRule) -> None:
    """Put an inbound rule into the database."""
    async with api.deps.db.transaction() as session:
        row = RoutingObjectRow(
            id=uuid4(),
            tenant_id=tenant_id,
            kind=RoutingKind.INBOUND_RULE.value,
            number=None,
            name=name,
            settings=to_document(rule),
        )
        await stored.insert(session, row)
        await note_pointers(session, tenant_id=tenant_id, object_id=row.id, pointers=rule.pointers())


@pytest.fixture
async def company(client: httpx.AsyncClient, api: Api) -> None:
    """Make mailboxes 8001 and 8002, extensions 101 and 102 and the ring group 6100 of both."""
    for number, name in (("8001", "Sales"), ("8002", "Support")):
        await _made(client, "mailboxes", {**MAILBOX, "number": number, "display_name": name, "pin": PIN})
    for number in ("101", "102"):
        await _made(client, "extensions", {"number": number, "display_name": f"Phone {number}"})
    made = await _group(client, "6100", members=["101", "102"], no_answer=_forward("8001"))
    assert 201 == made.status_code, made.text
    api.jobs()


async def test_destinations_are_found_by_kind_and_text(client: httpx.AsyncClient, company: None) -> None:
    """The picker's data: all kinds, one kind, a part of name or number, in pages."""
    everything = (await client.get(f"{API}/destinations")).json()["items"]
    mailboxes = (await client.get(f"{API}/destinations", params={"kind": "mailbox", "limit": 1})).json()
    rest = (
        await client.get(f"{API}/destinations", params={"kind": "mailbox", "after": mailboxes["next"]})
    ).json()
    found = (await client.get(f"{API}/destinations", params={"q": "group"})).json()["items"]

    assert [("101", "extension"), ("102", "extension"), ("6100", "ring-group")] == [
        (item["number"], item["kind"]) for item in everything[:3]
    ]
    assert ["8001", "8002"] == [item["number"] for item in (*mailboxes["items"], *rest["items"])]
    assert [{"kind": "ring-group", "number": "6100", "name": "Group 6100"}] == found


async def test_an_unknown_kind_is_refused(client: httpx.AsyncClient) -> None:
    """The answer names the parameter."""
    refused = await client.get(f"{API}/destinations", params={"kind": "fax"})

    assert (422, "kind") == (refused.status_code, refused.json()["errors"][0]["field"])


async def test_pointers_are_listed_in_pages(
    api: Api, client: httpx.AsyncClient, default_tenant: UUID, company: None
) -> None:
    """Each place is there once, with its object and its field."""
    await _inbound(api, default_tenant, "main", InboundRule(destination=ByHours(office_hours=_to("8001"))))
    await _rules(api, default_tenant, "101", ExtensionRules(busy=ByHours(office_hours=_to("8001"))))
    seen: list[dict[str, Any]] = []
    after: str | None = None
    while True:
        params = {"limit": 1, **({"after": after} if after else {})}
        page = (await client.get(f"{API}/numbers/8001/pointers", params=params)).json()
        seen += page["items"]
        after = page["next"]
        if after is None:
            break

    assert [
        ("extension", "101", "Phone 101", "busy.office_hours.number"),
        ("inbound-rule", None, "main", "destination.office_hours.number"),
        ("ring-group", "6100", "Group 6100", "no_answer.number"),
    ] == [(one["kind"], one["number"], one["name"], one["field"]) for one in seen]


async def test_everything_is_pointed_elsewhere_at_once(
    api: Api, client: httpx.AsyncClient, default_tenant: UUID, company: None
) -> None:
    """Groups, receptionists and rules point at the new number, versions go up, route files follow."""
    await create_object(
        api.deps.db,
        api.deps.jobs,
        tenant_id=default_tenant,
        kind=RoutingKind.VIRTUAL_RECEPTIONIST,
        number="6000",
        name="Main",
        settings=VirtualReceptionist(
            keys=(KeyRule(keys="5", destination=ByHours(office_hours=_to("8001"))),), fallback="8001"
        ),
        by="tests",
    )
    await _rules(
        api, default_tenant, "101", ExtensionRules(busy=ByHours(office_hours=_to("8001")), mailbox="8001")
    )
    etag = (await client.get(f"{API}/ring-groups/6100")).headers["etag"]
    api.jobs()
    done = await client.post(f"{API}/numbers/8001/re-point", json={"to": "8002"})
    now = await client.get(f"{API}/numbers/8002/pointers")
    gone = await client.delete(f"{API}/mailboxes/8001")
    group = await client.get(f"{API}/ring-groups/6100")

    assert (200, 5) == (done.status_code, len(done.json()["changed"])), done.text
    assert done.json()["changed"] == now.json()["items"]
    assert [("configuration.routes", ["101", "6000", "6100"])] == [
        (name, args["numbers"]) for name, args in api.jobs() if args.get("numbers") not in (None, ["8001"])
    ]
    assert (204, "8002", True) == (
        gone.status_code,
        group.json()["no_answer"]["number"],
        etag != group.headers["etag"],
    )


async def test_what_cannot_take_the_number_is_listed_and_nothing_is_done(
    client: httpx.AsyncClient, company: None
) -> None:
    """A member must be an extension: a mailbox in its place is refused, and all stays as it is."""
    await _group(client, "6200", no_answer=_forward("102"))
    refused = await client.post(f"{API}/numbers/102/re-point", json={"to": "8002"})
    group = await client.get(f"{API}/ring-groups/6200")

    assert (409, "cannot-re-point", ["members.1"]) == (
        refused.status_code,
        refused.json()["error_id"],
        [one["field"] for one in refused.json()["details"]["pointers"]],
    )
    assert "102" == group.json()["no_answer"]["number"]


async def test_to_nothing(client: httpx.AsyncClient, company: None) -> None:
    """Calls end where they went on, members are left out, and the number can then be deleted."""
    await _group(client, "6200", no_answer=_forward("102"))
    done = await client.post(f"{API}/numbers/102/re-point", json={"to": None})
    members = (await client.get(f"{API}/ring-groups/6100")).json()["members"]
    ends = (await client.get(f"{API}/ring-groups/6200")).json()["no_answer"]["action"]

    assert (200, ["101"], "hangup") == (done.status_code, members, ends)
    assert 204 == (await client.delete(f"{API}/extensions/102")).status_code


@pytest.mark.parametrize(
    ("number", "to", "status", "error_id"),
    [
        ("9999", "8001", 404, "number-free"),
        ("8001", "9999", 422, "no-such-number"),
        ("8001", "8001", 422, "invalid-value"),
        ("8001", "x", 422, "wrong-pattern"),
    ],
)
async def test_numbers_that_make_no_sense(
    client: httpx.AsyncClient, company: None, *, number: str, to: str, status: int, error_id: str
) -> None:
    """A number that nobody has, the same one, and what is none are refused."""
    refused = await client.post(f"{API}/numbers/{number}/re-point", json={"to": to})

    assert (status, error_id) == (refused.status_code, refused.json()["error_id"])


class _Noting(Database):
    """Notes which limits transactions are given."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.limits: list[float | None] = []

    @asynccontextmanager
    async def transaction(self, *, seconds: float | None = None) -> AsyncIterator[AsyncSession]:
        """Note the limit, and do as always."""
        self.limits.append(seconds)
        async with super().transaction(seconds=seconds) as session:
            yield session


async def test_many_places_may_take_minutes_to_be_re_pointed(
    api: Api, client: httpx.AsyncClient, database_url: str, default_tenant: UUID, company: None
) -> None:
    """Thousands of extensions forward to one mailbox: the limit of other transactions is not enough."""
    noting = _Noting(database_url.replace("postgresql://", "postgresql+psycopg://"))
    try:
        found = await re_point(
            noting, api.deps.jobs, tenant_id=default_tenant, number="8001", to="8002", by="tests"
        )
    finally:
        await noting.close()

    assert (["6100"], [300]) == ([one.number for one in found], noting.limits)


async def test_a_re_pointing_that_closes_a_loop_is_refused(client: httpx.AsyncClient, company: None) -> None:
    """The loop is shown, and nothing is changed."""
    await _group(client, "6200", no_answer=_forward("6100"))
    refused = await client.post(f"{API}/numbers/8001/re-point", json={"to": "6200"})
    group = await client.get(f"{API}/ring-groups/6100")

    assert (409, "cannot-re-point", ["6100", "6200"]) == (
        refused.status_code,
        refused.json()["error_id"],
        [step["number"] for step in refused.json()["details"]["loop"]],
    )
    assert "8001" == group.json()["no_answer"]["number"]


async def test_a_loop_is_refused_when_it_is_saved(
    api: Api, client: httpx.AsyncClient, default_tenant: UUID, company: None
) -> None:
    """Over a group, an extension's rule and back: the answer shows the loop and names the field."""
    await _group(client, "6200", no_answer=_forward("101"))
    await _rules(api, default_tenant, "101", ExtensionRules(busy=ByHours(office_hours=_to("6100"))))
    refused = await client.patch(f"{API}/ring-groups/6100", json={"no_answer": _forward("6200")})
    problem = refused.json()

    assert (422, "forwarding-loop", "no_answer.number") == (
        refused.status_code,
        problem["error_id"],
        problem["errors"][0]["field"],
    )
    assert [
        {"kind": "ring-group", "number": "6100", "field": "no_answer.number"},
        {"kind": "ring-group", "number": "6200", "field": "no_answer.number"},
        {"kind": "extension", "number": "101", "field": "busy.office_hours.number"},
    ] == problem["details"]["loop"]


async def test_a_loop_of_one(client: httpx.AsyncClient, company: None) -> None:
    """A group that goes on to itself is told to repeat instead; it is made with `repeat`."""
    refused = await client.patch(f"{API}/ring-groups/6100", json={"no_answer": _forward("6100")})
    taken = await client.patch(f"{API}/ring-groups/6100", json={"no_answer": {"action": "repeat"}})

    assert (422, 200) == (refused.status_code, taken.status_code)


async def test_of_two_that_close_a_loop_at_once_one_is_refused(client: httpx.AsyncClient) -> None:
    """The second waits for the first to be stored, and sees it."""
    for number in ("6300", "6400"):
        assert 201 == (await _group(client, number)).status_code
    answers = await asyncio.gather(
        client.patch(f"{API}/ring-groups/6300", json={"no_answer": _forward("6400")}),
        client.patch(f"{API}/ring-groups/6400", json={"no_answer": _forward("6300")}),
    )

    assert [200, 422] == sorted(answer.status_code for answer in answers)


async def test_rules_of_an_extension_that_close_a_loop_are_refused(
    client: httpx.AsyncClient, company: None
) -> None:
    """The field of the rule is named."""
    await client.patch(f"{API}/ring-groups/6100", json={"no_answer": _forward("101")})
    refused = await client.put(
        f"{API}/extensions/101/rules", json={"no_answer": {"office_hours": _forward("6100")}}
    )

    assert (422, "forwarding-loop", "no_answer.office_hours.number") == (
        refused.status_code,
        refused.json()["error_id"],
        refused.json()["errors"][0]["field"],
    )


async def test_a_re_pointing_that_is_repeated_is_done_once(client: httpx.AsyncClient, company: None) -> None:
    """With the same key the first answer comes again, though nothing points there any more."""
    answers = [
        await client.post(
            f"{API}/numbers/8001/re-point", json={"to": "8002"}, headers={"Idempotency-Key": "once"}
        )
        for _ in range(2)
    ]

    assert [1, 1] == [len(answer.json()["changed"]) for answer in answers]


async def test_a_member_that_forwards_to_its_group_is_no_loop(
    api: Api, client: httpx.AsyncClient, default_tenant: UUID, company: None
) -> None:
    """Rules of members do not count in a group, so that the group can be saved."""
    await _rules(api, default_tenant, "101", ExtensionRules(no_answer=ByHours(office_hours=_to("6100"))))
    saved = await client.patch(f"{API}/ring-groups/6100", json={"no_answer": _forward("8002")})

    assert 200 == saved.status_code


async def test_reserved_numbers_cannot_be_taken(client: httpx.AsyncClient, mailbox: httpx.Response) -> None:
    """A number of the range is refused with its note and what helps, and is free when that was done."""
    made = await client.post(
        f"{API}/numbers/reserved", json={"first": "9000", "last": "9099", "note": "Old switch"}
    )
    refused = await client.post(f"{API}/mailboxes", json={**MAILBOX, "number": "9050"})
    longer = await client.post(f"{API}/mailboxes", json={**MAILBOX, "number": "90500"})
    listed = (await client.get(f"{API}/numbers/reserved")).json()["items"]
    gone = await client.delete(f"{API}/numbers/reserved/9000")
    taken = await client.post(f"{API}/mailboxes", json={**MAILBOX, "number": "9050"})

    assert [201, 409, 201, 204, 201] == [a.status_code for a in (made, refused, longer, gone, taken)]
    assert ("number-reserved", "number") == (
        refused.json()["error_id"],
        refused.json()["errors"][0]["field"],
    )
    assert refused.json()["detail"].endswith(
        "Choose another `number`, or give up the reservation with DELETE /numbers/reserved/9000."
    )
    assert [{"first": "9000", "last": "9099", "note": "Old switch"}] == listed


@pytest.mark.parametrize(
    ("body", "status", "error_id", "field"),
    [
        ({"first": "8000", "last": "8010"}, 409, "number-taken", "first"),
        ({"first": "7050", "last": "7060"}, 409, "number-reserved", "first"),
        ({"first": "9100", "last": "9000"}, 422, "invalid-range", "last"),
        ({"first": "910", "last": "9200"}, 422, "invalid-range", "last"),
        ({"first": "91"}, 422, "wrong-pattern", "first"),
        ({"first": "9100", "note": "a\nb"}, 422, "invalid-text", "note"),
    ],
)
async def test_ranges_that_cannot_be_reserved(
    client: httpx.AsyncClient,
    mailbox: httpx.Response,
    *,
    body: dict[str, str],
    status: int,
    error_id: str,
    field: str,
) -> None:
    """Ours, reserved already, upside down, of two lengths, too short, with a broken note."""
    await client.post(f"{API}/numbers/reserved", json={"first": "7000", "last": "7099"})
    refused = await client.post(f"{API}/numbers/reserved", json=body)

    assert (status, error_id, field) == (
        refused.status_code,
        refused.json()["error_id"],
        refused.json()["errors"][0]["field"],
    )


async def test_what_is_not_reserved_cannot_be_given_up(client: httpx.AsyncClient) -> None:
    """404 with an id of its own."""
    gone = await client.delete(f"{API}/numbers/reserved/9000")

    assert (404, "number-not-reserved") == (gone.status_code, gone.json()["error_id"])


async def test_another_tenant_knows_none_of_it(
    client: httpx.AsyncClient, company: None, foreigner: httpx.AsyncClient
) -> None:
    """Destinations, pointers and reserved numbers belong to a tenant."""
    await client.post(f"{API}/numbers/reserved", json={"first": "9000"})
    answers = [
        (await foreigner.get(f"{API}/destinations")).json()["items"],
        (await foreigner.get(f"{API}/numbers/reserved")).json()["items"],
        (await foreigner.get(f"{API}/numbers/8001/pointers")).status_code,
        (await foreigner.post(f"{API}/numbers/8001/re-point", json={"to": None})).status_code,
    ]

    assert [[], [], 404, 404] == answers
