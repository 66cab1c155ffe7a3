"""A token server (OAuth 2.0) in the test's own loop: it notes what it is asked, and answers as it is told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs


@dataclass
class TokenServer:
    """What was asked; `answers` are status and body of each answer, and the last one goes on being given."""

    url: str = ""
    answers: list[tuple[int, Any]] = field(default_factory=list)
    asked: list[dict[str, str]] = field(default_factory=list)
    location: str | None = None

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.partition("content-length:")[2].split()[0])
        body = parse_qs((await reader.readexactly(length)).decode())
        self.asked.append({name: values[0] for name, values in body.items()})
        status, answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        lines = [f"HTTP/1.1 {status} As told", f"Content-Length: {len(content)}", "Connection: close"]
        lines += [] if self.location is None else [f"Location: {self.location}"]
        writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + content)
        await writer.drain()
        writer.close()


@asynccontextmanager
async def token_server(*answers: tuple[int, Any]) -> AsyncIterator[TokenServer]:
    """Run a server that gives these answers."""
    server = TokenServer(answers=list(answers))
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}/token"
    try:
        yield server
    finally:
        listener.close()
        await listener.wait_closed()
