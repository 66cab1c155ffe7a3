"""PINs: what they are, and which ones are too easy."""

from __future__ import annotations

import itertools
import re
import secrets
from dataclasses import dataclass

from controlplane.domain.errors import InvalidValue

_DIGITS = re.compile(r"[0-9]+", re.ASCII)


class Pin:
    """A PIN in clear; prints and logs as `***`, and is never stored."""

    __slots__ = ("_digits",)

    def __init__(self, digits: str) -> None:
        self._digits = digits

    def reveal(self) -> str:
        """Return the digits; only for hashing and verifying."""
        return self._digits

    def __repr__(self) -> str:
        return "***"

    __str__ = __repr__

    def __reduce__(self) -> str | tuple[object, ...]:
        raise TypeError("a PIN is not stored")


@dataclass(frozen=True, slots=True, kw_only=True)
class PinPolicy:
    """Which PINs are accepted; lengths in digits."""

    min_length: int = 4
    max_length: int = 32
    generated_length: int = 6
    refuse_one_digit_repeated: bool = True
    refuse_runs: bool = True
    refuse_mailbox_number: bool = True

    def check(self, pin: Pin, *, number: str, field: str = "pin") -> None:
        """Raise InvalidValue naming the rule that `pin` breaks, never the PIN itself.

        `number` is the mailbox's. Rules: digits only, length, one digit repeated, a run up or
        down (`1234`, `9876`), the mailbox's number or its end.
        """
        digits = pin.reveal()
        error_id = self._broken_rule(digits, number)
        if error_id is None:
            return
        sentence = {
            "pin-not-digits": "A PIN has digits only.",
            "pin-too-short": f"The PIN is too short: {self.min_length} digits at least.",
            "pin-too-long": f"The PIN is too long: {self.max_length} digits at most.",
            "pin-one-digit": "The PIN repeats one digit; choose one that is harder to guess.",
            "pin-run": "The PIN runs up or down; choose one that is harder to guess.",
            "pin-is-number": "The PIN is the mailbox's number or its end; choose another one.",
        }[error_id]
        raise InvalidValue(sentence, error_id=error_id, field=field)

    def _broken_rule(self, digits: str, number: str) -> str | None:
        if not _DIGITS.fullmatch(digits):
            return "pin-not-digits"
        if len(digits) < self.min_length:
            return "pin-too-short"
        if len(digits) > self.max_length:
            return "pin-too-long"
        if self.refuse_one_digit_repeated and len(set(digits)) == 1:
            return "pin-one-digit"
        steps = {int(b) - int(a) for a, b in itertools.pairwise(digits)}
        if self.refuse_runs and steps in ({1}, {-1}):
            return "pin-run"
        if self.refuse_mailbox_number and number.endswith(digits):
            return "pin-is-number"
        return None

    def generate(self, *, number: str) -> Pin:
        """Make a random PIN that the rules accept, of `generated_length` digits or the fewest allowed."""
        length = max(self.generated_length, self.min_length)
        while True:
            pin = Pin("".join(secrets.choice("0123456789") for _ in range(length)))
            if self._broken_rule(pin.reveal(), number) is None:
                return pin
