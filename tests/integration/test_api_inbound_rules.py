"""Inbound rules over REST, and what is rendered of them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import httpx
import pytest
from controlplane.domain.routing.hours import ALWAYS_OPEN
from controlplane.domain.routing.kinds import RoutingKind
from controlplane.services.routing.objects import create_object, update_object
from controlplane.storage.configuration import configured_tenants
from controlplane.storage.database import Database
from controlplane.storage.queue import Jobs
from controlplane.storage.routing.documents import to_document
from controlplane.storage.tables import RoutingObjectRow
from tests.support.api import Api

HANGUP = {"action": "hangup", "number": None}
RULES = "/api/v1/inbound-rules"


def to(number: str) -> dict[str, Any]:
    """Return the destination that is a number, all day."""
    return {"office_hours": {"action": "forward_to_number", "number": number}}


@pytest.fixture
async def extension(client: httpx.AsyncClient) -> str:
    """Make extension 101."""
    made = await client.post("/api/v1/extensions", json={"number": "101", "display_name": "Alice"})
    assert 201 == made.status_code, made.text
    return "101"


async def make(client: httpx.AsyncClient, name: str, **fields: Any) -> httpx.Response:
    """Make a rule that hangs up, if no other destination is given."""
    return await client.post(RULES, json={"name": name, "destination": {"office_hours": HANGUP}} | fields)


def refusal(answer: httpx.Response) -> tuple[int, str, str]:
    """Return status, error id and field."""
    return answer.status_code, answer.json()["error_id"], answer.json()["errors"][0]["field"]


async def test_a_rule_is_made_read_changed_and_deleted(client: httpx.AsyncClient, extension: str) -> None:
    """What is sent is what is read; fields that are left out have their defaults."""
    made = await make(client, "main-number", dids=["+49301"], destination=to(extension))
    assert 201 == made.status_code, made.text
    assert f"{RULES}/main-number" == made.headers["location"]
    assert (["+49301"], [], None, 100, True) == tuple(
        made.json()[name] for name in ("dids", "callers", "trunk", "priority", "enabled")
    )

    changed = await client.patch(
        f"{RULES}/main-number",
        json={"callers": ["49170*"], "destination": {"office_hours": HANGUP, "holidays": HANGUP}},
        headers={"If-Match": made.headers["etag"]},
    )
    assert 200 == changed.status_code, changed.text
    read = await client.get(f"{RULES}/main-number")

    assert changed.json() == read.json()
    assert {"office_hours": HANGUP, "outside_hours": None, "holidays": HANGUP} == read.json()["destination"]
    assert 204 == (await client.delete(f"{RULES}/main-number")).status_code
    assert 404 == (await client.get(f"{RULES}/main-number")).status_code


async def test_a_destination_must_exist_and_stay(client: httpx.AsyncClient, extension: str) -> None:
    """A rule points at numbers of the tenant, which cannot be deleted meanwhile."""
    unknown = await make(client, "one", destination=to("199"))
    await make(client, "two", destination=to(extension))
    refused = await client.delete(f"/api/v1/extensions/{extension}")

    assert (422, "no-such-number", "destination.office_hours.number") == refusal(unknown)
    assert [
        {
            "kind": "inbound-rule",
            "number": None,
            "name": "two",
            "field": "destination.office_hours.number",
        }
    ] == refused.json()["details"]["pointers"]


@pytest.mark.parametrize(
    ("fields", "error_id", "field"),
    [
        ({"dids": ["49301", "+49-1"]}, "invalid-mask", "dids.1"),
        ({"dids": ["200-100"]}, "invalid-mask", "dids.0"),
        ({"callers": ["1' OR 1=1"]}, "invalid-mask", "callers.0"),
        ({"callers": ["${SHELL(id)}"]}, "invalid-mask", "callers.0"),
        ({"trunk": "nobody"}, "no-such-trunk", "trunk"),
        ({"office_hours": "never"}, "no-such-office-hours", "office_hours"),
        (
            {"destination": {"office_hours": {"action": "repeat"}}},
            "invalid-destination",
            "destination.office_hours.action",
        ),
        (
            {"destination": {"office_hours": {"action": "forward_to_voicemail"}}},
            "invalid-destination",
            "destination.office_hours.number",
        ),
    ],
)
async def test_a_wrong_field_is_named(
    client: httpx.AsyncClient, fields: dict[str, Any], error_id: str, field: str
) -> None:
    """Each rule that is broken has its error id and the path of its field."""
    assert (422, error_id, field) == refusal(await make(client, "wrong", **fields))


async def test_a_name_is_taken_once(client: httpx.AsyncClient) -> None:
    """Names are keys; whoever wants one that is taken is told what else to do."""
    await make(client, "main")
    refused = await make(client, "main")

    assert (409, "name-taken", "name") == refusal(refused)
    assert "choose another `name`, or change that one" in refused.json()["detail"]


async def test_rules_are_rendered_in_the_order_in_which_they_are_asked(
    client: httpx.AsyncClient, database: Database, extension: str
) -> None:
    """By priority, then by name as its characters are numbered; one that is not enabled is left out."""
    for name, priority, enabled in (("b", 5, True), ("a-2", 5, True), ("a1", 5, True), ("z", 1, True)):
        await make(client, name, priority=priority, enabled=enabled, dids=[f"1{priority}"], callers=["2"])
    await make(client, "off", enabled=False)
    names = {"z": 1, "b": 5}
    await client.patch(f"{RULES}/b", json={"dids": ["555"], "destination": to(extension)})
    async with database.transaction() as session:
        (tenant,) = await configured_tenants(session)

    assert [names["z"], 5, 5, 5] == [rule.settings.priority for rule in tenant.rules]
    assert [("11",), ("15",), ("15",), ("555",)] == [rule.settings.dids for rule in tenant.rules]
    assert [("hangup",) * 3] * 3 + [("101",) * 3] == [rule.destinations for rule in tenant.rules]


async def test_a_rule_reads_the_hours_of_the_tenant_or_its_own(
    client: httpx.AsyncClient, database: Database
) -> None:
    """Without office hours it is always open; those of the tenant count where it names none."""
    await make(client, "main")
    async with database.transaction() as session:
        (before,) = await configured_tenants(session)
        session.add_all(
            RoutingObjectRow(
                id=UUID(int=number),
                tenant_id=before.id,
                kind=RoutingKind.OFFICE_HOURS.value,
                name=name,
                settings=to_document(ALWAYS_OPEN),
            )
            for number, name in enumerate(("default", "shop"))
        )
    await make(client, "night", office_hours="shop")
    async with database.transaction() as session:
        (after,) = await configured_tenants(session)

    assert [None] == [rule.hours for rule in before.rules]
    assert [UUID(int=0), UUID(int=1)] == [rule.hours for rule in after.rules]


async def test_a_change_of_a_rule_is_published(api: Api, client: httpx.AsyncClient) -> None:
    """Making, changing and deleting each defer a revision; what changes nothing defers none."""
    await make(client, "main")
    made = api.jobs()
    await client.patch(f"{RULES}/main", json={"priority": 100})
    same = api.jobs()
    await client.patch(f"{RULES}/main", json={"priority": 1})
    await client.delete(f"{RULES}/main")
    pending = (await client.get("/api/v1/configuration")).json()["pending"]["changes"]

    assert (["configuration.publish"], []) == ([name for name, _ in made], same)
    assert ["configuration.publish"] * 2 == [name for name, _ in api.jobs()]
    assert [("added", []), ("changed", ["priority"]), ("removed", [])] == [
        (change["action"], change["fields"]) for change in pending if change["kind"] == "inbound-rule"
    ]


async def test_a_schedule_that_comes_or_goes_renders_the_rules_anew(
    api: Api, database: Database, jobs: Jobs, client: httpx.AsyncClient
) -> None:
    """A rule that names none goes by the tenant's own; what is in it is read with each call."""
    async with database.transaction() as session:
        (tenant,) = await configured_tenants(session)
    rule = {"name": "main-number", "destination": {"office_hours": {"action": "hangup"}}}
    assert 201 == (await client.post("/api/v1/inbound-rules", json=rule)).status_code
    api.jobs()
    about: dict[str, Any] = {"tenant_id": tenant.id, "kind": RoutingKind.OFFICE_HOURS, "by": "token tests"}
    await create_object(database, jobs, number=None, name="default", settings=ALWAYS_OPEN, **about)
    made = api.jobs()
    await update_object(database, jobs, key="default", name=None, changes={"closed_now": True}, **about)

    assert ["configuration.hours", "configuration.publish"] == sorted(name for name, _ in made)
    assert ["configuration.hours"] == [name for name, _ in api.jobs()]
