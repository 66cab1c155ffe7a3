"""Makes a message of a finished take, exactly once, whatever dies on the way.

The order is the promise: the recording is durable in the store before the message is committed,
and the spool gives its copy up after that. Every step may be done again. What each moment of
dying leaves behind, and who finishes it, is the table in docs/crash-points.md.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from uuid import UUID

import structlog
from prometheus_client import CollectorRegistry, Counter

from controlplane.domain.errors import ControlPlaneError, Unavailable
from controlplane.domain.message import KEPT_SILENCE_MS, TakeFacts
from controlplane.services.lamps import lamp_job
from controlplane.services.mailing import mail_job
from controlplane.services.quota import quota_job
from controlplane.storage import takes
from controlplane.storage import wav as wav_files
from controlplane.storage.database import Database
from controlplane.storage.queue import Job, Jobs
from controlplane.storage.recordings import RecordingStore
from controlplane.storage.spool import FileSpool
from controlplane.storage.takes import Deposited, TakeOutcome
from controlplane.storage.wav import Header, Layout

# Silence that ended a recording is as long as what the switch leaves of it, but for this much.
_TOLERANCE_MS = 100


class NoSuchMailbox(ControlPlaneError):
    """A take names a mailbox that never was, or that was purged with its last message."""


class StillRecorded(Unavailable):
    """The switch has not closed the recording; it is taken over once its call is over."""


class DepositStep(StrEnum):
    """What was just done; the tests of crashes stop there."""

    MEASURED = "measured"
    COPIED = "copied"
    INSERTED = "inserted"
    COMMITTED = "committed"


class DepositMetrics:
    """Counts takes by how they were dealt with, and spool entries that could not be removed."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.takes = Counter(
            "controlplane_takes", "Takes by how they were dealt with.", ["outcome"], registry=registry
        )
        self.not_removed = Counter(
            "controlplane_spool_not_removed",
            "Takes that were dealt with and could not be removed from the spool.",
            registry=registry,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Depositor:
    """Deposits takes. `reached` is told of each step once it is done.

    `kept_silence_ms` is what the switch leaves in a file of the silence that ended the recording.
    """

    database: Database
    jobs: Jobs
    store: RecordingStore
    spool: FileSpool
    metrics: DepositMetrics = field(default_factory=lambda: DepositMetrics(CollectorRegistry()))
    reached: Callable[[DepositStep], None] = lambda _: None
    kept_silence_ms: int = KEPT_SILENCE_MS

    async def deposit(self, facts: TakeFacts, wav: Path, *, ended: bool = False) -> bool:
        """Make a message of a take, and remove it from the spool; True if it is a message now.

        False if it has no audio, or less than the mailbox's minimum. A repeat only cleans up. A
        take of a deleted mailbox becomes a message in the trash. `ended` says that it is the scanner
        who brings it: nobody records any more, so that a header which was never closed does not
        matter, and unless a flow found it long enough, silence that may have ended it does not
        count (`counted_ms`). With the message the take that it replaces is discarded.

        After an error the entry stays. Raises StillRecorded, NoSuchMailbox, NotAWav, OSError,
        Unavailable or an error of psycopg.
        """
        done = None
        min_seconds: int | None = 0
        # Of a take that a flow found long enough, nothing is to be asked that the writing does not tell.
        if ended or not facts.kept:
            async with self.database.connection() as connection:
                standing = await takes.standing(connection, facts.recording_id, facts.mailbox_id)
            done, min_seconds = standing.outcome, standing.min_message_seconds
        if done is TakeOutcome.DISCARDED and facts.replaces is not None:
            # What this one replaced is replaced by what replaced this one.
            async with self.database.connection() as connection:
                await takes.claim(connection, facts.replaces, facts.mailbox_id, TakeOutcome.DISCARDED)
        if done is None:
            if min_seconds is None:
                raise NoSuchMailbox(f"There is no mailbox {facts.mailbox_id}.")
            done = await self._take(facts, wav, min_seconds, ended=ended)
        await self._clean_up(wav)
        return done is TakeOutcome.MESSAGE

    async def finish(self, recording_id: UUID, wav: Path) -> bool:
        """Clean up after a recording that was dealt with before; False if it was not."""
        async with self.database.connection() as connection:
            done = await takes.outcome(connection, recording_id)
        if done is not None:
            await self._clean_up(wav)
        return done is not None

    async def _take(self, facts: TakeFacts, wav: Path, min_seconds: int, *, ended: bool) -> TakeOutcome:
        layout = await asyncio.to_thread(wav_files.inspect, wav)
        if layout.header is Header.OPEN and layout.audio_bytes and not ended:
            raise StillRecorded("The switch has not closed the recording.")
        self.reached(DepositStep.MEASURED)
        log = structlog.get_logger().bind(
            message_id=str(facts.recording_id), mailbox_id=str(facts.mailbox_id), call_id=facts.call_id
        )
        if facts.trace_id:
            log = log.bind(trace_id=facts.trace_id)
        counted = layout.duration_ms
        if ended and not facts.kept:
            silence = await asyncio.to_thread(wav_files.trailing_silence_ms, wav, layout)
            counted = counted_ms(layout, silence, self.kept_silence_ms)
        if not counted or counted < min_seconds * 1000:
            async with self.database.connection() as connection:
                other = await takes.claim(
                    connection, facts.recording_id, facts.mailbox_id, TakeOutcome.TOO_SHORT
                )
            if other is None:
                self.metrics.takes.labels(TakeOutcome.TOO_SHORT.value).inc()
                log.info("take.too_short", duration_ms=layout.duration_ms)
            return other or TakeOutcome.TOO_SHORT
        duration_ms = await self.store.take_in(facts.recording_id, wav)
        self.reached(DepositStep.COPIED)
        # The pipeline sends the begin of the transaction along with its first statement.
        async with (
            self.database.connection() as connection,
            connection.pipeline(),
            connection.transaction(),
        ):
            deposited = await takes.deposit(connection, facts, duration_ms=duration_ms)
            if deposited is None:
                other = await takes.outcome(connection, facts.recording_id)
                if other is None:
                    raise NoSuchMailbox(f"There is no mailbox {facts.mailbox_id}.")
                return other
            await self.jobs.defer_all(connection, jobs_after(facts, deposited))
            self.reached(DepositStep.INSERTED)
        self.reached(DepositStep.COMMITTED)
        self.metrics.takes.labels(TakeOutcome.MESSAGE.value).inc()
        log.info(
            "message.deposited",
            duration_ms=duration_ms,
            caller_number=facts.caller.number,
            mailbox_deleted=deposited.mailbox_deleted,
            repaired=layout.header is Header.OPEN,
        )
        return TakeOutcome.MESSAGE

    async def _clean_up(self, wav: Path) -> None:
        try:
            await asyncio.to_thread(self.spool.remove, wav)
        except OSError:
            # What counts is committed; the scanner comes back to what is left.
            self.metrics.not_removed.inc()
            structlog.get_logger().exception("spool.not_removed", name=wav.stem)


def jobs_after(facts: TakeFacts, deposited: Deposited) -> list[Job]:
    """Return what is to be done once a take is a message; nothing for one of a deleted mailbox."""
    if deposited.mailbox_deleted:
        return []
    return [
        lamp_job(deposited.number, deposited.tenant),
        Job(task="speech.envelope", arguments={"message_id": str(facts.recording_id)}),
        *(mail_job(facts.recording_id, recipient) for recipient in deposited.recipients),
        *([quota_job(facts.mailbox_id)] if deposited.limited else []),
    ]


def counted_ms(layout: Layout, trailing_silence_ms: int, kept_silence_ms: int = KEPT_SILENCE_MS) -> int:
    """Return how much of a take counts for the minimum, when nobody knows what ended it.

    It is what a flow counts whom silence ended the recording: all but the silence that the switch
    leaves, `kept_silence_ms`. A take with less silence at its end was ended by something else, and
    counts in full. One that holds nothing but that silence counts nothing.
    """
    length = layout.duration_ms
    everything_silent = trailing_silence_ms >= length
    if everything_silent and length <= kept_silence_ms + _TOLERANCE_MS:
        return 0
    if trailing_silence_ms < kept_silence_ms - _TOLERANCE_MS:
        return length
    return length - min(kept_silence_ms, trailing_silence_ms)
