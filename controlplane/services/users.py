"""Users of the portal: making, listing, changing, and their passwords.

Whoever manages users has a `scope`: the tenant whose users they may see, None for everybody's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypedDict
from uuid import UUID, uuid4

import structlog
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.errors import Conflict, InvalidValue, NotFound
from controlplane.domain.password import Password, check_password
from controlplane.domain.text import parse_display_name
from controlplane.domain.user import Role, User, parse_user_name
from controlplane.services.mailbox_rules import Faults
from controlplane.services.password_hashing import PasswordHasher
from controlplane.services.user_sessions import SignedIn
from controlplane.storage import sign_in_links, tenants, user_sessions, users
from controlplane.storage.audit import name_author
from controlplane.storage.constraints import constraint_of
from controlplane.storage.database import Database
from controlplane.storage.tables import UserRow

INTERFACE_LANGUAGES = ("de", "en")
"""The languages of the portal; a test sees that each has a catalogue."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewUser:
    """A user to be made. `tenant` is a name, None for a system admin; without a password, by a link."""

    user_name: str
    display_name: str
    tenant: str | None
    password: Password | None = None


class UserChanges(TypedDict, total=False):
    """What is to change; the user name never does. `language` None: as the browser says."""

    display_name: str
    language: str | None
    played_is_read: bool
    enabled: bool


async def create_user(
    db: Database, hasher: PasswordHasher, *, new: NewUser, scope: UUID | None, by: str
) -> User:
    """Make a user; `by` names who did it.

    Raises InvalidValue (InvalidValues for several fields), NotFound `no-such-tenant`, Conflict
    `user-name-taken`.
    """
    faults = Faults()
    user_name = faults.check(lambda: parse_user_name(new.user_name))
    display_name = faults.check(lambda: parse_display_name(new.display_name))
    given = new.password
    if given is not None:
        faults.check(lambda: check_password(given, user_name=new.user_name.strip()))
    faults.done()
    password_hash = None if given is None else await hasher.hash(given)
    try:
        async with db.transaction() as session:
            row = UserRow(
                id=uuid4(),
                tenant_id=await _tenant_of(session, new.tenant, scope),
                user_name=user_name,
                display_name=display_name,
                role=(Role.SYSTEM_ADMIN if new.tenant is None else Role.TENANT_ADMIN).value,
                password_hash=password_hash,
            )
            await name_author(session, by)
            await users.insert(session, row)
    except IntegrityError as error:
        raise _clash(error) from error
    structlog.get_logger().info("user.created", user=row.user_name, role=row.role, by=by)
    return users.user_values(row)


async def list_users(db: Database, *, scope: UUID | None) -> list[User]:
    """List users by name."""
    async with db.transaction() as session:
        return [users.user_values(row) for row in await users.listed(session, tenant_id=scope)]


async def get_user(db: Database, user_id: UUID, *, scope: UUID | None) -> User:
    """Return a user; raises NotFound."""
    async with db.transaction() as session:
        return users.user_values(await find_user(session, user_id, scope=scope))


async def update_user(
    db: Database, user_id: UUID, *, changes: UserChanges, scope: UUID | None, by: str
) -> User:
    """Change a user and return it; one who is disabled is signed out everywhere.

    Raises NotFound, InvalidValue, Conflict `last-system-admin`.
    """
    faults = Faults()
    values: dict[str, Any] = dict(changes)
    if "display_name" in changes:
        values["display_name"] = faults.check(lambda: parse_display_name(changes["display_name"]))
    if changes.get("language") not in {None, *INTERFACE_LANGUAGES}:
        faults.check(_unknown_language)
    faults.done()
    async with db.transaction() as session:
        await name_author(session, by)
        row = await find_user(session, user_id, scope=scope, lock=True)
        if not changes.get("enabled", True):
            await _end(session, row)
        row = await users.update_values(session, row.id, values)
    structlog.get_logger().info("user.changed", user=row.user_name, fields=sorted(changes), by=by)
    return users.user_values(row)


async def change_own_password(
    db: Database, hasher: PasswordHasher, *, old: Password, new: Password, by: SignedIn
) -> None:
    """Set another password; ends all other sessions of the user and makes their links useless.

    Raises InvalidValue for a wrong old one (`wrong-own-password`), and for a new one that breaks a rule.
    """
    faults = Faults()
    async with db.transaction() as session:
        row = await find_user(session, by.user.id, scope=None)
    right = await hasher.verify(row.password_hash, old)
    if not right:
        faults.check(_wrong_own_password)
    faults.check(lambda: check_password(new, user_name=row.user_name, field="new_password"))
    faults.done()
    password_hash = await hasher.hash(new)
    async with db.transaction() as session:
        await name_author(session, by.label)
        await set_password_hash(session, row.id, password_hash, keep_session=by.session_id)
    structlog.get_logger().info("user.password_changed", user=row.user_name, by=by.label)


async def set_password_hash(
    session: AsyncSession, user_id: UUID, password_hash: str, *, keep_session: UUID | None = None
) -> None:
    """Store a password within a transaction; what the old one opened is closed."""
    await users.update_values(session, user_id, {"password_hash": password_hash})
    await user_sessions.remove_of_user(session, user_id, but=keep_session)
    await sign_in_links.remove_of_user(session, user_id)


async def find_user(
    session: AsyncSession, user_id: UUID, *, scope: UUID | None, lock: bool = False
) -> UserRow:
    """Return a user within a transaction; raises NotFound, and the same for one of another tenant."""
    row = await users.get(session, user_id, lock=lock)
    if row is None or (scope is not None and row.tenant_id != scope):
        raise NotFound("There is no such user.", error_id="no-such-user")
    return row


async def _tenant_of(session: AsyncSession, name: str | None, scope: UUID | None) -> UUID | None:
    """Return the id of the tenant of a new user; raises NotFound for one that is not of the scope."""
    tenant = None if name is None else await tenants.by_name(session, name)
    if name is None and scope is None:
        return None
    if tenant is None or scope not in {None, tenant.id}:
        raise NotFound("There is no tenant of this name.", error_id="no-such-tenant", field="tenant")
    return tenant.id


async def _end(session: AsyncSession, row: UserRow) -> None:
    """Sign a user out for good; raises Conflict for the last one who may do everything."""
    if row.role == Role.SYSTEM_ADMIN.value and row.enabled and await users.lock_system_admins(session) == 1:
        raise Conflict(
            "This is the only system admin: make another one first.",
            error_id="last-system-admin",
            field="enabled",
        )
    await user_sessions.remove_of_user(session, row.id)
    await sign_in_links.remove_of_user(session, row.id)


def _clash(error: IntegrityError) -> Conflict:
    if constraint_of(error) != "uq_users_user_name":
        raise error
    return Conflict("Somebody has this user name.", error_id="user-name-taken", field="user_name")


def _unknown_language() -> None:
    raise InvalidValue(
        f"The portal speaks {' and '.join(INTERFACE_LANGUAGES)}.",
        error_id="unknown-language",
        field="language",
    )


def _wrong_own_password() -> None:
    raise InvalidValue("This is not your password.", error_id="wrong-own-password", field="old_password")
