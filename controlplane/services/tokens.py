"""API tokens: made once in clear, stored by their SHA-256, checked with each request."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID, uuid4

import structlog

from controlplane.domain.errors import InvalidValue, NotFound
from controlplane.domain.tenant import DEFAULT_TENANT
from controlplane.storage import tenants, token_list, tokens
from controlplane.storage.audit import name_author
from controlplane.storage.database import Database
from controlplane.storage.tables import ApiTokenRow

_PREFIX = "svm_"
_MAX_NAME = 64
_MAX_LENGTH = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who asks, and for which tenant. `system` tokens belong to none and name one with each request."""

    token_id: UUID
    token_name: str
    system: bool
    tenant_id: UUID
    tenant_name: str

    @property
    def label(self) -> str:
        """How a change is noted, e.g. `token billing`."""
        return f"token {self.token_name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownToken:
    """A token in force as it may be shown; `tenant` None: a system token."""

    id: UUID
    name: str
    tenant: str | None
    created_at: datetime
    expires_at: datetime | None


async def create_token(
    db: Database, *, name: str, tenant: str | None, expires_at: datetime | None, by: str
) -> tuple[UUID, str]:
    """Make a token for a tenant (by name), or a system token; return its id and the token in clear.

    It cannot be shown again. Raises NotFound for an unknown tenant, InvalidValue for a name that
    is empty or too long, or an end that has passed.
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
        owner = None
        if tenant is not None:
            owner = await tenants.by_name(session, tenant)
            if owner is None:
                raise NotFound("There is no tenant of this name.", error_id="no-such-tenant", field="tenant")
        await name_author(session, by)
        await tokens.insert(
            session,
            ApiTokenRow(
                id=token_id,
                tenant_id=None if owner is None else owner.id,
                name=name.strip(),
                token_sha256=_digest(clear),
                expires_at=expires_at,
            ),
        )
    structlog.get_logger().info("token.created", token_id=str(token_id), name=name, tenant=tenant)
    return token_id, clear


async def list_tokens(
    db: Database, *, name: str | None = None, scope: UUID | None = None
) -> list[KnownToken]:
    """List the tokens that are in force, oldest first; only those of a name if one is given.

    `scope` is the tenant whose tokens are meant, None for everybody's.
    """
    async with db.transaction() as session:
        found = await token_list.in_force(session, now=datetime.now(UTC), name=name, tenant_id=scope)
        return [
            KnownToken(
                id=row.id,
                name=row.name,
                tenant=tenant,
                created_at=row.created_at,
                expires_at=row.expires_at,
            )
            for row, tenant in found
        ]


async def get_token(db: Database, *, token_id: UUID, scope: UUID | None) -> KnownToken:
    """Return a token that is in force; raises NotFound `no-such-token`, also for one of another tenant."""
    for token in await list_tokens(db, scope=scope):
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
        token = await tokens.valid(session, _digest(clear), now=now)
        if token is None:
            return None
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
        )


def _digest(clear: str) -> bytes:
    return hashlib.sha256(clear.encode("utf-8", "surrogatepass")).digest()
