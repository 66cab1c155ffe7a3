"""Which greeting a caller hears, by what office hours say at that moment; and why not another one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.greeting import CallMoment, HeardGreeting, PassedOver, heard_greeting, passed_over
from controlplane.domain.mailbox import GreetingKind, Mailbox
from controlplane.domain.message import ReachedBy, ReachedReason, ReachedStep
from controlplane.domain.routing.hours import Hours
from controlplane.services.mailbox_rules import parse_source
from controlplane.services.mailboxes import find_mailbox
from controlplane.speech.catalogue import available_languages
from controlplane.storage import numbers
from controlplane.storage.database import Database
from controlplane.storage.mailboxes import mailbox_values
from controlplane.storage.routing.hours_of_ways import hours_of_way

_BY_HOURS = frozenset({GreetingKind.CLOSED, GreetingKind.HOLIDAY})


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectiveGreeting:
    """What a caller would hear of a mailbox at a moment, and the greetings that it goes before."""

    mailbox: Mailbox
    moment: CallMoment
    heard: HeardGreeting
    passed_over: tuple[PassedOver, ...]


async def hours_at(session: AsyncSession, mailbox: Mailbox, way: ReachedBy, at: datetime) -> Hours:
    """Say what office hours a call goes by say; open where no greeting of the mailbox asks for them."""
    if not any(one.kind in _BY_HOURS for one in mailbox.kind_greetings):
        return Hours.OPEN
    passed = [step.number for step in way.path if step.number]
    schedule = await hours_of_way(session, mailbox.tenant_id, passed)
    return schedule.at(at)


async def effective_greeting(
    db: Database,
    *,
    tenant_id: UUID,
    number: str,
    sources: Sequence[str],
    reason: ReachedReason,
    at: datetime,
) -> EffectiveGreeting:
    """Return what a caller hears who comes from `sources`, the nearest last, which sent the call on.

    `reason` is why it did. Raises NotFound, and InvalidValue (`from`) for what is no source.
    """
    for source in sources:
        parse_source(source, field="from")
    async with db.transaction() as session:
        mailbox = mailbox_values(*await find_mailbox(session, tenant_id, number), available_languages())
        way = await _way(session, tenant_id, sources, reason)
        moment = CallMoment(way=way, at=at, hours=await hours_at(session, mailbox, way, at))
    heard = heard_greeting(mailbox, moment)
    return EffectiveGreeting(
        mailbox=mailbox,
        moment=moment,
        heard=heard,
        passed_over=tuple(passed_over(mailbox, moment, heard)),
    )


async def _way(
    session: AsyncSession, tenant_id: UUID, sources: Sequence[str], reason: ReachedReason
) -> ReachedBy:
    """Return a way through numbers of the tenant; the first one that is none of these was dialled outside."""
    kinds = await numbers.kinds(session, tenant_id, [source.removeprefix("+") for source in sources])
    dialled = next((one for one in sources if one.removeprefix("+") not in kinds), None)
    passed = [one.removeprefix("+") for one in sources if one != dialled]
    if not passed and reason is not ReachedReason.DIRECT:
        # Something sent the call on that nobody named.
        passed = [""]
    steps = [
        ReachedStep(
            kind=kinds[one].value if one in kinds else "",
            number=one,
            reason=reason if place == len(passed) - 1 else ReachedReason.DIRECT,
        )
        for place, one in enumerate(passed)
    ]
    return ReachedBy(did=dialled, reason=reason, path=tuple(steps))
