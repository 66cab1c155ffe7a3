"""Figures that the dialplans of both switches, the flows and the simulation have in common."""

from __future__ import annotations

from typing import Final

MAX_HOPS: Final = 10
"""So many numbers a call reaches, the one that was dialled included; at the next one it is cut."""

RING_SECONDS: Final = 30
"""So long the phones of an extension ring that says nothing else."""

MOST_GREETINGS: Final = 20
"""So often a virtual receptionist says the greeting to one caller; then the timeout's destination follows."""
