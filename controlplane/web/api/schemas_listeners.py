"""Who listens to messages, in JSON."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import Field

from controlplane.domain.presence import ListeningBy, PresentListener
from controlplane.web.api.fields import Output, example

_LISTENER: dict[str, Any] = {
    "message_id": "0b6d8c1e-5a0f-4f0e-9d3b-2f1f6f0f7c11",
    "by": "phone",
    "extension": "102",
    "name": "Bob Baker",
    "caller": None,
    "since": "2026-03-02T10:15:00Z",
}


class ListenerOut(Output):
    """Somebody who listens to a message now."""

    model_config = example(_LISTENER)

    message_id: UUID
    by: ListeningBy
    extension: str | None = Field(
        description="The extension that listens, or that of who does in the portal; null from outside."
    )
    name: str | None = Field(description="The display name of the user, else that of the extension.")
    caller: str | None = Field(
        description='Who logged in from outside, as they say, perhaps nothing (`""`); null of all others.'
    )
    since: datetime

    @classmethod
    def of(cls, listener: PresentListener) -> ListenerOut:
        """Make it from the domain's value."""
        return cls(
            message_id=listener.message_id,
            by=listener.by,
            extension=listener.who.extension,
            name=listener.who.name,
            caller=listener.caller,
            since=listener.since,
        )


class ListenerList(Output):
    """Who listens now."""

    model_config = example({"items": [_LISTENER]})

    items: list[ListenerOut]
