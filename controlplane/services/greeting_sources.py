"""The sources by which a mailbox may greet callers: what they pass, and what they dial from outside."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from controlplane.domain.numbers import NumberKind
from controlplane.domain.routing.inbound_rule import InboundRule
from controlplane.domain.routing.kinds import RoutingKind
from controlplane.storage import numbers
from controlplane.storage.database import Database
from controlplane.storage.routing import objects

_PASSED: Final = (
    NumberKind.CALL_QUEUE,
    NumberKind.RING_GROUP,
    NumberKind.VIRTUAL_RECEPTIONIST,
    NumberKind.EXTENSION,
)
_OF_A_KIND: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A number that callers pass, or dial from outside; `kind` None: nothing has it any more."""

    number: str
    kind: str | None = None
    name: str = ""


async def suggested_sources(db: Database, tenant_id: UUID) -> list[Source]:
    """Return the first sources of each kind, those of the inbound rules last."""
    found: list[Source] = []
    async with db.transaction() as session:
        for kind in _PASSED:
            page = await numbers.page(
                session, tenant_id=tenant_id, q=None, limit=_OF_A_KIND, after=None, kind=kind
            )
            found += [Source(number=one.number, kind=kind.value, name=one.display_name) for one in page.items]
    return found + await _dialled(db, tenant_id)


async def named_sources(db: Database, tenant_id: UUID, wanted: Collection[str]) -> dict[str, Source]:
    """Return what sources are, by their numbers without the plus sign."""
    keys = {number.removeprefix("+") for number in wanted if number}
    if not keys:
        return {}
    async with db.transaction() as session:
        names = await numbers.names(session, tenant_id, keys)
        kinds = await numbers.kinds(session, tenant_id, keys)
    found = {key: Source(number=key) for key in keys}
    found |= {
        source.number.removeprefix("+"): source
        for source in await _dialled(db, tenant_id)
        if source.number.removeprefix("+") in keys
    }
    found |= {
        key: Source(number=key, kind=kind.value, name=names.get(key, "")) for key, kind in kinds.items()
    }
    return found


async def _dialled(db: Database, tenant_id: UUID) -> list[Source]:
    async with db.transaction() as session:
        page = await objects.page(
            session, tenant_id=tenant_id, kind=RoutingKind.INBOUND_RULE, q=None, limit=_OF_A_KIND, after=None
        )
    return [
        Source(number=did, kind=RoutingKind.INBOUND_RULE.value, name=rule.name)
        for rule in page.items
        if isinstance(rule.settings, InboundRule)
        for did in rule.settings.dids
    ]
