"""Kinds of fields of a form: how what is stored becomes text, how it is read back, and as what it is sent.

What is stored and what is sent is JSON, as the REST API has it. A form has text: a field may have
several entries, whose names begin with the field's own and a hyphen.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from controlplane.domain.numbers import NumberKind
from controlplane.domain.routing.kinds import RoutingKind
from controlplane.web.portal.forms import Form

Entries = dict[str, str]
"""The fields of a form, as text."""
LEFT_OUT: Final = object()
"""What a field sends that says nothing."""
_FIGURE = re.compile(r"[0-9]{1,9}", re.ASCII)
_PLACES = re.compile(r"[0-9]{1,3}", re.ASCII)


class FormField(Protocol):
    """A kind of field; `control` is the macro of object_parts.html that shows it."""

    @property
    def control(self) -> str:
        """The name of the macro."""
        ...

    def entries(self, name: str, value: Any) -> Entries:
        """Return the entries of a value that is stored."""
        ...

    def sent(self, name: str, form: Form) -> Entries:
        """Return the entries as a form sent them."""
        ...

    def body(self, name: str, entries: Entries) -> Any:
        """Return the value to be sent to a schema; `LEFT_OUT` for none."""
        ...

    def numbers(self, name: str, entries: Entries) -> Iterator[tuple[str, str]]:
        """Yield the entries that are numbers of the tenant, and these numbers."""
        ...


class _Single:
    """A field of one entry, which names no number."""

    def entries(self, name: str, value: Any) -> Entries:
        return {name: "" if value is None else str(value)}

    def sent(self, name: str, form: Form) -> Entries:
        return {name: form.text(name).replace("\r\n", "\n").strip()}

    def numbers(self, name: str, entries: Entries) -> Iterator[tuple[str, str]]:  # noqa: ARG002 (of others)
        yield from ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Line(_Single):
    """A line of text; an empty one is null if `optional`. `more` are attributes of the input."""

    optional: bool = False
    control: str = "line"
    more: Mapping[str, str] = field(default_factory=dict)

    def body(self, name: str, entries: Entries) -> Any:
        """Return the text."""
        text = entries.get(name, "")
        return None if self.optional and not text else text


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure(_Single):
    """A whole number."""

    control: str = "figure"

    def body(self, name: str, entries: Entries) -> Any:
        """Return it; what is none stays text, which the schema refuses."""
        text = entries.get(name, "")
        return int(text) if _FIGURE.fullmatch(text) else text


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick(_Single):
    """Yes or no."""

    control: str = "tick"

    def entries(self, name: str, value: Any) -> Entries:
        """Return the entry of a box."""
        return {name: "yes" if value else ""}

    def sent(self, name: str, form: Form) -> Entries:
        """Say whether it was ticked."""
        return self.entries(name, form.ticked(name))

    def body(self, name: str, entries: Entries) -> Any:
        """Return yes or no."""
        return entries.get(name) == "yes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice(_Single):
    """One of a few words, each of which the catalogue has as `field-word`; none is null."""

    values: tuple[str, ...]
    control: str = "choice"

    def body(self, name: str, entries: Entries) -> Any:
        """Return the word."""
        return entries.get(name) or None


@dataclass(frozen=True, slots=True, kw_only=True)
class Named(_Single):
    """The name of another object, such as office hours; an empty one is null."""

    kind: RoutingKind = RoutingKind.OFFICE_HOURS
    control: str = "named"

    def body(self, name: str, entries: Entries) -> Any:
        """Return the name."""
        return entries.get(name) or None


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret(_Single):
    """What is set and never shown; an empty one is not sent, so that it stays."""

    control: str = "secret"

    def entries(self, name: str, value: Any) -> Entries:  # noqa: ARG002 (what is stored is not known)
        """Return nothing."""
        return {name: ""}

    def body(self, name: str, entries: Entries) -> Any:
        """Return it, if there is one."""
        return entries.get(name) or LEFT_OUT


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberOf(_Single):
    """The number of an object of one kind, or of any; an empty one is null."""

    kind: NumberKind | None
    control: str = "number_of"

    def body(self, name: str, entries: Entries) -> Any:
        """Return the number."""
        return entries.get(name) or None

    def numbers(self, name: str, entries: Entries) -> Iterator[tuple[str, str]]:
        """Yield it."""
        if entries.get(name):
            yield name, entries[name]


@dataclass(frozen=True, slots=True, kw_only=True)
class NumbersOf:
    """Numbers of objects of one kind, in an order: `members-0`, `members-1`, … without gaps."""

    kind: NumberKind
    control: str = "numbers_of"

    def entries(self, name: str, value: Any) -> Entries:
        """Return an entry for each."""
        return {f"{name}-{place}": str(one) for place, one in enumerate(value or ())}

    def sent(self, name: str, form: Form) -> Entries:
        """Return those that are not empty; several may stand in one entry, with commas or blanks between."""
        texts = [form.text(f"{name}-{place}") for place in places(name, form)]
        return self.entries(name, [part for text in texts for part in re.split(r"[\s,;]+", text) if part])

    def body(self, name: str, entries: Entries) -> Any:
        """Return the numbers."""
        return listed(name, entries)

    def numbers(self, name: str, entries: Entries) -> Iterator[tuple[str, str]]:
        """Yield each."""
        for place, number in enumerate(listed(name, entries)):
            yield f"{name}-{place}", number


def listed(name: str, entries: Entries) -> list[str]:
    """Return the texts of `name-0`, `name-1` and so on."""
    return [entries[f"{name}-{place}"] for place in _places_in(name, entries)]


def places(name: str, form: Form) -> list[int]:
    """Return the places of a list that a form sent, in order."""
    return _places_in(name, dict.fromkeys(form.names(), ""))


def _places_in(name: str, entries: Mapping[str, str]) -> list[int]:
    own = [each.removeprefix(f"{name}-").partition("-")[0] for each in entries if each.startswith(f"{name}-")]
    return sorted({int(place) for place in own if _PLACES.fullmatch(place)})
