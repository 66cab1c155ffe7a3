"""Mailboxes to deposit into, and what the database holds after it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import psycopg
from controlplane.domain.errors import SwitchUnavailable
from controlplane.services.deposit import DepositStep
from controlplane.services.switch_control import LiveConfiguration
from controlplane.storage.recordings import StoreStep
from controlplane.storage.spool import SpoolStep

# In the order in which a deposit meets them.
DEPOSIT_STEPS = [
    DepositStep.MEASURED,
    StoreStep.WRITTEN,
    StoreStep.RENAMED,
    DepositStep.COPIED,
    DepositStep.INSERTED,
    DepositStep.COMMITTED,
    SpoolStep.AUDIO_REMOVED,
    SpoolStep.REMOVED,
]


def insert_mailbox(
    url: str, tenant_id: UUID, *, recipients: tuple[str, ...] = ("team@example.com",), **values: Any
) -> UUID:
    """Add a mailbox whose team is mailed; `values` are columns."""
    mailbox_id = uuid4()
    columns = {
        "id": mailbox_id,
        "tenant_id": tenant_id,
        "number": "8001",
        "display_name": "Sales",
        "pin_hash": "none",
        "email_notification": True,
        "email_recipients": list(recipients),
    } | values
    names = ", ".join(columns)
    places = ", ".join(f"%({name})s" for name in columns)
    with psycopg.connect(url) as connection:
        connection.execute(f"INSERT INTO mailboxes ({names}) VALUES ({places})", columns)  # type: ignore[arg-type]  # names of columns
    return mailbox_id


def rows(url: str, query: str, *values: object) -> list[tuple[Any, ...]]:
    """Return what a query gives."""
    with psycopg.connect(url) as connection:
        return connection.execute(query, values).fetchall()  # type: ignore[arg-type]  # written by the test


def messages(url: str) -> list[tuple[UUID, UUID, str, int]]:
    """List the messages: id, mailbox, state, length in milliseconds."""
    return rows(url, "SELECT id, mailbox_id, state, duration_ms FROM messages ORDER BY received_at, id")


def queued(url: str) -> list[tuple[str, str]]:
    """List the jobs that are waiting: the task and its message, or the number whose lamp is told."""
    return rows(
        url,
        "SELECT task_name, coalesce(args->>'message_id', args->>'number') FROM procrastinate_jobs"
        " WHERE status = 'todo' ORDER BY task_name, id",
    )


def outcomes(url: str) -> dict[UUID, str]:
    """Return how recordings were dealt with."""
    return dict(rows(url, "SELECT recording_id, outcome FROM recordings_taken"))


@dataclass
class FakeSwitch:
    """A switch that knows some calls, and can be away; only what the scanner asks is alive."""

    known: set[str] = field(default_factory=set)
    since: float = 0.0
    away: bool = False

    async def calls(self, asked: Collection[str]) -> Collection[str]:
        """Return those of these calls that it knows."""
        if self.away:
            raise SwitchUnavailable("The switch is away.")
        return self.known.intersection(asked)

    async def started_at(self) -> float:
        """Return when it was started."""
        if self.away:
            raise SwitchUnavailable("The switch is away.")
        return self.since

    async def reload(self) -> None:
        """Do nothing."""

    async def live_configuration(self, asked: Collection[str] | None = None) -> LiveConfiguration:
        """Return that nothing is configured."""
        return LiveConfiguration(digest=None, endpoints=frozenset())
