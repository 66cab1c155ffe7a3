"""`/inbound-rules`: where calls from outside go."""

from __future__ import annotations

from controlplane.domain.routing.kinds import RoutingKind
from controlplane.web.api.routing_router import routing_router
from controlplane.web.api.schemas_inbound_rules import (
    InboundRuleIn,
    InboundRuleOut,
    InboundRulePage,
    InboundRulePatch,
)

router = routing_router(
    RoutingKind.INBOUND_RULE,
    path="inbound-rules",
    example="main-number",
    new=InboundRuleIn,
    patch=InboundRulePatch,
    out=InboundRuleOut,
    page=InboundRulePage,
)
