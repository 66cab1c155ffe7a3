"""Browsers that are signed in: made once in clear, stored by their SHA-256, checked with each request."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.errors import NotFound
from controlplane.domain.user import Role, User
from controlplane.storage import sign_in_links, sign_in_tries, tenants, user_sessions, users
from controlplane.storage.database import Database
from controlplane.storage.tables import UserSessionRow

IDLE = timedelta(hours=12)
LONGEST = timedelta(days=30)
_NOTED_EACH = timedelta(minutes=1)
_MAX_LENGTH = 128
_TRIES_KEPT = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """Who asks in the portal, and for which tenant; a system admin chooses it."""

    session_id: UUID
    user: User
    tenant_id: UUID
    tenant_name: str
    time_zone: str

    @property
    def label(self) -> str:
        """How a change is noted, e.g. `user alice`."""
        return f"user {self.user.user_name}"

    @property
    def system(self) -> bool:
        """Whether every tenant is theirs."""
        return self.user.role is Role.SYSTEM_ADMIN

    @property
    def admin(self) -> bool:
        """Whether everything of the tenant is theirs."""
        return self.user.role is not Role.MEMBER

    @property
    def member(self) -> UUID | None:
        """Whose rights at mailboxes count: their own; None for admins, who have all."""
        return self.user.member


def digest_of(clear: str) -> bytes:
    """Return what is stored of the secret of a session or a link."""
    return hashlib.sha256(clear.encode("utf-8", "surrogatepass")).digest()


async def open_session(session: AsyncSession, *, user_id: UUID, replaces: str | None, now: datetime) -> str:
    """Make a session within a transaction and return its secret; the one that it `replaces` ends.

    A new secret each time: what somebody put into a browser before is worth nothing (fixation).
    """
    if replaces is not None:
        await user_sessions.remove(session, digest_of(replaces))
    clear = secrets.token_urlsafe(32)
    await user_sessions.insert(
        session,
        UserSessionRow(
            id=uuid4(), user_id=user_id, token_sha256=digest_of(clear), created_at=now, last_seen_at=now
        ),
    )
    await users.note_sign_in(session, user_id, at=now)
    return clear


async def read_session(db: Database, clear: str, *, now: datetime, in_use: bool = True) -> SignedIn | None:
    """Return who a session stands for; None if it is unknown, has ended, or its user is disabled.

    `in_use` says that a person asks, which puts off its end, and not a page by itself.
    """
    if len(clear) > _MAX_LENGTH:
        return None
    async with db.transaction() as session:
        found = await user_sessions.valid(
            session, digest_of(clear), seen_after=now - IDLE, created_after=now - LONGEST
        )
        if found is None:
            return None
        row, user, tenant = found
        if in_use and now - row.last_seen_at >= _NOTED_EACH:
            await user_sessions.seen(session, row.id, at=now)
    return SignedIn(
        session_id=row.id,
        user=users.user_values(user),
        tenant_id=tenant.id,
        tenant_name=tenant.name,
        time_zone=tenant.time_zone,
    )


async def session_holds(db: Database, clear: str, tenant_id: UUID, *, now: datetime) -> bool:
    """Say whether a session is still in force and works on this tenant; that it was asked is not noted."""
    async with db.transaction() as session:
        found = await user_sessions.valid(
            session, digest_of(clear), seen_after=now - IDLE, created_after=now - LONGEST
        )
    return found is not None and found[2].id == tenant_id


async def sign_out(db: Database, clear: str) -> None:
    """End a session; does nothing if there is none."""
    async with db.transaction() as session:
        await user_sessions.remove(session, digest_of(clear))


async def sign_out_elsewhere(db: Database, by: SignedIn) -> int:
    """End all sessions of a user but the one that asks; return how many."""
    async with db.transaction() as session:
        ended = await user_sessions.remove_of_user(session, by.user.id, but=by.session_id)
    structlog.get_logger().info("user.signed_out_elsewhere", user=by.user.user_name, sessions=ended)
    return ended


async def count_sessions(db: Database, by: SignedIn, *, now: datetime) -> int:
    """Count the browsers in which a user is signed in."""
    async with db.transaction() as session:
        return await user_sessions.count_of_user(
            session, by.user.id, seen_after=now - IDLE, created_after=now - LONGEST
        )


async def choose_tenant(db: Database, by: SignedIn, *, name: str) -> None:
    """Have the session of a system admin work on another tenant; raises NotFound `no-such-tenant`."""
    async with db.transaction() as session:
        tenant = await tenants.by_name(session, name) if by.system else None
        if tenant is None:
            raise NotFound("There is no tenant of this name.", error_id="no-such-tenant", field="tenant")
        await user_sessions.choose_tenant(session, by.session_id, tenant.id)


async def purge_signing_in(db: Database, *, now: datetime) -> None:
    """Remove sessions and links that have ended, and tries that count no more."""
    async with db.transaction() as session:
        await user_sessions.purge(session, seen_before=now - IDLE, created_before=now - LONGEST)
        await sign_in_links.purge(session, now=now)
        await sign_in_tries.purge(session, before=now - _TRIES_KEPT)
