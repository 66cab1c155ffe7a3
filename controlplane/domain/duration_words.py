"""How so many minutes or seconds are written in a language."""

from __future__ import annotations

from babel import Locale, units


def written_duration(count: int, unit: str, locale: Locale) -> str:
    """Return `3 minutes` for 3 and `minute`: the long form, or the short one where a language has but that.

    Vietnamese and Japanese have one form for both; Babel does not look there, and returns the unit's name.
    """
    name = f"duration-{unit}"
    long = units.format_unit(count, name, length="long", locale=locale)
    return units.format_unit(count, name, length="short", locale=locale) if name in long else long
