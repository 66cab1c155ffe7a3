"""What was done, told on the page that follows a form: kept in a cookie until it is shown, once."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass

from controlplane.web.portal.words import Words

COOKIE = "shared-voicemail-notice"
_MAX = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A sentence of the catalogue, below `notices`, and the values put in."""

    key: str
    values: dict[str, str]

    def in_words(self, words: Words) -> str | None:
        """Return the sentence; None for what is none of ours, since a cookie may be anybody's."""
        key = f"notices.{self.key}"
        try:
            return words(key, **self.values) if words.has(key) else None
        except (KeyError, IndexError):
            return None


def packed(notice: Notice) -> str:
    """Write a notice as a cookie's value."""
    text = json.dumps([notice.key, notice.values])
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def unpacked(text: str) -> Notice | None:
    """Read a notice; None for what is none."""
    if len(text) > _MAX:
        return None
    try:
        key, values = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        return Notice(key=str(key), values={str(name): str(value) for name, value in values.items()})
    except (binascii.Error, ValueError, TypeError, AttributeError, RecursionError):
        return None
