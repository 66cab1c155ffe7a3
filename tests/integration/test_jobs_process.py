"""The process `jobs` as a whole: it starts, works, is stopped and is killed."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from controlplane.domain.message import TakeFacts
from controlplane.storage.queue import make_app
from controlplane.storage.spool import FileSpool
from controlplane.supervisor.postgres import EmbeddedPostgres
from tests.support.database import migrate
from tests.support.deposits import insert_mailbox, messages, rows
from tests.support.takes import closed_wav, facts_for, files, leave_take

ROOT = Path(__file__).parents[2]


@dataclass
class Process:
    """The process on folders of its own; killed at the end of the test."""

    url: str
    folder: Path
    running: subprocess.Popen[bytes] | None = None

    @property
    def spool(self) -> Path:
        """Where recordings are found."""
        return self.folder / "spool"

    @property
    def mails(self) -> list[Path]:
        """List the mails that were written."""
        return sorted((self.folder / "mail").glob("*.eml"))

    def start(self, **settings: str | None) -> None:
        """Start it with these settings besides the usual ones; None takes one away."""
        ours = {
            "DATABASE_URL": self.url,
            "PRIVATE": "true",
            "SWITCH": "none",
            "PATHS__RECORDINGS": str(self.folder / "recordings"),
            "PATHS__SPOOL": str(self.spool),
            "PATHS__PROMPTS": str(self.folder / "prompts"),
            "PATHS__CONFIGURATION": str(self.folder / "configuration"),
            "PATHS__MAIL": str(self.folder / "mail"),
        }
        environment = {f"CONTROLPLANE_{name}": value for name, value in (ours | settings).items() if value}
        with (self.folder / "log").open("ab") as log:
            self.running = subprocess.Popen(
                [sys.executable, "-m", "controlplane.entrypoints.cli", "jobs"],
                env={**os.environ, "PYTHONPATH": str(ROOT)} | environment,
                stdout=log,
                stderr=log,
            )

    def end(self, number: signal.Signals) -> int:
        """Send a signal; return the exit code. It has 20 s."""
        assert self.running is not None
        self.running.send_signal(number)
        return self.running.wait(20)

    def log(self) -> str:
        """Return what it wrote."""
        return (self.folder / "log").read_text()


@pytest.fixture
def process(database_url: str, tmp_path: Path) -> Iterator[Process]:
    """Make the process, not started."""
    made = Process(url=database_url, folder=tmp_path)
    yield made
    if made.running is not None and made.running.poll() is None:
        made.running.kill()
        made.running.wait()


@pytest.fixture
def facts(database_url: str, default_tenant: UUID) -> TakeFacts:
    """Return the facts of a take for a mailbox that wants mail."""
    return facts_for(insert_mailbox(database_url, default_tenant))


async def until(fact: Callable[[], object], process: Process, seconds: float = 60.0) -> None:
    """Wait until something is true; else show what the process wrote."""
    try:
        async with asyncio.timeout(seconds):
            while not fact():  # noqa: ASYNC110 (the fact is in another process)
                await asyncio.sleep(0.05)
    except TimeoutError:
        pytest.fail(f"It did not happen. {process.log()[-3000:]}")


async def test_recording_found_at_the_start_is_mailed(
    process: Process, facts: TakeFacts, database_url: str
) -> None:
    """What was left in the spool is a message and a mail soon after the start."""
    leave_take(process.spool, facts, 2)
    process.start()
    await until(lambda: process.mails, process)

    assert messages(database_url) == [(facts.recording_id, facts.mailbox_id, "new", 2000)]
    assert files(process.spool) == []


async def test_take_of_a_flow_that_let_go_is_found(
    process: Process, facts: TakeFacts, database_url: str
) -> None:
    """A recording that a flow could not deposit is taken over within seconds, and not before."""
    take = await FileSpool(process.spool).begin(facts)
    closed_wav(take.wav, 2)
    process.start()
    await until(lambda: "jobs.ready" in process.log(), process)
    before = messages(database_url)
    await take.release()
    await until(lambda: messages(database_url), process, 30)

    assert before == []


async def test_stop_is_clean_and_quick(process: Process) -> None:
    """SIGTERM ends it by itself with exit code 0."""
    process.start()
    await until(lambda: "jobs.ready" in process.log(), process)

    assert 0 == process.end(signal.SIGTERM)


async def test_stop_in_the_middle_of_a_mail_is_quick_and_loses_nothing(
    process: Process, facts: TakeFacts
) -> None:
    """A mail server that never answers does not hold up the end; the mail is sent after the next start."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        leave_take(process.spool, facts)
        process.start(SMTP__HOST="127.0.0.1", SMTP__PORT=str(silent.getsockname()[1]), SMTP__SECURITY="none")
        await until(lambda: _is_being_sent(process.url), process)
        # The server has said nothing when it ends: nobody waited for that.
        code = process.end(signal.SIGTERM)
    process.start()
    await until(lambda: process.mails, process)

    assert code == 0
    assert len(process.mails) == 1


async def test_nothing_else_waits_for_a_silent_mail_server(
    process: Process, database_url: str, default_tenant: UUID
) -> None:
    """Twenty mails wait for it; lamps are told, the spool is scanned, and numbers are published meanwhile.

    A stop does not wait for the mails either, and they are sent after the next start.
    """
    addresses = [f"member-{number}@example.com" for number in range(5)]
    facts = facts_for(insert_mailbox(database_url, default_tenant, email_recipients=addresses))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        for _ in range(3):
            leave_take(process.spool, replace(facts, recording_id=uuid4()))
        process.start(SMTP__HOST="127.0.0.1", SMTP__PORT=str(silent.getsockname()[1]), SMTP__SECURITY="none")
        await until(lambda: _mails(database_url) == 15 and _is_being_sent(database_url), process)
        leave_take(process.spool, facts)
        async with make_app(database_url).open_async() as app:
            await app.configure_task("spool.scan", lock="spool").defer_async()
            await app.configure_task("mwi.send", lock="mwi:8001").defer_async(number="8001")
            await app.configure_task("configuration.routes").defer_async(
                tenant_id=str(default_tenant), numbers=["8001"]
            )
        await until(lambda: _mails(database_url) == 20 and not _others(database_url), process)
        code = process.end(signal.SIGTERM)
        waiting = _mails(database_url)
    process.start()
    await until(lambda: len(process.mails) == 20, process)

    assert (code, waiting) == (0, 20)
    assert "routes.reconciled" in process.log()


def _mails(url: str) -> int:
    return len(rows(url, "SELECT 1 FROM procrastinate_jobs WHERE task_name = 'mail.send'"))


def _others(url: str) -> list[tuple[str]]:
    """Return what waits that no clock deferred."""
    query = "SELECT task_name FROM procrastinate_jobs WHERE task_name = ANY (%s)"
    return rows(url, query, ["spool.scan", "mwi.send", "configuration.routes", "speech.envelope"])


async def test_killed_in_the_middle_of_a_mail_sends_it_after_the_next_start(
    process: Process, facts: TakeFacts
) -> None:
    """A job of a killed worker is found as stalled, and run again."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        leave_take(process.spool, facts)
        process.start(SMTP__HOST="127.0.0.1", SMTP__PORT=str(silent.getsockname()[1]), SMTP__SECURITY="none")
        await until(lambda: _is_being_sent(process.url), process)
        process.end(signal.SIGKILL)
    process.start()
    await until(lambda: process.mails, process)

    assert len(process.mails) == 1


def _is_being_sent(url: str) -> bool:
    return bool(
        rows(url, "SELECT 1 FROM procrastinate_jobs WHERE task_name = 'mail.send' AND status = 'doing'")
    )


async def test_database_that_stops_and_comes_back_loses_nothing(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """A recording that arrives while PostgreSQL is stopped is a message and a mail once it is back."""
    server = EmbeddedPostgres(tmp_path_factory.mktemp("postgres") / "data", fsync=False)
    url = server.start()
    migrate(url)
    ((tenant,),) = rows(url, "SELECT id FROM tenants")
    facts = facts_for(insert_mailbox(url, tenant))
    process = Process(url=url, folder=tmp_path_factory.mktemp("jobs"))
    process.start()
    try:
        await until(lambda: "jobs.ready" in process.log(), process)
        await asyncio.to_thread(server.stop)
        leave_take(process.spool, facts)
        await until(lambda: "spool.scan_broken_off" in process.log(), process)
        await asyncio.to_thread(server.start)
        await until(lambda: process.mails, process, 100)

        assert [each for each, *_ in messages(url)] == [facts.recording_id]
    finally:
        process.end(signal.SIGKILL)
        await asyncio.to_thread(server.stop)


async def test_mail_that_can_go_nowhere_is_said_at_the_start(process: Process) -> None:
    """Without a mail server and without a folder the process says which setting is missing."""
    process.start(PATHS__MAIL=None)
    assert process.running is not None
    code = await asyncio.to_thread(process.running.wait, 20)

    assert code == 2
    assert "CONTROLPLANE_SMTP__HOST" in process.log()
