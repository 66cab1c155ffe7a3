"""The web process: uvicorn with the app, and nothing that a signal would leave behind."""

from __future__ import annotations

import asyncio
import os
from datetime import UTC, datetime

import structlog
import uvicorn

from controlplane.domain.pin import PinPolicy
from controlplane.entrypoints.publish import control_of
from controlplane.services.message_links import MessageLinks
from controlplane.services.pin_hashing import PinHasher
from controlplane.settings import Settings
from controlplane.storage.database import Database
from controlplane.storage.queue import Jobs, make_app
from controlplane.storage.recordings import RecordingStore
from controlplane.supervisor.notify import Notifier
from controlplane.web.app import create_app
from controlplane.web.deps import WebDeps

_STOP_SECONDS = 3


def main(settings: Settings) -> None:
    """Serve until SIGTERM; requests in progress have three seconds."""
    asyncio.run(_serve(settings))


async def _serve(settings: Settings) -> None:
    database = Database(settings.sqlalchemy_url)
    pins = settings.pins
    hasher = PinHasher(pins.keys.get_secret_value())
    control = control_of(settings)
    # The job queue's app stays closed: a job is deferred on the connection of its own transaction.
    deps = WebDeps(
        db=database,
        jobs=Jobs(make_app(settings.database_url.get_secret_value(), pool_size=1)),
        hasher=hasher,
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
        clock=lambda: datetime.now(UTC),
    )
    server = uvicorn.Server(
        uvicorn.Config(
            create_app(deps),
            host=settings.http.host,
            port=settings.http.port,
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=_STOP_SECONDS,
        )
    )
    Notifier(os.environ.get("NOTIFY_SOCKET")).ready()
    structlog.get_logger().info("web.ready", host=settings.http.host, port=settings.http.port)
    try:
        await server.serve()
    finally:
        hasher.close()
        await database.close()
