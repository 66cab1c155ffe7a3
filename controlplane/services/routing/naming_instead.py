"""What names office hours or a trunk is listed, and names another one instead, in one transaction."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, Final, cast
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.configuration import Action, ObjectChange, ObjectKind
from controlplane.domain.errors import InvalidValue
from controlplane.domain.routing.kinds import RoutingKind
from controlplane.services.publishing_jobs import defer_change
from controlplane.services.routing.naming import NAMED, check_name
from controlplane.services.routing.objects import RENDERED
from controlplane.storage import extensions
from controlplane.storage.database import Database
from controlplane.storage.paging import Page, cut
from controlplane.storage.queue import Jobs
from controlplane.storage.routing import objects, pointers
from controlplane.storage.routing.documents import rules_from, settings_from, to_document
from controlplane.storage.routing.objects import NamingObject
from controlplane.storage.tables import ExtensionRow, RoutingObjectRow

__all__ = ["NamingObject", "list_namers", "name_instead"]

_MOST_SECONDS: Final = 300
"""So long it lasts at most: thousands of extensions may go by the same office hours."""


async def list_namers(
    db: Database, *, tenant_id: UUID, kind: RoutingKind, name: str, limit: int
) -> Page[NamingObject]:
    """List what names office hours or a trunk."""
    async with db.transaction() as session:
        found = await objects.naming(session, tenant_id, _field_of(kind), name, limit=limit + 1)
    return cut(found, limit)


async def name_instead(
    db: Database, jobs: Jobs, *, tenant_id: UUID, kind: RoutingKind, name: str, to: str | None, by: str
) -> Sequence[NamingObject]:
    """Let all that names one of a kind name `to` instead; return what was changed.

    Without `to` office hours are those of the tenant, and a trunk is any. Raises InvalidValue naming `to`.
    """
    field = _field_of(kind)
    if to == name:
        raise InvalidValue("This is the same one; name another.", error_id="invalid-value", field="to")
    async with db.transaction(seconds=_MOST_SECONDS) as session:
        found = await objects.naming(session, tenant_id, field, name, limit=None)
        ids = {one.object_id for one in found}
        await pointers.lock_objects(session, ids)
        numbers = {one.number for one in found if one.kind == "extension" and one.number is not None}
        await extensions.by_numbers(session, tenant_id, numbers, lock=True)
        if to is not None:
            await check_name(session, tenant_id, kind, to, field="to")
        for row in await pointers.rows_of(session, ids):
            await _change(session, jobs, row, field=field, name=name, to=to, by=by)
    structlog.get_logger().info(
        "routing.named_instead", tenant_id=str(tenant_id), kind=kind.value, name=name, to=to, count=len(found)
    )
    return found


async def _change(
    session: AsyncSession,
    jobs: Jobs,
    row: ExtensionRow | RoutingObjectRow,
    *,
    field: str,
    name: str,
    to: str | None,
    by: str,
) -> None:
    kind = None if isinstance(row, ExtensionRow) else RoutingKind(row.kind)
    before = (
        rules_from(row.rules)
        if isinstance(row, ExtensionRow)
        else settings_from(RoutingKind(row.kind), row.settings)
    )
    if getattr(before, field) != name:
        # Somebody changed it before we had it.
        return
    document = to_document(dataclasses.replace(cast("Any", before), **{field: to}))
    if isinstance(row, ExtensionRow):
        await extensions.update_values(session, row.id, {"rules": document})
    else:
        await objects.update_values(session, row.id, {"settings": document})
    change = ObjectChange(
        kind=ObjectKind.EXTENSION if kind is None else ObjectKind(kind.value),
        name=row.number or str(getattr(row, "name", "")),
        action=Action.CHANGED,
        by=by,
        fields=(field,),
    )
    rendered = kind in RENDERED
    await defer_change(
        session,
        jobs,
        tenant_id=row.tenant_id,
        numbers=[] if row.number is None else [row.number],
        change=change,
        rendered=rendered,
    )


def _field_of(kind: RoutingKind) -> str:
    return next(field for field, named in NAMED.items() if named is kind)
