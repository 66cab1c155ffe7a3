"""The call forward rules of an extension.

They are asked in this order: exceptions, `always`, do not disturb, `not_registered`, then the phones
ring, and `busy` or `no_answer` says what follows. A call that is declined counts as busy.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from controlplane.domain.errors import InvalidValue
from controlplane.domain.numbers import Number
from controlplane.domain.routing import limits
from controlplane.domain.routing.destination import (
    ANYWHERE,
    ByHours,
    Destination,
    DestinationAction,
    Pointer,
    pointers_of,
)
from controlplane.domain.routing.masks import parse_mask

RING_SECONDS = (5, 300)
MOST_LAMPS = 50
_MAX_EXCEPTIONS = 50
# Asterisk reads no more than 4,095 characters of a plan, and its other lines need up to a thousand.
_LONGEST_EXCEPTIONS = 3000
_BESIDES = 4
_OR_RING = ANYWHERE | {DestinationAction.RING}


class When(StrEnum):
    """When an exception counts."""

    ALWAYS = "always"
    OFFICE_HOURS = "office_hours"
    OUTSIDE_HOURS = "outside_hours"


@dataclass(frozen=True, slots=True, kw_only=True)
class CallerException:
    """What happens to the calls of some callers, before all rules. Holidays are outside hours."""

    caller: str
    destination: Destination
    when: When = When.ALWAYS


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtensionRules:
    """What an extension does with a call. Without a rule a call ends with the switch's own words.

    `office_hours` names a schedule, None is the tenant's. `do_not_disturb` without a destination of its
    own takes that of `busy`. `mailbox` is the one that the extension owns, `mwi_mailboxes` are those that
    its phones show the lamp of besides that one.
    """

    office_hours: str | None = None
    exceptions: tuple[CallerException, ...] = ()
    always: ByHours | None = None
    do_not_disturb: bool = False
    do_not_disturb_destination: ByHours | None = None
    busy: ByHours | None = None
    no_answer: ByHours | None = None
    no_answer_seconds: int = limits.RING_SECONDS
    not_registered: ByHours | None = None
    mailbox: str | None = None
    mwi_mailboxes: tuple[str, ...] = ()

    def check(self) -> None:
        """Raise InvalidValue, naming the field."""
        if not RING_SECONDS[0] <= self.no_answer_seconds <= RING_SECONDS[1]:
            raise InvalidValue(
                f"A phone rings {RING_SECONDS[0]} to {RING_SECONDS[1]} seconds.",
                error_id="invalid-seconds",
                field="no_answer_seconds",
            )
        if len(self.exceptions) > _MAX_EXCEPTIONS:
            raise InvalidValue(
                f"An extension can have {_MAX_EXCEPTIONS} exceptions.",
                error_id="too-many",
                field="exceptions",
            )
        self.check_length()
        for index, exception in enumerate(self.exceptions):
            parse_mask(exception.caller, field=f"exceptions.{index}.caller")
            exception.destination.check(f"exceptions.{index}.destination", _OR_RING)
        if self.always is not None:
            self.always.check("always", _OR_RING)
        for name in ("do_not_disturb_destination", "busy", "no_answer", "not_registered"):
            rule = getattr(self, name)
            if rule is not None:
                rule.check(name)
        if self.mailbox is not None:
            Number.parse(self.mailbox, field="mailbox")
        self._check_lamps()

    def _check_lamps(self) -> None:
        if len(self.mwi_mailboxes) > MOST_LAMPS:
            raise InvalidValue(
                f"An extension can show the lamps of {MOST_LAMPS} mailboxes.",
                error_id="too-many",
                field="mwi_mailboxes",
            )
        for index, number in enumerate(self.mwi_mailboxes):
            Number.parse(number, field=f"mwi_mailboxes.{index}")
            if number in self.mwi_mailboxes[:index]:
                raise InvalidValue(
                    f"{number} is in this list already.",
                    error_id="invalid-value",
                    field=f"mwi_mailboxes.{index}",
                )

    def check_length(self, owned: Mapping[str, str | None] | None = None) -> None:
        """Raise InvalidValue if the exceptions are too long for a switch.

        `owned` are the mailboxes that other extensions own, by the numbers of these: a call goes to the
        mailbox, so that its number is what counts.
        """
        length = sum(
            len(one.caller) + len(self._leads_to(one.destination, owned or {})) + _BESIDES
            for one in self.exceptions
        )
        if length > _LONGEST_EXCEPTIONS:
            raise InvalidValue(
                f"These exceptions are too long together, with the numbers that they lead to: {length} "
                f"characters, of {_LONGEST_EXCEPTIONS} at most. Use masks for many numbers.",
                error_id="too-many",
                field="exceptions",
            )

    def _leads_to(self, destination: Destination, owned: Mapping[str, str | None]) -> str:
        number = destination.number
        if destination.action is DestinationAction.FORWARD_TO_VOICEMAIL:
            number = self.mailbox if number is None else owned.get(number) or number
        return number or destination.action.value

    def pointers(self) -> Iterator[Pointer]:
        """Yield the numbers that the rules name."""
        for index, exception in enumerate(self.exceptions):
            yield from pointers_of(f"exceptions.{index}.destination", exception.destination)
        for name in ("always", "do_not_disturb_destination", "busy", "no_answer", "not_registered"):
            yield from pointers_of(name, getattr(self, name))
        if self.mailbox is not None:
            yield Pointer(slot="mailbox", number=self.mailbox)
        for index, number in enumerate(self.mwi_mailboxes):
            yield Pointer(slot=f"mwi_mailboxes.{index}", number=number)


NO_RULES = ExtensionRules()
