"""`up` starts PostgreSQL again, however often that fails."""

from __future__ import annotations

import asyncio
import errno
import os
from contextlib import suppress
from pathlib import Path

import pytest
from controlplane.entrypoints.up import Options, Up
from controlplane.supervisor.leftovers import ProcessRecord
from controlplane.supervisor.ports import GivenPorts
from controlplane.supervisor.postgres import PostgresError


class DeadServer:
    """A server that died and comes up only after some failures."""

    def __init__(self, *failures: Exception) -> None:
        self.pid: int | None = None
        self._failures = list(failures)

    def start(self) -> str:
        """Start it, or fail once more."""
        if self._failures:
            raise self._failures.pop(0)
        self.pid = os.getpid()
        return ""


@pytest.mark.parametrize(
    "failure", [OSError(errno.ENOSPC, "No space left on device"), PostgresError("It did not start.")]
)
async def test_failed_restart_is_tried_again(
    failure: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that is full for a while ends neither `up` nor the calls in progress."""
    monkeypatch.setattr("controlplane.entrypoints.up._POSTGRES_CHECK_SECONDS", 0.01)
    up = Up(
        Options(
            state_dir=tmp_path, switch="none", listen="127.0.0.1", external_address=None, ports=GivenPorts()
        )
    )
    server = DeadServer(failure, failure)
    up._postgres = server  # type: ignore[assignment]  # a stand-in
    up._record = ProcessRecord(tmp_path / "pids.json")
    keeping = asyncio.create_task(up._keep_postgres())
    async with asyncio.timeout(10):
        while server.pid is None and not keeping.done():  # noqa: ASYNC110 (the loop under test tells nobody)
            await asyncio.sleep(0.01)
    keeping.cancel()
    with suppress(asyncio.CancelledError):
        await keeping

    assert up._record.pids() == {"postgres": os.getpid()}
