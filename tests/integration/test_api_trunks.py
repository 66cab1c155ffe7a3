"""Trunks over REST: their password goes in and never comes out."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx
import pytest
from controlplane.domain.errors import SwitchUnavailable
from controlplane.domain.routing.trunk_state import Registration, TrunkState
from controlplane.services.publishing import publish
from controlplane.storage.configuration import configured_tenants
from controlplane.storage.database import Database
from tests.support.api import Api

TRUNKS = "/api/v1/trunks"
PASSWORD = "sw0rdfish;\"'$${x}"
ACCOUNT = {"host": "sip.example.com", "username": "company", "password": PASSWORD}


@pytest.fixture
def client(system: httpx.AsyncClient) -> httpx.AsyncClient:
    """Return a client with a system token, which alone may make trunks."""
    return system


@pytest.fixture
async def member(api: Api) -> AsyncIterator[httpx.AsyncClient]:
    """Return a client with a token of the tenant `default`."""
    async with api.client(await api.token()) as member:
        yield member


async def make(client: httpx.AsyncClient, name: str = "provider", **fields: Any) -> httpx.Response:
    """Make a trunk."""
    return await client.post(TRUNKS, json={"name": name} | fields)


def refusal(answer: httpx.Response) -> tuple[int, str, str]:
    """Return status, error id and field."""
    return answer.status_code, answer.json()["error_id"], answer.json()["errors"][0]["field"]


async def stored_password(database: Database) -> str | None:
    """Return the password of the only trunk, as it is rendered."""
    async with database.transaction() as session:
        (tenant,) = await configured_tenants(session)
    (trunk,) = tenant.trunks
    return trunk.settings.password


async def test_a_trunk_is_made_read_changed_and_deleted(client: httpx.AsyncClient) -> None:
    """What is sent is what is read; fields that are left out have their defaults."""
    made = await make(client, addresses=["192.0.2.1", "2001:db8::/64"])
    assert 201 == made.status_code, made.text
    assert (["192.0.2.1", "2001:db8::/64"], None, 5060, None, "request_uri", True) == tuple(
        made.json()[name] for name in ("addresses", "host", "port", "username", "did_in", "enabled")
    )

    changed = await client.patch(f"{TRUNKS}/provider", json={"did_in": "to", "addresses": ["192.0.2.2"]})
    read = await client.get(f"{TRUNKS}/provider")

    assert changed.json() == read.json()
    assert ("to", ["192.0.2.2"]) == (read.json()["did_in"], read.json()["addresses"])
    assert 204 == (await client.delete(f"{TRUNKS}/provider")).status_code
    assert 404 == (await client.get(f"{TRUNKS}/provider")).status_code


async def test_a_password_is_never_told(client: httpx.AsyncClient, database: Database) -> None:
    """No answer has it, and it is kept as it was sent."""
    answers = [
        await make(client, **ACCOUNT),
        await client.get(f"{TRUNKS}/provider"),
        await client.get(TRUNKS),
        await client.patch(f"{TRUNKS}/provider", json={"port": 5070, "password": PASSWORD}),
        await client.patch(f"{TRUNKS}/provider", json={"did_in": "to"}),
        await client.get("/api/v1/configuration"),
    ]

    assert [201, 200, 200, 200, 200, 200] == [answer.status_code for answer in answers]
    assert [] == [
        answer.text for answer in answers if "sw0rdfish" in answer.text or "password" in answer.json()
    ]
    assert PASSWORD == await stored_password(database)


async def test_a_difference_shows_stars_for_a_password(
    api: Api, client: httpx.AsyncClient, system: httpx.AsyncClient
) -> None:
    """Who may see what waits sees the trunk, and which fields of it changed, and no value of this one."""
    await publish(api.deps.publisher)
    await make(client, **ACCOUNT)
    await client.patch(f"{TRUNKS}/provider", json={"password": "sw0rdfish-2"})
    answer = await system.post("/api/v1/configuration/publish?dry_run=true")
    pending = answer.json()
    shown = {file["path"]: file["difference"] for file in pending["files"]}

    assert [("added", []), ("changed", ["password"])] == [
        (change["action"], change["fields"]) for change in pending["changes"]
    ]
    assert "+password=***" in shown["asterisk/pjsip.conf"].splitlines()
    assert "sw0rdfish" not in answer.text


@pytest.mark.parametrize("change", [{"host": "192.0.2.99"}, {"port": 5061}, {"username": "another"}])
async def test_a_password_does_not_go_to_another_host(
    client: httpx.AsyncClient, change: dict[str, Any]
) -> None:
    """Who cannot read it cannot have it sent elsewhere; who knows it sends it again."""
    await make(client, **ACCOUNT)
    refused = await client.patch(f"{TRUNKS}/provider", json=change)
    taken = await client.patch(f"{TRUNKS}/provider", json=change | {"password": PASSWORD})

    assert (422, "missing-field", "password") == refusal(refused)
    assert 200 == taken.status_code


async def test_without_an_account_there_is_no_password(client: httpx.AsyncClient, database: Database) -> None:
    """Who stops registering need not say that the password goes too."""
    await make(client, addresses=["192.0.2.1"], **ACCOUNT)
    changed = await client.patch(f"{TRUNKS}/provider", json={"username": None})

    assert 200 == changed.status_code, changed.text
    assert None is await stored_password(database)


@pytest.mark.parametrize(
    ("fields", "error_id", "field"),
    [
        ({}, "missing-field", "addresses"),
        ({"addresses": ["192.0.2.1", "sip.example.com"]}, "invalid-address", "addresses.1"),
        ({"addresses": ["192.0.2.1/24"]}, "invalid-address", "addresses.0"),
        ({"addresses": ["0.0.0.0/0"]}, "invalid-address", "addresses.0"),
        ({"addresses": ["192.0.2.1", "10.0.0.0/7"]}, "invalid-address", "addresses.1"),
        ({"addresses": ["::/0"]}, "invalid-address", "addresses.0"),
        ({"addresses": ["2000::/15"]}, "invalid-address", "addresses.0"),
        ({"addresses": ["192.0.2.1"], "host": "a;b"}, "invalid-address", "host"),
        (ACCOUNT | {"host": "[2001:db8::10]"}, "invalid-address", "host"),
        (ACCOUNT | {"host": "fe80::1%eth0"}, "invalid-address", "host"),
        (ACCOUNT | {"host": "2001:db8::10::1"}, "invalid-address", "host"),
        (ACCOUNT | {"username": "a b"}, "invalid-account", "username"),
        (ACCOUNT | {"username": "a@b"}, "invalid-account", "username"),
        (ACCOUNT | {"password": "a\nb"}, "invalid-sip-password", "password"),
        (ACCOUNT | {"password": None}, "invalid-sip-password", "password"),
        (ACCOUNT | {"host": None}, "missing-field", "host"),
        ({"addresses": ["192.0.2.1"], "password": "x"}, "missing-field", "username"),
    ],
)
async def test_a_wrong_field_is_named(
    client: httpx.AsyncClient, fields: dict[str, Any], error_id: str, field: str
) -> None:
    """Each rule that is broken has its error id and the path of its field, and never a password."""
    refused = await make(client, **fields)

    assert (422, error_id, field) == refusal(refused)
    assert "sw0rdfish" not in refused.text


@pytest.mark.parametrize("host", ["2001:db8::10", "::ffff:192.0.2.1", "192.0.2.1"])
async def test_a_provider_has_an_address_of_either_kind(client: httpx.AsyncClient, host: str) -> None:
    """As it was given; brackets are for SIP."""
    made = await make(client, **ACCOUNT | {"host": host})

    assert (201, host) == (made.status_code, made.json()["host"])


async def test_the_largest_network_is_said(client: httpx.AsyncClient) -> None:
    """With the reason and what to do; one of that size is taken."""
    refused = await make(client, addresses=["10.0.0.0/7"])
    made = await make(client, addresses=["10.0.0.0/8", "2001::/16"])

    assert 201 == made.status_code, made.text
    (error,) = refused.json()["errors"]
    assert "/8 or longer: whoever sends from there is asked for no password. Name" in error["detail"]


async def test_a_token_of_a_tenant_reads_trunks_and_changes_none(
    client: httpx.AsyncClient, member: httpx.AsyncClient
) -> None:
    """Whose packets come from an address of a trunk is asked for no password, in no tenant."""
    await make(client, addresses=["192.0.2.1"])
    refused = [
        await make(member, "another", addresses=["192.0.2.2"]),
        await member.patch(f"{TRUNKS}/provider", json={"enabled": False}),
        await member.delete(f"{TRUNKS}/provider"),
    ]
    read = await member.get(f"{TRUNKS}/provider")
    listed = await member.get(TRUNKS)

    assert [(403, "system-token-needed")] * 3 == [(a.status_code, a.json()["error_id"]) for a in refused]
    assert (["192.0.2.1"], True) == (read.json()["addresses"], read.json()["enabled"])
    assert ["provider"] == [trunk["name"] for trunk in listed.json()["items"]]


async def test_no_two_trunks_share_an_address(client: httpx.AsyncClient) -> None:
    """Whichever is the larger network; a trunk may keep its own."""
    await make(client, "one", addresses=["192.0.2.0/28"])
    await make(client, "two", addresses=["198.51.100.1"])
    inside = await make(client, "three", addresses=["203.0.113.1", "192.0.2.5"])
    around = await client.patch(f"{TRUNKS}/two", json={"addresses": ["192.0.0.0/16"]})
    own = await client.patch(f"{TRUNKS}/one", json={"addresses": ["192.0.2.0/29"]})

    assert (409, "address-taken", "addresses.1") == refusal(inside)
    assert (409, "address-taken", "addresses.0") == refusal(around)
    assert 200 == own.status_code


async def test_a_trunk_that_a_rule_names_stays(client: httpx.AsyncClient, database: Database) -> None:
    """The answer lists the rules; one that is not enabled is not rendered, and neither is its rule."""
    await make(client, addresses=["192.0.2.1"])
    await client.post(
        "/api/v1/inbound-rules",
        json={
            "name": "main",
            "trunk": "provider",
            "destination": {"office_hours": {"action": "hangup"}},
        },
    )
    refused = await client.delete(f"{TRUNKS}/provider")
    await client.patch(f"{TRUNKS}/provider", json={"enabled": False})
    async with database.transaction() as session:
        (tenant,) = await configured_tenants(session)

    assert (409, "name-in-use", ["main"]) == (
        refused.status_code,
        refused.json()["error_id"],
        refused.json()["details"]["used_by"],
    )
    assert () == tenant.trunks


@pytest.mark.parametrize(
    ("registration", "state", "retry"),
    [
        (Registration(state=TrunkState.REGISTERED, said="REGED"), "registered", None),
        (Registration(state=TrunkState.TRYING, said="TRYING"), "trying", None),
        (Registration(state=TrunkState.FAILED, said="Rejected", retry_seconds=12), "failed", 12),
        (None, "not_published", None),
    ],
)
async def test_the_state_is_what_the_switch_says(
    api: Api,
    client: httpx.AsyncClient,
    member: httpx.AsyncClient,
    *,
    registration: Registration | None,
    state: str,
    retry: int | None,
) -> None:
    """A tenant's token may ask too; what the switch calls a failure is told, and no secret."""
    made = await make(client, **ACCOUNT)
    if registration is not None:
        api.switch.registered[UUID(made.json()["id"])] = registration
    answer = await member.get(f"{TRUNKS}/provider/state")
    told = answer.json()

    assert (200, state, retry) == (answer.status_code, told["state"], told["retry_seconds"])
    assert (state == "failed") == ("(Rejected)" in told["detail"])
    assert "sw0rdfish" not in answer.text


async def test_a_state_that_needs_no_question(api: Api, client: httpx.AsyncClient) -> None:
    """Without a registration, or when it is not enabled, the switch is not asked."""
    api.switch.hangs = True
    await make(client, "address", addresses=["192.0.2.1"])
    await make(client, "off", enabled=False, **ACCOUNT)

    assert ["by_address", "disabled"] == [
        (await client.get(f"{TRUNKS}/{name}/state")).json()["state"] for name in ("address", "off")
    ]
    assert 404 == (await client.get(f"{TRUNKS}/nobody/state")).status_code


@pytest.mark.parametrize("hangs", [True, False])
async def test_a_switch_that_does_not_answer_holds_nobody_up(
    api: Api, client: httpx.AsyncClient, hangs: bool
) -> None:
    """It is asked for three seconds at most; what is not known is said to be unknown."""
    await make(client, **ACCOUNT)
    api.switch.hangs = hangs
    api.switch.fault = None if hangs else SwitchUnavailable("The event socket cannot be reached.")
    answer = await client.get(f"{TRUNKS}/provider/state")

    unknown = dict.fromkeys(("retry_seconds", "since", "sip_code", "failure"))
    assert (200, {"state": "unknown", "detail": "The switch did not answer."} | unknown) == (
        answer.status_code,
        answer.json(),
    )
