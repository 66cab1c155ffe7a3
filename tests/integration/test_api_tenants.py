"""`/tenants` over HTTP."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from tests.support.api import MAILBOX, Api
from tests.support.database import DEFAULT_CODES

URL = "/api/v1/tenants"
NORTH = {"name": "north", "sip_domain": "north.example.com"}
ONE = f"{URL}/north"


@pytest.fixture
async def north(api: Api, system: httpx.AsyncClient) -> httpx.Response:
    """Make the tenant north; return the answer."""
    answer = await system.post(URL, json=NORTH)
    assert answer.status_code == 201, answer.text
    api.jobs()
    return answer


async def test_a_new_tenant_can_check_messages(api: Api, system: httpx.AsyncClient) -> None:
    """POST makes the tenant with its feature code, publishes, and answers with its defaults."""
    answer = await system.post(URL, json=NORTH)
    codes = api.rows(
        "SELECT code, feature FROM feature_codes JOIN tenants ON id = tenant_id WHERE name = 'north'"
    )

    assert answer.status_code == 201
    assert {key: answer.json()[key] for key in ("name", "sip_domain", "language", "time_zone")} == {
        **NORTH,
        "language": "en",
        "time_zone": "UTC",
    }
    assert {row["code"]: row["feature"] for row in codes} == dict(DEFAULT_CODES)
    assert [name for name, _ in api.jobs()] == ["configuration.publish"]


async def test_tenants_are_for_system_tokens(client: httpx.AsyncClient, north: httpx.Response) -> None:
    """A token of a tenant is answered by 403, whatever it asks."""
    answers = [
        await client.get(URL),
        await client.post(URL, json={"name": "south", "sip_domain": "south.example.com"}),
        await client.get(ONE),
        await client.patch(ONE, json={"time_zone": "UTC"}),
        await client.delete(ONE),
    ]

    assert [(a.status_code, a.json()["error_id"]) for a in answers] == [(403, "system-token-needed")] * 5


WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"name": "North"}, "name", "wrong-pattern"),
    ({"name": "-north"}, "name", "wrong-pattern"),
    ({"name": "n" * 65}, "name", "wrong-pattern"),
    ({"sip_domain": "not a domain"}, "sip_domain", "invalid-sip-domain"),
    ({"sip_domain": "a..b"}, "sip_domain", "invalid-sip-domain"),
    ({"sip_domain": "x;y.example.com"}, "sip_domain", "invalid-sip-domain"),
    ({"sip_domain": ""}, "sip_domain", "too-short"),
    ({"language": "xx"}, "language", "language-without-prompts"),
    ({"time_zone": "Berlin"}, "time_zone", "invalid-time-zone"),
    ({"time_zone": "../etc/passwd"}, "time_zone", "invalid-time-zone"),
    ({"time_zone": "Europe"}, "time_zone", "invalid-time-zone"),
    ({"time_zone": "a\x00b"}, "time_zone", "invalid-time-zone"),
    ({"time_zone": None}, "time_zone", "wrong-type"),
    ({"owner": "x"}, "owner", "unknown-field"),
]


async def test_wrong_fields_are_named(system: httpx.AsyncClient) -> None:
    """A value that breaks a rule is answered by 422 with its field."""
    found = []
    for change, _, _ in WRONG:
        answer = await system.post(URL, json={**NORTH, **change})
        (error,) = answer.json()["errors"]
        found.append((change, error["field"], error["error_id"]))

    assert found == WRONG


async def test_a_name_or_domain_in_use_is_refused(system: httpx.AsyncClient, north: httpx.Response) -> None:
    """Names and SIP domains are unique, in whatever case."""
    name = await system.post(URL, json={**NORTH, "sip_domain": "other.example.com"})
    domain = await system.post(URL, json={"name": "other", "sip_domain": "NORTH.example.com"})
    changed = await system.patch(f"{URL}/default", json={"sip_domain": "north.example.com"})

    assert [(a.status_code, a.json()["error_id"]) for a in (name, domain, changed)] == [
        (409, "tenant-name-taken"),
        (409, "sip-domain-taken"),
        (409, "sip-domain-taken"),
    ]


async def test_a_tenant_is_changed_but_not_its_name(
    api: Api, system: httpx.AsyncClient, north: httpx.Response
) -> None:
    """PATCH changes domain, language and time zone, and publishes; the name is refused."""
    answer = await system.patch(ONE, json={"time_zone": "Europe/Berlin", "sip_domain": "n.example.com"})
    jobs = [name for name, _ in api.jobs()]
    name = await system.patch(ONE, json={"name": "south"})

    assert (answer.json()["time_zone"], answer.json()["sip_domain"]) == ("Europe/Berlin", "n.example.com")
    assert jobs == ["configuration.publish"]
    assert (name.status_code, name.json()["error_id"]) == (422, "read-only-field")


async def test_a_new_language_greets_the_mailboxes_that_follow_it(
    api: Api, system: httpx.AsyncClient, mailbox: httpx.Response
) -> None:
    """Greetings of mailboxes without a language of their own are spoken again."""
    await system.post("/api/v1/mailboxes", json={**MAILBOX, "number": "8002", "language": "en"})
    api.jobs()
    await system.patch(f"{URL}/default", json={"language": "en-GB"})

    assert [args for name, args in api.jobs() if name == "speech.greeting"] == [
        {"mailbox_id": mailbox.json()["id"]}
    ]


async def test_a_stale_etag_refuses_change_and_deletion(
    system: httpx.AsyncClient, north: httpx.Response
) -> None:
    """With the ETag of an older version nothing is done."""
    stale = {"If-Match": north.headers["etag"]}
    await system.patch(ONE, json={"time_zone": "Europe/Berlin"})
    answers = [
        await system.patch(ONE, json={"time_zone": "UTC"}, headers=stale),
        await system.delete(ONE, headers=stale),
    ]

    assert [a.status_code for a in answers] == [412, 412]


async def test_an_empty_tenant_goes_with_its_tokens(
    api: Api, system: httpx.AsyncClient, north: httpx.Response
) -> None:
    """DELETE removes the tenant; a token of it is no longer valid."""
    member = api.client(await api.token("north"))
    before = await member.get("/api/v1/numbers")
    deleted = await system.delete(ONE)
    after = await member.get("/api/v1/numbers")
    again = await system.delete(ONE)

    assert [a.status_code for a in (before, deleted, after, again)] == [200, 204, 401, 404]


async def test_a_tenant_with_objects_stays(
    api: Api, system: httpx.AsyncClient, north: httpx.Response
) -> None:
    """A tenant that holds something is refused, with the counts of what it holds."""
    at_north = {"X-Tenant": "north"}
    await system.post("/api/v1/mailboxes", json=dict(MAILBOX), headers=at_north)
    refused = await system.delete(ONE)
    await system.delete("/api/v1/mailboxes/8001", headers=at_north)
    deleted = await system.delete(ONE)

    assert (refused.status_code, refused.json()["error_id"]) == (409, "tenant-not-empty")
    assert refused.json()["details"] == {"mailboxes": 1, "extensions": 0, "messages": 0}
    assert deleted.status_code == 204


async def test_a_tenant_can_be_emptied_and_deleted(
    api: Api, system: httpx.AsyncClient, north: httpx.Response
) -> None:
    """What deleted mailboxes left is found by the list of all messages, purged, and the tenant goes."""
    at_north = {"X-Tenant": "north"}
    await system.post("/api/v1/mailboxes", json=dict(MAILBOX), headers=at_north)
    for _ in range(3):
        await api.message()
    await system.delete("/api/v1/mailboxes/8001", headers=at_north)
    refused = await system.delete(ONE)
    trash = {"state": "deleted", "limit": 2}
    purged = []
    while items := (await system.get("/api/v1/messages", params=trash, headers=at_north)).json()["items"]:
        for item in items:
            answer = await system.delete(f"/api/v1/messages/{item['id']}", headers=at_north)
            purged.append((item["mailbox"], item["mailbox_deleted"], answer.status_code))
    deleted = await system.delete(ONE)

    assert refused.json()["details"] == {"mailboxes": 0, "extensions": 0, "messages": 3}
    assert purged == [("8001", True, 204)] * 3
    assert deleted.status_code == 204


async def test_the_default_tenant_stays(system: httpx.AsyncClient) -> None:
    """The tenant `default` cannot be deleted."""
    answer = await system.delete(f"{URL}/default")

    assert (answer.status_code, answer.json()["error_id"]) == (409, "tenant-is-default")


async def test_tenants_are_listed_and_found(system: httpx.AsyncClient, north: httpx.Response) -> None:
    """The list is in pages by name, found by name or domain."""
    first = (await system.get(URL, params={"limit": 1})).json()
    second = (await system.get(URL, params={"limit": 1, "after": first["next"]})).json()
    found = (await system.get(URL, params={"q": "north.ex"})).json()

    assert [t["name"] for t in (*first["items"], *second["items"], *found["items"])] == [
        "default",
        "north",
        "north",
    ]


async def test_a_repeated_request_makes_one_tenant(system: httpx.AsyncClient) -> None:
    """POST with the same Idempotency-Key is answered the same."""
    answers = [await system.post(URL, json=NORTH, headers={"Idempotency-Key": "k"}) for _ in range(2)]

    assert [a.status_code for a in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
