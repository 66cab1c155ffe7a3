"""The files of greetings that people recorded for mailboxes, in the cache from which calls play."""

from __future__ import annotations

import asyncio
from pathlib import Path

from controlplane.domain.mailbox import Mailbox
from controlplane.services.mailboxes import defer_greeting
from controlplane.speech import audio
from controlplane.speech.cache import PromptCache
from controlplane.storage import mailbox_greetings
from controlplane.storage.database import Database
from controlplane.storage.queue import Jobs


async def place_recordings(database: Database, cache: PromptCache, mailbox: Mailbox) -> None:
    """Put what was recorded for a mailbox where calls find it; raises OSError, Unavailable."""
    for digest in sorted(mailbox.digests):
        path = cache.recording(digest)
        if await asyncio.to_thread(path.is_file):
            continue
        async with database.transaction() as session:
            wav = await mailbox_greetings.wav_of(session, mailbox.id, digest)
        if wav is not None:
            await asyncio.to_thread(audio.place, path, wav)


async def settle_recordings(database: Database, jobs: Jobs, cache: PromptCache, *, older_than: float) -> None:
    """Have recordings placed that are missing, and remove those that no mailbox has any more.

    `older_than`: files that changed after it (seconds since the epoch) stay. Commits.
    """
    async with database.transaction() as session:
        wanted = await mailbox_greetings.in_use(session)
    present = await asyncio.to_thread(_present, cache.recording("x").parent)
    for digest, (path, changed_at) in present.items():
        if digest not in wanted and changed_at < older_than:
            await asyncio.to_thread(path.unlink, missing_ok=True)
    missing = {mailbox_id for digest, mailbox_id in wanted.items() if digest not in present}
    async with database.transaction() as session:
        for mailbox_id in missing:
            await defer_greeting(session, jobs, mailbox_id)


def _present(folder: Path) -> dict[str, tuple[Path, float]]:
    found: dict[str, tuple[Path, float]] = {}
    for path in folder.glob("[!.]*.wav"):
        try:
            found[path.stem] = (path, path.stat().st_mtime)
        except FileNotFoundError:
            continue
    return found
