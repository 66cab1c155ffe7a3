"""The embedded PostgreSQL beside what others left: dead servers, folders in /tmp, its log."""

from __future__ import annotations

import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from controlplane.supervisor.postgres import EmbeddedPostgres, PostgresError
from tests.support.processes import open_folder

# Whoever runs the tests in the background ignores this signal, and their children with them.
_SERVER = """
import signal, time
signal.signal(signal.SIGINT, signal.default_int_handler)
print(flush=True)
time.sleep(600)
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """Return a folder that every user may enter."""
    with open_folder() as made:
        yield made


@pytest.mark.timeout(60)
def test_dead_server_that_nobody_waits_for_keeps_no_start(folder: Path) -> None:
    """A server of a killed `up` becomes a zombie where process 1 reaps nothing: it is dead all the same."""
    server = EmbeddedPostgres(folder / "data", fsync=False)
    left = subprocess.Popen(
        [sys.executable, "-c", _SERVER, str(server.data_dir)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert left.stdout is not None
        left.stdout.readline()
        (server.data_dir / "postmaster.pid").write_text(f"{left.pid}\n")

        server._end_left_over()
    finally:
        left.kill()
        code = left.wait()
        left.stdout.close()

    assert code != -9  # it was told to end before


def test_link_in_place_of_the_socket_folder_is_refused(folder: Path) -> None:
    """Whoever put a link into /tmp does not have its target given away."""
    made = EmbeddedPostgres(folder / "data", fsync=False)
    sockets = made._sockets
    sockets.rmdir()
    target = folder / "somebody's"
    target.mkdir(mode=0o755)
    sockets.symlink_to(target)
    try:
        with pytest.raises(PostgresError, match="remove it"):
            EmbeddedPostgres(folder / "data", fsync=False)
    finally:
        sockets.unlink()

    assert stat.S_IMODE(target.stat().st_mode) == 0o755


def test_log_is_for_its_user_alone(folder: Path) -> None:
    """An error may quote a row, with a PIN's hash in it."""
    server = EmbeddedPostgres(folder / "data", fsync=False)
    server.start()
    try:
        mode = stat.S_IMODE(server._log.stat().st_mode)
    finally:
        server.stop()

    assert mode == 0o600
