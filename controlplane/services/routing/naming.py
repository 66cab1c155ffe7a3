"""Schedules and trunks are named by others, who must find them, and keep them, as long as they do."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.errors import Conflict, InvalidValue
from controlplane.domain.routing.kinds import RoutingKind
from controlplane.storage.routing import objects
from controlplane.storage.tables import RoutingObjectRow

NAMED: Final = {"office_hours": RoutingKind.OFFICE_HOURS, "trunk": RoutingKind.TRUNK}
_SHOWN = 20


async def check_names(session: AsyncSession, tenant_id: UUID, settings: object) -> None:
    """See that the office hours and the trunk that settings name exist, and stay until the transaction ends.

    Asked before the loops are looked for: whoever deletes one of these waits for nothing else. Raises
    InvalidValue `no-such-office-hours` or `no-such-trunk`.
    """
    for field, kind in NAMED.items():
        name = getattr(settings, field, None)
        if name is not None:
            await check_name(session, tenant_id, kind, name, field=field)


async def check_name(
    session: AsyncSession, tenant_id: UUID, kind: RoutingKind, name: str, *, field: str
) -> None:
    """See that there is one of this name, which stays until the transaction ends; raises InvalidValue."""
    if await objects.hold(session, tenant_id, kind, name):
        return
    none = "There are no" if kind is RoutingKind.OFFICE_HOURS else "There is no"
    raise InvalidValue(
        f"{none} {kind.words} named {name}. Make it first.", error_id=f"no-such-{kind.value}", field=field
    )


async def check_unnamed(session: AsyncSession, row: RoutingObjectRow) -> None:
    """Refuse to delete a schedule or a trunk that something names; raises Conflict `name-in-use`."""
    kind = RoutingKind(row.kind)
    field = next((field for field, named in NAMED.items() if named is kind), None)
    if field is None:
        return
    namers = await objects.naming(session, row.tenant_id, field, row.name, limit=_SHOWN + 1)
    users = [one.number or one.name for one in namers]
    if users:
        more = "" if len(users) <= _SHOWN else " and others"
        raise Conflict(
            f"“{row.name}” is still used by {', '.join(users[:_SHOWN])}{more}. Change them first.",
            error_id="name-in-use",
            details={"used_by": users[:_SHOWN]},
        )
