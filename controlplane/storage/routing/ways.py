"""Queries of what a call may meet: all that is reached from some numbers."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Integer, func, literal_column, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.numbers import NumberKind
from controlplane.domain.routing.extension_rules import ExtensionRules
from controlplane.domain.routing.kinds import RoutingKind, Settings
from controlplane.storage.routing.documents import rules_from, settings_from
from controlplane.storage.tables import ExtensionRow, MailboxRow, NumberRow, PointerRow, RoutingObjectRow

_FENCE: ColumnElement[int] = literal_column("0", Integer)
_LOCK = 0x6C6F6F70  # Of our own, so that no other advisory lock of two numbers is met.


async def lock(session: AsyncSession, tenant_id: UUID) -> None:
    """Let nobody else look for loops of this tenant until the transaction ends."""
    await session.execute(select(func.pg_advisory_xact_lock(_LOCK, func.hashtext(str(tenant_id)))))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """An object with a number, as far as a call meets it; `settings` None is that of a mailbox.

    `operator` and `log_in` are what a mailbox offers by keys during its greeting.
    """

    number: str
    kind: NumberKind
    name: str
    enabled: bool
    settings: Settings | ExtensionRules | None
    operator: str | None
    log_in: bool


async def reached_from(
    session: AsyncSession, tenant_id: UUID, numbers: Collection[str], *, by_itself: bool
) -> list[Reached]:
    """Return the objects of these numbers and all that they lead to, over any number of others.

    With `by_itself` what a key chooses and whom groups and queues ring is no way on. Some more may be among
    them: a pointer does not say what is done with the number.
    """
    reached = (
        select(NumberRow.object_id)
        .where(NumberRow.tenant_id == tenant_id, NumberRow.number.in_(numbers))
        .cte("reached", recursive=True)
    )
    # Each step looks the next one up by an index, and nothing else: left to choose, and without statistics
    # (all of it may be made in this transaction), PostgreSQL reads every pointer and number at every step.
    # OFFSET 0 keeps it from that.
    pointing = select(PointerRow.tenant_id, PointerRow.number).where(
        PointerRow.object_id == reached.c.object_id
    )
    if by_itself:
        pointing = pointing.where(
            *(
                PointerRow.slot.not_like(f"{name}.%")
                for name in ("members", "agents", "keys", "mwi_mailboxes")
            ),
            PointerRow.slot.not_in(("mailbox", "operator_number")),
        )
    pointed = pointing.correlate(reached).offset(_FENCE).lateral("pointed")
    onwards = (
        select(NumberRow.object_id)
        .where(NumberRow.tenant_id == pointed.c.tenant_id, NumberRow.number == pointed.c.number)
        .correlate(pointed)
        .offset(_FENCE)
        .lateral("onwards")
    )
    reached = reached.union(
        select(onwards.c.object_id).select_from(reached).join(pointed, true()).join(onwards, true())
    )
    name = func.coalesce(MailboxRow.display_name, ExtensionRow.display_name, RoutingObjectRow.name, "")
    rows = await session.execute(
        select(
            NumberRow.number,
            NumberRow.kind,
            name,
            func.coalesce(MailboxRow.enabled, True),
            ExtensionRow.rules,
            RoutingObjectRow.settings,
            MailboxRow.operator_number,
            func.coalesce(MailboxRow.log_in_from_greeting, False),
        )
        .join(reached, reached.c.object_id == NumberRow.object_id)
        .outerjoin(MailboxRow, MailboxRow.id == NumberRow.object_id)
        .outerjoin(ExtensionRow, ExtensionRow.id == NumberRow.object_id)
        .outerjoin(RoutingObjectRow, RoutingObjectRow.id == NumberRow.object_id)
    )
    return [
        Reached(
            number=number,
            kind=NumberKind(kind),
            name=label,
            enabled=enabled,
            settings=_settings(kind, rules, settings),
            operator=operator,
            log_in=log_in,
        )
        for number, kind, label, enabled, rules, settings, operator, log_in in rows
    ]


def _settings(
    kind: str, rules: dict[str, Any] | None, settings: dict[str, Any] | None
) -> Settings | ExtensionRules | None:
    if rules is not None:
        return rules_from(rules)
    return None if settings is None else settings_from(RoutingKind(kind), settings)


async def extension_numbers(session: AsyncSession, tenant_id: UUID) -> frozenset[str]:
    """Return the numbers of all extensions of a tenant."""
    found = await session.scalars(select(ExtensionRow.number).where(ExtensionRow.tenant_id == tenant_id))
    return frozenset(found)
