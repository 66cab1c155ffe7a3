"""`controlplane jobs`: the worker of the queue and the scanner of the spool, wired together.

Everything here may die at any moment and be done again, so it starts without the database, pauses
while that is away, and ends within seconds, if need be in the middle of a job.
"""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial

import structlog
from procrastinate import App
from prometheus_client import CollectorRegistry

from controlplane.domain.message import KEPT_SILENCE_MS
from controlplane.domain.presence import ProcessKind
from controlplane.entrypoints.deferring import jobs_of
from controlplane.entrypoints.mail_server import smtp_sender
from controlplane.entrypoints.monitoring import Check, holds, monitoring
from controlplane.entrypoints.presence import presence_of
from controlplane.entrypoints.publish import (
    call_files,
    control_of,
    lamp_control_of,
    native_voicemail_of,
    publisher_of,
)
from controlplane.entrypoints.spoken_prompts import SpokenPrompts
from controlplane.jobs import (
    configuration,
    lamps,
    mail,
    native_voicemail,
    pin_alarm,
    quota,
    speech,
    spool,
    trunks,
    upkeep,
)
from controlplane.jobs.worker import SHARES, RunningJobs, WorkerOptions, work
from controlplane.mail.compose import Composer
from controlplane.mail.send import EmlFolder, Sender
from controlplane.services.audit import purge_audit
from controlplane.services.deposit import DepositMetrics, Depositor
from controlplane.services.ingest import Ingest, IngestMetrics
from controlplane.services.job_figures import CountedSender, JobFigures
from controlplane.services.lamps import Lamps
from controlplane.services.mail_trials import purge_trials
from controlplane.services.mailing import Mailing
from controlplane.services.message_links import MessageLinks
from controlplane.services.native_voicemail import NativeHome
from controlplane.services.orphans import remove_orphans
from controlplane.services.pin_alarm import PinAlarms
from controlplane.services.quota import QuotaMails, look_again
from controlplane.services.retention import purge_old_bookkeeping, purge_trash, trash_overdue
from controlplane.services.speaking import Speech
from controlplane.services.user_sessions import purge_signing_in
from controlplane.settings import Settings, SettingsError
from controlplane.speech.cache import PromptCache
from controlplane.speech.catalogue import available_languages
from controlplane.speech.engines import engines_for
from controlplane.speech.speaker import Speaker
from controlplane.speech.warm_engines import WarmEngines
from controlplane.storage.answering import check_answers
from controlplane.storage.database import Database
from controlplane.storage.queue import make_app
from controlplane.storage.recordings import RecordingStore
from controlplane.storage.spool import FileSpool
from controlplane.storage.writable import check_writable
from controlplane.supervisor.notify import PATIENT_SECONDS, Notifier, beat
from controlplane.supervisor.priority import step_back

_LAST_SECONDS = 4.5
_DAY_SECONDS = 86_400.0
_IDEMPOTENCY_HOURS = 24


def main(settings: Settings) -> None:
    """Run jobs until SIGTERM; raises SettingsError when mail can go nowhere."""
    step_back()
    asyncio.run(_serve(settings))


async def _serve(settings: Settings) -> None:
    stop = asyncio.Event()

    def on_signal() -> None:
        stop.set()
        # A thread of a job may not end in time. What it did counts, the rest is done again.
        last = threading.Timer(_LAST_SECONDS, os._exit, (0,))
        last.daemon = True
        last.start()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal)
    notifier = Notifier(os.environ.get("NOTIFY_SOCKET"))
    database = Database(settings.sqlalchemy_url)
    # A connection of each queue only listens.
    app = make_app(settings.database_url.get_secret_value(), pool_size=2 * len(SHARES))
    options, running = WorkerOptions(), RunningJobs()
    log = structlog.get_logger()

    def started() -> None:
        notifier.ready()
        log.info("jobs.ready")

    # One registry of this process, for all of its parts.
    registry = CollectorRegistry()
    figures = JobFigures(registry)
    ingest = _register(app, settings, database, registry, figures, options=options, running=running)
    checks: dict[str, Check] = {
        "worker": holds(lambda: running.working, "no worker runs"),
        "queue": partial(check_answers, settings.database_url.get_secret_value()),
        "spool": lambda: asyncio.to_thread(check_writable, settings.paths.spool),
    }
    background = [
        asyncio.create_task(beat(notifier, hung_seconds=PATIENT_SECONDS)),
        asyncio.create_task(spool.watch(ingest, ingest.spool)),
    ]
    try:
        told = {"worker": checks["worker"], "prompts": SpokenPrompts(settings.paths.prompts).check}
        async with (
            monitoring(settings.monitoring, registry, checks, measure=partial(figures.measure, database)),
            presence_of(database, ProcessKind.JOBS, told).told(),
        ):
            await work(app, stop=stop, running=running, options=options, started=started)
            notifier.stopping()
        log.info("jobs.stopped")
    finally:
        for task in background:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        await database.close()


def _kept_silence_ms(settings: Settings) -> int:
    """Return what the switch leaves of a silence that ended a recording: FreeSWITCH leaves all of it."""
    whole = settings.calls.silence_seconds * 1000
    return whole if settings.switch == "freeswitch" and whole else KEPT_SILENCE_MS


def _register(
    app: App,
    settings: Settings,
    database: Database,
    registry: CollectorRegistry,
    figures: JobFigures,
    *,
    options: WorkerOptions,
    running: RunningJobs,
) -> Ingest:
    """Define every task, and return the scanner."""
    jobs = jobs_of(settings, app)
    store = RecordingStore(settings.paths.recordings)
    folder = FileSpool(settings.paths.spool)
    depositor = Depositor(
        database=database,
        jobs=jobs,
        store=store,
        spool=folder,
        metrics=DepositMetrics(registry),
        kept_silence_ms=_kept_silence_ms(settings),
    )
    ingest = Ingest(
        spool=folder,
        depositor=depositor,
        switch=control_of(settings),
        switch_kind=settings.switch,
        metrics=IngestMetrics(registry),
    )
    sender = CountedSender(sender=_sender(settings), figures=figures)
    composer = Composer(settings.smtp.sender)
    mailing = Mailing(
        database=database,
        jobs=jobs,
        recordings=store,
        sender=sender,
        composer=composer,
        links=MessageLinks(settings.link_key.get_secret_value(), settings.retention.message_link_days),
        public_url=settings.http.public_url,
        retry_seconds=settings.smtp.retry_seconds,
    )
    alarms = PinAlarms(
        database=database, jobs=jobs, sender=sender, composer=composer, languages=available_languages()
    )
    mails = QuotaMails(
        database=database, jobs=jobs, sender=sender, composer=composer, languages=available_languages()
    )
    log = structlog.get_logger()

    def warn(sentence: str) -> None:
        log.warning("speech.engine_failed", reason=sentence)

    speaker = Speaker(PromptCache(settings.paths.prompts), engines=WarmEngines(engines_for), warn=warn)
    voice = Speech(speaker)
    spool.register(app, ingest)
    lamps.register(app, Lamps(database=database, control=lamp_control_of(settings)))
    native = native_voicemail_of(settings)
    if native is not None:
        native_voicemail.register(app, NativeHome(native=native, ingest=ingest))
    trunks.register(app, database, control_of(settings))
    mail.register(app, mailing)
    pin_alarm.register(app, alarms)
    quota.register(app, mails)
    greetings = settings.paths.configuration / "greetings"
    speech.register(app, database, voice, jobs=jobs, greetings=greetings, recordings=store)
    configuration.register(
        app,
        publisher_of(settings, database, jobs),
        files=call_files(settings),
        automatic=settings.publish_automatically,
    )
    upkeep.register(
        app,
        running=running,
        stalled_seconds=options.stalled,
        purges=_purges(settings, database, store, mails),
    )
    return ingest


def _sender(settings: Settings) -> Sender:
    if settings.smtp.host is not None:
        return smtp_sender(settings.smtp)
    if settings.paths.mail is None:
        raise SettingsError(
            "Mail can go nowhere: set CONTROLPLANE_SMTP__HOST, or CONTROLPLANE_PATHS__MAIL to have it "
            "written as .eml files."
        )
    return EmlFolder(folder=settings.paths.mail)


def _purges(
    settings: Settings, database: Database, store: RecordingStore, mails: QuotaMails
) -> dict[str, Callable[[], Awaitable[object]]]:
    """Return what `retention.purge` does, with the figures of the settings."""

    def before(**period: float) -> datetime:
        return datetime.now(UTC) - timedelta(**period)

    async def trash() -> None:
        await purge_trash(database, store, before(days=settings.retention.trash_days))

    async def overdue() -> None:
        await trash_overdue(database, mails.jobs, now=datetime.now(UTC))

    async def quota_warnings() -> None:
        await look_again(mails)

    async def bookkeeping() -> None:
        await purge_old_bookkeeping(
            database,
            recordings_taken_before=before(days=settings.retention.recordings_taken_days),
            idempotency_keys_before=before(hours=_IDEMPOTENCY_HOURS),
            pin_tries_before=before(days=settings.pins.wrong_of_a_mailbox_days),
        )
        await purge_trials(database, before=before(days=1))

    async def orphans() -> None:
        await remove_orphans(database, store, older_than_seconds=_DAY_SECONDS)
        await asyncio.to_thread(FileSpool(settings.paths.spool).remove_old_drafts, _DAY_SECONDS)

    async def signing_in() -> None:
        await purge_signing_in(database, now=datetime.now(UTC))

    async def audit() -> None:
        await purge_audit(database, before=before(days=settings.retention.audit_days))

    return {
        "audit": audit,
        "overdue": overdue,
        "trash": trash,
        "quota_warnings": quota_warnings,
        "bookkeeping": bookkeeping,
        "orphans": orphans,
        "signing_in": signing_in,
    }
