"""What runs now: processes of ours, their calls in mailboxes, and who listens to which message."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from controlplane.domain.colleague import Colleague

SEEN_EACH: Final = timedelta(seconds=5)
LOST_AFTER: Final = timedelta(seconds=16)
"""A process that said nothing for so long does not run, or does not reach the database."""

PLAYER_SEEN_EACH: Final = timedelta(seconds=5)
PLAYER_LOST_AFTER: Final = timedelta(seconds=12)
"""A player that said nothing for so long was closed in a way of which its page could not tell."""


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
    """A call that is in a mailbox: `who` is the caller as they say, or the extension that listens.

    `extension` is the one that the switch authenticated, None for a caller from outside: what those say of
    themselves may look like the number of an extension. `message_id` is what it listens to, and
    `message_since` since when.
    """

    call_id: str
    tenant_id: UUID
    mailbox_id: UUID
    doing: Doing
    who: str
    since: datetime
    extension: str | None = None
    message_id: UUID | None = None
    message_since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownCall:
    """The same with the mailbox as people know it."""

    call: PresentCall
    mailbox_number: str
    mailbox_name: str


class ListeningBy(StrEnum):
    """By what somebody listens."""

    PHONE = "phone"
    BROWSER = "browser"


@dataclass(frozen=True, slots=True, kw_only=True)
class PresentListener:
    """Who listens to a message now; `who` has the extension and the name, as far as they are known.

    `caller` is what somebody who called from outside says of themselves, if anything; None of all others.
    """

    message_id: UUID
    by: ListeningBy
    who: Colleague
    since: datetime
    caller: str | None = None
