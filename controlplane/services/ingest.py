"""Takes over what lies in the spool and nobody holds: after a crash, without the flow, or after an error.

A take is complete when the switch closed its file, when the switch does not know its call any
more, or when the switch was started after the file was last written. Before that it is left
alone, because the switch may still be recording into it.

The time of a file says little after a clock was stepped. So nothing is over by its age alone: we
must have met it twice, some seconds apart by a clock that nobody steps, and unchanged.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from math import isfinite
from pathlib import Path
from uuid import UUID

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge

from controlplane.domain.errors import SwitchUnavailable, Unavailable
from controlplane.domain.message import TakeFacts
from controlplane.services.deposit import Depositor, NoSuchMailbox
from controlplane.services.switch_control import SwitchControl
from controlplane.storage import wav as wav_files
from controlplane.storage.spool import FileSpool
from controlplane.storage.spool_entries import Entry, EntryKind, age_seconds, state_of
from controlplane.storage.wav import Header, Layout, NotAWav

SETTLE_SECONDS = 5.0
_UNFINISHED_SECONDS = 60.0
# No recording and no call lasts this long unchanged: the end is certain without asking anybody.
_FORGOTTEN_SECONDS = 86_400.0


class Handled(StrEnum):
    """What a scan did with an entry."""

    DEPOSITED = "deposited"
    DROPPED = "dropped"
    REMOVED = "removed"
    QUARANTINED = "quarantined"
    WAITING = "waiting"
    HELD = "held"
    FAILED = "failed"


_DECIDED = {Handled.DEPOSITED, Handled.DROPPED, Handled.REMOVED, Handled.QUARANTINED}


class IngestMetrics:
    """What the scans did; `failed` is the one to raise an alarm on, `quarantined` the one to look after."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.handled = Counter(
            "controlplane_spool_handled", "Spool entries by what was done.", ["how"], registry=registry
        )
        self.left = Gauge(
            "controlplane_spool_left",
            "Spool entries that a scan left, by the reason.",
            ["how"],
            registry=registry,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanResult:
    """How many entries a scan met, by what it did with them."""

    counts: dict[Handled, int]

    def __getitem__(self, how: Handled) -> int:
        return self.counts.get(how, 0)

    @property
    def left(self) -> int:
        """Return how many entries are still to be taken over."""
        return self[Handled.WAITING] + self[Handled.FAILED]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Switch:
    over: frozenset[str]
    started_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    entry: Entry
    facts: TakeFacts | None
    trouble: OSError | None = None
    held: bool = False

    @property
    def call_id(self) -> str:
        """The call that it is of; empty if nothing says so."""
        return self.facts.call_id if self.facts else self.entry.call_id


def _order(found: _Found) -> tuple[bool, float]:
    """Sort the newest of those that replace another take first, then the others, the oldest first."""
    if found.facts is not None and found.facts.replaces is not None:
        return False, -found.facts.started_at.timestamp()
    return True, -age_seconds(found.entry.facts or found.entry.wav)


@dataclass(slots=True, kw_only=True)
class Ingest:
    """The scanner. `switch` is None where there is none; `switch_kind` is part of fall-back ids.

    `settle_seconds`: a closed recording whose call goes on is left until it was met twice with
    that time between. The dialplan, which has the call after the death of a flow, may be about to
    look whether there is audio, and would record once more. `clock` is monotonic.
    """

    spool: FileSpool
    depositor: Depositor
    switch: SwitchControl | None
    switch_kind: str = "asterisk"
    settle_seconds: float = SETTLE_SECONDS
    clock: Callable[[], float] = time.monotonic
    metrics: IngestMetrics = field(default_factory=lambda: IngestMetrics(CollectorRegistry()))
    _met: dict[str, float] = field(default_factory=dict, init=False)
    _seen: dict[str, tuple[tuple[int, int] | None, float]] = field(default_factory=dict, init=False)
    """How each entry was when it was last met, and since when it has been so."""
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)

    async def scan(self) -> ScanResult:
        """Take over every entry that is complete; never raises for a fault of the spool or the database.

        What fails stays where it is and is counted; a database that is away ends the scan.
        """
        async with self._turn:
            try:
                found = await asyncio.to_thread(self._list)
            except OSError:
                structlog.get_logger().exception("spool.unreadable")
                return self._result([Handled.FAILED])
            # Asked after the listing: a call that is not known now is over for each entry listed.
            left = [each for each in found if not each.held]
            switch = await self._ask_switch({each.call_id for each in left} - {""}) if left else None
            names = {each.entry.name for each in found}
            self._met = {name: met for name, met in self._met.items() if name in names}
            self._seen = {name: seen for name, seen in self._seen.items() if name in names}
            return self._result(await self._handle_all(found, switch))

    def _list(self) -> list[_Found]:
        """Return the entries with their facts: what replaces another take first, then the oldest first."""
        return sorted((self._found(entry) for entry in self.spool.entries()), key=_order)

    def _found(self, entry: Entry) -> _Found:
        try:
            lock = self.spool.lock(entry)
            # Whoever holds it deals with it; what it is of decides about others.
            held = lock is None
            if lock is not None:
                lock.release()
            facts = self.spool.read_facts(entry, switch=self.switch_kind)
            return _Found(entry=entry, facts=facts, held=held)
        except FileNotFoundError:
            return _Found(entry=entry, facts=None)
        except OSError as error:
            return _Found(entry=entry, facts=None, trouble=error)

    async def _ask_switch(self, calls: Collection[str]) -> _Switch | None:
        if self.switch is None:
            return None
        try:
            over = frozenset(calls).difference(await self.switch.calls(calls))
            return _Switch(over=over, started_at=await self.switch.started_at())
        except SwitchUnavailable as error:
            structlog.get_logger().warning("spool.switch_not_asked", reason=str(error))
            return None

    async def _handle_all(self, found: Sequence[_Found], switch: _Switch | None) -> list[Handled]:
        log = structlog.get_logger()
        undecided = {each.facts.replaces for each in found if each.facts and each.facts.replaces}
        results: list[Handled] = []
        for each in found:
            if each.facts is not None and each.facts.recording_id in undecided:
                results.append(Handled.WAITING)
                continue
            try:
                how = await self._handle(each, switch)
            except Unavailable as error:
                log.warning("spool.scan_broken_off", name=each.entry.name, reason=str(error))
                results.append(Handled.FAILED)
                break
            except Exception:
                # The edge of one entry: it stays where it is, and no bad one blocks the others.
                log.exception("spool.entry_failed", name=each.entry.name)
                how = Handled.FAILED
            results.append(how)
            if each.facts and how in _DECIDED:
                undecided.discard(each.facts.replaces)
        return results

    def _result(self, results: Sequence[Handled]) -> ScanResult:
        result = ScanResult(counts={how: results.count(how) for how in Handled})
        for how in (Handled.DEPOSITED, Handled.DROPPED, Handled.REMOVED, Handled.QUARANTINED, Handled.FAILED):
            self.metrics.handled.labels(how.value).inc(result[how])
        for how in (Handled.WAITING, Handled.HELD, Handled.FAILED):
            self.metrics.left.labels(how.value).set(result[how])
        return result

    async def _handle(self, found: _Found, switch: _Switch | None) -> Handled:
        if found.trouble is not None:
            raise found.trouble
        lock = await asyncio.to_thread(self.spool.lock, found.entry)
        if lock is None:
            self._met.pop(found.entry.name, None)
            return Handled.HELD
        try:
            return await self._handle_locked(found, switch)
        finally:
            lock.release()

    async def _handle_locked(self, found: _Found, switch: _Switch | None) -> Handled:
        entry, facts = found.entry, found.facts
        if entry.kind is EntryKind.DISCARDED:
            await asyncio.to_thread(self.spool.discard, UUID(entry.name))
            return Handled.REMOVED
        if entry.kind is EntryKind.UNFINISHED:
            if age_seconds(entry.facts) < _UNFINISHED_SECONDS:
                return Handled.WAITING
            await asyncio.to_thread(self.spool.remove_unfinished, entry)
            return Handled.REMOVED
        changed = entry.wav if entry.wav.exists() else entry.facts
        quiet = self._quiet_seconds(entry.name, changed) >= self.settle_seconds
        try:
            layout = await asyncio.to_thread(wav_files.inspect, entry.wav)
        except NotAWav as error:
            ended = self._has_ended(found.call_id, changed, switch, quiet=quiet, has_audio=True)
            return await self._quarantine(entry, str(error)) if ended else Handled.WAITING
        has_audio = bool(layout.audio_bytes)
        ended = self._has_ended(found.call_id, changed, switch, quiet=quiet, has_audio=has_audio)
        if not has_audio:
            return await self._nothing_recorded(entry) if ended else Handled.WAITING
        if not self._is_complete(entry, layout, ended=ended, quiet=quiet):
            return Handled.WAITING
        if facts is None:
            return await self._without_facts(entry)
        return await self._deposit(entry, facts)

    def _quiet_seconds(self, name: str, changed: Path | None) -> float:
        """Return how long we have known the file as it is now."""
        now, state = self.clock(), state_of(changed)
        before = self._seen.get(name)
        if before is None or before[0] != state:
            self._seen[name] = before = (state, now)
        return now - before[1]

    def _has_ended(
        self, call_id: str, changed: Path | None, switch: _Switch | None, *, quiet: bool, has_audio: bool
    ) -> bool:
        """Tell whether the call is over for certain."""
        if switch is not None and call_id in switch.over:
            return True
        if not quiet:
            return False
        age = age_seconds(changed)
        is_before_the_switch = switch is not None and isfinite(age) and switch.started_at > time.time() - age
        if switch is not None and call_id:
            # It knows the call, or another one by the same id. A caller who says nothing may begin to.
            return is_before_the_switch and has_audio
        return is_before_the_switch or age > _FORGOTTEN_SECONDS

    def _is_complete(self, entry: Entry, layout: Layout, *, ended: bool, quiet: bool) -> bool:
        if layout.header is not Header.CLOSED:
            self._met.pop(entry.name, None)
            # A file that grows is being recorded, whatever the switch says: a channel's id may change.
            return ended and quiet
        now = self.clock()
        return now - self._met.setdefault(entry.name, now) >= self.settle_seconds or ended

    async def _nothing_recorded(self, entry: Entry) -> Handled:
        if entry.kind is EntryKind.UNKNOWN:
            return await self._quarantine(entry, "The name says nothing, and there is no audio.")
        await asyncio.to_thread(self.spool.remove, entry.wav)
        return Handled.REMOVED

    async def _without_facts(self, entry: Entry) -> Handled:
        recording_id = entry.recording_id(switch=self.switch_kind)
        if recording_id is not None and await self.depositor.finish(recording_id, entry.wav):
            return Handled.REMOVED
        return await self._quarantine(entry, "Nothing says for which mailbox it is.")

    async def _deposit(self, entry: Entry, facts: TakeFacts) -> Handled:
        try:
            deposited = await self.depositor.deposit(facts, entry.wav, ended=True)
        except (NotAWav, NoSuchMailbox) as error:
            return await self._quarantine(entry, str(error))
        return Handled.DEPOSITED if deposited else Handled.DROPPED

    async def _quarantine(self, entry: Entry, reason: str) -> Handled:
        await asyncio.to_thread(self.spool.quarantine, entry, reason)
        structlog.get_logger().error("spool.quarantined", name=entry.name, reason=reason)
        return Handled.QUARANTINED
