"""The switch and the four processes of the product: started in order, kept running, ended within seconds."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from controlplane.supervisor.children import Child, Program
from controlplane.supervisor.faults import CannotStart
from controlplane.supervisor.notify import HUNG_SECONDS, PATIENT_SECONDS
from controlplane.supervisor.private_switch import PrivateSwitch
from controlplane.supervisor.watchdog import Watchdog

_BOOT_SECONDS = 60.0
_READY_SECONDS = 90.0
_ASK_AGAIN_SECONDS = 0.1
# Together with PostgreSQL's end these stay below the 10 s that `up` has.
_DRAIN_SECONDS = 5.5
_END_SECONDS = 1.5
WATCHED: Mapping[str, float] = {"calls": HUNG_SECONDS, "events": HUNG_SECONDS, "jobs": PATIENT_SECONDS}
"""Who sends signs of life, and how long it may be without; `web` sends none, and may be slow."""
_HTTP_OK = b" 200 "


class Processes:
    """All children of one `up`. `started` is told the name and the id of each new process."""

    def __init__(
        self,
        *,
        environment: Mapping[str, str],
        logs: Path,
        run_folder: Path,
        switch: PrivateSwitch | None,
        started: Callable[[str, int], None],
    ) -> None:
        self.switch = switch
        self._switch_child: Child | None = None
        if switch is not None:
            # Nothing of our environment: it holds the database's address and our keys.
            plain = {name: environment[name] for name in ("PATH", "HOME", "TZ") if name in environment}
            self._switch_child = Child(
                Program(
                    name="switch",
                    command=switch.command,
                    environment={**plain, **switch.environment},
                    log=logs / "switch.log",
                ),
                started=started,
                prepare=switch.prepare,
            )
        names = ("jobs", "calls", "web") if switch is None else ("jobs", "calls", "events", "web")
        self._ours = {
            name: Child(
                Program(
                    name=name,
                    command=(sys.executable, "-m", "controlplane.entrypoints.cli", name),
                    environment=environment,
                    log=logs / f"{name}.log",
                ),
                started=started,
                watchdog=Watchdog(run_folder / f"{name}.notify", silence_seconds=WATCHED[name])
                if name in WATCHED
                else None,
            )
            for name in names
        }

    async def start_switch(self, manager_port: int) -> None:
        """Start the private switch and wait until it serves; raises CannotStart."""
        assert self.switch is not None
        assert self._switch_child is not None
        self.switch.configure()
        await self._switch_child.start()
        await self.switch.until_booted(manager_port, limit_seconds=_BOOT_SECONDS, check=self._check_switch)

    async def start_ours(self, http_host: str, http_port: int) -> None:
        """Start our processes and wait until `calls` and `web` serve; raises CannotStart."""
        for child in self._ours.values():
            await child.start()
        for name in self._ours.keys() & WATCHED.keys():
            await self._ours[name].until_ready(_READY_SECONDS)
        try:
            async with asyncio.timeout(_READY_SECONDS):
                while (answer := await _readiness(http_host, http_port)) is None or _HTTP_OK not in answer:
                    for child in self._ours.values():
                        child.check_alive()
                    await asyncio.sleep(_ASK_AGAIN_SECONDS)
        except TimeoutError:
            said = "nothing" if answer is None else answer.decode(errors="replace").strip()
            raise CannotStart(
                f"`web` was not ready within {_READY_SECONDS:.0f} s (/readyz: {said}):"
                f" see {self._ours['web'].program.log.parent}."
            ) from None

    async def stop(self) -> None:
        """End first our own (calls in progress have 5 s), then the switch, in what time is left."""
        loop = asyncio.get_running_loop()
        end = loop.time() + _DRAIN_SECONDS + _END_SECONDS
        await asyncio.gather(*(child.stop(_DRAIN_SECONDS) for child in self._ours.values()))
        if self._switch_child is not None:
            # A FreeSWITCH takes four seconds to end, if it is given them.
            await self._switch_child.stop(max(_END_SECONDS, end - loop.time()))

    def _check_switch(self) -> None:
        assert self.switch is not None
        assert self._switch_child is not None
        if self._switch_child.deaths > 1:
            raise CannotStart(
                f"{self.switch.name} ends again and again ({self.switch.last_error()}):"
                f" see {self.switch.log}."
            )


async def _readiness(host: str, port: int) -> bytes | None:
    """Return the status line of /readyz, or None if nobody answers."""
    target = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 (compared, not bound)
    try:
        async with asyncio.timeout(5):
            reader, writer = await asyncio.open_connection(target, port)
            try:
                writer.write(f"GET /readyz HTTP/1.0\r\nHost: {target}\r\n\r\n".encode())
                return await reader.readline()
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return None
