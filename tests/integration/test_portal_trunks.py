"""Trunks in the portal: who may change them, the password that never comes back, and how each is now."""

from __future__ import annotations

import json
from uuid import UUID

import httpx
from controlplane.domain.errors import SwitchUnavailable
from controlplane.domain.routing.trunk_state import Registration, TrunkState
from tests.support.api import Api
from tests.support.portal import Browser

_LIST = "/portal/trunks"
_ADD = "/portal/trunks/_add"
_ONE = "/portal/trunks/provider"
_REST = "/api/v1/trunks"
SECRET = "k7#mQz-2vRt"
ACCOUNT = {"host": "sip.example.com", "username": "company", "password": SECRET}


async def make(system: httpx.AsyncClient, name: str = "provider", **fields: object) -> UUID:
    """Make a trunk over REST; return its id."""
    made = await system.post(_REST, json={"name": name, **(fields or ACCOUNT)})
    assert made.status_code == 201, made.text
    return UUID(made.json()["id"])


async def test_trunk_is_added_changed_and_deleted(system: httpx.AsyncClient, alice: Browser) -> None:
    """What is entered is what REST reads; an empty password keeps the old one, which no page shows."""
    await alice.open(_ADD)
    await alice.send("/_add", name="provider", addresses="192.0.2.10\r\n198.51.100.0/28", **ACCOUNT)
    made = (await system.get(f"{_REST}/provider")).json()
    pages = [alice.answer.text]
    await alice.open(_ONE)
    pages.append(alice.answer.text)
    await alice.send("/provider", addresses="192.0.2.11")
    pages.append(alice.answer.text)
    changed = (await system.get(f"{_REST}/provider")).json()
    await alice.open(f"{_ONE}/delete")
    await alice.send("/provider/delete")

    assert (["192.0.2.10", "198.51.100.0/28"], "sip.example.com", "company", 5060) == tuple(
        made[name] for name in ("addresses", "host", "username", "port")
    )
    assert ["192.0.2.11"] == changed["addresses"]
    assert [] == [page for page in pages if SECRET in page]
    assert [] == (await system.get(_REST)).json()["items"]


async def test_password_is_wanted_where_it_would_go_elsewhere(
    system: httpx.AsyncClient, alice: Browser
) -> None:
    """Another host without it is refused beside the field; without an account none is wanted."""
    await make(system)
    await alice.open(_ONE)
    await alice.send("/provider", host="evil.example.com")
    refused = (alice.answer.status_code, alice.shown.text)
    await alice.send("/provider", host="", username="", addresses="192.0.2.10")
    after = (await system.get(f"{_REST}/provider")).json()

    assert 422 == refused[0]
    assert "Enter the password again" in refused[1]
    assert (None, None) == (after["host"], after["username"])


async def test_faults_are_told_beside_the_field(system: httpx.AsyncClient, alice: Browser) -> None:
    """Of the addresses it says which; what was typed stays, the password too, until it is saved."""
    await make(system, "other", addresses=["203.0.113.0/28"])
    told = []
    for addresses, words in (
        ("192.0.2.10, 192.0.2.999", "“192.0.2.999”"),
        ("10.0.0.0/4", "/8"),
        ("203.0.113.5", "another trunk"),
    ):
        await alice.open(_ADD)
        await alice.send("/_add", name="provider", **{**ACCOUNT, "addresses": addresses})
        (field,) = [one for one in alice.shown.with_attribute("id") if one["id"] == "addresses"]
        told.append(
            (
                alice.answer.status_code in {409, 422},
                field.get("aria-invalid"),
                words in alice.shown.text,
                SECRET in alice.answer.text,
            )
        )

    assert [(True, "true", True, True)] * 3 == told


async def test_tenant_admin_reads_and_changes_nothing(system: httpx.AsyncClient, bob: Browser) -> None:
    """No page offers it, and a form that is sent all the same is refused."""
    await make(system)
    listed = (await bob.open(_LIST)).text
    page = (await bob.open(_ONE)).text
    fields = bob.shown.form("/sign-out").fields
    answers = [
        (await bob.client.post(path, data={**fields, "name": "x", "addresses": "192.0.2.1"})).status_code
        for path in (_ADD, _ONE, f"{_ONE}/delete")
    ]
    offered = [form.action for form in bob.shown.forms if "/trunks" in form.action]

    assert ("Add trunk" in listed, "System admins add" in page) == (False, True)
    assert ("sip.example.com" in page, SECRET in page) == (True, False)
    assert [] == offered
    assert [403] * 3 == answers
    assert ["provider"] == [one["name"] for one in (await system.get(_REST)).json()["items"]]


async def test_state_is_what_the_switch_says_now(api: Api, system: httpx.AsyncClient, alice: Browser) -> None:
    """In the list, on the page, and in the part that an open page asks for again."""
    trunk_id = await make(system)
    await make(system, "by-address", addresses=["192.0.2.10"])
    api.switch.registered = {trunk_id: Registration(state=TrunkState.REGISTERED, said="REGED")}
    listed = (await alice.open(_LIST)).text
    page = (await alice.open(_ONE)).text
    api.switch.registered = {
        trunk_id: Registration(state=TrunkState.FAILED, said="FAIL_WAIT", retry_seconds=30)
    }
    part = (await alice.open(f"{_ONE}/state")).text
    (asks,) = asked_again(alice)
    again = await alice.client.get(f"{_ONE}/state", params=asks, headers={"HX-Request": "true"})
    api.switch.fault = SwitchUnavailable("The switch is away.")
    away = (await alice.open(_ONE)).text

    assert ("Registered" in listed, "By address" in listed) == (True, True)
    assert "This phone system is registered at the provider." in page
    assert "It tries again within 30 seconds." in part
    assert (204, "") == (again.status_code, again.text)
    assert "The switch does not answer." in away


def asked_again(browser: Browser) -> list[dict[str, str]]:
    """Return what an open page sends when it asks again."""
    return [
        json.loads(one["hx-vals"])
        for one in browser.shown.with_attribute("hx-vals")
        if "/state" in one["hx-get"]
    ]


async def test_rules_of_a_deleted_trunk_take_another(system: httpx.AsyncClient, alice: Browser) -> None:
    """The page lists the rules, and changes them as it was chosen."""
    await make(system)
    rule = {
        "name": "main",
        "trunk": "provider",
        "destination": {"office_hours": {"action": "hangup"}},
    }
    await system.post("/api/v1/inbound-rules", json=rule)
    listed = (await alice.open(f"{_ONE}/delete")).text
    await alice.send("/provider/delete", instead="nothing")

    assert "main" in listed
    assert None is (await system.get("/api/v1/inbound-rules/main")).json()["trunk"]
    assert [] == (await system.get(_REST)).json()["items"]
