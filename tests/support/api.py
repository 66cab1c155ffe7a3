"""The REST API in process, over a real PostgreSQL: an app, clients with tokens, and recordings."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import numpy as np
import psycopg
import soundfile
from controlplane.domain.pin import PinPolicy
from controlplane.domain.routing.trunk_state import Registration
from controlplane.services.message_links import MessageLinks
from controlplane.services.password_hashing import PasswordHasher
from controlplane.services.phone_set_up import PhoneLinks
from controlplane.services.pin_hashing import HashCost, PinHasher, make_key
from controlplane.services.tokens import create_token
from controlplane.storage.database import Database
from controlplane.storage.queue import Jobs
from controlplane.storage.recordings import RecordingStore
from controlplane.storage.tables import MessageRow
from controlplane.web.app import create_app, give
from controlplane.web.deps import PhoneAccess, WebDeps
from fastapi import FastAPI
from psycopg.rows import dict_row
from tests.support.publishing import make_publisher

PIN = "290174"
MAX_BODY = 20_000
MAILBOX: Mapping[str, Any] = {"number": "8001", "display_name": "Sales", "pin": PIN}


@dataclass(slots=True)
class Clock:
    """A clock that a test can put forward."""

    ahead: timedelta = field(default_factory=timedelta)

    def now(self) -> datetime:
        """Return the time."""
        return datetime.now(UTC) + self.ahead

    def seconds(self) -> float:
        """Return the time in seconds since the epoch."""
        return self.now().timestamp()


class SwitchDouble:
    """A switch that answers, or does not."""

    def __init__(self) -> None:
        self.fault: Exception | None = None
        self.registered: dict[UUID, Registration] = {}
        self.hangs = False

    async def answers(self) -> None:
        """Do nothing, or raise what was set."""
        if self.fault is not None:
            raise self.fault

    async def registrations(self) -> Mapping[UUID, Registration]:
        """Return what was set, after a fault that was set, or never."""
        await self.answers()
        if self.hangs:
            await asyncio.Event().wait()
        return self.registered


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """An app with everything around it."""

    deps: WebDeps
    hasher: PinHasher
    app: FastAPI
    clock: Clock
    switch: SwitchDouble
    store: RecordingStore
    url: str

    def close(self) -> None:
        """End the threads."""
        self.hasher.close()
        self.deps.passwords.close()
        _FREE_APPS[self.deps.public_url, self.deps.max_body_bytes].append(self.app)

    async def token(self, tenant: str | None = "default", expires_at: datetime | None = None) -> str:
        """Make a token in clear."""
        _, clear = await create_token(
            self.deps.db, name="tests", tenant=tenant, expires_at=expires_at, by="tests"
        )
        return clear

    def client(self, token: str | None = None, **headers: str) -> httpx.AsyncClient:
        """Return a client, with a token or without; errors of the app come back as its answer."""
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        transport = httpx.ASGITransport(app=self.app, raise_app_exceptions=False)
        return httpx.AsyncClient(transport=transport, base_url="http://test", headers=headers)

    async def tenant(self, name: str) -> httpx.AsyncClient:
        """Make another tenant and return a client of it."""
        system = self.client(await self.token(None))
        made = await system.post("/api/v1/tenants", json={"name": name, "sip_domain": f"{name}.example.com"})
        assert made.status_code == 201, made.text
        return self.client(await self.token(name))

    def rows(self, query: str, *arguments: object) -> list[dict[str, Any]]:
        """Ask the database behind the API."""
        with psycopg.connect(self.url, row_factory=dict_row) as connection:
            return connection.execute(query, arguments).fetchall()

    def jobs(self) -> list[tuple[str, dict[str, Any]]]:
        """List the jobs that were deferred, in order, and forget them."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            found = connection.execute(
                "SELECT task_name, args FROM procrastinate_jobs ORDER BY id"
            ).fetchall()
            connection.execute("DELETE FROM procrastinate_events")
            connection.execute("DELETE FROM procrastinate_jobs")
        return [(name, args) for name, args in found]

    async def message(
        self,
        mailbox: str = "8001",
        *,
        caller: str = "102",
        name: str = "Alice",
        received_at: datetime | None = None,
        seconds: float = 0.0,
        reached_by: Mapping[str, Any] | None = None,
        urgent: bool = False,
    ) -> UUID:
        """Leave a message in a mailbox of the tenant `default`; with `seconds`, a recording too."""
        (found,) = self.rows(
            "SELECT id, tenant_id FROM mailboxes WHERE number = %s AND deleted_at IS NULL", mailbox
        )
        message_id = uuid4()
        async with self.deps.db.transaction() as session:
            session.add(
                MessageRow(
                    id=message_id,
                    tenant_id=found["tenant_id"],
                    mailbox_id=found["id"],
                    call_id="call-1",
                    caller_number=caller,
                    caller_name=name,
                    received_at=received_at or datetime(2026, 3, 2, 10, 15, tzinfo=UTC),
                    duration_ms=round(seconds * 1000) or 4000,
                    reached_by=dict(reached_by or {"did": None, "reason": "direct", "path": []}),
                    urgent=urgent,
                )
            )
        if seconds:
            path = self.store.path(message_id)
            path.parent.mkdir(parents=True, exist_ok=True)
            write_tone(path, seconds)
        return message_id


def write_tone(path: Path, seconds: float) -> None:
    """Write a WAV file with a tone, 8 kHz, 16 bit, mono."""
    times = np.arange(int(8000 * seconds)) / 8000
    soundfile.write(path, 0.3 * np.sin(2 * np.pi * 440 * times), 8000, subtype="PCM_16", format="WAV")


def make_api(
    database: Database,
    jobs: Jobs,
    folder: Path,
    url: str,
    *,
    max_body_bytes: int = MAX_BODY,
    public_url: str = "http://test",
) -> Api:
    """Make an app whose files are below `folder`."""
    clock, switch = Clock(), SwitchDouble()
    store = RecordingStore(folder / "recordings")
    spool = folder / "spool"
    spool.mkdir(exist_ok=True)
    # Of the least cost: how PINs and passwords are hashed is not the matter of these tests.
    cheap = HashCost(time_cost=1, memory_kib=8, parallelism=1)
    hasher, passwords = PinHasher(make_key(), cost=cheap), PasswordHasher(cost=cheap)
    deps = WebDeps(
        db=database,
        jobs=jobs,
        hasher=hasher,
        passwords=passwords,
        pin_policy=PinPolicy(),
        recordings=store,
        links=MessageLinks("key of the tests", 7, clock=clock.seconds),
        spool=spool,
        realm="shared-voicemail",
        public_url=public_url,
        max_body_bytes=max_body_bytes,
        switch_answers=switch.answers,
        registrations=switch,
        clock=clock.now,
        publisher=make_publisher(database, folder / "configuration", None),
        phones=PhoneAccess(
            host="192.0.2.10", port=5060, links=PhoneLinks("key of the tests", clock=clock.seconds)
        ),
    )
    return Api(
        deps=deps, hasher=hasher, app=_take_app(deps), clock=clock, switch=switch, store=store, url=url
    )


# To make one takes half a second, so those of tests that have ended are used again.
_FREE_APPS: defaultdict[tuple[str, int], list[FastAPI]] = defaultdict(list)


def _take_app(deps: WebDeps) -> FastAPI:
    free = _FREE_APPS[deps.public_url, deps.max_body_bytes]
    if not free:
        return create_app(deps)
    app = free.pop()
    give(app, deps)
    return app
