"""The pages of inbound rules: where calls from outside go, by the number that was dialled and who calls."""

from __future__ import annotations

from typing import Any, Final

from controlplane.domain.routing.destination import HANGUP
from controlplane.domain.routing.kinds import RoutingKind
from controlplane.web.api.schemas_destinations import ByHoursBody, DestinationBody
from controlplane.web.api.schemas_inbound_rules import InboundRuleIn, InboundRuleOut, InboundRulePatch
from controlplane.web.portal.destination_fields import ToByHours, destination_in_words
from controlplane.web.portal.form_fields import Figure, Named, Tick
from controlplane.web.portal.object_kinds import ObjectPages, Owners
from controlplane.web.portal.object_routes import object_router
from controlplane.web.portal.routing_life import RoutingLife
from controlplane.web.portal.text_fields import Listed
from controlplane.web.portal.words import Words

_SHOWN: Final = 3
_MASKS: Final = {"inputmode": "tel", "autocomplete": "off", "spellcheck": "false"}


def _dids(settings: Any, words: Words, owners: Owners) -> str:
    del owners
    return _masks(settings.dids, "inbound-rules.any-number", words)


def _callers(settings: Any, words: Words, owners: Owners) -> str:
    del owners
    return _masks(settings.callers, "inbound-rules.anybody", words)


def _masks(masks: tuple[str, ...], none: str, words: Words) -> str:
    if not masks:
        return words(none)
    shown = ", ".join(masks[:_SHOWN])
    left = len(masks) - _SHOWN
    return shown if left <= 0 else words("inbound-rules.and-more", shown=shown, n=left)


def _destination(settings: Any, words: Words, owners: Owners) -> str:
    return destination_in_words(settings.destination, words, owners)


def _priority(settings: Any, words: Words, owners: Owners) -> str:
    del owners
    return words.number(settings.priority) if settings.enabled else words("inbound-rules.off")


INBOUND_RULES: Final = ObjectPages(
    plural="inbound-rules",
    word="inbound-rule",
    life=RoutingLife(
        kind=RoutingKind.INBOUND_RULE, new=InboundRuleIn, patch=InboundRulePatch, out=InboundRuleOut
    ),
    fields={
        "dids": Listed(more=_MASKS),
        "callers": Listed(more=_MASKS),
        "destination": ToByHours(optional=False),
        "office_hours": Named(),
        "trunk": Named(kind=RoutingKind.TRUNK),
        "priority": Figure(),
        "enabled": Tick(),
    },
    known=("dids", "callers", "destination", "office_hours"),
    columns={"dids": _dids, "callers": _callers, "destination": _destination, "priority": _priority},
    ordered_by="priority",
    new=InboundRuleIn(name="x", destination=ByHoursBody(office_hours=DestinationBody.of(HANGUP))).model_dump(
        mode="json", exclude={"name", "destination"}
    ),
    symbol="inwards",
)
router = object_router(INBOUND_RULES)
