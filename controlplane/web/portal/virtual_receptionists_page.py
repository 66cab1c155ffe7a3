"""The pages of virtual receptionists: a caller chooses by keys; the keys have pages of their own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from controlplane.domain.routing.destination import ANYWHERE, DestinationAction
from controlplane.domain.routing.kinds import RoutingKind
from controlplane.web.api.schemas_virtual_receptionists import (
    VirtualReceptionistIn,
    VirtualReceptionistOut,
    VirtualReceptionistPatch,
)
from controlplane.web.portal.destination_fields import To, destination_in_words
from controlplane.web.portal.form_fields import Figure, Named, NumberOf, Tick
from controlplane.web.portal.mailbox_words import language_options
from controlplane.web.portal.object_kinds import Details, ObjectPages, Owners
from controlplane.web.portal.object_routes import object_router
from controlplane.web.portal.receptionist_keys import key_map
from controlplane.web.portal.routing_life import RoutingLife
from controlplane.web.portal.text_fields import Language, Spoken
from controlplane.web.portal.visits import Visit
from controlplane.web.portal.words import Words

OR_REPEAT: Final = ANYWHERE | {DestinationAction.REPEAT}
LIFE: Final = RoutingLife(
    kind=RoutingKind.VIRTUAL_RECEPTIONIST,
    new=VirtualReceptionistIn,
    patch=VirtualReceptionistPatch,
    out=VirtualReceptionistOut,
)


def _keys(settings: Any, words: Words, owners: Owners) -> str:
    del owners
    return ", ".join(rule.keys for rule in settings.keys) or words("virtual-receptionists.no-keys")


def _timeout(settings: Any, words: Words, owners: Owners) -> str:
    return destination_in_words(settings.timeout, words, owners)


async def _more(visit: Visit, details: Details | None) -> Mapping[str, Any]:
    """Return the key map of a receptionist, and the languages to choose from."""
    chosen = "" if details is None else str(details.values.get("language") or "")
    return {
        "languages": language_options(visit.words, chosen),
        "keypad": None if details is None else await key_map(visit, details.values["keys"]),
    }


RECEPTIONISTS: Final = ObjectPages(
    plural="virtual-receptionists",
    word="virtual-receptionist",
    life=LIFE,
    fields={
        "greeting": Spoken(more={"maxlength": "2000"}),
        "language": Language(),
        "timeout_seconds": Figure(),
        "timeout_repeats": Figure(),
        "timeout": To(),
        "call_failed": To(allowed=OR_REPEAT),
        "dial_extensions": Tick(),
        "digit_gap_seconds": Figure(),
        "fallback": NumberOf(kind=None),
        "office_hours": Named(),
        "closed": To(optional=True),
    },
    known=(
        "greeting",
        "language",
        "timeout_seconds",
        "timeout_repeats",
        "timeout",
        "call_failed",
        "dial_extensions",
    ),
    columns={"keys": _keys, "timeout": _timeout},
    new=VirtualReceptionistIn(number="000", display_name="-").model_dump(
        mode="json", exclude={"number", "display_name", "keys"}
    ),
    opens=True,
    template="virtual_receptionist.html",
    symbol="keypad",
    more=_more,
)
router = object_router(RECEPTIONISTS)
