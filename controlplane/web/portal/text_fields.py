"""Fields of several lines: a list of texts, such as the numbers of a rule, and a text that is spoken."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from controlplane.web.portal.form_fields import Entries
from controlplane.web.portal.forms import Form

_SEPARATORS = re.compile(r"[,;\r\n]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """Several texts, each on a line of its own or after a comma. `more` are attributes of the control."""

    more: Mapping[str, str] = field(default_factory=dict)
    rows: int = 3
    control: str = "area"

    def entries(self, name: str, value: Any) -> Entries:
        """Return the texts, each on a line."""
        return {name: "\n".join(str(one) for one in value or ())}

    def sent(self, name: str, form: Form) -> Entries:
        """Return them as they were sent, without empty lines."""
        return {name: "\n".join(self._texts(form.text(name)))}

    def body(self, name: str, entries: Entries) -> Any:
        """Return the texts."""
        return self._texts(entries.get(name, ""))

    def numbers(self, name: str, entries: Entries) -> Iterator[tuple[str, str]]:  # noqa: ARG002
        """Yield nothing: none of them is a number of the tenant."""
        yield from ()

    def _texts(self, text: str) -> list[str]:
        return [part.strip() for part in _SEPARATORS.split(text) if part.strip()]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """A text of several lines that is said to callers; an empty one is null."""

    more: Mapping[str, str] = field(default_factory=dict)
    rows: int = 4
    control: str = "area"

    def entries(self, name: str, value: Any) -> Entries:
        """Return the text."""
        return {name: value or ""}

    def sent(self, name: str, form: Form) -> Entries:
        """Return it as it was sent."""
        return {name: form.text(name).replace("\r\n", "\n").strip()}

    def body(self, name: str, entries: Entries) -> Any:
        """Return the text, or null."""
        return entries.get(name) or None

    def numbers(self, name: str, entries: Entries) -> Iterator[tuple[str, str]]:  # noqa: ARG002
        """Yield nothing: a text names no number."""
        yield from ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Language(Spoken):
    """A language of prompts; an empty one is null."""

    control: str = "language"
