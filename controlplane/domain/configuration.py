"""What is known of the configuration that a switch runs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveConfiguration:
    """What the switch says it runs: the revision's digest and the names of its SIP endpoints."""

    digest: str | None
    endpoints: frozenset[str]
