"""How each part of the installation is, in words, with what to do."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import UUID

from fastapi import Response

from controlplane.domain.errors import ControlPlaneError
from controlplane.domain.presence import ProcessKind, RunningProcess
from controlplane.services.mail_queue import unsent_mails
from controlplane.services.mail_words import words_faults
from controlplane.services.presence import SeenProcesses, seen_processes
from controlplane.services.quarantine import Quarantine
from controlplane.storage.writable import check_writable
from controlplane.web.portal.access import SystemAdmin
from controlplane.web.portal.addresses import PREFIX
from controlplane.web.portal.routes import page_router
from controlplane.web.portal.visits import Visit
from controlplane.web.portal.words import Words

router = page_router()
GOOD, ATTENTION, BAD = "good", "attention", "bad"
_SECONDS: Final = 2.0
_SHORT_BYTES, _FULL_BYTES = 2_000_000_000, 200_000_000
_BESIDE_A_SWITCH: Final = frozenset({ProcessKind.CALLS, ProcessKind.EVENTS})
_KNOWN_FAULTS: Final = frozenset({"listener", "switch", "worker", "prompts"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part and how it is: `state` is good, attention or bad; `remedy` says what to do, empty if nothing."""

    name: str
    state: str
    found: str
    remedy: str = ""
    page: str = ""


@router.get(f"{PREFIX}/health")
async def health_page(visit: SystemAdmin) -> Response:
    """Look at every part now."""
    seen = await seen_processes(visit.deps.db)
    parts = [
        *_processes(seen, visit),
        await _switch(visit),
        Part(name=visit.words("health.database"), state=GOOD, found=visit.words("health.answers")),
        *await _disks(visit),
        await _mail(visit),
        await _quarantine(visit),
    ]
    worst = next((state for state in (BAD, ATTENTION) if any(part.state == state for part in parts)), GOOD)
    return visit.page("health.html", section="health", parts=parts, worst=worst)


def _processes(seen: SeenProcesses, visit: Visit) -> list[Part]:
    kinds = list(ProcessKind)
    if visit.deps.switch_answers is None:
        # Without a switch nobody starts them.
        kinds = [kind for kind in kinds if kind not in _BESIDE_A_SWITCH]
    return [part for kind in kinds for part in _of_kind(kind, seen, visit)]


def _of_kind(kind: ProcessKind, seen: SeenProcesses, visit: Visit) -> Sequence[Part]:
    """Return a part for each process of a kind that runs; if none does, for the one that was seen last."""
    words, zone = visit.words, visit.person.time_zone
    all_of_them = [one for one in seen.items if one.kind is kind]
    running = [one for one in all_of_them if not one.is_lost(seen.now)]
    name = words(f"health-processes.{kind}")
    if running:
        return [_running(one, name, words, zone, several=len(running) > 1) for one in running]
    if kind is ProcessKind.WEB:
        # This very page is its answer.
        return [Part(name=name, state=GOOD, found=words("health.answers"))]
    last = max((one.seen_at for one in all_of_them), default=None)
    found = words("health.never") if last is None else words("health.lost", at=words.moment(last, zone))
    return [Part(name=name, state=BAD, found=found, remedy=words(f"health-remedies.{kind}"))]


def _running(one: RunningProcess, name: str, words: Words, zone: str, *, several: bool) -> Part:
    shown = f"{name} ({one.host})" if several else name
    since = words("health.runs", at=words.moment(one.started_at, zone))
    if not one.faults:
        return Part(name=shown, state=GOOD, found=since)
    said = [
        words(f"health-faults.{what}") if what in _KNOWN_FAULTS else f"{what}: {sentence}"
        for what, sentence in sorted(one.faults.items())
    ]
    state = ATTENTION if set(one.faults) == {"prompts"} else BAD
    return Part(name=shown, state=state, found=" ".join(said), remedy=_remedy(one, words))


def _remedy(one: RunningProcess, words: Words) -> str:
    what = next((what for what in sorted(one.faults) if what in _KNOWN_FAULTS), None)
    return words(f"health-remedies.{what}") if what else words("health.see-log")


async def _switch(visit: Visit) -> Part:
    words, answers = visit.words, visit.deps.switch_answers
    name = words("health.switch")
    if answers is None:
        return Part(name=name, state=ATTENTION, found=words("health.no-switch"))
    try:
        async with asyncio.timeout(_SECONDS):
            await answers()
    except (TimeoutError, ControlPlaneError, OSError):
        return Part(
            name=name,
            state=BAD,
            found=words("health.silent"),
            remedy=words("health-remedies.switch"),
        )
    return Part(name=name, state=GOOD, found=words("health.answers"))


async def _disks(visit: Visit) -> list[Part]:
    """Return how the disks of the spool and of the recordings are; only into the spool we write here."""
    recordings = visit.deps.recordings.path(UUID(int=0)).parents[1]
    return [
        await asyncio.to_thread(_disk, visit.words, "spool", visit.deps.spool, written=True),
        await asyncio.to_thread(_disk, visit.words, "recordings", recordings, written=False),
    ]


def _disk(words: Words, key: str, folder: Path, *, written: bool) -> Part:
    name = words(f"health.{key}")
    try:
        if written:
            check_writable(folder)
        free = shutil.disk_usage(folder if folder.exists() else folder.parent).free
    except OSError:
        return Part(
            name=name, state=BAD, found=words("health.not-writable"), remedy=words("health-remedies.folder")
        )
    state = BAD if free < _FULL_BYTES else ATTENTION if free < _SHORT_BYTES else GOOD
    found = words("health.free", size=words.number(round(free / 1_000_000_000)))
    return Part(
        name=name, state=state, found=found, remedy="" if state == GOOD else words("health-remedies.disk")
    )


async def _mail(visit: Visit) -> Part:
    words = visit.words
    mails = await unsent_mails(visit.deps.db, scope=None)
    name, troubled = words("health.mail"), [one for one in mails.items if one.error]
    if not troubled:
        failed = await words_faults(visit.deps.db, scope=None)
        if failed:
            return Part(
                name=name,
                state=ATTENTION,
                found=words.count("mail-words.failed", len(failed)),
                remedy=words("mail-words.failed-remedy"),
                page="/mails",
            )
        return Part(name=name, state=GOOD, found=words("health.mail-good"))
    counts = (words.count("mails.failed", mails.failed), words.count("mails.waiting", mails.waiting))
    said = words("health.last-error", error=troubled[0].error)
    return Part(
        name=name,
        state=ATTENTION,
        found=f"{', '.join(counts)}. {said}",
        remedy=words("health-remedies.mail"),
        page="/mails",
    )


async def _quarantine(visit: Visit) -> Part:
    words = visit.words
    count = await asyncio.to_thread(Quarantine(visit.deps.spool).count)
    return Part(
        name=words("health.quarantine"),
        state=ATTENTION if count else GOOD,
        found=words.count("health.put-aside", count) if count else words("health.nothing-aside"),
        remedy=words("health-remedies.quarantine") if count else "",
        page="/quarantine" if count else "",
    )
