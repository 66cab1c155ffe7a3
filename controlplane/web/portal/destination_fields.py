"""The destination control of a form: what happens to a call, and the number it goes to."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from controlplane.domain.numbers import NumberKind
from controlplane.domain.routing.destination import ANYWHERE, ByHours, Destination, DestinationAction
from controlplane.services.numbers import NumberOwner
from controlplane.web.portal.form_fields import Entries
from controlplane.web.portal.forms import Form
from controlplane.web.portal.words import Words

_WITH_NUMBER: Final = {
    DestinationAction.FORWARD_TO_NUMBER.value,
    DestinationAction.FORWARD_TO_VOICEMAIL.value,
}
_HOURS: Final = ("office_hours", "outside_hours", "holidays")


@dataclass(frozen=True, slots=True, kw_only=True)
class To:
    """A destination: the entries `no_answer-action` and `no_answer-number`.

    `optional`: none is a choice too, and null. `own_voicemail`: forwarding to voicemail needs no number.
    """

    allowed: Collection[DestinationAction] = ANYWHERE
    optional: bool = False
    own_voicemail: bool = False
    control: str = "destination"

    @property
    def actions(self) -> list[str]:
        """The actions to choose from, in the order of people's wishes."""
        return [action.value for action in DestinationAction if action in self.allowed]

    def entries(self, name: str, value: Any) -> Entries:
        """Return what happens, and where to."""
        value = value or {}
        return {f"{name}-action": value.get("action") or "", f"{name}-number": value.get("number") or ""}

    def sent(self, name: str, form: Form) -> Entries:
        """Return it; a number alone means that calls are forwarded to it."""
        action, number = form.text(f"{name}-action"), form.text(f"{name}-number").strip()
        if not action and number and f"{name}-action" not in form.names():
            action = DestinationAction.FORWARD_TO_NUMBER.value
        # What cannot have a number hides the field; what stands in it then means nothing.
        return {f"{name}-action": action, f"{name}-number": number if action in _WITH_NUMBER else ""}

    def body(self, name: str, entries: Entries) -> Any:
        """Return the destination."""
        action = entries.get(f"{name}-action", "")
        return {"action": action, "number": entries.get(f"{name}-number") or None} if action else None

    def numbers(self, name: str, entries: Entries) -> Iterator[tuple[str, str]]:
        """Yield where it leads."""
        if entries.get(f"{name}-number"):
            yield f"{name}-number", entries[f"{name}-number"]

    def kind_of(self, name: str, entries: Entries) -> NumberKind | None:
        """Return of which kind the number must be: whoever has a voicemail is an extension."""
        voicemail = entries.get(f"{name}-action") == DestinationAction.FORWARD_TO_VOICEMAIL.value
        return NumberKind.EXTENSION if voicemail else None


@dataclass(frozen=True, slots=True, kw_only=True)
class ToByHours:
    """Destinations in office hours, outside and on holidays, such as `busy-office_hours-action`."""

    allowed: Collection[DestinationAction] = ANYWHERE
    optional: bool = True
    own_voicemail: bool = False
    control: str = "by_hours"

    @property
    def parts(self) -> Mapping[str, To]:
        """Its destinations; only the first may have to be there."""
        return {
            hours: To(
                allowed=self.allowed,
                optional=self.optional or place > 0,
                own_voicemail=self.own_voicemail,
            )
            for place, hours in enumerate(_HOURS)
        }

    def entries(self, name: str, value: Any) -> Entries:
        """Return the entries of all."""
        value = value or {}
        found: Entries = {}
        for hours, part in self.parts.items():
            found |= part.entries(f"{name}-{hours}", value.get(hours))
        return found

    def sent(self, name: str, form: Form) -> Entries:
        """Return them as they were sent."""
        found: Entries = {}
        for hours, part in self.parts.items():
            found |= part.sent(f"{name}-{hours}", form)
        return found

    def body(self, name: str, entries: Entries) -> Any:
        """Return the destinations; null if there is none."""
        found = {hours: part.body(f"{name}-{hours}", entries) for hours, part in self.parts.items()}
        return found if any(found.values()) else None

    def numbers(self, name: str, entries: Entries) -> Iterator[tuple[str, str]]:
        """Yield where they lead."""
        for hours, part in self.parts.items():
            yield from part.numbers(f"{name}-{hours}", entries)


def destination_in_words(
    value: Destination | ByHours | None, words: Words, owners: Mapping[str, NumberOwner]
) -> str:
    """Say where calls go, in office hours if it differs; nothing for none."""
    if value is None:
        return ""
    one = value.office_hours if isinstance(value, ByHours) else value
    owner = owners.get(one.number or "")
    name = "" if owner is None else owner.display_name
    if one.number is None:
        return words(f"destinations.{one.action.value}")
    if one.action is DestinationAction.FORWARD_TO_VOICEMAIL:
        return words("destinations.to-voicemail", number=one.number, name=name)
    return f"{name} ({one.number})" if name else one.number
