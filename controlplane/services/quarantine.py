"""Recordings that were put aside: assigning one to a mailbox, and giving one up."""

from __future__ import annotations

import asyncio
from pathlib import Path
from uuid import UUID, uuid4

import structlog

from controlplane.domain.audit import AuditAction
from controlplane.domain.caller import Caller
from controlplane.domain.errors import Conflict, NotFound
from controlplane.domain.message import ReachedBy, TakeFacts
from controlplane.storage import audit, mailboxes
from controlplane.storage.database import Database
from controlplane.storage.quarantine import PutAside, Quarantine
from controlplane.storage.spool import FileSpool

__all__ = [
    "PutAside",
    "Quarantine",
    "assign_recording",
    "discard_recording",
    "find_recording",
    "hear_recording",
    "put_aside",
]


async def put_aside(spool: Path) -> list[PutAside]:
    """List what was put aside, the newest first; raises OSError."""
    return await asyncio.to_thread(Quarantine(spool).all)


async def find_recording(spool: Path, name: str) -> PutAside:
    """Return one by its name; raises NotFound `no-such-recording`."""
    found = await asyncio.to_thread(Quarantine(spool).find, name)
    if found is None:
        raise NotFound("There is no such recording put aside.", error_id="no-such-recording")
    return found


async def assign_recording(
    db: Database, spool: Path, name: str, *, tenant_id: UUID, mailbox_number: str, by: str
) -> None:
    """Put a recording back into the spool, as a take for a mailbox; the scanner makes a message of it.

    The facts come first and are held until the audio is there: whoever dies in between leaves it where it
    was. Raises NotFound `no-such-recording` or `no-such-mailbox`, Conflict `no-audio`, OSError.
    """
    found = await find_recording(spool, name)
    if not found.duration_ms:
        raise Conflict("There is no audio in this file that a message could be made of.", error_id="no-audio")
    async with db.transaction() as session:
        mailbox = await mailboxes.by_number(session, tenant_id, mailbox_number)
    if mailbox is None:
        raise NotFound(
            "There is no mailbox with this number.", error_id="no-such-mailbox", field="mailbox_number"
        )
    recording_id = uuid4()
    facts = TakeFacts(
        recording_id=recording_id,
        tenant_id=tenant_id,
        mailbox_id=mailbox[0].id,
        call_id=f"put-aside-{recording_id}",
        caller=Caller(),
        reached_by=ReachedBy(),
        started_at=found.put_aside_at,
        kept=True,
    )
    quarantine = Quarantine(spool)
    take = await FileSpool(spool).begin(facts)
    try:
        await asyncio.to_thread(quarantine.wav(name).rename, take.wav)
        await asyncio.to_thread(quarantine.remove, name)
    finally:
        await take.release()
    await _note(db, AuditAction.RESTORED, name, by)
    structlog.get_logger().info(
        "quarantine.assigned", name=name, recording_id=str(recording_id), mailbox=mailbox_number, by=by
    )


async def hear_recording(db: Database, spool: Path, name: str, *, by: str) -> Path:
    """Note who hears a recording, and return its file; raises NotFound `no-such-recording`."""
    found = await find_recording(spool, name)
    if not found.has_audio:
        raise NotFound("There is no such recording put aside.", error_id="no-such-recording")
    await _note(db, AuditAction.HEARD, found.name, by)
    return Quarantine(spool).wav(found.name)


async def discard_recording(db: Database, spool: Path, name: str, *, by: str) -> None:
    """Remove a recording for good; raises NotFound `no-such-recording`, OSError."""
    found = await find_recording(spool, name)
    await _note(db, AuditAction.PURGED, found.name, by)
    await asyncio.to_thread(Quarantine(spool).remove, found.name)
    structlog.get_logger().info("quarantine.discarded", name=name, by=by)


async def _note(db: Database, action: AuditAction, name: str, by: str) -> None:
    """Note what was done with a recording, which is of no tenant that anybody knows."""
    async with db.transaction() as session:
        await audit.note_done(session, None, action=action, kind="recording", key=name, by=by)
