"""What was done by whom: an entry of the audit log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from controlplane.domain.configuration import SYSTEM

MAIL_LINK: Final = "mail link"
"""Who is named when a message is heard by the link in a mail: the link says no more."""


class AuditAction(StrEnum):
    """What was done: to an object, to a message, to a mail that waits, by a queue's agent, or by phone."""

    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"
    HEARD = "heard"
    DOWNLOADED = "downloaded"
    MARKED_READ = "marked_read"
    MARKED_UNREAD = "marked_unread"
    DELETED = "deleted"
    RESTORED = "restored"
    PURGED = "purged"
    LOGGED_IN = "logged_in"
    LOGGED_OUT = "logged_out"
    RETRIED = "retried"
    DISCARDED = "discarded"
    FORWARDED = "forwarded"
    REFUSED = "refused"
    CALLED_BACK = "called_back"
    LEFT_ELSEWHERE = "left_elsewhere"


class AuditWay(StrEnum):
    """By which way; the author's label says it."""

    WEB = "web"
    API = "api"
    PHONE = "phone"
    MAIL_LINK = "mail_link"
    COMMAND_LINE = "command_line"
    SYSTEM = "system"


BEGINNINGS: Final[Mapping[AuditWay, tuple[str, ...]]] = {
    AuditWay.WEB: ("user ",),
    AuditWay.API: ("token ",),
    AuditWay.PHONE: ("extension ", "caller"),
    AuditWay.MAIL_LINK: (MAIL_LINK,),
    AuditWay.SYSTEM: (SYSTEM,),
}
"""How the labels of authors begin; every other one is of the command line."""


def way_of(author: str) -> AuditWay:
    """Return by which way somebody did something."""
    ways = (way for way, beginning in BEGINNINGS.items() if author.startswith(beginning))
    return next(ways, AuditWay.COMMAND_LINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """Who did what to which object.

    `object_key` is a number, a name, or a message's id; `subject` is that of the object, or of a message's
    mailbox. `before` and `after` have the fields that differ, or all of them of what was added or removed;
    `secrets` are the names of those that were set. Of a message, and of a mail about one, `caller` and
    `received_at` say which one it was, even when it is gone.
    """

    id: int
    happened_at: datetime
    author: str
    action: AuditAction
    kind: str
    object_key: str
    subject: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    secrets: tuple[str, ...]
    caller: str | None
    received_at: datetime | None

    @property
    def way(self) -> AuditWay:
        """By which way it was done."""
        return way_of(self.author)
