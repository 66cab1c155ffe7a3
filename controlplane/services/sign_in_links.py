"""Links that let in once: for the first admin, for an admin at the machine, and to set a password."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID, uuid4

import structlog

from controlplane.domain.errors import NotFound
from controlplane.domain.password import Password, check_password
from controlplane.domain.user import User
from controlplane.services.password_hashing import PasswordHasher
from controlplane.services.user_sessions import digest_of, open_session
from controlplane.services.users import NewUser, create_user, find_user, set_password_hash
from controlplane.storage import sign_in_links, users
from controlplane.storage.audit import name_author
from controlplane.storage.database import Database, JoinedDatabase
from controlplane.storage.tables import SignInLinkRow

PASSWORD_LINK = timedelta(days=3)
MACHINE_LINK = timedelta(days=30)
_MAX_LENGTH = 128


class LinkPurpose(StrEnum):
    """What a link does: make the first admin, only sign in, or set a password."""

    FIRST_ADMIN = "first_admin"
    SIGN_IN = "sign_in"
    PASSWORD = "password"  # noqa: S105 (a word)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInLink:
    """A link that may still be used; no user: it makes one."""

    id: UUID
    purpose: LinkPurpose
    user: User | None


async def link_of_the_machine(db: Database, *, now: datetime) -> str:
    """Make the link for whoever started the product, and return its secret; earlier ones end.

    It makes the first system admin as long as there is none, and afterwards signs in the oldest.
    """
    async with db.transaction() as session:
        await sign_in_links.remove_of_purposes(session, [LinkPurpose.FIRST_ADMIN, LinkPurpose.SIGN_IN])
        admin = await users.oldest_system_admin(session)
        clear = secrets.token_urlsafe(32)
        await sign_in_links.insert(
            session,
            SignInLinkRow(
                id=uuid4(),
                user_id=None if admin is None else admin.id,
                purpose=LinkPurpose.FIRST_ADMIN if admin is None else LinkPurpose.SIGN_IN,
                token_sha256=digest_of(clear),
                expires_at=now + MACHINE_LINK,
            ),
        )
    return clear


async def make_password_link(
    db: Database, user_id: UUID, *, scope: UUID | None, by: str, now: datetime
) -> str:
    """Make a link by which a user sets a password, and return its secret; earlier ones end.

    The present password goes on working until then. Raises NotFound.
    """
    async with db.transaction() as session:
        row = await find_user(session, user_id, scope=scope)
        await sign_in_links.remove_of_user(session, row.id)
        clear = secrets.token_urlsafe(32)
        await sign_in_links.insert(
            session,
            SignInLinkRow(
                id=uuid4(),
                user_id=row.id,
                purpose=LinkPurpose.PASSWORD,
                token_sha256=digest_of(clear),
                expires_at=now + PASSWORD_LINK,
            ),
        )
    structlog.get_logger().info("user.link_made", user=row.user_name, by=by)
    return clear


async def read_link(db: Database, clear: str, *, now: datetime) -> SignInLink:
    """Return a link that may still be used; raises NotFound `link-used` for every other one."""
    found = None
    if len(clear) <= _MAX_LENGTH:
        async with db.transaction() as session:
            found = await sign_in_links.valid(session, digest_of(clear), now=now)
    if found is None:
        raise _used()
    row, user = found
    return SignInLink(
        id=row.id,
        purpose=LinkPurpose(row.purpose),
        user=None if user is None else users.user_values(user),
    )


async def sign_in_by_link(db: Database, link: SignInLink, *, replaces: str | None, now: datetime) -> str:
    """Use a link up and return the secret of a new session; raises NotFound `link-used`."""
    assert link.user is not None
    async with db.transaction() as session:
        if not await sign_in_links.take(session, link.id):
            raise _used()
        clear = await open_session(session, user_id=link.user.id, replaces=replaces, now=now)
    structlog.get_logger().info("user.signed_in_by_link", user=link.user.user_name)
    return clear


async def set_password_by_link(
    db: Database,
    hasher: PasswordHasher,
    link: SignInLink,
    *,
    password: Password,
    replaces: str | None,
    now: datetime,
) -> str:
    """Set the password of a link's user, and sign them in; what the old password opened is closed.

    Raises InvalidValue, NotFound `link-used`.
    """
    assert link.user is not None
    check_password(password, user_name=link.user.user_name)
    password_hash = await hasher.hash(password)
    async with db.transaction() as session:
        if not await sign_in_links.take(session, link.id):
            raise _used()
        await name_author(session, f"user {link.user.user_name}")
        await set_password_hash(session, link.user.id, password_hash)
        clear = await open_session(session, user_id=link.user.id, replaces=replaces, now=now)
    structlog.get_logger().info("user.password_set_by_link", user=link.user.user_name)
    return clear


async def first_admin_by_link(
    db: Database,
    hasher: PasswordHasher,
    link: SignInLink,
    *,
    user_name: str,
    display_name: str,
    password: Password,
    replaces: str | None,
    now: datetime,
) -> str:
    """Make a system admin, and sign them in.

    Raises InvalidValue (InvalidValues for several fields), Conflict `user-name-taken`, NotFound
    `link-used`.
    """
    new = NewUser(user_name=user_name, display_name=display_name, tenant=None, password=password)
    async with db.transaction() as session:
        if not await sign_in_links.take(session, link.id):
            raise _used()
        user = await create_user(
            JoinedDatabase(session), hasher, new=new, scope=None, by="link of the machine"
        )
        return await open_session(session, user_id=user.id, replaces=replaces, now=now)


def _used() -> NotFound:
    return NotFound("This link was used, has expired, or was replaced by another one.", error_id="link-used")
