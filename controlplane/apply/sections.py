"""The sections of a file, in the order in which their objects come to be."""

from __future__ import annotations

from typing import Final

from controlplane.apply.codes import FeatureCodes, ReservedNumbers
from controlplane.apply.extensions import Extensions
from controlplane.apply.mailboxes import Mailboxes
from controlplane.apply.resource import Resource
from controlplane.apply.routing import RoutingResource
from controlplane.domain.routing.kinds import RoutingKind
from controlplane.web.api.schemas_call_queues import CallQueueOut
from controlplane.web.api.schemas_inbound_rules import InboundRuleOut
from controlplane.web.api.schemas_office_hours import OfficeHoursOut
from controlplane.web.api.schemas_ring_groups import RingGroupOut
from controlplane.web.api.schemas_trunks import TrunkOut
from controlplane.web.api.schemas_virtual_receptionists import VirtualReceptionistOut

SECTIONS: Final[tuple[Resource, ...]] = (
    ReservedNumbers(),
    FeatureCodes(),
    RoutingResource(RoutingKind.OFFICE_HOURS, "office-hours", OfficeHoursOut),
    RoutingResource(RoutingKind.TRUNK, "trunks", TrunkOut),
    Mailboxes(),
    Extensions(),
    RoutingResource(RoutingKind.RING_GROUP, "ring-groups", RingGroupOut),
    RoutingResource(RoutingKind.CALL_QUEUE, "call-queues", CallQueueOut),
    RoutingResource(RoutingKind.VIRTUAL_RECEPTIONIST, "virtual-receptionists", VirtualReceptionistOut),
    RoutingResource(RoutingKind.INBOUND_RULE, "inbound-rules", InboundRuleOut),
)
