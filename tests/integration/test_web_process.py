"""`controlplane web` as a process."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from controlplane.services.pin_hashing import make_key

LIMIT = 30.0


@pytest.fixture
def notifications(tmp_path: Path) -> Iterator[socket.socket]:
    """Listen as a supervisor does."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "notify"))
        listener.settimeout(LIMIT)
        yield listener


@contextlib.contextmanager
def _web(database_url: str, folder: Path, port: int) -> Iterator[subprocess.Popen[str]]:
    environment = {
        **os.environ,
        "NOTIFY_SOCKET": str(folder / "notify"),
        "CONTROLPLANE_DATABASE_URL": database_url,
        "CONTROLPLANE_PRIVATE": "true",
        "CONTROLPLANE_SWITCH": "none",
        "CONTROLPLANE_HTTP__PORT": str(port),
        "CONTROLPLANE_LINK_KEY": "key",
        "CONTROLPLANE_PINS__KEYS": make_key(),
        **{
            f"CONTROLPLANE_PATHS__{name}": str(folder)
            for name in ("RECORDINGS", "SPOOL", "PROMPTS", "CONFIGURATION")
        },
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "controlplane.entrypoints.cli", "web"],
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=LIMIT)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def test_it_serves_when_it_says_so_and_ends_when_told(
    database_url: str, tmp_path: Path, notifications: socket.socket
) -> None:
    """After READY=1 requests are answered; SIGTERM ends it with code 0 and a word before."""
    port = _free_port()
    with _web(database_url, tmp_path, port) as process:
        ready = notifications.recv(100)
        answer = httpx.get(f"http://127.0.0.1:{port}/readyz")
        process.send_signal(signal.SIGTERM)
        stopping = notifications.recv(100)
        code = process.wait(LIMIT)

    assert (ready, answer.status_code, stopping, code) == (b"READY=1", 200, b"STOPPING=1", 0)


def test_an_occupied_port_is_one_sentence(
    database_url: str, tmp_path: Path, notifications: socket.socket
) -> None:
    """A port in use ends it at once, naming the port and the setting."""
    with socket.create_server(("127.0.0.1", 0)) as occupied:
        port = occupied.getsockname()[1]
        with _web(database_url, tmp_path, port) as process:
            _, said = process.communicate(timeout=LIMIT)

    assert process.returncode == 2
    assert said.strip().splitlines()[-1] == (
        f"controlplane: Cannot listen on 127.0.0.1:{port} (Address already in use): "
        "set CONTROLPLANE_HTTP__HOST and CONTROLPLANE_HTTP__PORT."
    )
