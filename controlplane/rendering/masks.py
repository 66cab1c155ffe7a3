"""Masks of numbers as expressions of Asterisk's dialplan, which read digits and nothing else."""

from __future__ import annotations

import re

from controlplane.rendering.escape import Escaped, RenderingError

_RANGE = re.compile(r"([0-9]{1,18})-([0-9]{1,18})", re.ASCII)
_PATTERN = re.compile(r"\+?([0-9*]{1,32})", re.ASCII)
_VARIABLE = re.compile(r"[A-Z_]+", re.ASCII)


def asterisk_mask(mask: str, variable: str) -> Escaped:
    """Return the condition that the digits in a channel variable are meant by a mask.

    It is true of the same digits as `domain.routing.masks.matches`. The letter before them keeps 030 and
    30 apart, which Asterisk would compare as numbers. Raises RenderingError for what is no mask.
    """
    if not _VARIABLE.fullmatch(variable):
        raise RenderingError("A mask is compared with a channel variable.")
    if found := _RANGE.fullmatch(mask):
        first, last = found.groups()
        return Escaped(
            f"$[${{LEN(${{{variable}}})}} = {len(first)} & 0${{{variable}}} >= {first} "
            f"& 0${{{variable}}} <= {last}]"
        )
    found = _PATTERN.fullmatch(mask)
    if found is None:
        raise RenderingError("A mask is a number, a range or a pattern.")
    pattern = found[1]
    conditions = [f"${{LEN(${{{variable}}})}} = {len(pattern)}"]
    for run in re.finditer("[0-9]+", pattern):
        part = f"${{{variable}:{run.start()}:{len(run[0])}}}"
        conditions.append(f'"x{part}" = "x{run[0]}"')
    return Escaped(f"$[{' & '.join(conditions)}]")
