"""Masks of callers and of numbers from outside (DIDs): one number, a range, or a pattern."""

from __future__ import annotations

import re
from collections.abc import Iterable

from controlplane.domain.errors import InvalidValue

_ONE = re.compile(r"\+?[0-9]{1,32}", re.ASCII)
_RANGE = re.compile(r"([0-9]{1,18})-([0-9]{1,18})", re.ASCII)
_PATTERN = re.compile(r"\+?[0-9*]{1,32}", re.ASCII)


def parse_mask(text: str, *, field: str) -> str:
    """Return the mask: a number, a range `a-b` of equally long ones, or digits with `*` for any digit.

    Raises InvalidValue (`invalid-mask`).
    """
    found = _RANGE.fullmatch(text)
    if found:
        first, last = found.groups()
        if len(first) == len(last) and int(first) <= int(last):
            return text
    elif _ONE.fullmatch(text) or _PATTERN.fullmatch(text):
        return text
    raise InvalidValue(
        "A mask is a number, a range such as 4930100-4930199 (both ends equally long, the smaller first), "
        "or digits with * for any one digit.",
        error_id="invalid-mask",
        field=field,
    )


def matches(mask: str, number: str) -> bool:
    """Say whether a number is meant by a mask; a `+` at the beginning of either does not count."""
    digits = number.removeprefix("+")
    if not digits.isascii() or not digits.isdigit():
        return False
    if found := _RANGE.fullmatch(mask):
        first, last = found.groups()
        return len(digits) == len(first) and int(first) <= int(digits) <= int(last)
    wanted = mask.removeprefix("+")
    return len(wanted) == len(digits) and all(
        one in ("*", digit) for one, digit in zip(wanted, digits, strict=True)
    )


def any_matches(masks: Iterable[str], number: str) -> bool:
    """Say whether a number is meant by one of them."""
    return any(matches(mask, number) for mask in masks)


def covers(wider: str, narrower: str) -> bool:
    """Say whether every number that the second mask means is meant by the first.

    A range of many numbers within a pattern is seen only where the pattern's `*` are its last ones.
    """
    if found := _RANGE.fullmatch(narrower):
        first, last = found.groups()
        return _covers_range(wider, first, last)
    wanted = narrower.removeprefix("+")
    if "*" not in wanted:
        return matches(wider, wanted)
    if _RANGE.fullmatch(wider):
        return matches(wider, wanted.replace("*", "0")) and matches(wider, wanted.replace("*", "9"))
    pattern = wider.removeprefix("+")
    return len(pattern) == len(wanted) and all(
        one in ("*", other) for one, other in zip(pattern, wanted, strict=True)
    )


def _covers_range(wider: str, first: str, last: str) -> bool:
    if first == last or _RANGE.fullmatch(wider):
        return matches(wider, first) and matches(wider, last)
    head = wider.removeprefix("+").rstrip("*")
    # Without another * in it the pattern means all numbers between its smallest and its largest.
    return "*" not in head and matches(wider, first) and matches(wider, last)
