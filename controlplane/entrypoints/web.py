"""The web process: uvicorn with the app, and nothing that a signal would leave behind."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import structlog
import uvicorn

from controlplane.apply.exporting import export_file
from controlplane.domain.pin import PinPolicy
from controlplane.domain.presence import ProcessKind
from controlplane.entrypoints.deferring import jobs_of
from controlplane.entrypoints.listening import listen
from controlplane.entrypoints.pin_keys import hasher_of
from controlplane.entrypoints.presence import presence_of
from controlplane.entrypoints.publish import control_of, publisher_of
from controlplane.entrypoints.shown_settings import shown_settings
from controlplane.services.message_links import MessageLinks
from controlplane.services.password_hashing import PasswordHasher
from controlplane.services.phone_set_up import PhoneLinks
from controlplane.settings import Settings
from controlplane.storage.database import Database
from controlplane.storage.queue import make_app
from controlplane.storage.recordings import RecordingStore
from controlplane.supervisor.notify import Notifier
from controlplane.web.app import create_app
from controlplane.web.deps import PhoneAccess, WebDeps

_STOP_SECONDS = 3


def main(settings: Settings) -> None:
    """Serve until SIGTERM; requests in progress have three seconds. Raises CannotStart."""
    asyncio.run(_serve(settings))


async def _serve(settings: Settings) -> None:
    database = Database(settings.sqlalchemy_url)
    pins = settings.pins
    hasher = hasher_of(settings)
    passwords = PasswordHasher()
    control = control_of(settings)
    # The job queue's app stays closed: a job is deferred on the connection of its own transaction.
    deps = WebDeps(
        db=database,
        jobs=jobs_of(settings, make_app(settings.database_url.get_secret_value(), pool_size=1)),
        hasher=hasher,
        passwords=passwords,
        pin_policy=PinPolicy(
            min_length=pins.min_length,
            generated_length=pins.generated_length,
            refuse_one_digit_repeated=pins.refuse_one_digit_repeated,
            refuse_runs=pins.refuse_runs,
            refuse_mailbox_number=pins.refuse_mailbox_number,
        ),
        recordings=RecordingStore(settings.paths.recordings),
        links=MessageLinks(settings.link_key.get_secret_value(), settings.retention.message_link_days),
        spool=settings.paths.spool,
        realm=settings.sip.realm,
        public_url=settings.http.public_url,
        max_body_bytes=settings.http.max_body_bytes,
        switch_answers=None if control is None else control.started_at,
        registrations=control,
        clock=lambda: datetime.now(UTC),
        publisher=publisher_of(settings, database),
        installation=shown_settings(settings),
        tenant_file=_tenant_file,
        phones=_phones(settings),
    )
    app = create_app(deps)
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_STOP_SECONDS,
    )
    try:
        listener = listen(settings.http.host, settings.http.port, group="HTTP")
        notifier = Notifier(os.environ.get("NOTIFY_SOCKET"))
        server = _Server(config, notifier, app.state.mailbox_changes.close)
        async with presence_of(database, ProcessKind.WEB, {}).told():
            await server.serve(sockets=[listener])
    finally:
        hasher.close()
        passwords.close()
        await database.close()


async def _tenant_file(database: Database, tenant: str) -> str:
    return await export_file(database, tenant=tenant)


def _phones(settings: Settings) -> PhoneAccess | None:
    """Return where phones register; None where there is no switch, or it has phones of its own."""
    if settings.switch == "none" or not settings.sip.phones:
        return None
    return PhoneAccess(
        host=settings.sip.external_address or settings.sip.host,
        port=settings.sip.port,
        links=PhoneLinks(settings.link_key.get_secret_value()),
    )


class _Server(uvicorn.Server):
    """A server that ends by returning, so that what it used can be closed, and says when it serves."""

    def __init__(self, config: uvicorn.Config, notifier: Notifier, end_streams: Callable[[], None]) -> None:
        super().__init__(config)
        self._notifier = notifier
        self._end_streams = end_streams

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop at a signal, at once at a second one; the library would raise it again afterwards."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve, and tell the supervisor."""
        await super().startup(sockets)
        self._notifier.ready()
        addresses = [str(listener.getsockname()) for listener in sockets or ()]
        structlog.get_logger().info("web.ready", addresses=addresses)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Tell the supervisor, and end what is in progress."""
        self._notifier.stopping()
        # They would be waited for in vain.
        self._end_streams()
        await super().shutdown(sockets)
        structlog.get_logger().info("web.stopped")
