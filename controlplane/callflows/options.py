"""The figures of the flows that a setting decides."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowOptions:
    """Waits and rounds.

    `silence_seconds` of silence end a recording, 0 = never. `first_digit_seconds` and
    `digit_seconds` are the waits for the first digit and between two. `menu_rounds` is how often
    a question without an answer is said. `pin_tries` holds for a call, over all mailboxes.
    """

    silence_seconds: int = 5
    first_digit_seconds: float = 5.0
    digit_seconds: float = 3.0
    menu_rounds: int = 3
    pin_tries: int = 3
