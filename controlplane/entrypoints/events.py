"""`controlplane events`: turns what the switch tells into jobs; losing it loses no message."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict
from functools import partial
from typing import Any, Protocol
from uuid import uuid4

import structlog
from procrastinate import App
from procrastinate.exceptions import AlreadyEnqueued, ConnectorException
from procrastinate.jobs import JobDeferrer
from prometheus_client import CollectorRegistry
from psycopg import OperationalError
from psycopg_pool import PoolTimeout

from controlplane.domain.event_socket import EventSocketUser
from controlplane.domain.lamp import LampQuery
from controlplane.domain.presence import ProcessKind
from controlplane.domain.routing.trunk_state import HeardAnswer
from controlplane.entrypoints.event_socket import log_in_of
from controlplane.entrypoints.monitoring import Check, holds, monitoring
from controlplane.entrypoints.presence import presence_of
from controlplane.services.lamps import ANSWER, REPLAY, lock_of
from controlplane.services.native_voicemail import FETCH
from controlplane.services.trunk_states import HEARD, LOOK
from controlplane.settings import Settings
from controlplane.storage.answering import check_answers
from controlplane.storage.database import Database
from controlplane.storage.queue import make_app
from controlplane.supervisor.notify import Notifier, beat
from controlplane.switches.asterisk.events import AsteriskEvents
from controlplane.switches.faults import ConnectionFaults

_PAUSE_SECONDS = 0.2
_RETRY_SECONDS = 2.0
# mod_voicemail answers every question with "no", if it is there: our word must be the last.
_AFTER_MOD_VOICEMAIL_SECONDS = 1


class Listener(Protocol):
    """What listens to a switch."""

    connected: bool
    """Whether events would be heard now."""

    async def run(self) -> None:
        """Listen until cancelled."""
        ...


class Deferring(Protocol):
    """What turns facts into jobs."""

    async def keep_deferring(self, app: App) -> None:
        """Defer until cancelled."""
        ...


class Wake:
    """One job that is deferred when something happened, once for all that happens meanwhile."""

    def __init__(self, task: str, *, lock: str, with_time: bool = False) -> None:
        self._task = task
        self._lock = lock
        self._with_time = with_time
        self._wanted = asyncio.Event()

    def want(self) -> None:
        """Ask for a run that begins after now."""
        self._wanted.set()

    async def keep_deferring(self, app: App, *, retry_seconds: float = _RETRY_SECONDS) -> None:
        """Defer until cancelled; while the queue cannot be reached the wish is kept."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            arguments = {"timestamp": int(time.time())} if self._with_time else {}
            # Outside any business transaction a queueing lock is right: who holds it has not
            # begun, and will see what happened.
            deferrer = app.configure_task(self._task, lock=self._lock, queueing_lock=self._task)
            try:
                await deferrer.defer_async(**arguments)
            except AlreadyEnqueued:
                pass
            except (ConnectorException, OperationalError, PoolTimeout) as error:
                structlog.get_logger().warning("events.queue_unavailable", reason=type(error).__name__)
                self._wanted.set()
                await asyncio.sleep(retry_seconds)
                continue
            await asyncio.sleep(_PAUSE_SECONDS)


class LampAnswers:
    """Defers an answer for each phone that asked for a lamp; keeps at most so many while it cannot."""

    def __init__(self, *, delay_seconds: int = 0, limit: int = 10_000) -> None:
        self._delay_seconds = delay_seconds
        self._asked: asyncio.Queue[LampQuery] = asyncio.Queue(limit)

    def ask(self, query: LampQuery) -> None:
        """Have a phone answered; what comes above the limit is dropped, as a phone asks again."""
        try:
            self._asked.put_nowait(query)
        except asyncio.QueueFull:
            structlog.get_logger().warning("events.lamp_query_dropped", number=query.key or query.number)

    async def keep_deferring(self, app: App, *, retry_seconds: float = _RETRY_SECONDS) -> None:
        """Defer until cancelled; while the queue cannot be reached the queries are kept."""
        while True:
            query = await self._asked.get()
            deferrer = app.configure_task(
                ANSWER,
                lock=lock_of(query.key or query.number, query.tenant),
                schedule_in={"seconds": self._delay_seconds},
            )
            arguments = {
                "number": query.number,
                "domain": query.domain,
                "reply_to": dict(query.reply_to),
                **({} if query.tenant is None else {"tenant": str(query.tenant)}),
                **({} if query.key is None else {"key": query.key}),
            }
            await _defer_until_kept(deferrer, arguments, retry_seconds=retry_seconds)


class TrunkAnswers:
    """Defers that an answer of a provider is kept; keeps at most so many while it cannot."""

    def __init__(self, *, limit: int = 10_000, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._heard: asyncio.Queue[tuple[HeardAnswer, float]] = asyncio.Queue(limit)

    def hear(self, heard: HeardAnswer) -> None:
        """Have an answer kept; what comes above the limit is dropped, as the switch registers again."""
        try:
            self._heard.put_nowait((heard, self._clock()))
        except asyncio.QueueFull:
            structlog.get_logger().warning("events.trunk_answer_dropped", trunk_id=str(heard.trunk_id))

    async def keep_deferring(self, app: App, *, retry_seconds: float = _RETRY_SECONDS) -> None:
        """Defer until cancelled; while the queue cannot be reached the answers are kept."""
        while True:
            heard, at = await self._heard.get()
            # The lock keeps the answers of a trunk in their order.
            deferrer = app.configure_task(HEARD, lock=f"trunk:{heard.trunk_id}")
            arguments = {"trunk_id": str(heard.trunk_id), **asdict(heard.answer), "at": at}
            await _defer_until_kept(deferrer, arguments, retry_seconds=retry_seconds)


async def _defer_until_kept(
    deferrer: JobDeferrer, arguments: dict[str, Any], *, retry_seconds: float
) -> None:
    while True:
        try:
            await deferrer.defer_async(**arguments)
        except (ConnectorException, OperationalError, PoolTimeout) as error:
            structlog.get_logger().warning("events.queue_unavailable", reason=type(error).__name__)
            await asyncio.sleep(retry_seconds)
        else:
            return


def main(settings: Settings) -> None:
    """Listen until SIGTERM."""
    asyncio.run(_listen(settings))


async def _listen(settings: Settings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    scan = Wake("spool.scan", lock="spool")
    heal = Wake("configuration.heal", lock="configuration", with_time=True)

    native = settings.fallback == "native"
    fetch = Wake(FETCH, lock=FETCH)
    # Each process of us has a lock of its own: a replay whose worker died holds up no other one.
    replay = Wake(REPLAY, lock=f"{REPLAY}:{uuid4()}")
    answers = LampAnswers(delay_seconds=_AFTER_MOD_VOICEMAIL_SECONDS if native else 0)
    look, trunks = Wake(LOOK, lock=LOOK), TrunkAnswers()
    deferring: list[Deferring] = [scan, heal, answers, replay, look, trunks, *([fetch] if native else [])]
    registry = CollectorRegistry()
    listener = _listener(
        settings,
        registry,
        scan=scan,
        heal=heal,
        fetch=fetch if native else None,
        replay=replay,
        answers=answers,
        look=look,
        trunks=trunks,
    )
    checks: dict[str, Check] = {
        "switch": holds(lambda: listener.connected, "not connected"),
        "queue": partial(check_answers, settings.database_url.get_secret_value()),
    }
    database = Database(settings.sqlalchemy_url, pool_size=1)
    told = {"switch": checks["switch"]}
    try:
        async with (
            monitoring(settings.monitoring, registry, checks),
            presence_of(database, ProcessKind.EVENTS, told).told(),
        ):
            await _work(settings, listener, deferring, stop)
    finally:
        await database.close()


async def _work(
    settings: Settings, listener: Listener, deferring: Sequence[Deferring], stop: asyncio.Event
) -> None:
    notifier = Notifier(os.environ.get("NOTIFY_SOCKET"))
    working = [
        asyncio.create_task(listener.run()),
        asyncio.create_task(_defer(settings.database_url.get_secret_value(), deferring)),
        asyncio.create_task(beat(notifier)),
    ]
    stopping = asyncio.create_task(stop.wait())
    notifier.ready()
    try:
        await asyncio.wait([*working, stopping], return_when=asyncio.FIRST_COMPLETED)
        notifier.stopping()
    finally:
        stopping.cancel()
        for task in working:
            task.cancel()
        for task in working:
            # One that ended by itself ended by an error, which is raised here.
            with suppress(asyncio.CancelledError):
                await task


def _listener(
    settings: Settings,
    registry: CollectorRegistry,
    *,
    scan: Wake,
    heal: Wake,
    fetch: Wake | None,
    replay: Wake,
    answers: LampAnswers,
    look: Wake,
    trunks: TrunkAnswers,
) -> Listener:
    """Return what listens to the switch that is set."""

    def on_take(_call_id: str) -> None:
        scan.want()

    def on_booted() -> None:
        scan.want()
        heal.want()
        look.want()
        replay.want()
        if fetch is not None:
            fetch.want()

    if settings.switch == "freeswitch":
        # It brings gevent along, which nobody else needs in his process.
        from controlplane.switches.freeswitch.events import FreeSwitchEvents  # noqa: PLC0415 (see above)

        log_in = log_in_of(settings, EventSocketUser.EVENTS)
        return FreeSwitchEvents(
            host=settings.event_socket.host,
            port=settings.event_socket.port,
            user=log_in.user,
            password=log_in.password,
            faults=ConnectionFaults(registry, socket="event_socket"),
            on_record_stop=on_take,
            on_booted=on_booted,
            on_lamp_query=answers.ask,
            on_trunk=trunks.hear,
            on_native_message=None if fetch is None else fetch.want,
        )
    return AsteriskEvents(
        host=settings.manager.host,
        port=settings.manager.port,
        username=settings.manager.username,
        secret=settings.manager.secret.get_secret_value(),
        on_hangup=on_take,
        on_booted=on_booted,
        on_trunk=look.want,
    )


async def _defer(database_url: str, wakes: Sequence[Deferring]) -> None:
    """Keep the queue open, over the time in which the database cannot be reached."""
    while True:
        app = make_app(database_url, pool_size=1)
        try:
            async with app.open_async(), asyncio.TaskGroup() as group:
                for wake in wakes:
                    group.create_task(wake.keep_deferring(app))
        except (ConnectorException, OperationalError, PoolTimeout) as error:
            structlog.get_logger().warning("events.queue_unavailable", reason=type(error).__name__)
        await asyncio.sleep(_RETRY_SECONDS)
