"""Feature codes in JSON."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from controlplane.domain.feature_code import FeatureCode
from controlplane.domain.numbers import Feature
from controlplane.web.api.fields import Input, Output, example

_SHOWN = {"feature": "closed-now", "code": "*16", "enabled": True}


class FeatureCodeIn(Input):
    """Which code does a feature."""

    model_config = example({"code": "*16", "enabled": True})

    code: Annotated[
        str,
        Field(
            min_length=2,
            max_length=7,
            pattern=r"^[*#]{1,3}[0-9]{0,4}$",
            description="1 to 3 of * and #, then up to 4 digits.",
        ),
    ]
    enabled: Annotated[bool, Field(description="Whether it can be dialled.")] = True


class FeatureCodeOut(Output):
    """A feature, and which code does it."""

    model_config = example(_SHOWN)

    feature: Feature
    code: str | None = Field(description="`null` while it has none.")
    enabled: bool

    @classmethod
    def of(cls, shown: FeatureCode) -> FeatureCodeOut:
        """Make it from the service's value."""
        return cls(feature=shown.feature, code=shown.code, enabled=shown.enabled)


class FeatureCodeList(Output):
    """All features."""

    model_config = example({"items": [_SHOWN]})

    items: list[FeatureCodeOut]
