"""`controlplane up`: the whole product on one machine, everything below one state folder.

Starts an embedded PostgreSQL, a private switch and our processes, keeps them running, and stops
all of them. What can go wrong at start is answered with one sentence, and nothing is left running.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import NoReturn

from controlplane.entrypoints import bootstrap, logs, migrate
from controlplane.entrypoints.prefetch import make_prompts, say, step
from controlplane.entrypoints.private_settings import (
    ENVIRONMENT_FILE,
    Surroundings,
    environment_of,
    written_environment,
)
from controlplane.entrypoints.ready import ReadyFile, reachable_host
from controlplane.settings import Settings, load
from controlplane.supervisor.asterisk import PrivateAsterisk
from controlplane.supervisor.asterisk_tree import AsteriskTree, cache_folder, find_or_unpack
from controlplane.supervisor.faults import CannotStart
from controlplane.supervisor.freeswitch import PrivateFreeswitch
from controlplane.supervisor.freeswitch_tree import NATIVE_MODULES, FreeswitchTree, find_freeswitch
from controlplane.supervisor.leftovers import ProcessRecord, kill_group
from controlplane.supervisor.ports import GivenPorts, PortClaims, check_address, check_external_address
from controlplane.supervisor.postgres import EmbeddedPostgres, PostgresError
from controlplane.supervisor.private_switch import PrivateSwitch
from controlplane.supervisor.processes import Processes
from controlplane.supervisor.state import StateFolder, write_private

_POSTGRES_CHECK_SECONDS = 0.5
_GREETING_SECONDS = 60.0
# `timeout` and `make` pass a signal on to a process that the terminal sent it to already: that is one signal.
_ONE_SIGNAL_SECONDS = 0.5
_INTERRUPTED = 130


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What `controlplane up` was asked for."""

    state_dir: Path
    switch: str
    listen: str
    external_address: str | None
    ports: GivenPorts
    new_sip_passwords: bool = False


class Up:
    """One run of the product on one state folder; `start` and `serve` in this order, `stop` in any case."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._began = time.monotonic()
        self._state: StateFolder | None = None
        self._claims: PortClaims | None = None
        self._postgres: EmbeddedPostgres | None = None
        self._record: ProcessRecord | None = None
        self._ready: ReadyFile | None = None

    def start(self) -> None:
        """Do all that needs no event loop: checks, PostgreSQL, migrations, prompts; raises CannotStart."""
        options = self._options
        check_address(options.listen)
        if options.external_address is not None:
            check_external_address(options.external_address)
        self._state = state = StateFolder(options.state_dir)
        state.ready_file.unlink(missing_ok=True)
        self._record = ProcessRecord(state.root / "pids.json")
        for name in self._record.end_leftovers():
            say(f"Ended `{name}`, left behind by a run that was killed")
        self._claims = PortClaims(options.listen, state.root / "ports.json")
        host = reachable_host(options.listen, options.external_address)
        self._surroundings = Surroundings(
            listen=options.listen,
            external_address=options.external_address,
            host=host,
            ports=self._claims.choose(options.ports),
            switch="asterisk" if options.switch == "auto" else options.switch,
        )
        self._tree: AsteriskTree | FreeswitchTree | None = None
        cache = cache_folder(os.environ)
        match self._surroundings.switch:
            case "asterisk":
                self._tree = find_or_unpack(cache, progress=say)
            case "freeswitch":
                native = os.environ.get("CONTROLPLANE_FALLBACK") == "native"
                self._tree = find_freeswitch(
                    os.environ, progress=say, also_needed=NATIVE_MODULES if native else ()
                )
        with step("Starting PostgreSQL"):
            self._postgres = EmbeddedPostgres(state.root / "postgres" / "data")
            database_url = self._postgres.start()
        self._note_postgres()
        if not self._postgres.data_dir.is_relative_to(state.root):
            say(f"The database is in {self._postgres.data_dir}: its user cannot enter {state.root}")
        self._environment = environment_of(os.environ, state, self._surroundings, database_url=database_url)
        self._settings = load(self._environment)
        write_private(state.root / ENVIRONMENT_FILE, written_environment(self._environment))
        # The log of `up` itself is for the terminal: what went wrong, or what was asked for.
        logs.configure("console", os.environ.get("CONTROLPLANE_LOG_LEVEL", "warning"))
        _make_folders(self._settings)
        with step("Migrating the database"):
            migrate.upgrade(self._settings)
        with step("Preparing the prompts"):
            make_prompts(cache / "prompts", self._settings.paths.prompts)

    async def serve(self) -> None:
        """Start the switch and our processes, tell that all is ready, and keep it so until a signal comes."""
        loop = asyncio.get_running_loop()
        stop = asyncio.Event()
        first: float | None = None

        def on_signal() -> None:
            nonlocal first
            if first is None:
                first = loop.time()
                stop.set()
            elif loop.time() - first > _ONE_SIGNAL_SECONDS:
                self.kill()

        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, on_signal)
        processes = self._processes()
        try:
            running = asyncio.create_task(self._run(processes))
            stopped = asyncio.create_task(stop.wait())
            await asyncio.wait([running, stopped], return_when=asyncio.FIRST_COMPLETED)
            running.cancel()
            stopped.cancel()
            with suppress(asyncio.CancelledError):
                await running  # raises what it failed with
        finally:
            if self._state is not None:
                self._state.ready_file.unlink(missing_ok=True)
            if stop.is_set():
                say("Stopping")
            await processes.stop()

    def stop(self) -> None:
        """Stop PostgreSQL and let the folder and the ports go; the other processes are stopped by `serve`."""
        if self._postgres is not None:
            self._postgres.stop(seconds=2.5)
        if self._record is not None:
            self._record.forget()
        if self._claims is not None:
            self._claims.release()
        if self._state is not None:
            self._state.ready_file.unlink(missing_ok=True)
            shutil.rmtree(self._state.run_folder(), ignore_errors=True)
            self._state.release()

    def kill(self) -> NoReturn:
        """End everything at once, this process too; what is left on disk is mended at the next start."""
        if self._record is not None:
            for name, pid in self._record.pids().items():
                # PostgreSQL's own quickest way: killed outright it would leave shared memory behind.
                kill_group(pid, signal.SIGQUIT if name == "postgres" else signal.SIGKILL)
        if self._state is not None:
            self._state.ready_file.unlink(missing_ok=True)
            shutil.rmtree(self._state.run_folder(), ignore_errors=True)
        os._exit(_INTERRUPTED)

    def _processes(self) -> Processes:
        assert self._state is not None
        return Processes(
            environment=self._environment,
            logs=self._state.logs,
            run_folder=self._state.run_folder(),
            switch=self._private_switch(),
            started=self._started,
        )

    def _private_switch(self) -> PrivateSwitch | None:
        assert self._state is not None
        live = self._settings.paths.configuration.absolute() / "live"
        match self._tree:
            case AsteriskTree():
                return PrivateAsterisk(
                    self._tree,
                    home=self._state.root / "asterisk",
                    run_folder=self._state.run_folder(),
                    live=live / "asterisk",
                )
            case FreeswitchTree():
                return PrivateFreeswitch(
                    self._tree,
                    home=self._state.root / "freeswitch",
                    live=live / "freeswitch",
                    password=self._settings.event_socket.password.get_secret_value(),
                )
            case None:
                return None

    async def _run(self, processes: Processes) -> None:
        assert self._state is not None
        assert self._record is not None
        with step("Making mailbox, extensions and configuration"):
            installation = await bootstrap.install(
                self._settings, self._state, new_sip_passwords=self._options.new_sip_passwords
            )
            await bootstrap.publish_before_start(self._settings)
        switch = "" if self._tree is None else f"{self._tree.described} and "
        with step(f"Starting {switch}the processes"):
            try:
                async with asyncio.TaskGroup() as starting:
                    if processes.switch is not None:
                        starting.create_task(self._start_switch(processes))
                    starting.create_task(
                        processes.start_ours(self._surroundings.listen, self._surroundings.ports.http)
                    )
            except ExceptionGroup as faults:
                raise faults.exceptions[0] from faults
        if not installation.greeting.exists():
            with step("Speaking the greeting"):
                await _until_exists(installation.greeting, _GREETING_SECONDS)
        self._ready = ReadyFile(self._state, self._settings, installation, self._surroundings.host)
        self._ready.write(self._record.pids())
        print(f"\nShared Voicemail is ready after {time.monotonic() - self._began:.1f} s.\n", flush=True)
        print(self._ready.in_words(self._state), flush=True)
        await self._keep_postgres()

    async def _start_switch(self, processes: Processes) -> None:
        await processes.start_switch(self._surroundings.ports.manager)
        await bootstrap.publish_and_verify(self._settings)

    async def _keep_postgres(self) -> None:
        """Start PostgreSQL again whenever it died; runs until cancelled."""
        assert self._postgres is not None
        while True:
            await asyncio.sleep(_POSTGRES_CHECK_SECONDS)
            if self._postgres.pid is None:
                say("PostgreSQL ended: starting it again")
                try:
                    # In this thread: the server dies with the thread that started it.
                    self._postgres.start()
                except (PostgresError, OSError) as error:
                    # A full disk, above all, of which PostgreSQL itself died: there may be room later.
                    say(str(error))
                else:
                    self._note_postgres()

    def _note_postgres(self) -> None:
        assert self._postgres is not None
        if self._postgres.pid is not None:
            self._started("postgres", self._postgres.pid)

    def _started(self, name: str, pid: int) -> None:
        assert self._record is not None
        self._record.note(name, pid)
        if self._ready is not None:
            self._ready.write(self._record.pids())


async def _until_exists(path: Path, limit_seconds: float) -> None:
    """Wait for a file that a job makes; without it the first callers hear less, so go on after the limit."""
    with suppress(TimeoutError):
        async with asyncio.timeout(limit_seconds):
            while not path.exists():  # noqa: ASYNC110 (made by another process)
                await asyncio.sleep(0.05)


def _make_folders(settings: Settings) -> None:
    paths = settings.paths
    for folder in (paths.recordings, paths.spool, paths.prompts, paths.configuration, paths.mail):
        if folder is not None:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def main(options: Options) -> int:
    """Run until SIGINT or SIGTERM; returns the exit code. A second signal ends everything at once."""

    def interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)
    up = Up(options)
    try:
        up.start()
        asyncio.run(up.serve())
    except KeyboardInterrupt:
        return _INTERRUPTED
    except PostgresError as error:
        raise CannotStart(str(error)) from error
    except OSError as error:
        raise CannotStart(
            f"{error.strerror or error} ({error.filename or options.state_dir}):"
            " make room, or name another folder with --state-dir."
        ) from error
    finally:
        up.stop()
    say("Stopped")
    return 0
