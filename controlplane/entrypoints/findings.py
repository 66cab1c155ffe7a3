"""What `controlplane doctor` says of one thing that it looked at."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What was looked at, what was found, and what to do about it; no remedy means that it is right."""

    subject: str
    found: str
    remedy: str | None = None
