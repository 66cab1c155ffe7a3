"""Why something cannot be started: one sentence for people, with the remedy."""

from __future__ import annotations


class CannotStart(Exception):
    """Nothing was started, or all of it was stopped again; the sentence says why and what to do."""
