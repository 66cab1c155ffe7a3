"""A message that the switch's own voicemail took while `calls` did not answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

from controlplane.domain.caller import Caller


@dataclass(frozen=True, slots=True, kw_only=True)
class NativeMessage:
    """What is known of it. `audio` is where the switch keeps it, named by an id of its own, `file_id`.

    `call_id` is empty where the switch kept only the audio. `reached_by` is its way, or empty.
    """

    file_id: UUID
    audio: Path
    tenant_id: UUID
    mailbox_id: UUID
    call_id: str
    caller: Caller
    reached_by: str
    started_at: datetime

    @property
    def name(self) -> str:
        """The name of its take in our spool: always the same, so that two runs make one message."""
        return f"fb-{self.file_id}-0"
