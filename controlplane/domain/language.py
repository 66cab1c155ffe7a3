"""Language tags (BCP 47) and how they fall back."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from controlplane.domain.errors import InvalidValue

_TAG = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*", re.ASCII)

LAST_RESORT = "en"
"""What is spoken and written where no wanted language is available."""


def fallbacks(tag: str) -> list[str]:
    """List `tag` and what it falls back to, nearest first: `en-GB` gives `en-GB`, `en`."""
    parts = tag.split("-")
    return ["-".join(parts[:n]) for n in range(len(parts), 0, -1)]


def nearest(tag: str, available: Collection[str]) -> str | None:
    """Return the available language nearest along a tag, or None; case does not matter."""
    by_lower = {name.lower(): name for name in available}
    return next((by_lower[step] for step in fallbacks(tag.lower()) if step in by_lower), None)


def first_available(tags: Iterable[str | None], available: Collection[str]) -> str:
    """Return the language nearest to the first tag that has one (None has none), else the last resort."""
    found = (nearest(tag, available) for tag in tags if tag is not None)
    return next((language for language in found if language is not None), LAST_RESORT)


def resolve(tag: str, available: Collection[str], *, field: str = "language") -> str:
    """Return the available language nearest to `tag` (RFC 4647 3.4); case does not matter.

    Raises InvalidValue: `invalid-language` for what is no tag, `language-without-prompts` if
    nothing along the tag is available.
    """
    if len(tag) > 35 or not _TAG.fullmatch(tag):  # noqa: PLR2004 (RFC 5646 4.4.1)
        raise InvalidValue(
            "A language is a BCP 47 tag such as en or en-GB.", error_id="invalid-language", field=field
        )
    found = nearest(tag, available)
    if found is not None:
        return found
    raise InvalidValue(
        f"There are no prompts in {tag}. Available: {', '.join(sorted(available))}.",
        error_id="language-without-prompts",
        field=field,
    )
