"""Names that people give to things."""

from __future__ import annotations

import re
import unicodedata

from controlplane.domain.errors import InvalidValue

_KEY_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?", re.ASCII)
_REFUSED = {"Cc", "Cs", "Zl", "Zp", "Cn"}
# Marks that turn the direction of what follows: a name must not reorder the text around it.
_BIDI = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def parse_display_name(text: str, *, max_length: int = 64, field: str = "display_name") -> str:
    """Return the name in Unicode's composed form, without blanks around it.

    Raises InvalidValue (`invalid-display-name`) if it is empty, too long, or has control
    characters; a name is one line of visible text.
    """
    name = unicodedata.normalize("NFC", text).strip()
    unfit = any(char in _BIDI or unicodedata.category(char) in _REFUSED for char in name)
    if unfit or not 1 <= len(name) <= max_length or not any(_visible(char) for char in name):
        raise InvalidValue(
            f"A display name has 1 to {max_length} characters in one line, without control characters.",
            error_id="invalid-display-name",
            field=field,
        )
    return name


def _visible(char: str) -> bool:
    return unicodedata.category(char)[0] not in {"C", "Z", "M"}


def parse_key_name(text: str, *, field: str = "name") -> str:
    """Return a name that is a key: a-z, 0-9 and hyphens, up to 64; raise InvalidValue (`invalid-name`)."""
    if not _KEY_NAME.fullmatch(text):
        raise InvalidValue(
            "A name has 1 to 64 of a-z, 0-9 and hyphens, with no hyphen at its ends.",
            error_id="invalid-name",
            field=field,
        )
    return text
