"""Tries of a mailbox's PIN: counted and committed first, verified afterwards, and not at all when locked."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.callflows.voicemail import PinSource
from controlplane.domain.pin import Pin
from controlplane.domain.pin_locks import History, PinLockPolicy, is_locked, reaches_limit
from controlplane.services.pin_hashing import PinHasher
from controlplane.storage import mailboxes, pin_tries
from controlplane.storage.database import Database
from controlplane.storage.mailboxes import PinFacts
from controlplane.storage.queue import Jobs

PIN_ALARM = "mail.pin_alarm"


Clock = Callable[[AsyncSession], Awaitable[datetime]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Counted:
    """A try that is committed; `facts` None if there is nothing that could be right."""

    try_id: int
    facts: PinFacts | None
    outside: bool


class Pins:
    """Everything is decided by rows in the database: a restart, or a second process, changes nothing."""

    def __init__(
        self,
        database: Database,
        hasher: PinHasher,
        jobs: Jobs,
        *,
        policy: PinLockPolicy,
        clock: Clock = pin_tries.database_time,
    ) -> None:
        self._database = database
        self._hasher = hasher
        self._jobs = jobs
        self._policy = policy
        self._clock = clock

    async def try_pin(self, mailbox_id: UUID | None, source: PinSource, pin: Pin) -> bool:
        """Count and commit a try, then verify it; True if right.

        A locked source is neither counted nor verified. It gets False after the same work, as
        does a mailbox that does not exist or belongs to another tenant. The verification is
        outside any transaction. Raises Unavailable.
        """
        name = source.extension or pin_tries.OUTSIDE
        log = structlog.get_logger().bind(mailbox_id=mailbox_id and str(mailbox_id), source=name)
        async with self._database.transaction() as session:
            counted = await self._count(session, mailbox_id, source.tenant_id, name)
        stored = counted.facts.pin_hash if counted and counted.facts else None
        right = await self._hasher.verify(stored, pin)
        if counted is None:
            log.warning("pin.locked")
            return False
        if right:
            await self._was_right(counted, pin)
        else:
            await self._was_wrong(counted)
        log.info("pin.right" if right else "pin.wrong")
        return right

    async def _count(
        self, session: AsyncSession, mailbox_id: UUID | None, tenant_id: UUID, name: str
    ) -> _Counted | None:
        """Count a try unless its source is locked (None); one at a time per mailbox and per source."""
        await pin_tries.serialize(session, tenant_id=tenant_id, mailbox_id=mailbox_id, source=name)
        facts = None if mailbox_id is None else await mailboxes.pin_facts(session, mailbox_id)
        if facts is not None and facts.tenant_id != tenant_id:
            facts = None
        now = await self._clock(session)
        target = None if facts is None else facts.mailbox_id
        wrong_of_source = await pin_tries.newest_wrong_of_source(
            session,
            tenant_id=tenant_id,
            mailbox_id=target,
            source=name,
            limit=self._policy.wrong_of_a_source_in_a_day,
        )
        history = History(wrong_of_source=wrong_of_source)
        if facts is not None:
            history = await self._history(session, history, facts, name, now)
            if reaches_limit(history.wrong_of_mailbox, self._policy):
                await self._raise_alarm(session, facts, now, outside=_is_outside(name))
        if is_locked(history, self._policy, now=now):
            return None
        try_id = await pin_tries.add(session, tenant_id=tenant_id, mailbox_id=target, source=name, at=now)
        return _Counted(try_id=try_id, facts=facts, outside=_is_outside(name))

    async def _history(
        self, session: AsyncSession, known: History, facts: PinFacts, name: str, now: datetime
    ) -> History:
        changed, outside = facts.changed_at, _is_outside(name)
        return replace(
            known,
            with_mailbox=await pin_tries.since_last_right(
                session, mailbox_id=facts.mailbox_id, source=name, after=changed
            ),
            wrong_of_mailbox=await self._count_wrong(session, facts, now, outside=outside),
            refused=facts.refused_at is not None or (outside and facts.refused_outside_at is not None),
            was_right=not outside
            and await pin_tries.was_ever_right(
                session, mailbox_id=facts.mailbox_id, source=name, after=changed
            ),
        )

    async def _count_wrong(
        self, session: AsyncSession, facts: PinFacts, now: datetime, *, outside: bool
    ) -> int:
        return await pin_tries.count_wrong_of_mailbox(
            session,
            mailbox_id=facts.mailbox_id,
            after=max(facts.changed_at, now - self._policy.mailbox_window),
            outside=outside,
        )

    async def _was_right(self, counted: _Counted, pin: Pin) -> None:
        """Mark the try; store the PIN under the newest key and parameters if it is not."""
        facts = counted.facts
        assert facts is not None
        newer = await self._hasher.hash(pin) if self._hasher.is_outdated(facts.pin_hash) else None
        async with self._database.transaction() as session:
            await pin_tries.mark_correct(session, counted.try_id)
            if newer is not None:
                await mailboxes.replace_pin_hash(session, facts.mailbox_id, old=facts.pin_hash, new=newer)

    async def _was_wrong(self, counted: _Counted) -> None:
        """Tell the recipients if this was the last try that the mailbox allows to phones, or from outside."""
        # The same transaction for a mailbox that does not exist, so that both take the same time.
        async with self._database.transaction() as session:
            target = UUID(int=0) if counted.facts is None else counted.facts.mailbox_id
            facts = await mailboxes.pin_facts(session, target)
            if facts is None:
                return
            now = await self._clock(session)
            wrong = await self._count_wrong(session, facts, now, outside=counted.outside)
            if reaches_limit(wrong, self._policy):
                await self._raise_alarm(session, facts, now, outside=counted.outside)

    async def _raise_alarm(
        self, session: AsyncSession, facts: PinFacts, now: datetime, *, outside: bool
    ) -> None:
        """Note that the PIN is refused from now on and defer the mail about it; only the first does both."""
        if (facts.refused_outside_at if outside else facts.refused_at) is not None:
            return
        mailbox_id = str(facts.mailbox_id)
        if await mailboxes.refuse_pin(
            session, facts.mailbox_id, pin_hash=facts.pin_hash, at=now, outside=outside
        ):
            # A worker of the version before knows nothing of outside.
            more: dict[str, Any] = {"outside": True} if outside else {}
            await self._jobs.defer(session, PIN_ALARM, mailbox_id=mailbox_id, **more)
            structlog.get_logger().error("pin.refused_until_changed", mailbox_id=mailbox_id, outside=outside)


def _is_outside(source: str) -> bool:
    return source == pin_tries.OUTSIDE
