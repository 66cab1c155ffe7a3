"""Signing in by password: tries are counted and committed first, verified afterwards, or made to wait."""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog

from controlplane.domain.errors import DomainError, InvalidValue
from controlplane.domain.password import Password
from controlplane.domain.sign_in_limits import LIMITS, source_of, waits_until
from controlplane.domain.user import parse_user_name
from controlplane.services.password_hashing import PasswordHasher
from controlplane.services.user_sessions import digest_of, open_session
from controlplane.storage import sign_in_tries, users
from controlplane.storage.database import Database

_WINDOW = timedelta(days=2)


class WrongPassword(InvalidValue):
    """User name and password do not fit; which of them is nobody's business."""

    error_id = "wrong-password"


class TooManyTries(DomainError):
    """It was tried too often; `details` says how many seconds to wait."""

    error_id = "too-many-tries"


async def sign_in(
    db: Database,
    hasher: PasswordHasher,
    *,
    user_name: str,
    password: Password,
    address: str | None,
    replaces: str | None,
    now: datetime,
) -> str:
    """Return the secret of a new session; the one that it `replaces` ends.

    An unknown or disabled user costs the same work. Raises WrongPassword, TooManyTries.
    """
    account, source = digest_of(user_name.strip().lower()), source_of(address)
    log = structlog.get_logger().bind(address=source)
    async with db.transaction() as session:
        await sign_in_tries.serialize(session, account=account, address=source)
        end = waits_until(
            await sign_in_tries.of_account(session, account, after=now - _WINDOW),
            await sign_in_tries.newest_wrong_of_address(
                session, source, limit=LIMITS.wrong_of_a_source_in_a_day
            ),
            now=now,
        )
        user = await users.by_name(session, _known_form(user_name))
        if end is None:
            try_id = await sign_in_tries.add(session, account=account, address=source, at=now)
    # A name that nobody has may be a password: only a real one is logged.
    log = log.bind(user=None if user is None else user.user_name)
    if end is not None:
        log.warning("user.sign_in_waits")
        raise TooManyTries(
            "This was tried too often. Wait a little.",
            details={"seconds": max(1, round((end - now).total_seconds()))},
        )
    right = await hasher.verify(None if user is None else user.password_hash, password)
    if user is None or not right or not user.enabled:
        log.warning("user.sign_in_refused")
        raise WrongPassword("User name and password do not fit.", field="user_name")
    assert user.password_hash is not None
    newer = await hasher.hash(password) if hasher.is_outdated(user.password_hash) else None
    async with db.transaction() as session:
        await sign_in_tries.mark_correct(session, try_id)
        clear = await open_session(session, user_id=user.id, replaces=replaces, now=now)
        if newer is not None:
            await users.replace_password_hash(session, user.id, old=user.password_hash, new=newer)
    log.info("user.signed_in")
    return clear


def _known_form(user_name: str) -> str:
    """Return the name as users have it; empty for what nobody can have."""
    try:
        return parse_user_name(user_name)
    except InvalidValue:
        return ""
