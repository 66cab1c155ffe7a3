"""Users, teams and members of mailboxes by REST, and what the token of a user may do."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from controlplane.domain.rights import ALL_RIGHTS, NO_RIGHTS, Admission
from controlplane.services.access import admission
from controlplane.services.tokens import list_tokens
from tests.support.api import MAILBOX, Api
from tests.support.members import client_of, make_member, make_team, tenant_id
from tests.support.portal import make_user

_BOX = "/api/v1/mailboxes/8001"


async def _ok(answer: httpx.Response, status: int = 200) -> Any:
    assert answer.status_code == status, answer.text
    return answer.json() if answer.content else None


async def test_user_is_made_changed_and_deleted(api: Api, client: httpx.AsyncClient) -> None:
    """A member, unless said otherwise, without a password until they use a link."""
    await client.post("/api/v1/extensions", json={"number": "101", "display_name": "Phone"})
    answer = await client.post(
        "/api/v1/users", json={"user_name": "Mia", "display_name": "Mia", "extension": "101"}
    )
    made = await _ok(answer, 201)
    link = await _ok(await client.post("/api/v1/users/mia/link"))
    patched = await _ok(
        await client.patch(
            "/api/v1/users/mia",
            json={"role": "tenant_admin", "extension": None, "pin_spared": True},
            headers={"If-Match": answer.headers["ETag"]},
        )
    )
    stale = await client.patch(
        "/api/v1/users/mia", json={"enabled": False}, headers={"If-Match": answer.headers["ETag"]}
    )
    listed = await _ok(await client.get("/api/v1/users", params={"q": "MI"}))
    await _ok(await client.delete("/api/v1/users/mia"), 204)

    assert ("/api/v1/users/mia", "mia", "member", "101", False) == (
        answer.headers["Location"],
        made["user_name"],
        made["role"],
        made["extension"],
        made["has_password"],
    )
    assert link["link"].startswith("http://test/portal/link/")
    assert ("tenant_admin", None, True) == (patched["role"], patched["extension"], patched["pin_spared"])
    assert 412 == stale.status_code
    assert ["mia"] == [user["user_name"] for user in listed["items"]]
    assert 404 == (await client.get("/api/v1/users/mia")).status_code


async def test_users_of_other_tenants_are_not_there(
    api: Api, client: httpx.AsyncClient, foreigner: httpx.AsyncClient
) -> None:
    """Neither listed nor read, changed, deleted or let in; and system admins are no users of a tenant."""
    await make_member(api, "mia")
    await make_user(api, "sam")
    answers = [
        await foreigner.get("/api/v1/users/mia"),
        await foreigner.patch("/api/v1/users/mia", json={"enabled": False}),
        await foreigner.delete("/api/v1/users/mia"),
        await foreigner.post("/api/v1/users/mia/link"),
        await client.get("/api/v1/users/sam"),
    ]
    listed = await _ok(await foreigner.get("/api/v1/users"))
    own = await _ok(await client.get("/api/v1/users"))

    assert {404} == {answer.status_code for answer in answers}
    assert ([], ["mia"]) == (listed["items"], [user["user_name"] for user in own["items"]])


@pytest.mark.parametrize(
    ("body", "status", "error_id"),
    [
        ({"user_name": "!"}, 422, "invalid-user-name"),
        ({"user_name": "bob"}, 409, "user-name-taken"),
        ({"role": "system_admin"}, 422, "not-one-of"),
        ({"extension": "999"}, 422, "not-an-extension"),
        ({"extension": "101"}, 409, "extension-has-user"),
    ],
)
async def test_user_that_cannot_be_is_refused(
    api: Api, client: httpx.AsyncClient, body: dict[str, str], status: int, error_id: str
) -> None:
    """With the field and the reason."""
    await client.post("/api/v1/extensions", json={"number": "101", "display_name": "Phone"})
    await make_member(api, "bob", extension="101")
    answer = await client.post("/api/v1/users", json={"user_name": "mia", "display_name": "Mia", **body})

    assert (status, error_id) == (answer.status_code, answer.json()["errors"][0]["error_id"])


async def test_team_is_made_changed_and_deleted(api: Api, client: httpx.AsyncClient) -> None:
    """By name, page after page, whatever letters the names have."""
    await make_member(api, "mia")
    made = [
        await _ok(await client.post("/api/v1/teams", json={"name": name, "people": ["mia"]}), 201)
        for name in ("Ärger & Söhne " + "ü" * 50, "Sales", "Ω")
    ]
    seen, after = [], None
    for _ in made:
        page = await _ok(
            await client.get("/api/v1/teams", params={"limit": 1, **({"after": after} if after else {})})
        )
        seen += [team["id"] for team in page["items"]]
        after = page["next"]
    address = f"/api/v1/teams/{made[1]['id']}"
    changed = await _ok(await client.patch(address, json={"people": []}))
    taken = await client.patch(address, json={"name": "Ω"})
    nobody = await client.patch(address, json={"people": ["mia", "nobody"]})
    await _ok(await client.delete(address), 204)

    assert ({team["id"] for team in made}, None) == (set(seen), after)
    assert ("Sales", []) == (changed["name"], changed["people"])
    assert (409, "team-name-taken") == (taken.status_code, taken.json()["error_id"])
    assert ("people[1]", "no-such-person") == tuple(
        nobody.json()["errors"][0][key] for key in ("field", "error_id")
    )
    assert 404 == (await client.get(address)).status_code


async def test_member_is_made_changed_and_removed(
    api: Api, client: httpx.AsyncClient, mailbox: httpx.Response
) -> None:
    """Rights come with what they bring along, in one order."""
    assert mailbox.status_code == 201
    await make_member(api, "mia")
    team = await make_team(api, "Sales", ["mia"])
    made = await client.post(f"{_BOX}/members", json={"user_name": "mia", "rights": ["delete"]})
    member = await _ok(made, 201)
    twice = await client.post(f"{_BOX}/members", json={"user_name": "MIA", "rights": ["listen"]})
    by_team = await _ok(
        await client.post(f"{_BOX}/members", json={"team_id": str(team), "rights": ["manage"]}), 201
    )
    changed = await _ok(
        await client.patch(
            made.headers["Location"], json={"rights": ["listen"]}, headers={"If-Match": made.headers["ETag"]}
        )
    )
    stale = await client.delete(made.headers["Location"], headers={"If-Match": made.headers["ETag"]})
    listed = await _ok(await client.get(f"{_BOX}/members"))
    await _ok(await client.delete(made.headers["Location"]), 204)

    assert (["listen", "delete"], ["listen"]) == (member["rights"], changed["rights"])
    assert ("Sales", ["listen", "download", "delete", "manage"]) == (by_team["name"], by_team["rights"])
    assert (409, "member-already", 412) == (twice.status_code, twice.json()["error_id"], stale.status_code)
    assert {member["id"], by_team["id"]} == {each["id"] for each in listed["items"]}
    assert 404 == (await client.get(made.headers["Location"])).status_code


@pytest.mark.parametrize(
    "body",
    [
        {"user_name": "nora", "rights": ["listen"]},
        {"team_id": str(uuid4()), "rights": ["listen"]},
        {"rights": ["listen"]},
        {"user_name": "mia", "rights": []},
        {"user_name": "mia", "rights": ["everything"]},
    ],
)
async def test_who_cannot_be_a_member_is_refused(
    api: Api, client: httpx.AsyncClient, mailbox: httpx.Response, body: dict[str, Any]
) -> None:
    """People of other tenants, nobody, no right, unknown rights."""
    assert mailbox.status_code == 201
    await api.tenant("north")
    await make_user(api, "nora", tenant="north")
    await make_member(api, "mia")
    answer = await client.post(f"{_BOX}/members", json=body)

    assert 422 == answer.status_code
    assert [] == api.rows("SELECT id FROM mailbox_members")


async def test_token_of_a_member_sees_their_mailboxes(
    api: Api, client: httpx.AsyncClient, mailbox: httpx.Response
) -> None:
    """Lists have no other mailbox and no other message; the trash is for who may delete."""
    assert mailbox.status_code == 201
    await client.post("/api/v1/mailboxes", json={**MAILBOX, "number": "8002"})
    await client.post("/api/v1/mailboxes", json={**MAILBOX, "number": "8003"})
    here, trash, elsewhere, there = [await api.message(box) for box in ("8001", "8001", "8002", "8003")]
    await client.patch(f"/api/v1/messages/{trash}", json={"state": "deleted"})
    await make_member(api, "mia", ["listen"])
    await make_member(api, "dora", ["delete"], number="8003")
    team = await make_team(api, "Both", ["dora"])
    await client.post(f"{_BOX}/members", json={"team_id": str(team), "rights": ["delete"]})
    async with await client_of(api, "mia") as mia, await client_of(api, "dora") as dora:
        boxes = [
            [m["number"] for m in (await _ok(await one.get("/api/v1/mailboxes")))["items"]]
            for one in (mia, dora)
        ]
        lists = [
            {m["id"] for m in (await _ok(await one.get("/api/v1/messages", params=params)))["items"]}
            for one in (mia, dora)
            for params in ({}, {"state": "deleted"}, {"mailbox": "8001"})
        ]
        gone = [await mia.get(f"/api/v1/messages/{trash}"), await mia.get(f"/api/v1/messages/{elsewhere}")]
        refused = await mia.get(f"{_BOX}/messages", params={"state": "deleted"})

    assert [["8001"], ["8001", "8003"]] == boxes
    assert [
        {str(here)},
        set(),
        {str(here)},
        {str(here), str(there)},
        {str(trash)},
        {str(here)},
    ] == lists
    assert [404, 404] == [answer.status_code for answer in gone]
    assert (403, "right-needed", {"right": "delete"}) == (
        refused.status_code,
        refused.json()["error_id"],
        refused.json()["details"],
    )


async def test_token_of_a_member_does_what_they_may(
    api: Api, client: httpx.AsyncClient, mailbox: httpx.Response
) -> None:
    """With many at once, each message has its own outcome; a change is noted under their name."""
    assert mailbox.status_code == 201
    await client.post("/api/v1/mailboxes", json={**MAILBOX, "number": "8002"})
    here, elsewhere = await api.message("8001"), await api.message("8002")
    ids = [str(here), str(elsewhere)]
    await make_member(api, "mia", ["listen"])
    async with await client_of(api, "mia") as mia:
        results = [
            (await _ok(await mia.post("/api/v1/messages/bulk", json={"ids": ids, "action": action})))[
                "results"
            ]
            for action in ("delete", "mark_read")
        ]
        states = [
            (await mia.patch(f"/api/v1/messages/{here}", json={"state": state})).status_code
            for state in ("new", "saved", "deleted", "restored")
        ]
    noted = {row["state_changed_by"] for row in api.rows("SELECT state_changed_by FROM messages")}

    assert [["not-allowed", "not-found"], ["done", "not-found"]] == [
        [each["outcome"] for each in some] for some in results
    ]
    assert [200, 200, 403, 403] == states
    assert {None, "token tests (user mia)"} == noted


async def test_token_goes_with_its_user(api: Api, client: httpx.AsyncClient, mailbox: httpx.Response) -> None:
    """Disabled, it does not work; with another role it may do more; deleted, it is gone."""
    assert mailbox.status_code == 201
    await make_member(api, "mia", ["listen"])
    async with await client_of(api, "mia") as mia:
        statuses = [(await mia.get(_BOX)).status_code, (await mia.get("/api/v1/users")).status_code]
        for change in ({"enabled": False}, {"enabled": True, "role": "tenant_admin"}):
            await client.patch("/api/v1/users/mia", json=change)
            statuses.append((await mia.get("/api/v1/users")).status_code)
        listed = await list_tokens(api.deps.db)
        await client.delete("/api/v1/users/mia")
        statuses.append((await mia.get(_BOX)).status_code)

    assert [200, 403, 401, 200, 401] == statuses
    assert ["mia"] == [token.user for token in listed if token.user]


async def test_token_of_a_system_admin_is_a_system_token(api: Api, mailbox: httpx.Response) -> None:
    """It names the tenant, as other system tokens do."""
    assert mailbox.status_code == 201
    await make_user(api, "sam")
    await api.tenant("north")
    async with await client_of(api, "sam") as sam:
        found = [
            (await sam.get(_BOX, headers={"X-Tenant": name})).status_code for name in ("default", "north")
        ]

    assert [200, 404] == found


async def test_what_is_deleted_takes_its_rights_along(
    api: Api, client: httpx.AsyncClient, mailbox: httpx.Response
) -> None:
    """A new mailbox with the number of an old one has no members; an extension leaves its person."""
    assert mailbox.status_code == 201
    await client.post("/api/v1/extensions", json={"number": "101", "display_name": "Phone"})
    await make_member(api, "mia", ["manage"], extension="101")
    await client.delete(_BOX)
    await client.delete("/api/v1/extensions/101")
    await client.post("/api/v1/mailboxes", json=dict(MAILBOX))
    user = await _ok(await client.get("/api/v1/users/mia"))
    async with await client_of(api, "mia") as mia:
        status = (await mia.get(_BOX)).status_code

    assert (404, None) == (status, user["extension"])
    assert [] == api.rows("SELECT id FROM mailbox_members")


async def test_who_gave_whom_rights_is_noted(
    api: Api, client: httpx.AsyncClient, mailbox: httpx.Response
) -> None:
    """With what they were before and after; and who came into a team, and who left it."""
    assert mailbox.status_code == 201
    await make_member(api, "mia")
    await make_member(api, "dora")
    made = await client.post(f"{_BOX}/members", json={"user_name": "mia", "rights": ["delete"]})
    await client.patch(made.headers["Location"], json={"rights": ["listen"]})
    await client.delete(made.headers["Location"])
    team = await _ok(await client.post("/api/v1/teams", json={"name": "Sales", "people": ["mia"]}), 201)
    await client.patch(f"/api/v1/teams/{team['id']}", json={"people": ["mia", "dora"]})
    query = "SELECT author, details FROM audit_entries WHERE kind = %s AND action = 'changed' ORDER BY id"
    found = [
        (row["author"], row["details"]["before"].get("members"), row["details"]["after"].get("members"))
        for row in api.rows(query, "mailbox")
    ]
    people = [row["details"]["after"].get("people") for row in api.rows(query, "team")]

    assert [
        ("token tests", None, "mia: listen, delete"),
        ("token tests", "mia: listen, delete", "mia: listen"),
        ("token tests", "mia: listen", None),
    ] == found
    assert ["mia", "dora"] == [name for name in people if name]


async def test_extension_keeps_its_own_mailbox(
    api: Api, client: httpx.AsyncClient, mailbox: httpx.Response
) -> None:
    """Others may be members of it; a phone that is nobody's is still let in where the mailbox is its own."""
    for number in ("101", "102"):
        await client.post("/api/v1/extensions", json={"number": number, "display_name": "Phone"})
    await _ok(await client.put("/api/v1/extensions/101/rules", json={"mailbox": "8001"}))
    await make_member(api, "mia", ["listen"])
    box = UUID(api.rows("SELECT id::text AS id FROM mailboxes")[0]["id"])
    async with api.deps.db.transaction() as session:
        own, other = [
            await admission(session, tenant_id=tenant_id(api), extension=number, mailbox_id=box)
            for number in ("101", "102")
        ]

    assert (Admission(rights=ALL_RIGHTS), Admission(rights=NO_RIGHTS)) == (own, other)
