"""A virtual receptionist: a caller chooses by keys where the call goes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from controlplane.domain.errors import InvalidValue
from controlplane.domain.numbers import Number
from controlplane.domain.routing.destination import (
    ANYWHERE,
    HANGUP,
    REPEAT,
    ByHours,
    Destination,
    DestinationAction,
    Pointer,
    pointers_of,
)

_KEYS = re.compile(r"[0-9*#]{1,5}", re.ASCII)
_MAX_KEYS = 50
_MAX_GREETING = 2000
_BOUNDS = {"digit_gap_seconds": (1, 10), "timeout_seconds": (2, 120), "timeout_repeats": (0, 10)}
_OR_REPEAT = ANYWHERE | {DestinationAction.REPEAT}


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRule:
    """Where the keys `keys` (one or more) lead."""

    keys: str
    destination: ByHours


@dataclass(frozen=True, slots=True, kw_only=True)
class VirtualReceptionist:
    """What a virtual receptionist does with a call.

    It says `greeting` (text; a recording that was uploaded wins; None: the standard words) in `language`
    (None: the tenant's) and takes keys, each at most `digit_gap_seconds` after the one before. Keys that
    match nothing meet words of their own. With `dial_extensions` the number of an extension does too. After
    `timeout_seconds` without a key it says the greeting again, `timeout_repeats` times, then `timeout`
    follows. `call_failed` follows when a chosen transfer fails: nobody answers there and nothing is said
    about it. `fallback` is the number where calls go while the control plane is away (None: they end with
    an apology). `office_hours` and `closed` are as in a ring group.
    """

    greeting: str | None = None
    language: str | None = None
    keys: tuple[KeyRule, ...] = ()
    dial_extensions: bool = True
    digit_gap_seconds: int = 2
    timeout_seconds: int = 30
    timeout_repeats: int = 3
    timeout: Destination = HANGUP
    call_failed: Destination = REPEAT
    fallback: str | None = None
    office_hours: str | None = None
    closed: Destination | None = None

    def check(self) -> None:
        """Raise InvalidValue, naming the field."""
        if self.greeting is not None and not 1 <= len(self.greeting.strip()) <= _MAX_GREETING:
            raise InvalidValue(
                f"A greeting has 1 to {_MAX_GREETING} characters.", error_id="invalid-text", field="greeting"
            )
        if len(self.keys) > _MAX_KEYS:
            raise InvalidValue(f"There can be {_MAX_KEYS} key rules.", error_id="too-many", field="keys")
        seen: set[str] = set()
        for index, rule in enumerate(self.keys):
            if not _KEYS.fullmatch(rule.keys):
                raise InvalidValue(
                    "Keys are 1 to 5 of 0 to 9, * and #.",
                    error_id="invalid-key",
                    field=f"keys.{index}.keys",
                )
            if rule.keys in seen:
                raise InvalidValue(
                    f"The keys {rule.keys} are there twice.",
                    error_id="named-twice",
                    field=f"keys.{index}.keys",
                )
            seen.add(rule.keys)
            rule.destination.check(f"keys.{index}.destination", _OR_REPEAT)
        for name, (least, most) in _BOUNDS.items():
            if not least <= getattr(self, name) <= most:
                raise InvalidValue(
                    f"This is a whole number from {least} to {most}.", error_id="out-of-bounds", field=name
                )
        self.timeout.check("timeout")
        self.call_failed.check("call_failed", _OR_REPEAT)
        if self.fallback is not None:
            Number.parse(self.fallback, field="fallback")
        if self.closed is not None:
            self.closed.check("closed")

    def pointers(self) -> Iterator[Pointer]:
        """Yield the numbers that it names."""
        for index, rule in enumerate(self.keys):
            yield from pointers_of(f"keys.{index}.destination", rule.destination)
        for name in ("timeout", "call_failed", "closed"):
            yield from pointers_of(name, getattr(self, name))
        if self.fallback is not None:
            yield Pointer(slot="fallback", number=self.fallback)
