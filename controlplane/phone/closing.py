"""Calls that are over, whose end is told once their recordings are whole.

The library's clock closes a recording some time after it was let go. Until then the file lacks its last
part, and its header a length.
"""

from __future__ import annotations

from pathlib import Path

_LIMIT_SECONDS = 1.0
_LENGTH = slice(40, 44)


class Closing:
    """Knows which ends are not told yet; `now` is of any clock that does not go back."""

    def __init__(self) -> None:
        self._waiting: list[tuple[int, Path | None, float]] = []

    def add(self, call: int, recording: Path | None, *, now: float) -> None:
        """Take in a call that is over; `recording` None is one that heard nothing."""
        self._waiting.append((call, recording, now + _LIMIT_SECONDS))

    def whole(self, *, now: float) -> list[int]:
        """Return the calls whose end can be told, and forget them.

        A recording that does not become whole within a second is waited for no longer.
        """
        told = [each for each in self._waiting if now >= each[2] or _is_whole(each[1])]
        self._waiting = [each for each in self._waiting if each not in told]
        return [call for call, _, _ in told]


def _is_whole(recording: Path | None) -> bool:
    if recording is None:
        return True
    try:
        with recording.open("rb") as file:
            header = file.read(_LENGTH.stop)
    except OSError:
        return True  # It comes no more.
    return any(header[_LENGTH])
