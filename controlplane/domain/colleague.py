"""A colleague at a shared mailbox, as others are told of them: by an extension, or by a name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_LABEL: Final = re.compile(
    r"(?:user (?P<alone>\S+)|extension (?P<extension>[0-9]+)(?: \(user (?P<on_phone>\S+)\))?"
    r"|token .* \(user (?P<by_token>\S+)\))"
)

_FROM_OUTSIDE: Final = "caller"


@dataclass(frozen=True, slots=True, kw_only=True)
class Colleague:
    """Who did something with a message, or listens to it: by extension, by name, by both or by neither.

    `extension` is one that the switch authenticated, or that belongs to the person. Who called from
    `outside` has neither: what such a caller says of themselves proves nothing.
    """

    extension: str | None = None
    name: str | None = None
    outside: bool = False

    @property
    def known(self) -> bool:
        """Whether there is anything to say of them."""
        return self.outside or self.extension is not None or self.name is not None


SOMEBODY: Final = Colleague()
"""A program, a link in a mail, or who is not known any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """What the label of an author says: an extension's number, a user's name, both or neither."""

    extension: str | None = None
    user_name: str | None = None
    outside: bool = False


def named_in(label: str | None) -> Named:
    """Read a label such as `user alice`, `extension 101 (user alice)`, `token own (user alice)`.

    `caller 5551234` is somebody from outside, whatever stands behind the word.
    """
    if (label or "").partition(" ")[0] == _FROM_OUTSIDE:
        return Named(outside=True)
    found = _LABEL.fullmatch(label or "")
    if found is None:
        return Named()
    return Named(
        extension=found["extension"],
        user_name=found["alone"] or found["on_phone"] or found["by_token"],
    )
