"""A spoken name that somebody hears before callers do: tried, then used or dropped.

It is kept as a greeting that is tried, for the key of the name; one that nobody settles goes after a day.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from uuid import UUID, uuid4

from controlplane.domain.errors import NotFound
from controlplane.services.mailboxes import find_mailbox
from controlplane.services.spoken_names import name_from, record_name
from controlplane.storage import spoken_texts
from controlplane.storage.database import Database
from controlplane.storage.queue import Jobs
from controlplane.storage.recording_keys import NAME
from controlplane.storage.tables import GreetingDraftRow


async def try_name(db: Database, *, tenant_id: UUID, number: str, content: bytes, by: str) -> UUID:
    """Keep an uploaded recording to be tried; raises NotFound, InvalidValue (`greeting`)."""
    async with db.transaction() as session:
        mailbox, _ = await find_mailbox(session, tenant_id, number)
        mailbox_id = mailbox.id
    wav = await asyncio.to_thread(name_from, content)
    row = GreetingDraftRow(
        id=uuid4(), tenant_id=tenant_id, object_id=mailbox_id, made_by=by, source=NAME, wav=wav
    )
    async with db.transaction() as session:
        await spoken_texts.insert_draft(session, row)
    return row.id


async def tried_name(db: Database, *, tenant_id: UUID, number: str, draft_id: UUID) -> bytes:
    """Return what is tried, a WAV; raises NotFound."""
    async with db.transaction() as session:
        mailbox, _ = await find_mailbox(session, tenant_id, number)
        row = await spoken_texts.draft(session, draft_id, tenant_id=tenant_id, object_id=mailbox.id)
    if row is None or row.source != NAME or row.wav is None:
        raise NotFound("This recording was used or dropped meanwhile.", error_id="no-such-tried-name")
    return row.wav


async def use_tried_name(
    db: Database,
    jobs: Jobs,
    *,
    tenant_id: UUID,
    number: str,
    draft_id: UUID,
    by: str,
    clock: Callable[[], datetime],
) -> None:
    """Let callers hear it; raises NotFound."""
    wav = await tried_name(db, tenant_id=tenant_id, number=number, draft_id=draft_id)
    await record_name(db, jobs, tenant_id=tenant_id, number=number, wav=wav, by=by, clock=clock)
    async with db.transaction() as session:
        await spoken_texts.remove_draft(session, draft_id)
