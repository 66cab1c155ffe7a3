"""Language tags (BCP 47) and how they fall back."""

from __future__ import annotations

import re
from collections.abc import Collection

from controlplane.domain.errors import InvalidValue

_TAG = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*", re.ASCII)


def fallbacks(tag: str) -> list[str]:
    """List `tag` and what it falls back to, nearest first: `en-GB` gives `en-GB`, `en`."""
    parts = tag.split("-")
    return ["-".join(parts[:n]) for n in range(len(parts), 0, -1)]


def resolve(tag: str, available: Collection[str], *, field: str = "language") -> str:
    """Return the available language nearest to `tag` (RFC 4647 3.4); case does not matter.

    Raises InvalidValue: `invalid-language` for what is no tag, `language-without-prompts` if
    nothing along the tag is available.
    """
    if len(tag) > 35 or not _TAG.fullmatch(tag):  # noqa: PLR2004 (RFC 5646 4.4.1)
        raise InvalidValue(
            "A language is a BCP 47 tag such as en or en-GB.", error_id="invalid-language", field=field
        )
    by_lower = {name.lower(): name for name in available}
    for candidate in fallbacks(tag):
        if candidate.lower() in by_lower:
            return by_lower[candidate.lower()]
    raise InvalidValue(
        f"There are no prompts in {tag}. Available: {', '.join(sorted(available))}.",
        error_id="language-without-prompts",
        field=field,
    )
