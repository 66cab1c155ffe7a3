"""Speaking greetings and envelopes for real rows, with an engine that hums."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from controlplane.callflows.prompts import FromNumber, Greeting, ReceivedAt
from controlplane.domain.mailbox import SayDatetime
from controlplane.jobs import speech as speech_jobs
from controlplane.services.speaking import Speech, speak_envelope, speak_greeting
from controlplane.speech.cache import PromptCache
from controlplane.speech.engines import SpeechUnavailable
from controlplane.speech.speaker import Speaker
from controlplane.storage.database import Database
from controlplane.storage.queue import Jobs
from controlplane.storage.recordings import RecordingStore
from controlplane.storage.tables import MailboxRow, MessageRow
from procrastinate import App
from sqlalchemy import text, update
from tests.support.speech_engines import HummingEngine

MESSAGE = UUID("3e7f8a52-6a0a-4a39-9c8e-0f6f3f1c2d11")
MAILBOX = UUID("a1a7a2bb-64ab-4e16-8c0e-20f6a2f5a001")


@pytest.fixture
async def mailbox(database: Database, default_tenant: UUID) -> None:
    """Make a mailbox with one message from 102, received at 3:45 PM in New York."""
    async with database.transaction() as session:
        session.add(
            MailboxRow(
                id=MAILBOX,
                tenant_id=default_tenant,
                number="8001",
                display_name="Sales",
                language="en-US",
                pin_hash="x",
                deleted_at=None,
            )
        )
        await session.flush()
        session.add(
            MessageRow(
                id=MESSAGE,
                tenant_id=default_tenant,
                mailbox_id=MAILBOX,
                call_id="1.1",
                caller_number="102",
                caller_name="",
                received_at=datetime(2026, 11, 23, 20, 45, tzinfo=UTC),
                duration_ms=2000,
                state_before=None,
                state_changed_by=None,
                reached_by={"reason": "direct"},
            )
        )
        await session.execute(text("UPDATE tenants SET time_zone = 'America/New_York'"))


@pytest.fixture
def engine() -> HummingEngine:
    """Return an engine that hums."""
    return HummingEngine()


@pytest.fixture
def speech(tmp_path: Path, engine: HummingEngine) -> Speech:
    """Return speech into an empty cache."""
    cache = PromptCache(tmp_path / "prompts", voices=lambda _language: [engine.voice])
    return Speech(Speaker(cache, engines=lambda _language: [engine]))


@pytest.fixture
def greetings(tmp_path: Path) -> Path:
    """Return where the dialplan finds greetings."""
    return tmp_path / "greetings"


async def _change(database: Database, **values: object) -> None:
    async with database.transaction() as session:
        await session.execute(update(MailboxRow).values(**values))


async def test_a_greeting_is_in_the_cache_and_for_the_dialplan(
    database: Database, mailbox: None, speech: Speech, greetings: Path
) -> None:
    """The greeting of a mailbox is found by the flows and by the dialplan."""
    await speak_greeting(database, speech, MAILBOX, greetings)

    (cached,) = speech.cache.files(Greeting(display_name="Sales"), "en")
    assert cached.read_bytes() == (greetings / f"{MAILBOX}.wav").read_bytes()


async def test_greetings_per_source_are_in_the_cache(
    database: Database, mailbox: None, speech: Speech, greetings: Path
) -> None:
    """Each is spoken in its own language; one without words of its own is the mailbox's in that language."""
    own = [
        {"source": "6100", "greeting": "Sales <is> busy.", "language": None},
        {"source": "6200", "greeting": None, "language": "de"},
    ]
    await _change(database, source_greetings=own)

    await speak_greeting(database, speech, MAILBOX, greetings)

    assert 1 == len(speech.cache.files(Greeting(display_name="Sales", text="Sales <is> busy."), "en"))
    assert 1 == len(speech.cache.files(Greeting(display_name="Sales"), "de"))


async def test_a_new_name_replaces_the_greeting(
    database: Database, mailbox: None, speech: Speech, greetings: Path
) -> None:
    """After a change of the name the dialplan has the new greeting."""
    await speak_greeting(database, speech, MAILBOX, greetings)
    await _change(database, display_name="Sales and Service")

    await speak_greeting(database, speech, MAILBOX, greetings)

    (cached,) = speech.cache.files(Greeting(display_name="Sales and Service"), "en")
    assert cached.read_bytes() == (greetings / f"{MAILBOX}.wav").read_bytes()


async def test_the_greeting_of_a_deleted_mailbox_goes(
    database: Database, mailbox: None, speech: Speech, greetings: Path
) -> None:
    """The dialplan has no greeting of a deleted mailbox; removing it twice is no error."""
    await speak_greeting(database, speech, MAILBOX, greetings)
    await _change(database, deleted_at=datetime(2026, 11, 24, tzinfo=UTC))

    await speak_greeting(database, speech, MAILBOX, greetings)
    await speak_greeting(database, speech, MAILBOX, greetings)

    assert [] == list(greetings.iterdir())


async def test_a_change_while_speaking_is_noticed(
    database: Database, mailbox: None, engine: HummingEngine, tmp_path: Path, greetings: Path
) -> None:
    """A name that changes while the old one is spoken is the one that remains."""
    loop = asyncio.get_running_loop()

    class RenamedMeanwhile(Speaker):
        def make(self, texts: Sequence[str], language: str, **_: object) -> None:  # type: ignore[override]
            super().make(texts, language)
            change = _change(database, display_name="Support")
            asyncio.run_coroutine_threadsafe(change, loop).result(10)

    cache = PromptCache(tmp_path / "prompts", voices=lambda _language: [engine.voice])
    speech = Speech(RenamedMeanwhile(cache, engines=lambda _language: [engine]))

    await speak_greeting(database, speech, MAILBOX, greetings)

    (cached,) = cache.files(Greeting(display_name="Support"), "en")
    assert cached.read_bytes() == (greetings / f"{MAILBOX}.wav").read_bytes()


async def test_a_failed_engine_leaves_the_greeting_as_it_was(
    database: Database, mailbox: None, speech: Speech, engine: HummingEngine, greetings: Path
) -> None:
    """When the new name cannot be spoken the old greeting stays, and the job is told."""
    await speak_greeting(database, speech, MAILBOX, greetings)
    before = (greetings / f"{MAILBOX}.wav").read_bytes()
    await _change(database, display_name="Support")
    engine.broken = frozenset({"You have reached Support. Please leave a message after the tone."})

    with pytest.raises(SpeechUnavailable):
        await speak_greeting(database, speech, MAILBOX, greetings)

    assert before == (greetings / f"{MAILBOX}.wav").read_bytes()


@pytest.mark.parametrize("clock", [SayDatetime.H12, SayDatetime.H24])
async def test_an_envelope_is_in_the_tenants_time(
    database: Database, mailbox: None, speech: Speech, clock: SayDatetime
) -> None:
    """Date and time are spoken by both clocks, in the time zone of the tenant."""
    await speak_envelope(database, speech, MESSAGE)

    local = datetime(2026, 11, 23, 15, 45)  # noqa: DTZ001 (local time of the tenant)
    assert 2 == len(speech.cache.files(ReceivedAt(at=local, clock=clock), "en"))


async def test_an_envelope_says_the_number(database: Database, mailbox: None, speech: Speech) -> None:
    """The caller's number is spoken in one piece."""
    await speak_envelope(database, speech, MESSAGE)

    assert 1 == len(speech.cache.files(FromNumber(number="102"), "en"))


async def test_an_envelope_of_a_purged_message_is_no_error(
    database: Database, speech: Speech, engine: HummingEngine
) -> None:
    """A message that is gone is not spoken of."""
    await speak_envelope(database, speech, MESSAGE)

    assert [] == engine.runs


async def test_what_waits_is_spoken_together(speech: Speech, engine: HummingEngine) -> None:
    """While one run of the engine goes on, all others wait for one common run."""
    engine.go_on.clear()

    async with asyncio.TaskGroup() as group:
        group.create_task(speech.make(["first"], "en"))
        await asyncio.to_thread(engine.started.wait, 10)
        for name in ("second", "third", "fourth"):
            group.create_task(speech.make([name], "en"))
        await asyncio.sleep(0)
        engine.go_on.set()

    assert [["first"], ["second", "third", "fourth"]] == engine.runs


async def test_everybody_hears_of_a_failed_run(speech: Speech, engine: HummingEngine) -> None:
    """When a common run fails, each one whose text is missing is told, and nobody else."""
    engine.silent = frozenset({"mute"})

    results = await asyncio.gather(
        speech.make(["fine"], "en"),
        speech.make(["mute"], "en"),
        speech.make(["mute", "good"], "en"),
        speech.make(["good"], "en"),
        speech.make(["fine"], "en"),
        return_exceptions=True,
    )

    assert [False, True, True, False, False] == [isinstance(result, SpeechUnavailable) for result in results]


async def test_the_worker_speaks_what_is_queued(  # noqa: PLR0917 (fixtures)
    database: Database,
    mailbox: None,
    speech: Speech,
    jobs: Jobs,
    queue_app: App,
    greetings: Path,
) -> None:
    """The jobs `speech.greeting` and `speech.envelope` speak."""
    speech_jobs.register(
        queue_app, database, speech, jobs=jobs, greetings=greetings, recordings=RecordingStore(greetings)
    )
    async with database.transaction() as session:
        await jobs.defer(session, "speech.greeting", mailbox_id=str(MAILBOX))
        await jobs.defer(session, "speech.envelope", message_id=str(MESSAGE))

    async with asyncio.timeout(20):
        await queue_app.run_worker_async(wait=False, install_signal_handlers=False, listen_notify=False)

    assert (greetings / f"{MAILBOX}.wav").is_file()
    assert speech.cache.files(FromNumber(number="102"), "en")
