"""Office hours over REST: what is kept, what is refused, and what a change of them publishes."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from tests.support.api import Api

URL = "/api/v1/office-hours"
NINE_TO_FIVE = [{"start": "09:00", "end": "17:00"}]
WEEK: dict[str, Any] = {
    **dict.fromkeys(["monday", "tuesday", "wednesday", "thursday", "friday"], NINE_TO_FIVE),
    "saturday": [{"start": "22:00", "end": "24:00"}],
    "sunday": [],
}
CHRISTMAS = {"name": "Christmas", "first_day": "2026-12-25", "last_day": "2026-12-26", "every_year": True}
NEW: dict[str, Any] = {
    "name": "default",
    "time_zone": "Europe/Berlin",
    "week": WEEK,
    "holidays": [CHRISTMAS],
}


async def test_office_hours_are_made_read_changed_and_deleted(client: httpx.AsyncClient) -> None:
    """What is sent is what is read, so that it can be sent again."""
    made = await client.post(URL, json=NEW)
    assert 201 == made.status_code, made.text
    assert f"{URL}/default" == made.headers["location"]
    assert {**NEW, "closed_now": False} == {key: made.json()[key] for key in [*NEW, "closed_now"]}

    changed = await client.patch(
        f"{URL}/default", json={"closed_now": True}, headers={"If-Match": made.headers["etag"]}
    )
    assert 200 == changed.status_code, changed.text
    read = await client.get(f"{URL}/default")
    assert changed.json() == read.json()
    assert (True, WEEK) == (read.json()["closed_now"], read.json()["week"])
    late = await client.patch(
        f"{URL}/default", json={"closed_now": False}, headers={"If-Match": made.headers["etag"]}
    )
    assert (412, "stale-etag") == (late.status_code, late.json()["error_id"])
    same = await client.patch(f"{URL}/default", json={key: read.json()[key] for key in ("week", "holidays")})
    assert read.headers["etag"] == same.headers["etag"]

    assert 204 == (await client.delete(f"{URL}/default")).status_code
    assert 404 == (await client.get(f"{URL}/default")).status_code


async def test_without_a_week_it_is_always_open(client: httpx.AsyncClient) -> None:
    """No week, and a week without ranges, are told apart: always open, and always closed."""
    opened = await client.post(URL, json={"name": "always"})
    closed = await client.post(URL, json={"name": "never", "week": {}})

    assert (None, {day: [] for day in WEEK}) == (opened.json()["week"], closed.json()["week"])
    states = [(await client.get(f"{URL}/{name}/state")).json()["state"] for name in ("always", "never")]
    assert ["open", "closed"] == states


async def test_the_time_zone_is_the_tenants_when_it_was_made(
    client: httpx.AsyncClient, system: httpx.AsyncClient
) -> None:
    """A tenant that moves takes no schedule with it that nobody changed."""
    await system.patch("/api/v1/tenants/default", json={"time_zone": "Asia/Kathmandu"})
    made = await client.post(URL, json={"name": "default"})
    await system.patch("/api/v1/tenants/default", json={"time_zone": "UTC"})
    read = await client.get(f"{URL}/default")

    assert ["Asia/Kathmandu"] * 2 == [made.json()["time_zone"], read.json()["time_zone"]]


@pytest.mark.parametrize(
    ("change", "field", "error_id"),
    [
        ({"time_zone": "Mars/Olympus"}, "time_zone", "invalid-time-zone"),
        ({"name": "Default"}, "name", "wrong-pattern"),
        ({"week": {"monday": [{"start": "17:00", "end": "09:00"}]}}, "week.monday.0.end",
         "invalid-office-hours"),
        ({"week": {"monday": [*NINE_TO_FIVE, {"start": "16:00", "end": "18:00"}]}}, "week.monday.1.start",
         "invalid-office-hours"),
        ({"week": {"monday": [{"start": "9:00", "end": "17:00"}]}}, "week.monday[0].start", "wrong-pattern"),
        ({"week": {"monday": [{"start": "24:00", "end": "24:00"}]}}, "week.monday[0].start", "wrong-pattern"),
        ({"week": {"monday": NINE_TO_FIVE * 11}}, "week.monday", "too-long"),
        ({"week": {"funday": NINE_TO_FIVE}}, "week.funday", "unknown-field"),
        ({"week": None, "holidays": [{**CHRISTMAS, "first_day": "2026-02-30"}]}, "holidays.0.first_day",
         "invalid-office-hours"),
        ({"holidays": [{**CHRISTMAS, "last_day": "2026-12-24", "every_year": False}]}, "holidays.0.last_day",
         "invalid-office-hours"),
        ({"holidays": [{**CHRISTMAS, "name": "\n"}]}, "holidays.0.name", "invalid-display-name"),
        ({"closed_now": 1}, "closed_now", "wrong-type"),
        ({"more": 1}, "more", "unknown-field"),
    ],
)  # fmt: skip
async def test_what_makes_no_sense_is_refused(
    client: httpx.AsyncClient, change: dict[str, Any], field: str, error_id: str
) -> None:
    """The answer names the field, and nothing was made."""
    refused = await client.post(URL, json={**NEW, **change})

    assert (422, field, error_id) == (
        refused.status_code,
        refused.json()["errors"][0]["field"],
        refused.json()["errors"][0]["error_id"],
    ), refused.text
    assert [] == (await client.get(URL)).json()["items"]


async def test_a_name_is_taken_once(client: httpx.AsyncClient, foreigner: httpx.AsyncClient) -> None:
    """In a tenant; another one has its own."""
    first, second = await client.post(URL, json=NEW), await client.post(URL, json=NEW)
    other = await foreigner.post(URL, json=NEW)

    assert (201, 409, "name-taken", 201) == (
        first.status_code,
        second.status_code,
        second.json()["error_id"],
        other.status_code,
    )
    assert 1 == len((await foreigner.get(URL)).json()["items"])


async def test_what_is_used_cannot_be_deleted(client: httpx.AsyncClient) -> None:
    """The answer says by whom."""
    await client.post(URL, json={**NEW, "name": "night"})
    await client.post(
        "/api/v1/ring-groups", json={"number": "6100", "display_name": "Sales", "office_hours": "night"}
    )
    refused = await client.delete(f"{URL}/night")

    assert (409, "name-in-use", ["6100"]) == (
        refused.status_code,
        refused.json()["error_id"],
        refused.json()["details"]["used_by"],
    )


async def test_the_tenants_own_appear_in_the_plans_of_all_that_name_none(
    api: Api, client: httpx.AsyncClient
) -> None:
    """Making and deleting them rewrites those route files; a change, and others of them, do not."""
    await client.post("/api/v1/ring-groups", json={"number": "6100", "display_name": "Sales"})
    night = await client.post(URL, json={**NEW, "name": "night"})
    await client.post(
        "/api/v1/ring-groups", json={"number": "6200", "display_name": "IT", "office_hours": "night"}
    )
    await client.post("/api/v1/extensions", json={"number": "101", "display_name": "Alice"})
    api.rows("UPDATE extensions SET rules = '{\"do_not_disturb\": true}' WHERE number = '101' RETURNING 1")
    assert 201 == night.status_code
    api.jobs()

    made = await client.post(URL, json=NEW)
    after_making = api.jobs()
    await client.patch(f"{URL}/default", json={"closed_now": True})
    after_change = api.jobs()
    await client.delete(f"{URL}/default")
    after_deleting = api.jobs()

    hours = ("configuration.hours", {"schedule_id": made.json()["id"]})
    plans = [hours, ("configuration.routes", ["101", "6100"])]
    assert [plans, [hours], plans] == [
        [(name, args["numbers"] if name == "configuration.routes" else args) for name, args in jobs]
        for jobs in (after_making, after_change, after_deleting)
    ]


async def test_a_rendered_rule_that_names_none_is_rendered_again(api: Api, client: httpx.AsyncClient) -> None:
    """The id of the tenant's own stands in the dialplan there."""
    tenant = api.rows("SELECT id FROM tenants")[0]["id"]
    api.rows(
        "INSERT INTO routing_objects (id, tenant_id, kind, name, settings)"
        " VALUES (gen_random_uuid(), %s, 'inbound-rule', 'main', '{}') RETURNING 1",
        tenant,
    )
    await client.post(URL, json=NEW)

    assert {"configuration.hours", "configuration.publish"} == {name for name, _ in api.jobs()}


@pytest.mark.parametrize(
    ("at", "state", "until"),
    [
        ("2026-03-02T07:59:00Z", "closed", "2026-03-02T08:00:00Z"),
        ("2026-03-02T09:00:00+01:00", "open", "2026-03-02T16:00:00Z"),
        ("2026-03-02T16:59:59Z", "closed", "2026-03-03T08:00:00Z"),
        # Over the change to summer time.
        ("2026-03-29T12:00:00Z", "closed", "2026-03-30T07:00:00Z"),
        ("2026-12-25T12:00:00Z", "holiday", "2026-12-26T23:00:00Z"),
    ],
)
async def test_the_state_at_a_moment(client: httpx.AsyncClient, at: str, state: str, until: str) -> None:
    """What it is then, and until when."""
    await client.post(URL, json=NEW)
    answer = await client.get(f"{URL}/default/state", params={"at": at})

    assert (200, state, until) == (answer.status_code, answer.json()["state"], answer.json()["until"])


@pytest.mark.parametrize(
    "at",
    [
        "now",
        "2026-03-02T09:00:00",
        "2026-02-30T09:00:00Z",
        "1999-01-01T00:00:00Z",
        "9999-12-31T23:59:59Z",
        "",
    ],
)
async def test_a_moment_that_is_none_is_refused(client: httpx.AsyncClient, at: str) -> None:
    """It needs an offset, a calendar's day, and years whose clocks are known."""
    await client.post(URL, json=NEW)
    refused = await client.get(f"{URL}/default/state", params={"at": at})

    assert (422, "at") == (refused.status_code, refused.json()["errors"][0]["field"])


async def test_the_state_of_nothing(client: httpx.AsyncClient) -> None:
    """404, as for the office hours themselves."""
    answer = await client.get(f"{URL}/default/state")

    assert (404, "no-such-office-hours") == (answer.status_code, answer.json()["error_id"])
