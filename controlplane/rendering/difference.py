"""The difference between two rendered trees, for people: a unified difference per file, without secrets.

Bounded: a file whose changed part is too long to read is named and not shown, because comparing
tens of thousands of lines takes minutes.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence

from controlplane.domain.configuration import Action, FileDifference

_MOST_LINES = 2000
_MOST_LINES_OF_ALL = 20_000
_CONTEXT = 3
_SECRET_WORDS = r"password|passwd|secret|md5_cred|a1-hash"  # noqa: S105 (the words, no secret)
# Of an Asterisk file, of one of FreeSWITCH (either order of the attributes is read), of a call to us.
_SECRETS = (
    re.compile(rf"^([ +-]?[ \t]*[\w-]*(?:{_SECRET_WORDS})[\w-]*[ \t]*=).*$", re.MULTILINE | re.IGNORECASE),
    re.compile(rf'(name="[^"]*(?:{_SECRET_WORDS})[^"]*"\s+value=")[^"]*', re.IGNORECASE),
    re.compile(rf'(\w*(?:{_SECRET_WORDS})=)[^"\s<]+', re.IGNORECASE),
    re.compile(r"(AGI\(agi://[^,]*,)[^,)]*"),
    # Who knows the name of a gateway can call as its provider.
    re.compile(r"(cp-trunk-[0-9a-f-]{36}-)[0-9a-f]{32}"),
)
_HUNK = re.compile(r"^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")


class Differences:
    """What differs, file by file; what is shown of all together is bounded, as that of each is."""

    def __init__(self) -> None:
        self._found: list[FileDifference] = []
        self._lines_left = _MOST_LINES_OF_ALL

    def add(self, path: str, before: str | None, after: str | None) -> None:
        """Compare a file of before with one of after; None is none."""
        if before == after:
            return
        change = Action.ADDED if before is None else Action.REMOVED if after is None else Action.CHANGED
        shown = _unified(path, before, after) if self._lines_left > 0 else None
        self._lines_left -= shown.count("\n") if shown else 0
        self._found.append(FileDifference(path=path, change=change, difference=shown))

    def found(self) -> list[FileDifference]:
        """Return what differs, by path; secrets are shown as `***`."""
        return sorted(self._found, key=lambda one: one.path)


def differences(before: Mapping[str, str], after: Mapping[str, str]) -> list[FileDifference]:
    """Return what differs, by path; secrets are shown as `***`."""
    compared = Differences()
    for path in sorted({*before, *after}):
        compared.add(path, before.get(path), after.get(path))
    return compared.found()


def masked(text: str) -> str:
    """Return a text of a configuration, or a difference of two, with stars for secrets."""
    for secret in _SECRETS:
        text = secret.sub(r"\1***", text)
    return text


def _unified(path: str, before: str | None, after: str | None) -> str | None:
    old, new = _lines(before), _lines(after)
    begin = _same(old, new)
    # What is the same at the end, of what is left: usually one object of thousands has changed.
    end = _same(old[begin:][::-1], new[begin:][::-1])
    begin, end = max(0, begin - _CONTEXT), max(0, end - _CONTEXT)
    old, new = old[begin : len(old) - end], new[begin : len(new) - end]
    if len(old) + len(new) > _MOST_LINES:
        return None
    lines = difflib.unified_diff(
        old,
        new,
        fromfile="/dev/null" if before is None else f"a/{path}",
        tofile="/dev/null" if after is None else f"b/{path}",
        lineterm="",
        n=_CONTEXT,
    )
    return masked("".join(f"{_HUNK.sub(lambda found: _moved(found, begin), line)}\n" for line in lines))


def _lines(text: str | None) -> list[str]:
    """Split as a switch does, and not at what else Unicode calls the end of a line."""
    return text.removesuffix("\n").split("\n") if text else []


def _same(old: Sequence[str], new: Sequence[str]) -> int:
    """Return how many lines are the same at the beginning."""
    count = 0
    for one, other in zip(old, new, strict=False):
        if one != other:
            break
        count += 1
    return count


def _moved(found: re.Match[str], lines: int) -> str:
    """Write a hunk's heading for the whole file."""
    old, old_count, new, new_count = found.groups()
    first = f"{int(old) + lines}" + (f",{old_count}" if old_count else "")
    second = f"{int(new) + lines}" + (f",{new_count}" if new_count else "")
    return f"@@ -{first} +{second} @@"
