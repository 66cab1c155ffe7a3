"""Pages of extensions and of the objects that route calls, for people: searched, by key or by name."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from controlplane.domain.routing.extension_rules import ExtensionRules
from controlplane.domain.routing.inbound_rule import InboundRule
from controlplane.domain.routing.kinds import RoutingKind, Settings
from controlplane.storage.paging import Page, contains, cut
from controlplane.storage.routing.documents import rules_from, settings_from
from controlplane.storage.tables import ExtensionRow, RoutingObjectRow


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderedObject:
    """What a list shows of an object; `sorted_by` is its place in the order, with `key`."""

    key: str
    number: str | None
    name: str
    settings: Settings | ExtensionRules
    sorted_by: str


async def page(
    session: AsyncSession,
    *,
    tenant_id: UUID,
    kind: RoutingKind | None,
    q: str | None,
    by_name: bool,
    descending: bool,
    limit: int,
    after: tuple[str, str] | None,
) -> Page[OrderedObject]:
    """List objects of a kind, None for extensions, after one of them (`sorted_by` and key).

    `q` is a part of the number or of the name. Those with the same name are in the order of their keys.
    Without `by_name` inbound rules are in the order in which they are asked, all others in that of the keys.
    """
    table: type[Any] = ExtensionRow if kind is None else RoutingObjectRow
    name: InstrumentedAttribute[str] = table.display_name if kind is None else table.name
    has_number = kind is None or kind.number_kind is not None
    key = (table.number if has_number else name).collate("C")
    order: ColumnElement[Any] = func.lower(name) if by_name else _order(table, kind, key)
    columns = (key, name, table.rules if kind is None else table.settings, order)
    query = select(*columns).where(table.tenant_id == tenant_id)
    if kind is not None:
        query = query.where(table.kind == kind.value)
    if q:
        query = query.where(or_(contains(table.number, q), contains(name, q)))
    if after is not None:
        place, last = after
        beyond = order < place if descending else order > place
        query = query.where(or_(beyond, and_(order == place, key > last)))
    query = query.order_by(order.desc() if descending else order, key).limit(limit + 1)
    found = cut((await session.execute(query)).all(), limit)
    return Page(
        items=[
            OrderedObject(
                key=own,
                number=own if has_number else None,
                name=label,
                settings=rules_from(document) if kind is None else settings_from(kind, document),
                sorted_by=place,
            )
            for own, label, document, place in found.items
        ],
        more=found.more,
    )


def _order(table: type[Any], kind: RoutingKind | None, key: ColumnElement[Any]) -> ColumnElement[Any]:
    if kind is not RoutingKind.INBOUND_RULE:
        return key
    # What is as it is by itself is not stored.
    usual = next(each.default for each in fields(InboundRule) if each.name == "priority")
    return func.lpad(func.coalesce(table.settings["priority"].astext, str(usual)), 4, "0")
