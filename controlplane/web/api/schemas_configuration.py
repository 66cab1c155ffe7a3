"""The published configuration in JSON."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from controlplane.services.configuration_state import ConfigurationState, State
from controlplane.web.api.fields import Output, example


class RevisionOut(Output):
    """How the publishing of a revision went."""

    digest: str = Field(description="Empty if it could not be rendered.")
    state: Literal["pending", "live", "failed", "superseded"]
    error: str | None = Field(description="Told to system tokens only.")
    created_at: datetime
    live_at: datetime | None


class ConfigurationOut(Output):
    """Whether the switch runs what was changed."""

    model_config = example(
        {
            "state": "live",
            "revisions": [
                {
                    "digest": "9b74c9897bac770ffc029102a200c5de",
                    "state": "live",
                    "error": None,
                    "created_at": "2026-03-02T09:00:00Z",
                    "live_at": "2026-03-02T09:00:01Z",
                }
            ],
        }
    )

    state: State = Field(
        description="`pending`: a change is on its way. `failed`: the switch keeps the last good revision."
    )
    revisions: list[RevisionOut] = Field(description="The newest 20, newest first.")

    @classmethod
    def of(cls, found: ConfigurationState) -> ConfigurationOut:
        """Make it from the service's value."""
        return cls(
            state=found.state,
            revisions=[
                RevisionOut.model_validate(
                    {
                        "digest": revision.digest,
                        "state": revision.state,
                        "error": revision.error,
                        "created_at": revision.created_at,
                        "live_at": revision.live_at,
                    }
                )
                for revision in found.revisions
            ],
        )
