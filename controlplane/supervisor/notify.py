"""The child's side of the watchdog: datagrams to `NOTIFY_SOCKET`, as systemd and `up` read them.

The protocol is sd_notify(3): `READY=1`, `WATCHDOG=1`, `STOPPING=1`, one datagram each.
"""

from __future__ import annotations

import asyncio
import faulthandler
import socket

HUNG_SECONDS = 5.0
"""How long a process that calls hang on may seem to hang."""
PATIENT_SECONDS = 60.0
"""The same of one that lets others go first: on a busy machine it waits for a processor, and is sound."""


class Notifier:
    """Tells the supervisor how this process is; without an address it does nothing.

    `address` is the value of `NOTIFY_SOCKET`: a path, or `@name` for an abstract socket.
    """

    def __init__(self, address: str | None) -> None:
        self._address: str | None = None
        if address:
            self._address = "\0" + address[1:] if address.startswith("@") else address

    @property
    def is_watched(self) -> bool:
        """Tell whether somebody listens."""
        return self._address is not None

    def ready(self) -> None:
        """Say that this process serves."""
        self._send(b"READY=1")

    def watchdog(self) -> None:
        """Say that this process is alive; more often than every 5 s."""
        self._send(b"WATCHDOG=1")

    def stopping(self) -> None:
        """Say that this process ends by itself; its silence from now on is no fault."""
        self._send(b"STOPPING=1")

    def _send(self, message: bytes) -> None:
        if self._address is None:
            return
        try:
            # Without blocking: a supervisor that does not read must never hold up a call.
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as sender:
                sender.sendto(message, self._address)
        except OSError:
            # A supervisor that is gone or slow decides by its own clock; there is nobody to tell.
            return


async def beat(notifier: Notifier, *, every: float = 1.0, hung_seconds: float = HUNG_SECONDS) -> None:
    """Send `WATCHDOG=1` each `every` seconds until cancelled; end the process if the loop hangs too long.

    The end is by `faulthandler`, with a traceback of every thread on stderr, and works where
    nobody listens on `NOTIFY_SOCKET`.
    """
    try:
        while True:
            faulthandler.dump_traceback_later(hung_seconds, exit=True)
            notifier.watchdog()
            await asyncio.sleep(every)
    finally:
        faulthandler.cancel_dump_traceback_later()
