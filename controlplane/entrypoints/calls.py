"""`controlplane calls`: the server of the switch that is set, and the flows of calls, wired together.

It starts without the database, and serves as soon as that is there: until then the flows leave
their calls to the dialplan.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge

from controlplane.callflows.call import Call, Entry
from controlplane.callflows.check_messages import check_messages
from controlplane.callflows.ending import Ending
from controlplane.callflows.features import Features
from controlplane.callflows.leave_message import leave_message
from controlplane.callflows.option_ports import OptionsDesk
from controlplane.callflows.options import FlowOptions
from controlplane.callflows.reception import Receptionists
from controlplane.callflows.receptionist import receive_caller
from controlplane.callflows.use_feature import use_feature
from controlplane.callflows.voicemail import Spool, Voicemail
from controlplane.domain.pin_locks import PinLockPolicy
from controlplane.domain.presence import Doing, PresentCall, ProcessKind
from controlplane.entrypoints.bootstrap import policy_of
from controlplane.entrypoints.deferring import jobs_of
from controlplane.entrypoints.monitoring import Check, holds, monitoring
from controlplane.entrypoints.pin_keys import hasher_of
from controlplane.entrypoints.presence import presence_of
from controlplane.services.deposit import DepositMetrics, Depositor
from controlplane.services.features import FeatureService
from controlplane.services.phone_options import PhoneOptions
from controlplane.services.pin_hashing import PinHasher
from controlplane.services.pins import Pins
from controlplane.services.presence import Presence
from controlplane.services.receptionists import ReceptionistService
from controlplane.services.voicemail_service import VoicemailService
from controlplane.settings import CallSocket, Settings
from controlplane.speech.cache import PromptCache
from controlplane.speech.catalogue import available_languages
from controlplane.storage.database import Database
from controlplane.storage.queue import make_app
from controlplane.storage.recordings import RecordingStore
from controlplane.storage.spool import FileSpool
from controlplane.supervisor.faults import CannotStart
from controlplane.supervisor.notify import Notifier, beat
from controlplane.supervisor.priority import come_first, keep_what_is_loaded
from controlplane.switches.asterisk.server import FastAgiServer
from controlplane.switches.faults import ConnectionFaults
from controlplane.switches.freeswitch.server import OutboundSocketServer
from controlplane.switches.server import CallServer, Handler

_POOL_SIZE = 15
# Each take waits some times for the disk; as many may do that at once as there are connections and more.
_DISK_THREADS = 32


def main(settings: Settings) -> None:
    """Serve until SIGTERM, then let calls in progress end; a second signal does not wait for them.

    Raises CannotStart when the address is taken.
    """
    come_first()
    asyncio.run(_serve(settings))


async def _serve(settings: Settings) -> None:
    stop, hurry = asyncio.Event(), asyncio.Event()

    def on_signal() -> None:
        (hurry if stop.is_set() else stop).set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal)
    loop.set_default_executor(ThreadPoolExecutor(_DISK_THREADS, thread_name_prefix="disk"))
    database = Database(
        settings.sqlalchemy_url, pool_size=_POOL_SIZE, timeout_seconds=settings.calls.database_seconds
    )
    hasher = hasher_of(settings)
    notifier = Notifier(os.environ.get("NOTIFY_SOCKET"))
    registry = CollectorRegistry()
    group, listen = _listening(settings)
    beating: asyncio.Task[None] | None = None
    try:
        checks: dict[str, Check] = {}
        presence = presence_of(database, ProcessKind.CALLS, checks)
        try:
            server = _server(settings, database, hasher, registry, presence)
        except ValueError as error:
            # An address or a figure that its type does not refuse; the sentence names the value.
            raise CannotStart(f"A setting of {group} or PINS is wrong: {error}.") from error
        try:
            await server.start(listen.host, listen.port)
        except OSError as error:
            raise CannotStart(
                f"Cannot listen on {listen.host}:{listen.port} ({error.strerror}): "
                f"set CONTROLPLANE_{group}__HOST and CONTROLPLANE_{group}__PORT."
            ) from error
        keep_what_is_loaded()
        _count_calls(server, registry)
        checks["listener"] = holds(lambda: server.is_serving, "takes no calls")
        async with monitoring(settings.monitoring, registry, checks), presence.told():
            beating = asyncio.create_task(beat(notifier))
            notifier.ready()
            log = structlog.get_logger()
            log.info("calls.ready", address=server.address)
            await stop.wait()
            log.info("calls.draining", calls=server.calls_in_progress)
            await _drain(server, settings.calls.drain_seconds, hurry)
            notifier.stopping()
            log.info("calls.stopped")
    finally:
        if beating is not None:
            beating.cancel()
            with suppress(asyncio.CancelledError):
                await beating
        hasher.close()
        await database.close()


async def _drain(server: CallServer[Any], seconds: float, hurry: asyncio.Event) -> None:
    draining = asyncio.create_task(server.drain(seconds))
    hurrying = asyncio.create_task(hurry.wait())
    await asyncio.wait([draining, hurrying], return_when=asyncio.FIRST_COMPLETED)
    hurrying.cancel()
    if not draining.done():
        await server.drain(0)
    await draining


def _count_calls(server: CallServer[Any], registry: CollectorRegistry) -> None:
    gauge = Gauge("controlplane_calls_in_progress", "Calls that a flow runs now", registry=registry)
    gauge.set_function(lambda: server.calls_in_progress)


def _counter_of_ends(registry: CollectorRegistry) -> Callable[[str, str], None]:
    counter = Counter(
        "controlplane_calls",
        "Calls that a flow ran, by how they ended.",
        ["entry", "outcome"],
        registry=registry,
    )
    return lambda entry, outcome: counter.labels(entry, outcome).inc()


def _server(
    settings: Settings,
    database: Database,
    hasher: PinHasher,
    registry: CollectorRegistry,
    presence: Presence,
) -> CallServer[Any]:
    # The app stays closed: a job is deferred on the connection of its own transaction.
    jobs = jobs_of(settings, make_app(settings.database_url.get_secret_value(), pool_size=1))
    store = RecordingStore(settings.paths.recordings)
    spool = FileSpool(settings.paths.spool)
    depositor = Depositor(
        database=database, jobs=jobs, store=store, spool=spool, metrics=DepositMetrics(registry)
    )
    pins = settings.pins
    policy = PinLockPolicy(
        wrong_in_a_row=pins.wrong_in_a_row,
        first_lock_seconds=pins.first_lock_seconds,
        longest_lock_seconds=pins.longest_lock_seconds,
        wrong_of_a_source_in_a_day=pins.wrong_of_a_source_in_a_day,
        source_lock_seconds=pins.source_lock_seconds,
        wrong_of_a_mailbox=pins.wrong_of_a_mailbox,
        wrong_of_a_mailbox_days=pins.wrong_of_a_mailbox_days,
    )
    voicemail = VoicemailService(
        database=database,
        jobs=jobs,
        pins=Pins(database, hasher, jobs, policy=policy),
        recordings=store,
        deposit=depositor.deposit,
        languages=available_languages(),
    )
    pin_policy = policy_of(settings)
    desk = OptionsDesk(
        changes=PhoneOptions(
            database=database,
            jobs=jobs,
            hasher=hasher,
            pin_policy=pin_policy,
            clock=lambda: datetime.now(UTC),
        ),
        scratch=lambda: spool.scratch(uuid4()),
        pin_policy=pin_policy,
    )
    features = FeatureService(database=database, jobs=jobs, languages=available_languages())
    options = FlowOptions(
        silence_seconds=settings.calls.silence_seconds,
        first_digit_seconds=settings.calls.first_digit_seconds,
        digit_seconds=settings.calls.digit_seconds,
        menu_rounds=settings.calls.menu_rounds,
        pin_tries=settings.calls.pin_tries,
    )
    receptionists = ReceptionistService(
        database=database,
        greetings=settings.paths.configuration / "greetings",
        languages=available_languages(),
    )
    group, listen = _listening(settings)
    serving = OutboundSocketServer if settings.switch == "freeswitch" else FastAgiServer
    return serving(
        flows(voicemail, spool, features, receptionists, options, presence=presence, desk=desk),
        prompts=PromptCache(settings.paths.prompts),
        secret=listen.secret.get_secret_value(),
        allowed_addresses=listen.allowed_addresses,
        max_calls=listen.max_calls,
        first_line_seconds=listen.first_line_seconds,
        faults=ConnectionFaults(registry, socket=group.lower()),
        ended=_counter_of_ends(registry),
    )


def _listening(settings: Settings) -> tuple[str, CallSocket]:
    """Return the settings of where the switch finds us, and their name."""
    if settings.switch == "freeswitch":
        return "OUTBOUND_SOCKET", settings.outbound_socket
    return "FASTAGI", settings.fastagi


def flows(
    voicemail: Voicemail,
    spool: Spool,
    features: Features,
    receptionists: Receptionists,
    options: FlowOptions,
    *,
    presence: Presence,
    desk: OptionsDesk | None = None,
) -> dict[Entry, Handler]:
    """Return the flow for each thing that a dialplan may ask for."""

    def present(call: Call, mailbox_id: UUID, doing: Doing, who: str) -> PresentCall:
        present = PresentCall(
            call_id=call.facts.call_id,
            tenant_id=call.facts.tenant_id,
            mailbox_id=mailbox_id,
            doing=doing,
            who=who,
            extension=call.facts.extension,
            since=datetime.now(UTC),
        )
        presence.enter(present)
        return present

    def listens(call: Call) -> tuple[Callable[[UUID], None], Callable[[UUID | None], Awaitable[None]]]:
        """Return what is told that the caller was let into a mailbox, and at which message they are."""
        there: list[PresentCall] = []

        def opened(mailbox_id: UUID) -> None:
            who = call.facts.extension or call.facts.caller.label
            there.append(present(call, mailbox_id, Doing.LISTENING, who))

        async def hears(message_id: UUID | None) -> None:
            if message_id is None:
                presence.enter(there[0])
            else:
                at_it = replace(there[0], message_id=message_id, message_since=datetime.now(UTC))
                await presence.show(at_it)

        return opened, hears

    async def leave(call: Call) -> Ending:
        if call.facts.mailbox_id is not None:
            present(call, call.facts.mailbox_id, Doing.LEAVING, call.facts.caller.label)
        opened, hears = listens(call)
        try:
            return await leave_message(
                call,
                voicemail=voicemail,
                spool=spool,
                options=options,
                clock=lambda: datetime.now(UTC),
                new_id=uuid4,
                opened=opened,
                hears=hears,
                desk=desk,
            )
        finally:
            presence.leave(call.facts.call_id)

    async def check(call: Call) -> Ending:
        opened, hears = listens(call)
        try:
            return await check_messages(
                call,
                voicemail=voicemail,
                spool=spool,
                options=options,
                clock=lambda: datetime.now(UTC),
                new_id=uuid4,
                opened=opened,
                hears=hears,
                desk=desk,
            )
        finally:
            presence.leave(call.facts.call_id)

    async def feature(call: Call) -> Ending:
        return await use_feature(call, features=features)

    async def receive(call: Call) -> Ending:
        return await receive_caller(call, receptionists=receptionists, clock=lambda: datetime.now(UTC))

    return {
        Entry.LEAVE: leave,
        Entry.CHECK: check,
        Entry.CHECK_OWN: check,
        Entry.FEATURE: feature,
        Entry.RECEPTIONIST: receive,
    }
