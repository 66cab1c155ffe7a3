"""What runs now: processes of ours, and the calls that they have in mailboxes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

SEEN_EACH: Final = timedelta(seconds=5)
LOST_AFTER: Final = timedelta(seconds=16)
"""A process that said nothing for so long does not run, or does not reach the database."""


class ProcessKind(StrEnum):
    """The processes of an installation."""

    WEB = "web"
    CALLS = "calls"
    EVENTS = "events"
    JOBS = "jobs"


class Doing(StrEnum):
    """What somebody does in a mailbox."""

    LEAVING = "leaving"
    LISTENING = "listening"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningProcess:
    """A process as it was seen last; `faults` are sentences by what it cannot do."""

    id: UUID
    kind: ProcessKind
    host: str
    started_at: datetime
    seen_at: datetime
    faults: Mapping[str, str]

    def is_lost(self, now: datetime) -> bool:
        """Say whether it said nothing for too long."""
        return now - self.seen_at > LOST_AFTER


@dataclass(frozen=True, slots=True, kw_only=True)
class PresentCall:
    """A call that is in a mailbox: `who` is the caller's number, or the extension that listens."""

    call_id: str
    tenant_id: UUID
    mailbox_id: UUID
    doing: Doing
    who: str
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownCall:
    """The same with the mailbox as people know it."""

    call: PresentCall
    mailbox_number: str
    mailbox_name: str
