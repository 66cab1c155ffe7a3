"""The parent's side of the watchdog: a child that falls silent is killed, so that its calls go on elsewhere.

The protocol is that of sd_notify(3). A child has 60 s to say `READY=1`; once it sent `WATCHDOG=1`
it must do so again within 5 s (60 s for one that lets others go first), until it says `STOPPING=1`.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from pathlib import Path

import structlog

from controlplane.supervisor.notify import HUNG_SECONDS

READY_SECONDS = 60.0
_TICK_SECONDS = 0.25
_OWN_LAG_SECONDS = 1.0
_LARGEST_MESSAGE = 4096


class Watchdog:
    """Listens for one child on a datagram socket of its own; `socket_path` must be short (107 bytes)."""

    def __init__(
        self,
        socket_path: Path,
        *,
        ready_seconds: float = READY_SECONDS,
        silence_seconds: float = HUNG_SECONDS,
    ) -> None:
        self.socket_path = socket_path
        self.ready = asyncio.Event()
        self._ready_seconds = ready_seconds
        self._silence_seconds = silence_seconds
        self._socket: socket.socket | None = None
        self._since = 0.0
        self._last_beat: float | None = None
        self._stopping = False

    def open(self) -> None:
        """Listen; messages that come before `watch` wait in the socket."""
        self.socket_path.unlink(missing_ok=True)
        receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        receiver.bind(str(self.socket_path))
        self._socket = receiver

    def close(self) -> None:
        """Listen no more, and remove the socket's file."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        self.socket_path.unlink(missing_ok=True)

    def restart(self) -> None:
        """Begin again for a new process: what the last one sent no longer counts."""
        self._read()
        self.ready.clear()
        self._last_beat = None
        self._stopping = False
        self._since = asyncio.get_running_loop().time()

    async def watch(self, kill: Callable[[], None]) -> None:
        """Call `kill` once when the present process is silent for too long; runs until cancelled.

        Our own standstill (a stopped or starved supervisor) is no silence of the child: the clock
        starts again after it.
        """
        loop = asyncio.get_running_loop()
        before = loop.time()
        while True:
            await asyncio.sleep(_TICK_SECONDS)
            now = loop.time()
            self._read()
            if now - before > _TICK_SECONDS + _OWN_LAG_SECONDS:
                self._since = now
                self._last_beat = None if self._last_beat is None else now
            before = now
            reason = self._fault(now)
            if reason is not None:
                structlog.get_logger().error("child.killed", socket=self.socket_path.name, reason=reason)
                kill()
                self._stopping = True  # until restart() tells of a new process

    def _fault(self, now: float) -> str | None:
        if self._stopping:
            return None
        if self._last_beat is not None and now - self._last_beat > self._silence_seconds:
            return "silent"
        if not self.ready.is_set() and now - self._since > self._ready_seconds:
            return "never ready"
        return None

    def _read(self) -> None:
        while self._socket is not None:
            try:
                message = self._socket.recv(_LARGEST_MESSAGE)
            except BlockingIOError:
                return
            for line in message.split(b"\n"):
                match line:
                    case b"READY=1":
                        self.ready.set()
                    case b"WATCHDOG=1":
                        self._last_beat = asyncio.get_running_loop().time()
                    case b"STOPPING=1":
                        self._stopping = True
