"""`/configuration` over HTTP, per tenant: who may choose, publish and look ahead, and what they are told."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from controlplane.services.publishing import Publisher, publish
from tests.support.api import MAILBOX, Api

URL = "/api/v1/configuration"


async def _mode(client: httpx.AsyncClient, **headers: str) -> str:
    answer = await client.get(URL, headers=headers)
    assert 200 == answer.status_code, answer.text
    return str(answer.json()["mode"])


async def _choose(client: httpx.AsyncClient, mode: str, **headers: str) -> dict[str, Any]:
    answer = await client.patch(URL, json={"mode": mode}, headers=headers)
    assert 200 == answer.status_code, answer.text
    return dict(answer.json())


async def _extension(client: httpx.AsyncClient, number: str) -> None:
    made = await client.post("/api/v1/extensions", json={"number": number, "display_name": "Alice"})
    assert 201 == made.status_code, made.text


def _tenant(api: Api, name: str) -> str:
    (row,) = api.rows("SELECT id FROM tenants WHERE name = %s", name)
    return str(row["id"])


@pytest.fixture
async def published(api: Api) -> Publisher:
    """Publish once, without a switch."""
    await publish(api.deps.publisher)
    return api.deps.publisher


async def test_a_tenant_chooses_for_itself(client: httpx.AsyncClient, foreigner: httpx.AsyncClient) -> None:
    """The other tenant goes on by itself, and is not told who else publishes by hand."""
    chosen = await _choose(client, "manual")

    assert ("manual", "token tests", None) == (
        chosen["mode"],
        chosen["mode_chosen_by"],
        chosen["by_hand"],
    )
    assert ("manual", "automatic") == (await _mode(client), await _mode(foreigner))


async def test_a_tenant_cannot_choose_for_another(
    client: httpx.AsyncClient, foreigner: httpx.AsyncClient
) -> None:
    """Naming one is refused as if there were none."""
    answer = await client.patch(URL, json={"mode": "manual"}, headers={"X-Tenant": "north"})

    assert 404 == answer.status_code
    assert "automatic" == await _mode(foreigner)


async def test_a_system_token_chooses_for_any(
    system: httpx.AsyncClient, client: httpx.AsyncClient, foreigner: httpx.AsyncClient
) -> None:
    """It names the tenant, else it is `default`; and sees whose changes wait."""
    await _choose(system, "manual", **{"X-Tenant": "north"})
    first = (await _mode(client), await _mode(foreigner))
    told = await _choose(system, "manual")

    assert ("automatic", "manual") == first
    assert ["default", "north"] == told["by_hand"]
    assert "manual" == await _mode(client)


async def test_by_itself_again_has_jobs_publish(client: httpx.AsyncClient, api: Api) -> None:
    """Choosing the same again does nothing."""
    found = []
    for mode in ("manual", "manual", "automatic", "automatic"):
        await _choose(client, mode)
        found.append([name for name, _ in api.jobs()])

    assert [[], [], ["configuration.publish"], []] == found


async def test_a_tenant_publishes_its_own(client: httpx.AsyncClient, api: Api) -> None:
    """The job is told whose changes it is to take along."""
    answer = await client.post(f"{URL}/publish")

    assert (202, "pending") == (answer.status_code, answer.json()["state"])
    assert [
        (
            "configuration.publish_by_hand",
            {"by": "token tests", "overwrite": False, "tenant_ids": [_tenant(api, "default")]},
        )
    ] == api.jobs()


async def test_a_tenant_cannot_publish_another(
    client: httpx.AsyncClient, foreigner: httpx.AsyncClient, api: Api
) -> None:
    """Naming one is refused as if there were none."""
    answer = await client.post(f"{URL}/publish", headers={"X-Tenant": "north"})

    assert (404, []) == (answer.status_code, api.jobs())


async def test_a_system_token_publishes_one_tenant_or_all(
    system: httpx.AsyncClient, foreigner: httpx.AsyncClient, api: Api
) -> None:
    """One that it names; all without."""
    await system.post(f"{URL}/publish", headers={"X-Tenant": "north"})
    await system.post(f"{URL}/publish")

    assert [[_tenant(api, "north")], None] == [arguments["tenant_ids"] for _, arguments in api.jobs()]


async def test_what_waits_is_told_to_its_tenant(
    client: httpx.AsyncClient,
    foreigner: httpx.AsyncClient,
    system: httpx.AsyncClient,
    published: Publisher,
    api: Api,
) -> None:
    """By kind, number and who did it: mailboxes too, which are no part of a revision."""
    await _choose(client, "manual")
    await _extension(client, "103")
    await client.post("/api/v1/mailboxes", json=dict(MAILBOX))
    await client.patch("/api/v1/extensions/103", json={"sip_password": None})
    await client.delete("/api/v1/mailboxes/8001")
    api.jobs()
    await publish(published)
    ours = (await client.get(URL)).json()
    theirs = (await foreigner.get(URL)).json()
    all_told = (await system.get(URL)).json()
    expected = [
        ("extension", "103", "added", [], "token tests"),
        ("mailbox", "8001", "added", [], "token tests"),
        ("extension", "103", "changed", ["sip_password"], "token tests"),
        ("mailbox", "8001", "removed", [], "token tests"),
    ]

    assert expected == [
        tuple(change[field] for field in ("kind", "name", "action", "fields", "author"))
        for change in ours["pending"]["changes"]
    ]
    assert ("pending", "live", []) == (ours["state"], theirs["state"], theirs["pending"]["changes"])
    assert ("pending", 4) == (all_told["state"], len(all_told["pending"]["changes"]))


async def test_a_mailbox_is_not_listed_where_it_does_not_wait(
    client: httpx.AsyncClient, published: Publisher, api: Api
) -> None:
    """By itself it is there at once, and is no part of a revision."""
    await client.post("/api/v1/mailboxes", json=dict(MAILBOX))
    api.jobs()

    assert [] == (await client.get(URL)).json()["pending"]["changes"]


async def test_a_dry_run_is_that_of_the_tenant(
    client: httpx.AsyncClient, foreigner: httpx.AsyncClient, published: Publisher, api: Api
) -> None:
    """It says which objects, and neither files nor edits, which may be others'; and changes nothing."""
    await _choose(client, "manual")
    await _choose(foreigner, "manual")
    await _extension(client, "103")
    await _extension(foreigner, "104")
    api.jobs()
    shown = (await client.post(f"{URL}/publish?dry_run=true")).json()

    assert (["103"], None, None) == (
        [change["name"] for change in shown["changes"]],
        shown["files"],
        shown["edited"],
    )
    assert [] == api.jobs()


async def test_a_dry_run_shows_files_to_system_tokens(
    client: httpx.AsyncClient, foreigner: httpx.AsyncClient, system: httpx.AsyncClient, published: Publisher
) -> None:
    """Of the tenant that it names, or of all; what others wait for is no part of the first."""
    await _choose(client, "manual")
    await _choose(foreigner, "manual")
    await _extension(client, "103")
    await _extension(foreigner, "104")
    found = []
    for headers in ({"X-Tenant": "north"}, {}):
        shown = (await system.post(f"{URL}/publish?dry_run=true", headers=headers)).json()
        files = {file["path"]: file["difference"] for file in shown["files"]}
        phones = "".join(text for path, text in files.items() if path.startswith("asterisk/pjsip/"))
        found.append([number for number in ("103", "104") if f"+[{number}" in phones])

    assert [["104"], ["103", "104"]] == found


async def test_why_nothing_can_be_rendered_is_told_to_system_tokens(
    client: httpx.AsyncClient, system: httpx.AsyncClient, api: Api
) -> None:
    """The reason may be another tenant's."""
    api.rows("UPDATE feature_codes SET feature = 'make-coffee' RETURNING 1")
    told = [(await who.post(f"{URL}/publish?dry_run=true")).json() for who in (client, system)]
    api.rows("UPDATE feature_codes SET feature = 'check-messages' RETURNING 1")

    assert 2 * ["configuration-not-rendered"] == [one["error_id"] for one in told]
    assert [False, True] == ["feature code" in one["detail"] for one in told]


async def test_a_tenant_does_not_undo_what_was_edited_by_hand(
    client: httpx.AsyncClient, published: Publisher, api: Api
) -> None:
    """It is refused without the names of files, and may not overwrite them."""
    (published.folder.root / "live" / "asterisk" / "pjsip.conf").write_text("; mine\n")
    refused = await client.post(f"{URL}/publish")
    forbidden = await client.post(f"{URL}/publish?overwrite=true")

    assert (409, "configuration-edited", False) == (
        refused.status_code,
        refused.json()["error_id"],
        "pjsip" in refused.text,
    )
    assert (403, "system-token-needed") == (forbidden.status_code, forbidden.json()["error_id"])
    assert [] == api.jobs()


async def test_a_copy_is_shown_to_nobody(
    client: httpx.AsyncClient, system: httpx.AsyncClient, published: Publisher, api: Api
) -> None:
    """Neither the digest of an extension that is kept in it nor the password of a trunk is in any answer."""
    await _extension(client, "103")
    trunk = {"name": "provider", "host": "sip.example.com", "username": "u", "password": "sw0rdfish"}
    made = await system.post("/api/v1/trunks", json=trunk)
    assert 201 == made.status_code, made.text
    await _choose(client, "manual")
    await client.delete("/api/v1/extensions/103")
    await system.patch("/api/v1/trunks/provider", json={"password": "sw0rdfish-2"})
    (kept,) = api.rows(
        "SELECT settings->>'sip_a1_hash' AS digest FROM published_objects WHERE number = '103'"
    )
    answers = [await system.get(URL), await system.post(f"{URL}/publish?dry_run=true")]

    assert 32 == len(kept["digest"])
    assert [] == [one.text for one in answers if kept["digest"] in one.text or "sw0rdfish" in one.text]


async def test_a_deleted_tenant_is_gone_at_once(
    client: httpx.AsyncClient, foreigner: httpx.AsyncClient, system: httpx.AsyncClient, api: Api
) -> None:
    """Its copy goes with it, and its domain is free."""
    await _choose(foreigner, "manual")
    deleted = await system.delete("/api/v1/tenants/north")
    made = await system.post("/api/v1/tenants", json={"name": "south", "sip_domain": "north.example.com"})

    assert (204, 201) == (deleted.status_code, made.status_code)
    assert [] == api.rows("SELECT 1 FROM published_objects")
