"""Stands in for the mail catcher: `python -m tests.support.stand_in_mail FOLDER [readyz]`.

It listens where MP_SMTP_BIND_ADDR and MP_UI_BIND_ADDR say, keeps each mail as a file, and shows no page.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import uuid
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session


class _Keeper:
    """Keeps what comes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 (aiosmtpd's name)
        """Write the mail under a name of its own."""
        assert isinstance(envelope.content, bytes)
        half = self._folder / f"{uuid.uuid4()}.half"
        half.write_bytes(envelope.content)
        half.rename(half.with_suffix(".eml"))
        return "250 OK"


def _place(name: str) -> tuple[str, int]:
    host, _, port = os.environ[name].rpartition(":")
    return host, int(port)


async def _serve(folder: Path) -> None:
    loop = asyncio.get_running_loop()
    await loop.create_server(lambda: SMTP(_Keeper(folder), hostname="mail"), *_place("MP_SMTP_BIND_ADDR"))
    await asyncio.start_server(lambda _reader, writer: writer.close(), *_place("MP_UI_BIND_ADDR"))
    await loop.create_future()


def main() -> None:
    """Serve, or say whether somebody does."""
    folder, *words = sys.argv[1:]
    if words == ["readyz"]:
        for name in ("MP_SMTP_BIND_ADDR", "MP_UI_BIND_ADDR"):
            socket.create_connection(("127.0.0.1", _place(name)[1]), timeout=3).close()
        return
    asyncio.run(_serve(Path(folder)))


if __name__ == "__main__":
    main()
