"""Bringing a message home from the switch's own voicemail, cut off at every step: it is there once."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from controlplane.domain.message import TakeFacts, recording_id_of_fallback
from controlplane.services.deposit import Depositor
from controlplane.services.ingest import Ingest
from controlplane.services.native_voicemail import NativeHome, NativeStep
from controlplane.storage.database import Database
from controlplane.storage.queue import Jobs
from controlplane.storage.recordings import RecordingStore
from controlplane.storage.spool import FileSpool
from controlplane.storage.wav import HEADER_BYTES
from tests.support.deposits import DEPOSIT_STEPS, FakeSwitch, insert_mailbox, messages, queued, rows
from tests.support.dying import FETCH, run_until
from tests.support.fake_native import FakeNativeVoicemail
from tests.support.takes import audio, facts_for, files

KILLED = -9
# In the order in which a message meets them.
STEPS = [NativeStep.LISTED, NativeStep.PLACED, *DEPOSIT_STEPS, NativeStep.SCANNED, NativeStep.REMOVED]


@pytest.fixture
def facts(database_url: str, default_tenant: UUID) -> TakeFacts:
    """Return facts that name a mailbox which wants mail."""
    return facts_for(insert_mailbox(database_url, default_tenant))


@pytest.fixture
def native(tmp_path: Path) -> FakeNativeVoicemail:
    """Return the switch's own voicemail."""
    return FakeNativeVoicemail(tmp_path / "native")


@pytest.fixture
def home(database: Database, jobs: Jobs, native: FakeNativeVoicemail, tmp_path: Path) -> NativeHome:
    """Bring home into a spool; the switch knows no call any more."""
    (tmp_path / "spool").mkdir()
    spool = FileSpool(tmp_path / "spool")
    depositor = Depositor(
        database=database, jobs=jobs, store=RecordingStore(tmp_path / "recordings"), spool=spool
    )
    ingest = Ingest(
        spool=spool, depositor=depositor, switch=FakeSwitch(), switch_kind="freeswitch", settle_seconds=0
    )
    return NativeHome(native=native, ingest=ingest)


async def assert_home_once(url: str, home: NativeHome, file_id: UUID) -> None:
    """Check that there is one whole message, one mail, and nothing left on either side.

    The scanner runs besides, as it does every few seconds where something lies in the spool.
    """
    await home.ingest.scan()
    message_id = recording_id_of_fallback(f"fb-{file_id}-0", switch="freeswitch")
    store = home.ingest.depositor.store

    assert [(each, length) for each, _, _, length in messages(url)] == [(message_id, 3000)]
    assert queued(url) == [
        ("mail.send", str(message_id)),
        ("mwi.send", "8001"),
        ("speech.envelope", str(message_id)),
    ]
    assert store.path(message_id).read_bytes()[HEADER_BYTES:] == audio(3)
    assert files(home.ingest.spool.root) == []
    assert await home.native.messages() == []


@pytest.mark.parametrize("step", STEPS)
async def test_killed_at_any_step_brings_it_home_once(  # noqa: PLR0917 (fixtures)
    home: NativeHome,
    native: FakeNativeVoicemail,
    facts: TakeFacts,
    database_url: str,
    tmp_path: Path,
    step: str,
) -> None:
    """Whoever brings it home is killed; the next run does the rest, and nothing twice."""
    file_id = uuid4()
    native.take(facts.mailbox_id, file_id)
    ended = run_until(FETCH, step, url=database_url, folder=tmp_path, facts=facts)
    await home.fetch()

    assert ended == KILLED
    await assert_home_once(database_url, home, file_id)


async def test_killed_again_and_again_is_still_once(
    home: NativeHome, native: FakeNativeVoicemail, facts: TakeFacts, database_url: str, tmp_path: Path
) -> None:
    """One run after the other is killed, each one step further; the message is there once."""
    file_id = uuid4()
    native.take(facts.mailbox_id, file_id)
    for step in STEPS:
        run_until(FETCH, step, url=database_url, folder=tmp_path, facts=facts)
    await home.fetch()

    await assert_home_once(database_url, home, file_id)


async def test_facts_come_along(
    home: NativeHome, native: FakeNativeVoicemail, facts: TakeFacts, database_url: str
) -> None:
    """Caller, call, time and the way it got here are the message's; hostile text stays in its place."""
    native.take(facts.mailbox_id, uuid4())
    await home.fetch()
    ((number, name, call_id, at, reached_by),) = rows(
        database_url, "SELECT caller_number, caller_name, call_id, received_at, reached_by FROM messages"
    )

    assert ("5551234", "Bob; Müller =x") == (number, name)
    assert "9f13a4ad-36c3-4049-882d-32cd7e47fc1b" == call_id
    assert datetime(2026, 11, 23, 15, 45, tzinfo=UTC) == at
    assert "busy" == reached_by["reason"]


async def test_message_of_a_call_that_goes_on_is_waited_for(
    home: NativeHome, native: FakeNativeVoicemail, facts: TakeFacts, database_url: str
) -> None:
    """As long as it is not ours it stays there, and the run says that there is more to do."""
    message = native.take(facts.mailbox_id, uuid4())
    home.ingest.switch = FakeSwitch(known={message.call_id})
    home.ingest.settle_seconds = 60
    left = await home.fetch()

    assert (1, []) == (left, messages(database_url))
    assert [message] == list(await native.messages())


async def test_empty_file_is_removed(
    home: NativeHome, native: FakeNativeVoicemail, facts: TakeFacts, database_url: str
) -> None:
    """A file of no bytes is no message, and does not lie there for ever."""
    native.take(facts.mailbox_id, uuid4()).audio.write_bytes(b"")
    left = await home.fetch()

    assert (0, []) == (left, messages(database_url))
    assert [] == list(await native.messages())


async def test_what_is_no_audio_is_put_aside_once(
    home: NativeHome, native: FakeNativeVoicemail, facts: TakeFacts
) -> None:
    """It goes to quarantine with its reason, and is not copied again by the next run."""
    native.take(facts.mailbox_id, uuid4()).audio.write_bytes(b"no WAV file at all, but long enough to be one")
    for _ in range(2):
        await home.fetch()

    assert 1 == len(list(home.ingest.spool.quarantine_folder.glob("*.reason")))
    assert [] == list(await native.messages())


async def test_message_of_a_deleted_mailbox_is_in_its_trash(
    home: NativeHome, native: FakeNativeVoicemail, database_url: str, default_tenant: UUID
) -> None:
    """A mailbox that was deleted meanwhile gets it in the trash, nobody else does."""
    gone = insert_mailbox(database_url, default_tenant, deleted_at="now")
    native.take(gone, uuid4())
    await home.fetch()

    assert [(gone, "deleted")] == [(mailbox, state) for _, mailbox, state, _ in messages(database_url)]
