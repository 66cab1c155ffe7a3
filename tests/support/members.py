"""Members of mailboxes, as tests need them: people with rights, teams, and tokens of users."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import httpx
from controlplane.domain.rights import parse_rights
from controlplane.domain.user import Role
from controlplane.services.members import AtMailbox, add_member
from controlplane.services.teams import create_team
from controlplane.services.tokens import create_token
from tests.support.api import Api
from tests.support.portal import make_user


def tenant_id(api: Api, name: str = "default") -> UUID:
    """Return the id of a tenant."""
    (found,) = api.rows("SELECT id FROM tenants WHERE name = %s", name)
    return UUID(str(found["id"]))


async def give(api: Api, user_name: str, rights: Sequence[str], *, number: str = "8001") -> UUID:
    """Give a user rights at a mailbox of the tenant `default`; return the member's id."""
    at = AtMailbox(tenant_id=tenant_id(api), number=number, member=None, by="tests")
    made = await add_member(api.deps.db, at, user_name=user_name, team_id=None, rights=parse_rights(rights))
    return made.id


async def make_member(
    api: Api,
    user_name: str,
    rights: Sequence[str] = (),
    *,
    number: str = "8001",
    extension: str | None = None,
) -> UUID:
    """Make a user with the role member, and give them rights at a mailbox; return the user's id."""
    user_id = await make_user(api, user_name, tenant="default", role=Role.MEMBER, extension=extension)
    if rights:
        await give(api, user_name, rights, number=number)
    return user_id


async def make_team(api: Api, name: str, people: Sequence[str]) -> UUID:
    """Make a team of the tenant `default`; return its id."""
    team = await create_team(api.deps.db, tenant_id=tenant_id(api), name=name, people=people, by="tests")
    return team.id


async def client_of(api: Api, user_name: str) -> httpx.AsyncClient:
    """Return a client with a token of a user."""
    _, token = await create_token(
        api.deps.db, name="tests", tenant=None, user=user_name, expires_at=None, by="tests"
    )
    return api.client(token)
