"""Child processes that are started, restarted when they die, and ended."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import structlog

from controlplane.supervisor import tether
from controlplane.supervisor.faults import CannotStart
from controlplane.supervisor.leftovers import kill_group
from controlplane.supervisor.watchdog import Watchdog

FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 5.0
_HEALTHY_SECONDS = 10.0
_LARGEST_LOG = 20_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What to run: its name for people, the command, its whole environment, and the file of its output."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    log: Path

    def last_words(self) -> str:
        """Return the last line of the log, for a sentence about its end."""
        try:
            with self.log.open("rb") as file:
                file.seek(max(0, self.log.stat().st_size - 4096))
                lines = file.read().decode(errors="replace").strip().splitlines()
        except OSError:
            return ""
        return lines[-1].strip() if lines else ""


class Child:
    """Keeps one program running from `start` to `stop`; use it from the main thread's loop only.

    `started` is told each new process id. `prepare` runs before each start. With a `watchdog`
    the program gets its socket as `NOTIFY_SOCKET`, and is killed when it hangs.
    """

    def __init__(
        self,
        program: Program,
        *,
        started: Callable[[str, int], None],
        prepare: Callable[[], None] | None = None,
        watchdog: Watchdog | None = None,
    ) -> None:
        self.program = program
        self._started = started
        self._prepare = prepare
        self._watchdog = watchdog
        self._process: asyncio.subprocess.Process | None = None
        self._stopping = asyncio.Event()
        self._launching = asyncio.Lock()
        self._tasks: list[asyncio.Task[None]] = []
        self.deaths = 0

    @property
    def pid(self) -> int | None:
        """The present process, while it runs."""
        process = self._process
        return process.pid if process is not None and process.returncode is None else None

    async def start(self) -> None:
        """Start the program and keep it running; returns when the first process exists."""
        if self._watchdog is not None:
            self._watchdog.open()
            self._watchdog.restart()
            self._tasks.append(asyncio.create_task(self._watchdog.watch(self.kill)))
        process = await self._launch()
        self._tasks.append(asyncio.create_task(self._keep(process)))

    async def until_ready(self, limit_seconds: float) -> None:
        """Wait until a watched program said that it serves; raises CannotStart."""
        assert self._watchdog is not None, "only a watched child says that it is ready"
        ready = asyncio.create_task(self._watchdog.ready.wait())
        try:
            deadline = asyncio.get_running_loop().time() + limit_seconds
            while not ready.done():
                await asyncio.wait([ready], timeout=0.1)
                self.check_alive()
                if asyncio.get_running_loop().time() > deadline:
                    raise CannotStart(
                        f"`{self.program.name}` was not ready within {limit_seconds:.0f} s:"
                        f" see {self.program.log}."
                    )
        finally:
            ready.cancel()

    def check_alive(self, deaths: int = 3) -> None:
        """Raise CannotStart if the program died `deaths` times: it will not come up by itself."""
        if self.deaths >= deaths:
            raise CannotStart(
                f"`{self.program.name}` ends again and again ({self.program.last_words()}):"
                f" see {self.program.log}."
            )

    def kill(self) -> None:
        """End the present process and all it started, at once; unless `stop` was called it is restarted."""
        if self._process is not None and self._process.returncode is None:
            kill_group(self._process.pid)

    async def stop(self, limit_seconds: float) -> None:
        """Ask the program to end (SIGTERM), and kill what is left of it after the limit."""
        self._stopping.set()
        async with self._launching:  # a restart that has begun is finished first, or it would be left behind
            process = self._process
        if process is not None and process.returncode is None:
            process.send_signal(signal.SIGTERM)
            try:
                async with asyncio.timeout(limit_seconds):
                    await process.wait()
            except TimeoutError:
                structlog.get_logger().warning("child.killed", child=self.program.name, reason="did not end")
                kill_group(process.pid)
            await process.wait()
            kill_group(process.pid, group_alone=True)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._watchdog is not None:
            self._watchdog.close()

    async def _keep(self, process: asyncio.subprocess.Process | None) -> None:
        loop = asyncio.get_running_loop()
        pause = FIRST_PAUSE_SECONDS
        while True:
            began = loop.time()
            if process is not None:
                code = await process.wait()
                kill_group(process.pid, group_alone=True)  # what it started and left
                if self._stopping.is_set():
                    return
                self.deaths += 1
                if loop.time() - began >= _HEALTHY_SECONDS:
                    pause = FIRST_PAUSE_SECONDS
                structlog.get_logger().warning(
                    "child.ended", child=self.program.name, exit_code=code, restart_in_seconds=pause
                )
            try:
                async with asyncio.timeout(pause):
                    await self._stopping.wait()
            except TimeoutError:
                pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
            async with self._launching:
                if self._stopping.is_set():
                    return
                process = await self._try_to_launch()

    async def _try_to_launch(self) -> asyncio.subprocess.Process | None:
        """Launch again; a full disk or a full process table is tried again later."""
        try:
            return await self._launch()
        except OSError as error:
            self.deaths += 1
            structlog.get_logger().error("child.not_started", child=self.program.name, error=str(error))
            return None

    async def _launch(self) -> asyncio.subprocess.Process:
        if self._prepare is not None:
            self._prepare()
        environment = dict(self.program.environment)
        environment.pop("NOTIFY_SOCKET", None)  # ours, if systemd runs `up`, is not the child's
        if self._watchdog is not None:
            self._watchdog.restart()
            environment["NOTIFY_SOCKET"] = str(self._watchdog.socket_path)
        command = (
            sys.executable,
            "-I",
            "-S",
            str(Path(tether.__file__)),
            str(os.getpid()),
            *self.program.command,
        )
        log = self._open_log()
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
                start_new_session=True,  # Ctrl-C in a terminal is for `up` alone
            )
        finally:
            os.close(log)
        self._process = process
        self._started(self.program.name, process.pid)
        return process

    def _open_log(self) -> int:
        log = self.program.log
        if log.exists() and log.stat().st_size > _LARGEST_LOG:
            log.replace(log.with_suffix(".log.1"))
        return os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
