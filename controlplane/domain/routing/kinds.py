"""The kinds of object that route calls, and what each one's settings are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from controlplane.domain.numbers import NumberKind
from controlplane.domain.routing.call_queue import CallQueue
from controlplane.domain.routing.hours import OfficeHours
from controlplane.domain.routing.inbound_rule import InboundRule
from controlplane.domain.routing.receptionist import VirtualReceptionist
from controlplane.domain.routing.ring_group import RingGroup
from controlplane.domain.routing.trunk import Trunk

Settings = RingGroup | CallQueue | VirtualReceptionist | InboundRule | Trunk | OfficeHours


class RoutingKind(StrEnum):
    """The word in tables and URLs. The first three have a number, the others a name of their own."""

    RING_GROUP = "ring-group"
    CALL_QUEUE = "call-queue"
    VIRTUAL_RECEPTIONIST = "virtual-receptionist"
    INBOUND_RULE = "inbound-rule"
    TRUNK = "trunk"
    OFFICE_HOURS = "office-hours"

    @property
    def number_kind(self) -> NumberKind | None:
        """What its number is called in the number space; None for what has none."""
        numbered = {RoutingKind.RING_GROUP, RoutingKind.CALL_QUEUE, RoutingKind.VIRTUAL_RECEPTIONIST}
        return NumberKind(self.value) if self in numbered else None

    @property
    def words(self) -> str:
        """Its name in sentences."""
        return self.value.replace("-", " ")


SETTINGS: Final[dict[RoutingKind, type[Settings]]] = {
    RoutingKind.RING_GROUP: RingGroup,
    RoutingKind.CALL_QUEUE: CallQueue,
    RoutingKind.VIRTUAL_RECEPTIONIST: VirtualReceptionist,
    RoutingKind.INBOUND_RULE: InboundRule,
    RoutingKind.TRUNK: Trunk,
    RoutingKind.OFFICE_HOURS: OfficeHours,
}

TENANT_HOURS: Final = "default"
"""The name of the office hours that count where an object names none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutingObject:
    """An object that routes calls. `name` is what people see, and the key of those without a number."""

    id: UUID
    tenant_id: UUID
    kind: RoutingKind
    number: str | None
    name: str
    settings: Settings
    version: int
    created_at: datetime
    updated_at: datetime
