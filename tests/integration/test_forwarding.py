"""Forwarding over a real spool, store and database: a whole copy, mails that were asked for, and the log."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import pytest
from controlplane.domain.audit import AuditAction
from controlplane.services.deposit import Depositor
from controlplane.services.mailing import mail_again
from controlplane.storage.audit import note_heard
from controlplane.storage.database import Database
from controlplane.storage.queue import Jobs
from controlplane.storage.recordings import RecordingStore
from controlplane.storage.spool import FileSpool
from controlplane.storage.wav import NotAWav
from tests.support.deposits import insert_mailbox, messages, queued, rows
from tests.support.rows import add_message
from tests.support.takes import aged, facts_for, files, spoken_wav


@pytest.fixture
def mailbox(database_url: str, default_tenant: UUID) -> UUID:
    """Return a mailbox of two recipients that mails nobody by itself."""
    return insert_mailbox(
        database_url, default_tenant, recipients=("a@example.com", "b@example.com"), email_notification=False
    )


@pytest.fixture
def spool(tmp_path: Path) -> FileSpool:
    """Return an empty spool."""
    found = FileSpool(tmp_path / "spool")
    found.root.mkdir()
    return found


async def test_note_and_message_become_one_recording(  # noqa: PLR0917 (fixtures)
    database: Database, jobs: Jobs, spool: FileSpool, tmp_path: Path, database_url: str, mailbox: UUID
) -> None:
    """With a pause of half a second between them; the spool is empty then."""
    store = RecordingStore(tmp_path / "store")
    depositor = Depositor(database=database, jobs=jobs, store=store, spool=spool)
    note, original = (
        spoken_wav(tmp_path / "note.wav", (1000, 8000)),
        spoken_wav(tmp_path / "m.wav", (2000, 8000)),
    )
    facts = facts_for(mailbox, kept=True)
    take = await spool.begin(facts)
    await take.fill(note, original)
    assert await depositor.deposit(take.facts, take.wav)
    await take.release()

    assert messages(database_url) == [(facts.recording_id, mailbox, "new", 3500)]
    assert files(spool.root) == []


@pytest.mark.parametrize("broken", ["missing", "no-audio"])
async def test_what_cannot_be_joined_leaves_no_audio(
    spool: FileSpool, tmp_path: Path, mailbox: UUID, broken: str
) -> None:
    """Neither under the take's name nor under another one: nothing is ever delivered of it."""
    bad = tmp_path / "bad.wav"
    if broken == "no-audio":
        bad.write_bytes(b"no audio at all, but long enough to be looked at as a header" * 2)
    take = await spool.begin(facts_for(mailbox))
    with pytest.raises((FileNotFoundError, NotAWav)):
        await take.fill(spoken_wav(tmp_path / "note.wav", (1000, 8000)), bad)
    await take.discard()
    await take.release()

    assert files(spool.root) == []


async def test_drafts_are_no_entries_and_go_when_old(spool: FileSpool, mailbox: UUID) -> None:
    """No scanner sees one; what a process that died left behind is removed, and nothing else."""
    take = await spool.begin(facts_for(mailbox))
    draft = spool.draft(take.facts.recording_id)
    spoken_wav(draft, (1000, 8000))
    spool.remove_old_drafts(500)
    young = files(spool.root)
    aged(draft, 1000)
    seen = [entry.name for entry in spool.entries()]
    spool.remove_old_drafts(500)
    await take.release()

    assert [str(take.facts.recording_id)] == seen
    assert set(young) - set(files(spool.root)) == {draft.name}


async def test_mails_that_somebody_asked_for(
    database: Database, jobs: Jobs, database_url: str, mailbox: UUID
) -> None:
    """All recipients are mailed, again if they were, and the log says who asked."""
    message = await add_message(database, mailbox, mails=(("a@example.com", "sent", None),))
    assert await mail_again(database, jobs, message, by="extension 101")
    await mail_again(database, jobs, message, by="extension 101")

    assert rows(database_url, "SELECT recipient, status, asked FROM message_mails ORDER BY recipient") == [
        ("a@example.com", "queued", 2),
        ("b@example.com", "queued", 2),
    ]
    assert [("mail.send", str(message))] * 4 == queued(database_url)
    found = rows(database_url, "SELECT author, action, details->'after'->>'to' FROM audit_entries")
    assert [("extension 101", "forwarded", "a@example.com, b@example.com")] * 2 == found[-2:]


async def test_a_mailbox_without_recipients_mails_nobody(
    database: Database, jobs: Jobs, database_url: str, default_tenant: UUID
) -> None:
    """It is said, and nothing is queued."""
    message = await add_message(database, insert_mailbox(database_url, default_tenant, recipients=()))

    assert not await mail_again(database, jobs, message, by="extension 101")
    assert [] == queued(database_url)


async def test_log_says_to_which_mailbox_a_message_went(
    database: Database, database_url: str, mailbox: UUID
) -> None:
    """Beside who left it and when."""
    message = await add_message(database, mailbox)
    async with database.transaction() as session:
        await note_heard(session, [message], action=AuditAction.FORWARDED, by="extension 101", to="8002")

    ((caller, to),) = rows(
        database_url,
        "SELECT details->>'caller', details->'after'->>'to' FROM audit_entries WHERE action = 'forwarded'",
    )
    assert ("101", "8002") == (caller, to)
