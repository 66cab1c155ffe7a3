"""What people recorded for a mailbox: kept in its row by key, so that it comes and goes with the mailbox.

A job puts recordings where calls find them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.errors import InvalidValue
from controlplane.services.kind_rules import MAX_KIND_GREETINGS, too_many
from controlplane.services.mailbox_rules import MAX_SOURCE_GREETINGS
from controlplane.services.mailboxes import defer_greeting, find_mailbox
from controlplane.speech import audio
from controlplane.storage import mailbox_greetings, mailboxes
from controlplane.storage.database import Database
from controlplane.storage.queue import Jobs
from controlplane.storage.recording_keys import is_of_kind, is_plain
from controlplane.storage.tables import MailboxRow


async def keep_recording(
    db: Database,
    jobs: Jobs,
    *,
    tenant_id: UUID,
    number: str,
    key: str,
    wav: bytes,
    by: str,
    clock: Callable[[], datetime],
    facts: Mapping[str, Any],
    meant: UUID | None = None,
) -> None:
    """Keep a recording as `speech.recorded` made it, with `facts`; raises NotFound, InvalidValue.

    `meant` is as in `find_mailbox`.
    """
    digest = hashlib.sha256(wav).hexdigest()
    one = {
        "digest": digest,
        "seconds": round(audio.seconds_of(wav), 1),
        "at": clock().isoformat(),
        "by": by,
        **facts,
    }
    async with db.transaction() as session:
        row, _ = await find_mailbox(session, tenant_id, number, lock=True, meant=meant)
        now = {**row.recorded_greetings, key: one}
        _check_count(now)
        await mailbox_greetings.store(session, row.id, digest=digest, wav=wav)
        await change_heard(session, jobs, row, {"recorded_greetings": now}, by)


async def recording_at(db: Database, tenant_id: UUID, number: str, key: str) -> bytes | None:
    """Return what was recorded under a key, a WAV; raises NotFound for the mailbox."""
    async with db.transaction() as session:
        row, _ = await find_mailbox(session, tenant_id, number)
        own = row.recorded_greetings.get(key)
        return None if own is None else await mailbox_greetings.wav_of(session, row.id, own["digest"])


async def change_heard(
    session: AsyncSession, jobs: Jobs, row: MailboxRow, values: Mapping[str, Any], by: str
) -> None:
    """Change what is set, forget recordings that are of no use any more, and have the rest placed."""
    if all(getattr(row, key) == value for key, value in values.items()):
        return
    changed = await mailboxes.update_values(
        session, row.id, expected_version=None, values={**values, "updated_by": by}
    )
    assert changed is not None
    digests = [own["digest"] for own in changed.recorded_greetings.values()]
    await mailbox_greetings.keep_only(session, row.id, digests)
    await defer_greeting(session, jobs, row.id)


def _check_count(recorded: Mapping[str, Any]) -> None:
    of_kinds = sum(is_of_kind(key) for key in recorded)
    if of_kinds > MAX_KIND_GREETINGS:
        raise too_many("kind")
    if sum(map(is_plain, recorded)) > MAX_SOURCE_GREETINGS + 1:
        raise InvalidValue(
            f"There can be {MAX_SOURCE_GREETINGS} of these.", error_id="too-many", field="source"
        )
