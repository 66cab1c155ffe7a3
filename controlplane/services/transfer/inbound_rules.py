"""Inbound rules as rows."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, cast
from uuid import UUID

from controlplane.domain.errors import InvalidValue, NotFound
from controlplane.domain.routing.inbound_rule import InboundRule
from controlplane.domain.routing.kinds import RoutingKind
from controlplane.services.routing.objects import create_object, get_object, update_object
from controlplane.services.transfer.cells import (
    columns_of,
    read_by_hours,
    read_integer,
    read_words,
    read_yes,
    write_by_hours,
    write_words,
    write_yes,
)
from controlplane.services.transfer.resource import Applied, Importing, Outcome, changed
from controlplane.storage.database import Database
from controlplane.storage.routing import objects

_RULE = "destination"


class InboundRules:
    """The rows of `inbound-rules`."""

    columns = (
        "name",
        "enabled",
        "priority",
        "dids",
        "callers",
        "trunk",
        "office_hours",
        *columns_of(_RULE),
    )
    key = "name"

    async def rows(self, db: Database, tenant_id: UUID) -> AsyncIterator[Mapping[str, str]]:
        """Yield the cells of all rules."""
        async with db.transaction() as session:
            found = await objects.all_of(session, tenant_id, {RoutingKind.INBOUND_RULE})
        for one in found:
            rule = cast("InboundRule", one.settings)
            yield {
                "name": one.name,
                "enabled": write_yes(rule.enabled),
                "priority": str(rule.priority),
                "dids": write_words(rule.dids),
                "callers": write_words(rule.callers),
                "trunk": rule.trunk or "",
                "office_hours": rule.office_hours or "",
                **write_by_hours(_RULE, rule.destination),
            }

    async def looks_good(self, into: Importing, rows: Sequence[Mapping[str, str]]) -> bool:  # noqa: ARG002
        """Say yes: nothing slow is done for a rule."""
        return True

    async def make(self, into: Importing, cells: Mapping[str, str]) -> Applied:
        """Make or change the rule of a row."""
        kind = RoutingKind.INBOUND_RULE
        name = cells[self.key]
        try:
            before = await get_object(into.db, tenant_id=into.tenant_id, kind=kind, key=name)
        except NotFound:
            await create_object(
                into.db,
                into.jobs,
                tenant_id=into.tenant_id,
                kind=kind,
                number=None,
                name=name,
                settings=InboundRule(**_values(cells, None)),
                by=into.by,
            )
            return Applied(outcome=Outcome.CREATED)
        after = await update_object(
            into.db,
            into.jobs,
            tenant_id=into.tenant_id,
            kind=kind,
            key=name,
            name=None,
            changes=_values(cells, cast("InboundRule", before.settings)),
            by=into.by,
        )
        return Applied(outcome=changed(before.version, after.version))

    async def point(self, into: Importing, cells: Mapping[str, str]) -> bool:  # noqa: ARG002 (see `make`)
        """Do nothing: rules do not point at each other, so that `make` could point them."""
        return False


def _values(cells: Mapping[str, str], present: InboundRule | None) -> dict[str, Any]:
    destination = read_by_hours(_RULE, cells, None if present is None else present.destination)
    if destination is None:
        raise InvalidValue("A rule needs this.", error_id="missing-field", field=_RULE)
    values: dict[str, Any] = {_RULE: destination}
    for name in ("dids", "callers"):
        if name in cells:
            values[name] = read_words(cells[name])
    for name in ("trunk", "office_hours"):
        if name in cells:
            values[name] = cells[name] or None
    if cells.get("priority"):
        values["priority"] = read_integer(cells["priority"], "priority")
    if cells.get("enabled"):
        values["enabled"] = read_yes(cells["enabled"], "enabled")
    return values
