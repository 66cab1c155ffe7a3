"""The lamp of a mailbox (MWI): what a phone shows of it, and what a phone asked."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Lamp:
    """What is told of a mailbox: its number, and how many new and saved messages it holds."""

    number: str
    new: int = 0
    saved: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LampQuery:
    """A phone asks for the lamp of a number; `domain` and `reply_to` are how its switch finds it again."""

    number: str
    domain: str
    reply_to: tuple[tuple[str, str], ...]
