"""A feature code of a tenant: which code does what, and whether it is in use."""

from __future__ import annotations

from dataclasses import dataclass

from controlplane.domain.numbers import Feature


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureCode:
    """What does a feature; without a `code` nothing does, and it is not enabled."""

    feature: Feature
    code: str | None
    enabled: bool
