"""A message, its states, and how it got to its mailbox."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from controlplane.domain.caller import Caller, clean

KEPT_SILENCE_MS = 1000
"""What Asterisk leaves of the silence that ended a recording: a caller who said nothing has this much."""


def whole_seconds(duration_ms: int) -> int:
    """Return a length as it is told to people, at least one second."""
    return max(1, round(duration_ms / 1000))


class MessageState(StrEnum):
    """`deleted` is the trash."""

    NEW = "new"
    SAVED = "saved"
    DELETED = "deleted"


class MessageOrder(StrEnum):
    """By what a list of messages is sorted: all by their time, or urgent ones before the others."""

    NEWEST = "newest"
    URGENT = "urgent"


class ReachedReason(StrEnum):
    """Why a call went on to the next object of its path."""

    DIRECT = "direct"
    ALWAYS = "always"
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    NOT_REGISTERED = "not_registered"
    QUEUE_TIMEOUT = "queue_timeout"
    QUEUE_FULL = "queue_full"
    NO_AGENTS = "no_agents"
    EXIT_KEY = "exit_key"
    TIMEOUT = "timeout"
    CALL_FAILED = "call_failed"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReachedStep:
    """One object that the call passed on its way."""

    kind: str
    number: str
    key: str | None = None
    reason: ReachedReason = ReachedReason.DIRECT
    waited_seconds: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReachedBy:
    """How a message got into its mailbox; part of the REST contract."""

    did: str | None = None
    reason: ReachedReason = ReachedReason.DIRECT
    path: tuple[ReachedStep, ...] = ()

    @property
    def last(self) -> ReachedStep | None:
        """The object that sent the call into the mailbox; None when it was dialled."""
        return self.path[-1] if self.path else None

    def forwarded_from(self, mailbox_number: str) -> ReachedBy:
        """Return how a copy got into its mailbox: as the original, and on from the mailbox of that."""
        step = ReachedStep(kind="mailbox", number=mailbox_number)
        return replace(self, reason=step.reason, path=(*self.path, step))

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> ReachedBy:
        """Read the JSON form; raises KeyError, TypeError or ValueError for anything else."""
        return cls(
            did=None if data.get("did") is None else clean(str(data["did"])),
            reason=ReachedReason(data.get("reason", "direct")),
            path=tuple(
                ReachedStep(
                    kind=clean(str(step["kind"])),
                    number=clean(str(step["number"])),
                    key=step.get("key"),
                    reason=ReachedReason(step.get("reason", "direct")),
                    waited_seconds=step.get("waited_seconds"),
                )
                for step in data.get("path", ())
            ),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One recording left by a caller. Its id is the recording id made before the beep.

    `urgent` says that its caller marked it so.
    """

    id: UUID
    tenant_id: UUID
    mailbox_id: UUID
    caller: Caller
    received_at: datetime
    duration_ms: int
    state: MessageState
    state_before: MessageState | None
    reached_by: ReachedBy
    call_id: str
    version: int
    urgent: bool = False

    @property
    def seconds(self) -> int:
        """Its length as it is told to people: in whole seconds, at least one."""
        return whole_seconds(self.duration_ms)

    trace_id: str = ""
    """The Call-ID of the INVITE, by which logs of phones, proxies and ours are found; empty if unknown."""


def recording_id_of_fallback(name: str, *, switch: str) -> UUID:
    """Return the recording id of a take that the dialplan named `fb-<channel id>-<n>`.

    A UUIDv5 of the switch's kind and the name, so that two runs over one file agree.
    """
    return uuid5(NAMESPACE_URL, f"shared-voicemail:{switch}:{name}")


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeFacts:
    """What is known of a recording besides its audio; written beside it before the beep.

    `mailbox_id` and never the number: numbers are used again. `replaces` is the take that the
    caller asked to record again: it is discarded once this one is long enough, and kept if not.
    `kept` says that a flow, which knew what ended the recording, found it long enough; `urgent` that the
    caller marked it so.
    """

    recording_id: UUID
    tenant_id: UUID
    mailbox_id: UUID
    call_id: str
    caller: Caller
    reached_by: ReachedBy
    started_at: datetime
    replaces: UUID | None = None
    kept: bool = False
    urgent: bool = False
    trace_id: str = ""
