"""Bearer tokens from the command line: `controlplane create-token`, `list-tokens`, `revoke-token`.

The standard output has the result and nothing else: it is for programs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from controlplane.domain.errors import Conflict, NotFound
from controlplane.entrypoints import logs, migrate
from controlplane.services import tokens
from controlplane.settings import Settings
from controlplane.storage.database import Database
from controlplane.supervisor.faults import CannotStart

_T = TypeVar("_T")
_DAY = "%Y-%m-%d"
_BY = "command line"


def create(
    settings: Settings, *, name: str, tenant: str | None, user: str | None, expires_at: datetime | None
) -> None:
    """Make a token, for a tenant, a user (by name) or all tenants, and print it; it cannot be shown again.

    Raises CannotStart for a tenant and a user, NotFound, InvalidValue, Unavailable.
    """
    if tenant is not None and user is not None:
        raise CannotStart("Give --tenant or --user: the token of a user is of the user's tenant.")
    _, token = with_database(
        settings,
        lambda database: tokens.create_token(
            database, name=name, tenant=tenant, user=user, expires_at=expires_at, by=_BY
        ),
    )
    print(token)


def show(settings: Settings) -> None:
    """Print the tokens in force, a line each, oldest first: id, tenant, made, expires, name, user."""
    for token in with_database(settings, tokens.list_tokens):
        expires = "never" if token.expires_at is None else token.expires_at.strftime(_DAY)
        made = token.created_at.strftime(_DAY)
        print(
            "\t".join((str(token.id), token.tenant or "(all)", made, expires, token.name, token.user or "-"))
        )


def revoke(settings: Settings, *, token_id: UUID | None, name: str | None) -> None:
    """Revoke the token of an id, or of a name that no other one has, and print its id.

    Raises CannotStart for both or neither, NotFound, Conflict when several tokens have the name.
    """
    if (token_id is None) == (name is None):
        raise CannotStart("Name one token: by its id, or by --name (`controlplane list-tokens`).")

    async def run(database: Database) -> UUID:
        wanted = await _of_name(database, name or "") if token_id is None else token_id
        await tokens.revoke_token(database, token_id=wanted, by=_BY)
        return wanted

    print(with_database(settings, run))


async def _of_name(database: Database, name: str) -> UUID:
    found = await tokens.list_tokens(database, name=name)
    if not found:
        raise NotFound("There is no token of this name in force: see `controlplane list-tokens`.")
    if len(found) > 1:
        raise Conflict(
            f"{len(found)} tokens have this name: name one by its id, see `controlplane list-tokens`."
        )
    return found[0].id


def with_database(settings: Settings, use: Callable[[Database], Awaitable[_T]]) -> _T:
    """Run it on the database, once that is there and has the newest schema; raises Unavailable."""
    logs.configure(settings.log_format, settings.log_level)
    migrate.require(settings)

    async def run() -> _T:
        database = Database(settings.sqlalchemy_url, pool_size=1)
        try:
            return await use(database)
        finally:
            await database.close()

    return asyncio.run(run())
