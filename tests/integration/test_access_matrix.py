"""Every route, by everybody, on what is theirs and what is not: nobody gets further than they may.

The routes are those of the app. One that depends on `access.inside`, `security.admin_of` or a `system_…` is
for admins, and is known to be so. Every other one must stand in TABLE: a new page that members get
too fails the test until it says here what it needs.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from controlplane.domain.rights import Right, parse_rights
from controlplane.domain.user import Role
from controlplane.services.members import AtMailbox, add_member
from controlplane.services.teams import create_team
from controlplane.services.tokens import create_token
from controlplane.web import security
from controlplane.web.portal import access
from fastapi.routing import iter_route_contexts
from tests.support.api import MAILBOX, Api
from tests.support.portal import ORIGIN, Browser, make_user

API = "/api/v1"
OPEN, ANYBODY, ADMIN, SYSTEM = "open", "anybody", "admin", "system"
LISTEN, DOWNLOAD, DELETE, MANAGE = Right
STALE = '"999999999-0000000000000000"'

_BOX, _PORTAL_BOX = f"{API}/mailboxes/{{number}}", "/portal/mailboxes/{number}"
_GREETINGS = "/portal/{owners}/{number}/greetings"
_MESSAGE, _PORTAL_MESSAGE = f"{API}/messages/{{message_id}}", "/portal/messages/{message_id}"

TABLE: dict[tuple[str, str], str | Right] = {
    # What nobody needs to be known for.
    **dict.fromkeys(
        [
            ("GET", "/"),
            ("GET", "/portal"),
            ("GET", "/portal/sign-in"),
            ("POST", "/portal/sign-in"),
            ("GET", "/portal/link/{token}"),
            # A phone fetches this by the secret that it was shown.
            ("GET", "/portal/phone-set-up/{token}"),
            ("POST", "/portal/link/{token}"),
            ("GET", f"{API}/openapi.json"),
            ("GET", f"{API}/docs"),
            ("GET", "/m/{token}"),
            ("GET", "/m/{token}/audio"),
            ("GET", "/healthz"),
            ("GET", "/readyz"),
            ("GET", "/metrics"),
            *((method, "/portal/{_rest:path}") for method in ("GET", "POST", "PUT", "PATCH", "DELETE")),
        ],
        OPEN,
    ),
    # What everybody who is known gets; lists show what is theirs.
    **dict.fromkeys(
        [
            ("GET", "/portal/"),
            ("POST", "/portal/sign-out"),
            ("GET", "/portal/account"),
            ("POST", "/portal/account"),
            ("POST", "/portal/account/password"),
            ("POST", "/portal/account/sign-out-elsewhere"),
            ("POST", "/portal/account/tokens"),
            ("POST", "/portal/account/tokens/{token_id}/revoke"),
            ("GET", "/portal/mailboxes"),
            ("GET", "/portal/mailboxes/selected"),
            ("GET", f"{API}/languages"),
            ("GET", f"{API}/mailboxes"),
            ("GET", f"{API}/messages"),
            ("POST", f"{API}/messages/bulk"),
        ],
        ANYBODY,
    ),
    # What needs a right at a mailbox; of a receptionist, an admin.
    **dict.fromkeys(
        [
            ("GET", f"{API}/mailboxes/{{number}}/greetings"),
            *((method, f"{API}/mailboxes/{{number}}/greeting") for method in ("GET", "PUT", "DELETE")),
            ("GET", f"{API}/mailboxes/{{number}}/greetings/effective"),
            *((method, f"{API}/mailboxes/{{number}}/spoken-name") for method in ("GET", "PUT", "DELETE")),
            ("GET", _GREETINGS),
            ("GET", f"{_GREETINGS}/effective"),
            ("GET", f"{_GREETINGS}/effective/audio"),
            ("GET", f"{_GREETINGS}/name/audio"),
            ("GET", f"{_GREETINGS}/name/change"),
            ("POST", f"{_GREETINGS}/name/try"),
            ("GET", f"{_GREETINGS}/name/try/{{draft_id}}"),
            ("POST", f"{_GREETINGS}/name/try/{{draft_id}}"),
            ("GET", f"{_GREETINGS}/name/try/{{draft_id}}/audio"),
            ("POST", f"{_GREETINGS}/name/remove"),
            ("GET", f"{_GREETINGS}/audio"),
            ("POST", f"{_GREETINGS}/remove"),
            ("GET", f"{_GREETINGS}/change"),
            ("POST", f"{_GREETINGS}/try"),
            ("GET", f"{_GREETINGS}/try/{{draft_id}}"),
            ("POST", f"{_GREETINGS}/try/{{draft_id}}"),
            ("GET", f"{_GREETINGS}/try/{{draft_id}}/audio"),
        ],
        MANAGE,
    ),
    ("GET", _PORTAL_BOX): MANAGE,
    ("POST", _PORTAL_BOX): MANAGE,
    ("GET", f"{_PORTAL_BOX}/mail"): MANAGE,
    ("POST", f"{_PORTAL_BOX}/mail"): MANAGE,
    ("POST", f"{_BOX}/mail/preview"): MANAGE,
    ("POST", f"{_BOX}/mail/test"): MANAGE,
    ("GET", f"{_BOX}/mail/test/{{test_id}}"): MANAGE,
    ("GET", f"{_PORTAL_BOX}/members"): MANAGE,
    ("POST", f"{_PORTAL_BOX}/members"): MANAGE,
    ("GET", f"{_PORTAL_BOX}/voicemail"): LISTEN,
    ("POST", f"{_PORTAL_BOX}/voicemail"): LISTEN,
    ("GET", f"{_PORTAL_BOX}/events"): LISTEN,
    ("GET", _PORTAL_MESSAGE): LISTEN,
    ("POST", _PORTAL_MESSAGE): LISTEN,
    ("POST", f"{_PORTAL_MESSAGE}/heard"): LISTEN,
    ("POST", f"{_PORTAL_MESSAGE}/playing"): LISTEN,
    ("POST", f"{_PORTAL_MESSAGE}/stopped"): LISTEN,
    ("GET", f"{_PORTAL_MESSAGE}/audio"): LISTEN,
    ("GET", f"{_PORTAL_MESSAGE}/peaks"): LISTEN,
    ("GET", f"{_PORTAL_MESSAGE}/events"): LISTEN,
    ("GET", f"{_PORTAL_MESSAGE}/forward"): DOWNLOAD,
    ("POST", f"{_PORTAL_MESSAGE}/forward"): DOWNLOAD,
    ("GET", _BOX): LISTEN,
    ("PATCH", _BOX): MANAGE,
    ("GET", f"{_BOX}/messages"): LISTEN,
    ("GET", f"{_BOX}/listeners"): LISTEN,
    ("GET", f"{_BOX}/members"): MANAGE,
    ("POST", f"{_BOX}/members"): MANAGE,
    ("GET", f"{_BOX}/members/{{member_id}}"): MANAGE,
    ("PATCH", f"{_BOX}/members/{{member_id}}"): MANAGE,
    ("DELETE", f"{_BOX}/members/{{member_id}}"): MANAGE,
    ("GET", _MESSAGE): LISTEN,
    ("PATCH", _MESSAGE): LISTEN,
    ("DELETE", _MESSAGE): DELETE,
    ("GET", f"{_MESSAGE}/audio"): DOWNLOAD,
    ("POST", f"{_MESSAGE}/forward"): DOWNLOAD,
    ("POST", f"{_MESSAGE}/mail"): DOWNLOAD,
}

BODIES: dict[tuple[str, str], Any] = {
    ("PATCH", _BOX): {"review": False},
    ("POST", f"{_BOX}/mail/preview"): {},
    ("POST", f"{_BOX}/mail/test"): {"recipient": "a@example.com"},
    ("POST", f"{_BOX}/members"): {"user_name": "nobody-of-this-name", "rights": ["listen"]},
    ("PATCH", f"{_BOX}/members/{{member_id}}"): {"rights": ["listen"]},
    ("PATCH", _MESSAGE): {"state": "new"},
    ("POST", f"{_MESSAGE}/forward"): {"to": "7998"},
    ("POST", f"{API}/messages/bulk"): {"ids": [], "action": "mark_read"},
}
"""What a call is sent that needs a body to be looked at; changes carry an ETag that is stale."""

WAITS = ("/events", "/greetings/audio", "/greetings/effective/audio")
"""What keeps those waiting who are let in: for changes, and for a job that speaks."""

NEVER = {("POST", "/portal/sign-out"), ("POST", "/portal/account/sign-out-elsewhere")}
"""What would end the visit; that it lets everybody in is the matter of other tests."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody with a browser and a token of their own; `rights` are those at the mailbox of the test."""

    name: str
    tenant: str | None
    admin: bool
    rights: frozenset[Right]
    browser: Browser
    csrf: str
    client: httpx.AsyncClient


@dataclass(slots=True, kw_only=True)
class World:
    """Two tenants with a mailbox each, and people with all kinds of rights."""

    api: Api
    people: dict[str, Person] = field(default_factory=dict)
    objects: dict[str, str] = field(default_factory=dict)
    """The objects of the tenant `default`, by the name of the path's parameter."""
    strangers: list[httpx.AsyncClient] = field(default_factory=list)


def _kind(route: Any) -> str | None:
    """Return what the dependencies of a route say about who it is for."""
    calls, waiting = set(), [getattr(route, "dependant", None)]  # codespell:ignore dependant
    while waiting:
        part = waiting.pop()
        if part is not None:
            calls.add(part.call)
            waiting += part.dependencies
    if calls & {access.system_admin, security.system_only}:
        return SYSTEM
    for_admins = {access.inside, access.inside_with_files, security.admin_of}
    return ADMIN if calls & for_admins else None


def routes(api: Api) -> Iterator[tuple[str, str, str | Right | None]]:
    """List method, path and who it is for, of every route; None for what nobody decided."""
    for route in iter_route_contexts(api.app.routes):
        path = route.path or ""
        if "/static/" in path or path.startswith("/static"):
            continue
        for method in sorted((route.methods or set()) - {"HEAD"}):
            kind = _kind(route)
            yield method, path, kind or TABLE.get((method, path))


@pytest.fixture
async def world(api: Api, system: httpx.AsyncClient) -> AsyncIterator[World]:
    """Make it."""
    made = World(api=api)
    north = await api.tenant("north")
    for client, number in ((system, "8001"), (system, "8002"), (north, "9001")):
        answer = await client.post(f"{API}/mailboxes", json={**MAILBOX, "number": number})
        assert answer.status_code == 201, answer.text
    message = await api.message("8001", seconds=0.2)
    people: list[tuple[str, str | None, Role, frozenset[Right]]] = [
        ("sam", None, Role.SYSTEM_ADMIN, frozenset(Right)),
        ("bob", "default", Role.TENANT_ADMIN, frozenset(Right)),
        *((f"may-{right}", "default", Role.MEMBER, parse_rights([right])) for right in Right),
        ("by-team", "default", Role.MEMBER, parse_rights(["delete"])),
        ("without", "default", Role.MEMBER, frozenset()),
        ("nora", "north", Role.TENANT_ADMIN, frozenset()),
        ("nick", "north", Role.MEMBER, frozenset()),
    ]
    ids = {name: await make_user(api, name, tenant=tenant, role=role) for name, tenant, role, _ in people}
    made.objects = await _give_rights(api, people, ids) | {
        "number": "8001",
        "owners": "mailboxes",
        "message_id": str(message),
    }
    for name, tenant, role, rights in people:
        _, token = await create_token(
            api.deps.db, name="x", tenant=None, user=name, expires_at=None, by="tests"
        )
        browser = Browser(api)
        await browser.sign_in(name)
        csrf = (await browser.open("/portal/account")).form("/sign-out").fields["csrf"]
        made.people[name] = Person(
            name=name,
            tenant=tenant,
            admin=role is not Role.MEMBER,
            rights=rights,
            browser=browser,
            csrf=csrf,
            client=api.client(token),
        )
    made.strangers = [api.client()]
    yield made
    for client in (north, *made.strangers, *(person.client for person in made.people.values())):
        await client.aclose()
    for person in made.people.values():
        await person.browser.client.aclose()


async def _give_rights(
    api: Api, people: list[tuple[str, str | None, Role, frozenset[Right]]], ids: dict[str, UUID]
) -> dict[str, str]:
    """Make members of 8001 and of 9001, and return the ids of a user, a team and a member."""
    tenants = {row["name"]: row["id"] for row in api.rows("SELECT id, name FROM tenants")}
    sales = await create_team(
        api.deps.db, tenant_id=tenants["default"], name="Sales", people=["by-team"], by="tests"
    )
    here = AtMailbox(tenant_id=tenants["default"], number="8001", member=None, by="tests")
    there = AtMailbox(tenant_id=tenants["north"], number="9001", member=None, by="tests")
    elsewhere = AtMailbox(tenant_id=tenants["default"], number="8002", member=None, by="tests")
    db = api.deps.db
    for name, _, role, rights in people:
        if role is Role.MEMBER and rights and name != "by-team":
            await add_member(db, here, user_name=name, team_id=None, rights=rights)
    member = await add_member(db, here, user_name=None, team_id=sales.id, rights=parse_rights(["delete"]))
    await add_member(db, there, user_name="nick", team_id=None, rights=frozenset(Right))
    await add_member(db, elsewhere, user_name="without", team_id=None, rights=frozenset(Right))
    return {"user_id": str(ids["bob"]), "team_id": str(sales.id), "member_id": str(member.id)}


def _filled(path: str, objects: dict[str, str]) -> str:
    return re.sub(r"\{(\w+)(:\w+)?\}", lambda found: objects.get(found[1], str(uuid4())), path)


async def _ask(person: Person | None, world: World, method: str, path: str, objects: dict[str, str]) -> int:
    """Return how somebody is answered; None is nobody."""
    address = _filled(path, objects)
    if path.endswith("/events") and person is not None:
        return await _status_of_stream(person, address)
    if path.startswith(API):
        client = world.strangers[0] if person is None else person.client
        headers = {"If-Match": STALE} if method in {"PATCH", "DELETE"} else {}
        body = BODIES.get((method, path))
        return (await client.request(method, address, headers=headers, json=body)).status_code
    client = world.strangers[0] if person is None else person.browser.client
    data = None if method == "GET" else {"csrf": "" if person is None else person.csrf}
    if data is not None and path in {_PORTAL_MESSAGE, f"{_PORTAL_BOX}/voicemail"}:
        data["do"] = "mark_read"
    if data is not None and path.endswith(("/playing", "/stopped")):
        data["player"] = str(uuid4())
    files = {"recording": ("greeting.wav", b"RIFF")} if path == f"{_GREETINGS}/try" else None
    answer = await client.request(method, address, data=data, files=files, headers={"Origin": ORIGIN})
    to_sign_in = answer.headers.get("Location", "").startswith("/portal/sign-in")
    return 401 if to_sign_in else answer.status_code


async def _status_of_stream(person: Person, address: str) -> int:
    """Return how a stream begins: in process, its answer never ends by itself."""
    return (await person.browser.client.get(address, headers={"Range": "x"})).status_code


def _who_asks(world: World, needs: str | Right, *, of_one_tenant: bool) -> list[Person]:
    """Return who asks beside nobody: everybody, or of what is for admins those who must not get it.

    That admins get their pages and calls is what the tests of each of them are about.
    """
    if needs == SYSTEM:
        return [world.people["bob"]]
    if needs == ADMIN:
        return [world.people[name] for name in ("may-manage", "nora")[: 1 + of_one_tenant]]
    return list(world.people.values())


def _expected(needs: str | Right, person: Person | None, *, theirs: bool) -> set[int] | None:
    """Return how somebody must be answered; None: let in, whatever the answer is then."""
    if needs == OPEN:
        return None
    if person is None:
        return {401}
    if needs == ANYBODY:
        return None
    if needs == SYSTEM:
        return None if person.tenant is None else {403}
    if needs == ADMIN:
        # What comes in another form than JSON is looked at first.
        return None if person.admin else {403, 415}
    assert isinstance(needs, Right)
    if not theirs or LISTEN not in person.rights:
        return {404}
    return None if needs in person.rights else {403}


async def test_every_route_lets_in_whom_it_may_and_nobody_else(world: World) -> None:
    """Nobody, admins, members with each right, others, and all of them by token."""
    wrong: list[str] = []
    undecided = []
    asked = 0
    nothing: dict[str, str] = {"number": "7999"}
    for method, path, needs in list(routes(world.api)):
        if needs is None:
            undecided.append((method, path))
            continue
        if (method, path) in NEVER or needs == OPEN:
            continue
        named = set(re.findall(r"\{(\w+)\}", path)) & set(world.objects)
        for person in (None, *_who_asks(world, needs, of_one_tenant=bool(named))):
            # What would be done for good is asked of what is not there, by those who may do it.
            lets_in = (
                needs in {ADMIN, SYSTEM}
                and person is not None
                and _expected(needs, person, theirs=True) is None
            )
            theirs = person is not None and person.tenant in {None, "default"}
            objects = nothing if lets_in and theirs else world.objects
            if path.endswith(WAITS) and _expected(needs, person, theirs=theirs) is None:
                continue
            status = await _ask(person, world, method, path, objects)
            asked += 1
            expected = _expected(needs, person, theirs=theirs)
            if lets_in and not theirs and named:
                expected = {404, 422}
            refused = status in {401, 403} or status >= 500
            if (status not in expected) if expected is not None else refused:
                name = "nobody" if person is None else person.name
                wrong.append(f"{method} {path} ({needs}) by {name}: {status} instead of {expected}")

    assert asked > 500
    assert ([], []) == (undecided, wrong)


def test_table_names_no_route_that_is_not_there(api: Api) -> None:
    """A route that went takes its line with it."""
    known = {(method, path) for method, path, _ in routes(api)}

    assert set() == set(TABLE) - known
