"""An inbound rule: where a call from outside goes, by the number that it dialled and who calls."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from controlplane.domain.errors import InvalidValue
from controlplane.domain.routing.destination import ByHours, DestinationAction, Pointer, pointers_of
from controlplane.domain.routing.masks import any_matches, parse_mask

_MAX_MASKS = 200
_PRIORITY = (0, 1000)


@dataclass(frozen=True, slots=True, kw_only=True)
class InboundRule:
    """Where calls go that dialled one of `dids` (empty: any) and come from one of `callers` (empty: anybody).

    Rules are asked by `priority`, 0 first, then by name; the first that matches wins. `trunk` names the
    trunk that the call came by, None is any. `office_hours` names a schedule, None is the tenant's.
    """

    destination: ByHours
    dids: tuple[str, ...] = ()
    callers: tuple[str, ...] = ()
    trunk: str | None = None
    priority: int = 100
    enabled: bool = True
    office_hours: str | None = None

    def check(self) -> None:
        """Raise InvalidValue, naming the field."""
        for name in ("dids", "callers"):
            masks = getattr(self, name)
            if len(masks) > _MAX_MASKS:
                raise InvalidValue(f"There can be {_MAX_MASKS} of these.", error_id="too-many", field=name)
            for index, mask in enumerate(masks):
                parse_mask(mask, field=f"{name}.{index}")
        if not _PRIORITY[0] <= self.priority <= _PRIORITY[1]:
            raise InvalidValue(
                f"A priority is a whole number from {_PRIORITY[0]} to {_PRIORITY[1]}.",
                error_id="out-of-bounds",
                field="priority",
            )
        self.destination.check("destination")
        for name, destination in self.destination.named():
            if destination.action is DestinationAction.FORWARD_TO_VOICEMAIL and destination.number is None:
                raise InvalidValue(
                    "An inbound rule has no mailbox of its own: name the extension whose mailbox it is.",
                    error_id="invalid-destination",
                    field=f"destination.{name}.number",
                )

    def matches(self, *, did: str, caller: str, trunk: str | None) -> bool:
        """Say whether a call is meant."""
        return (
            self.enabled
            and (self.trunk is None or self.trunk == trunk)
            and (not self.dids or any_matches(self.dids, did))
            and (not self.callers or any_matches(self.callers, caller))
        )

    def pointers(self) -> Iterator[Pointer]:
        """Yield the numbers that it names."""
        yield from pointers_of("destination", self.destination)
