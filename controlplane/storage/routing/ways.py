"""Queries of what a call may meet: all that is reached from some numbers."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.routing.extension_rules import ExtensionRules
from controlplane.domain.routing.kinds import RoutingKind, Settings
from controlplane.storage.routing.documents import rules_from, settings_from
from controlplane.storage.tables import ExtensionRow, NumberRow, PointerRow, RoutingObjectRow

_LOCK = 0x6C6F6F70  # Of our own, so that no other advisory lock of two numbers is met.


async def lock(session: AsyncSession, tenant_id: UUID) -> None:
    """Let nobody else look for loops of this tenant until the transaction ends."""
    await session.execute(select(func.pg_advisory_xact_lock(_LOCK, func.hashtext(str(tenant_id)))))


async def reached_from(
    session: AsyncSession, tenant_id: UUID, numbers: Collection[str]
) -> dict[str, tuple[str, Settings | ExtensionRules | None]]:
    """Return kind and settings of these numbers, and of all that a call may reach from them by itself.

    Some more may be among them: a pointer does not say what is done with the number.
    """
    reached = (
        select(NumberRow.number, NumberRow.object_id)
        .where(NumberRow.tenant_id == tenant_id, NumberRow.number.in_(numbers))
        .cte("reached", recursive=True)
    )
    # Whom groups and queues ring, and what a key chooses, is no way that a call takes by itself.
    onwards = (
        select(NumberRow.number, NumberRow.object_id)
        .join(PointerRow, (PointerRow.tenant_id == tenant_id) & (PointerRow.number == NumberRow.number))
        .join(reached, reached.c.object_id == PointerRow.object_id)
        .where(
            NumberRow.tenant_id == tenant_id,
            *(PointerRow.slot.not_like(f"{name}.%") for name in ("members", "agents", "keys")),
            PointerRow.slot != "mailbox",
        )
    )
    reached = reached.union(onwards)
    rows = await session.execute(
        select(NumberRow.number, NumberRow.kind, ExtensionRow.rules, RoutingObjectRow.settings)
        .join(reached, reached.c.object_id == NumberRow.object_id)
        .outerjoin(ExtensionRow, ExtensionRow.id == NumberRow.object_id)
        .outerjoin(RoutingObjectRow, RoutingObjectRow.id == NumberRow.object_id)
    )
    found: dict[str, tuple[str, Settings | ExtensionRules | None]] = {}
    for number, kind, rules, settings in rows:
        if rules is not None:
            found[number] = (kind, rules_from(rules))
        elif settings is not None:
            found[number] = (kind, settings_from(RoutingKind(kind), settings))
        else:
            found[number] = (kind, None)
    return found
