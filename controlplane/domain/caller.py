"""Who called, as the switch reports it: hostile text, kept for people to read."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

MAX_LENGTH = 128


def clean(text: str) -> str:
    """Make one printable line of `text`.

    Control and format characters, line separators, surrogates and code points without a character
    become blanks; runs of blanks become one; the result has at most MAX_LENGTH characters.
    """
    kept = "".join(" " if unicodedata.category(char)[0] in "CZ" else char for char in text)
    return " ".join(kept.split())[:MAX_LENGTH].rstrip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """A caller's number and name; empty when unknown. Made by `Caller.of`."""

    number: str = ""
    name: str = ""

    @classmethod
    def of(cls, number: str | None, name: str | None) -> Caller:
        """Clean both; what the switches say for 'unknown' becomes empty, and a number for a name as well."""

        def known(text: str | None) -> str:
            cleaned = clean(text or "")
            return "" if cleaned.lower() in {"unknown", "anonymous", "_undef_", "<unknown>"} else cleaned

        kept = known(number)
        called = known(name)
        # FreeSWITCH says the number where a caller has no name.
        return cls(number=kept, name="" if called == kept else called)

    @property
    def speakable_number(self) -> str:
        """The number as at most 20 digits to be spoken; empty if it is not a plain number."""
        digits = self.number.removeprefix("+")
        return digits if digits.isascii() and digits.isdigit() and len(digits) <= 20 else ""  # noqa: PLR2004

    @property
    def label(self) -> str:
        """`Alice <101>`, or what there is of it; empty if nothing is known."""
        if self.name and self.number and self.name != self.number:
            return f"{self.name} <{self.number}>"
        return self.name or self.number
