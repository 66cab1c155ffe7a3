"""API tokens: made once in clear, stored by their SHA-256, checked with each request."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID, uuid4

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.errors import InvalidValue, NotFound
from controlplane.domain.tenant import DEFAULT_TENANT
from controlplane.storage import tenants, token_list, tokens, users
from controlplane.storage.audit import name_author
from controlplane.storage.database import Database
from controlplane.storage.tables import ApiTokenRow

_PREFIX = "svm_"
_MAX_NAME = 64
_MAX_LENGTH = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who asks, and for which tenant. `system` tokens belong to none and name one with each request.

    `user_name` is set for the token of a user, and `member` for one whose rights at mailboxes count.
    """

    token_id: UUID
    token_name: str
    system: bool
    tenant_id: UUID
    tenant_name: str
    user_name: str | None = None
    member: UUID | None = None

    @property
    def label(self) -> str:
        """How a change is noted: `token billing`, or `token billing (user alice)`."""
        token = f"token {self.token_name}"
        return token if self.user_name is None else f"{token} (user {self.user_name})"


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownToken:
    """A token in force as it may be shown; `tenant` None: a system token; `user` whose it is, if one's."""

    id: UUID
    name: str
    tenant: str | None
    created_at: datetime
    expires_at: datetime | None
    user: str | None = None


async def create_token(
    db: Database,
    *,
    name: str,
    tenant: str | None,
    expires_at: datetime | None,
    by: str,
    user: str | None = None,
) -> tuple[UUID, str]:
    """Make a token for a tenant or for a user (by name), or a system token.

    With both the user must be of the tenant. Returns its id and the token in clear, which cannot be shown
    again. That of a user has the user's rights at any time, and ends with them. Raises NotFound for an
    unknown tenant or user, InvalidValue for a name that is empty or too long, or an end that has passed.
    """
    if not 1 <= len(name.strip()) <= _MAX_NAME or not name.isprintable():
        raise InvalidValue(
            f"A token's name has 1 to {_MAX_NAME} visible characters.",
            error_id="invalid-token-name",
            field="name",
        )
    if expires_at is not None and expires_at <= datetime.now(UTC):
        raise InvalidValue(
            "The token would have expired already.", error_id="expires-in-the-past", field="expires_at"
        )
    clear = _PREFIX + secrets.token_urlsafe(32)
    token_id = uuid4()
    async with db.transaction() as session:
        tenant_id, user_id = await _owner(session, tenant, user)
        await name_author(session, by)
        await tokens.insert(
            session,
            ApiTokenRow(
                id=token_id,
                tenant_id=tenant_id,
                user_id=user_id,
                name=name.strip(),
                token_sha256=_digest(clear),
                expires_at=expires_at,
            ),
        )
    structlog.get_logger().info("token.created", token_id=str(token_id), name=name, tenant=tenant, user=user)
    return token_id, clear


async def _owner(
    session: AsyncSession, tenant: str | None, user: str | None
) -> tuple[UUID | None, UUID | None]:
    """Return the ids of the tenant and of the user of a new token."""
    owner = None if tenant is None else await tenants.by_name(session, tenant)
    if tenant is not None and owner is None:
        raise NotFound("There is no tenant of this name.", error_id="no-such-tenant", field="tenant")
    if user is None:
        return (None if owner is None else owner.id), None
    row = await users.by_name(session, user.lower())
    if row is None or (owner is not None and row.tenant_id != owner.id):
        raise NotFound("There is no such user.", error_id="no-such-user", field="user")
    return row.tenant_id, row.id


async def list_tokens(
    db: Database, *, name: str | None = None, scope: UUID | None = None, user_id: UUID | None = None
) -> list[KnownToken]:
    """List the tokens that are in force, oldest first; only those of a name if one is given.

    `scope` is the tenant whose tokens are meant, None for everybody's; `user_id` is the user whose are.
    """
    async with db.transaction() as session:
        found = await token_list.in_force(
            session, now=datetime.now(UTC), name=name, tenant_id=scope, user_id=user_id
        )
        return [
            KnownToken(
                id=row.id,
                name=row.name,
                tenant=tenant,
                created_at=row.created_at,
                expires_at=row.expires_at,
                user=user,
            )
            for row, tenant, user in found
        ]


async def get_token(
    db: Database, *, token_id: UUID, scope: UUID | None, user_id: UUID | None = None
) -> KnownToken:
    """Return a token in force; raises NotFound `no-such-token`, also for one of another tenant or user."""
    for token in await list_tokens(db, scope=scope, user_id=user_id):
        if token.id == token_id:
            return token
    raise NotFound("There is no such token in force.", error_id="no-such-token")


async def revoke_token(db: Database, *, token_id: UUID, by: str) -> None:
    """Revoke a token at once; raises NotFound if there is none in force."""
    async with db.transaction() as session:
        await name_author(session, by)
        revoked = await tokens.revoke(session, token_id, at=datetime.now(UTC))
    if not revoked:
        raise NotFound("There is no such token in force.", error_id="no-such-token")
    structlog.get_logger().info("token.revoked", token_id=str(token_id))


async def authenticate(db: Database, clear: str, *, tenant: str | None, now: datetime) -> Principal | None:
    """Return who a token stands for; None if it is unknown, expired or revoked.

    `tenant` is the name of the tenant that is asked for, None if the request names none. Raises
    NotFound when a system token names one that does not exist, and the same when a tenant's token
    names another one.
    """
    if not clear.startswith(_PREFIX) or len(clear) > _MAX_LENGTH:
        return None
    async with db.transaction() as session:
        # Looked up by a hash of 256 random bits: how long the comparison takes tells nothing.
        found = await tokens.valid(session, _digest(clear), now=now)
        if found is None:
            return None
        token, user = found
        if token.tenant_id is None:
            owner = await tenants.by_name(session, DEFAULT_TENANT if tenant is None else tenant)
        else:
            owner = await tenants.get(session, token.tenant_id)
        if owner is None or tenant not in {None, owner.name}:
            raise NotFound("There is no tenant of this name.", error_id="no-such-tenant", field="X-Tenant")
        return Principal(
            token_id=token.id,
            token_name=token.name,
            system=token.tenant_id is None,
            tenant_id=owner.id,
            tenant_name=owner.name,
            user_name=None if user is None else user.user_name,
            member=None if user is None else users.user_values(user).member,
        )


def _digest(clear: str) -> bytes:
    return hashlib.sha256(clear.encode("utf-8", "surrogatepass")).digest()
