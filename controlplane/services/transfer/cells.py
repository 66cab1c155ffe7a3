"""What is in a cell: words, numbers, yes and no, and destinations."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from controlplane.domain.errors import InvalidValue
from controlplane.domain.routing.destination import ByHours, Destination, DestinationAction
from controlplane.domain.routing.extension_rules import CallerException, When

HOURS: Final = ("outside_hours", "holidays")
"""Parts of the calendar that have columns of their own; office hours have the rule's name alone."""

_YES: Final = frozenset({"true", "yes", "1"})
_NO: Final = frozenset({"false", "no", "0"})
_INTEGER: Final = re.compile(r"[0-9]{1,9}", re.ASCII)
_VOICEMAIL: Final = "voicemail"
_PLAIN: Final = {
    one.value: one for one in (DestinationAction.HANGUP, DestinationAction.RING, DestinationAction.REPEAT)
}


def write_yes(value: bool) -> str:
    """Return `true` or `false`."""
    return "true" if value else "false"


def read_yes(cell: str, field: str) -> bool:
    """Read yes or no; raises InvalidValue (`wrong-type`)."""
    if cell.casefold() in _YES:
        return True
    if cell.casefold() in _NO:
        return False
    raise InvalidValue("This is true or false.", error_id="wrong-type", field=field)


def read_integer(cell: str, field: str) -> int:
    """Read a whole number; raises InvalidValue (`wrong-type`)."""
    if not _INTEGER.fullmatch(cell):
        raise InvalidValue("This is a whole number.", error_id="wrong-type", field=field)
    return int(cell)


def write_words(words: Iterable[str]) -> str:
    """Return words with a blank between them."""
    return " ".join(words)


def read_words(cell: str) -> tuple[str, ...]:
    """Read words with blanks, commas or semicolons between them."""
    return tuple(word for word in re.split(r"[\s,;]+", cell) if word)


def write_destination(destination: Destination | None) -> str:
    """Return `8001`, `voicemail`, `voicemail:101`, `hangup`, `ring`, `repeat`, or nothing for none."""
    if destination is None:
        return ""
    match destination.action:
        case DestinationAction.FORWARD_TO_NUMBER:
            return destination.number or ""
        case DestinationAction.FORWARD_TO_VOICEMAIL:
            return _VOICEMAIL if destination.number is None else f"{_VOICEMAIL}:{destination.number}"
        case other:
            return other.value


def read_destination(cell: str, field: str) -> Destination | None:
    """Read one, nothing is None; raises InvalidValue (`invalid-destination`)."""
    if not cell:
        return None
    if cell.isascii() and cell.isdigit():
        return Destination(action=DestinationAction.FORWARD_TO_NUMBER, number=cell)
    if cell in _PLAIN:
        return Destination(action=_PLAIN[cell])
    word, _, number = cell.partition(":")
    if word == _VOICEMAIL and (number or ":" not in cell):
        return Destination(action=DestinationAction.FORWARD_TO_VOICEMAIL, number=number or None)
    raise InvalidValue(
        "A destination is a number, voicemail, voicemail:101 (that of an extension), hangup, ring or repeat.",
        error_id="invalid-destination",
        field=field,
    )


def columns_of(rule: str) -> tuple[str, ...]:
    """Return the columns of a rule with hours: `busy`, `busy.outside_hours`, `busy.holidays`."""
    return (rule, *(f"{rule}.{hours}" for hours in HOURS))


def write_by_hours(rule: str, value: ByHours | None) -> dict[str, str]:
    """Return the cells of a rule with hours."""
    if value is None:
        return dict.fromkeys(columns_of(rule), "")
    named = dict(value.named())
    return {
        rule: write_destination(value.office_hours),
        **{f"{rule}.{hours}": write_destination(named.get(hours)) for hours in HOURS},
    }


def read_by_hours(rule: str, cells: Mapping[str, str], present: ByHours | None) -> ByHours | None:
    """Read a rule; columns that are not there keep what is present. Raises InvalidValue."""
    merged = write_by_hours(rule, present)
    merged.update({name: cells[name] for name in merged if name in cells})
    office = read_destination(merged[rule], rule)
    outside, holidays = (read_destination(merged[f"{rule}.{hours}"], f"{rule}.{hours}") for hours in HOURS)
    if office is None:
        if outside is not None or holidays is not None:
            raise InvalidValue(
                "A rule for other hours needs one for office hours.", error_id="missing-field", field=rule
            )
        return None
    return ByHours(office_hours=office, outside_hours=outside, holidays=holidays)


def write_exceptions(exceptions: Iterable[CallerException]) -> str:
    """Return `4930* always 8001; 4940555 office_hours hangup`."""
    return "; ".join(
        f"{one.caller} {one.when.value} {write_destination(one.destination)}" for one in exceptions
    )


def read_exceptions(cell: str, field: str) -> tuple[CallerException, ...]:
    """Read them; raises InvalidValue (`invalid-exception`)."""
    found = []
    for text in filter(None, (one.strip() for one in cell.split(";"))):
        words = text.split()
        if len(words) != 3 or words[1] not in set(When):  # noqa: PLR2004 (said in the sentence)
            raise InvalidValue(
                "An exception is a caller's mask, always, office_hours or outside_hours, and a destination: "
                "4930* always 8001. Between two is a semicolon.",
                error_id="invalid-exception",
                field=field,
            )
        destination = read_destination(words[2], field)
        assert destination is not None
        found.append(CallerException(caller=words[0], when=When(words[1]), destination=destination))
    return tuple(found)
