"""Users of the portal: making, listing, changing, deleting, and their passwords.

Whoever manages users has a `scope`: the tenant whose users they may see, None for everybody's.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, TypedDict
from uuid import UUID, uuid4

import structlog
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.errors import Conflict, InvalidValue, NotFound, PreconditionFailed
from controlplane.domain.password import Password, check_password
from controlplane.domain.text import parse_display_name
from controlplane.domain.user import Role, User, parse_user_name
from controlplane.services.mailbox_rules import Faults
from controlplane.services.password_hashing import PasswordHasher
from controlplane.services.user_sessions import SignedIn
from controlplane.storage import (
    extensions,
    members,
    sign_in_links,
    tenants,
    tokens,
    user_sessions,
    users,
)
from controlplane.storage.audit import name_author
from controlplane.storage.constraints import constraint_of
from controlplane.storage.database import Database
from controlplane.storage.paging import Page
from controlplane.storage.tables import UserRow

INTERFACE_LANGUAGES = ("de", "en")
"""The languages of the portal; a test sees that each has a catalogue."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewUser:
    """A user to be made. `tenant` is a name, None for a system admin; without a password, by a link.

    `role` is that of a user of a tenant; `extension` is a number.
    """

    user_name: str
    display_name: str
    tenant: str | None
    password: Password | None = None
    role: Role = Role.TENANT_ADMIN
    extension: str | None = None
    pin_spared: bool = False


class UserChanges(TypedDict, total=False):
    """What is to change; the user name never does. `language` None: as the browser says.

    `role` is one of those of a tenant; `extension` is a number, None for none.
    """

    display_name: str
    language: str | None
    played_is_read: bool
    enabled: bool
    role: Role
    extension: str | None
    pin_spared: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Losses:
    """What goes with a user who is deleted: mailboxes with rights of their own, teams, and tokens."""

    mailboxes: int
    teams: int
    tokens: int


async def create_user(
    db: Database, hasher: PasswordHasher, *, new: NewUser, scope: UUID | None, by: str
) -> User:
    """Make a user; `by` names who did it.

    Raises InvalidValue (InvalidValues for several fields), NotFound `no-such-tenant`, Conflict
    `user-name-taken`, `extension-has-user`.
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
            tenant_id = await _tenant_of(session, new.tenant, scope)
            row = UserRow(
                id=uuid4(),
                tenant_id=tenant_id,
                user_name=user_name,
                display_name=display_name,
                role=_role(new.role, tenant_id).value,
                password_hash=password_hash,
                extension_id=await _extension_of(session, new.extension, tenant_id),
                pin_spared=new.pin_spared,
            )
            await name_author(session, by)
            await users.insert(session, row)
    except IntegrityError as error:
        raise _clash(error) from error
    structlog.get_logger().info("user.created", user=row.user_name, role=row.role, by=by)
    return users.user_values(row, new.extension)


async def list_users(db: Database, *, scope: UUID | None) -> list[User]:
    """List users by name."""
    async with db.transaction() as session:
        return await users.with_extensions(session, await users.listed(session, tenant_id=scope))


async def browse_users(
    db: Database, *, tenant_id: UUID, q: str | None, limit: int, after: str | None
) -> Page[User]:
    """List the users of a tenant by name, after one of them."""
    async with db.transaction() as session:
        page = await users.page(session, tenant_id=tenant_id, q=q, limit=limit, after=after)
        return Page(items=await users.with_extensions(session, page.items), more=page.more)


async def get_user(db: Database, user_id: UUID, *, scope: UUID | None) -> User:
    """Return a user; raises NotFound."""
    async with db.transaction() as session:
        row = await find_user(session, user_id, scope=scope)
        return (await users.with_extensions(session, [row]))[0]


async def find_by_name(db: Database, user_name: str, *, tenant_id: UUID) -> User:
    """Return the user of a tenant with a name; raises NotFound."""
    async with db.transaction() as session:
        row = await users.by_name(session, user_name.lower())
        if row is None or row.tenant_id != tenant_id:
            raise _no_such_user()
        return (await users.with_extensions(session, [row]))[0]


async def find_users(db: Database, user_names: Collection[str], *, tenant_id: UUID) -> list[User]:
    """Return those of these users that are of a tenant, by name."""
    async with db.transaction() as session:
        rows = await users.of_tenant(session, tenant_id, [name.lower() for name in user_names])
        return await users.with_extensions(session, [rows[name] for name in sorted(rows)])


async def update_user(
    db: Database,
    user_id: UUID,
    *,
    changes: UserChanges,
    scope: UUID | None,
    by: str,
    author: UUID | None = None,
    expected_version: int | None = None,
) -> User:
    """Change a user and return it; one who is disabled is signed out everywhere.

    `author` is the user who does it, if one does. Raises NotFound, InvalidValue, PreconditionFailed when
    the version is not the expected one, Conflict `last-system-admin`, `own-user` for another role of
    oneself, `extension-has-user`.
    """
    faults = Faults()
    values: dict[str, Any] = dict(changes)
    if "display_name" in changes:
        values["display_name"] = faults.check(lambda: parse_display_name(changes["display_name"]))
    if changes.get("language") not in {None, *INTERFACE_LANGUAGES}:
        faults.check(_unknown_language)
    faults.done()
    try:
        async with db.transaction() as session:
            await name_author(session, by)
            row = await find_user(session, user_id, scope=scope, lock=True)
            _check_version(row, expected_version)
            if "role" in changes:
                values["role"] = _role(changes["role"], row.tenant_id).value
                if values["role"] != row.role and author == row.id:
                    raise _own_user()
            if "extension" in changes:
                values["extension_id"] = await _extension_of(session, values.pop("extension"), row.tenant_id)
            if not changes.get("enabled", True):
                await _end(session, row)
            values = {key: value for key, value in values.items() if getattr(row, key) != value}
            if values:
                row = await users.update_values(session, row.id, values)
            (user,) = await users.with_extensions(session, [row])
    except IntegrityError as error:
        raise _clash(error) from error
    structlog.get_logger().info("user.changed", user=row.user_name, fields=sorted(changes), by=by)
    return user


async def losses(db: Database, user_id: UUID, *, scope: UUID | None) -> Losses:
    """Return what goes with a user who is deleted; raises NotFound."""
    async with db.transaction() as session:
        row = await find_user(session, user_id, scope=scope)
        counted = await members.count_of_user(session, row.id)
        return Losses(**counted, tokens=await tokens.count_of_user(session, row.id))


async def delete_user(
    db: Database,
    user_id: UUID,
    *,
    scope: UUID | None,
    by: str,
    author: UUID | None = None,
    expected_version: int | None = None,
) -> User:
    """Remove a user for good, with their sessions, links, tokens and rights; return who it was.

    Raises NotFound, PreconditionFailed, Conflict `last-system-admin`, `own-user` for oneself.
    """
    async with db.transaction() as session:
        await name_author(session, by)
        row = await find_user(session, user_id, scope=scope, lock=True)
        _check_version(row, expected_version)
        if author == row.id:
            raise _own_user()
        await _end(session, row)
        user = users.user_values(row)
        await users.remove(session, row.id)
    structlog.get_logger().info("user.deleted", user=user.user_name, by=by)
    return user


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
        raise _no_such_user()
    return row


def _no_such_user() -> NotFound:
    return NotFound("There is no such user.", error_id="no-such-user")


def _check_version(row: UserRow, expected: int | None) -> None:
    if expected is not None and row.version != expected:
        raise PreconditionFailed("The user was changed by somebody else since it was read.")


def _role(role: Role, tenant_id: UUID | None) -> Role:
    """Return the role of a user: system admins are of no tenant, and nobody else is so."""
    if tenant_id is None:
        return Role.SYSTEM_ADMIN
    if role is Role.SYSTEM_ADMIN:
        raise InvalidValue(
            "A user of a tenant is a tenant_admin or a member.", error_id="invalid-role", field="role"
        )
    return role


async def _extension_of(session: AsyncSession, number: str | None, tenant_id: UUID | None) -> UUID | None:
    """Return the id of the extension of a user; raises InvalidValue."""
    if not number:
        return None
    row = None if tenant_id is None else await extensions.by_number(session, tenant_id, number, lock=True)
    if row is None:
        raise InvalidValue(
            "There is no extension with this number.", error_id="not-an-extension", field="extension"
        )
    return row.id


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


def _own_user() -> Conflict:
    return Conflict("Somebody else has to do this: it is your own user.", error_id="own-user", field="role")


def _clash(error: IntegrityError) -> Conflict:
    if constraint_of(error) == "uq_users_extension_id":
        return Conflict(
            "This extension is somebody else's: it is of one person at most.",
            error_id="extension-has-user",
            field="extension",
        )
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
