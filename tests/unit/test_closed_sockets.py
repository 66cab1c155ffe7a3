"""Unit tests need nothing: their sockets are closed."""

from __future__ import annotations

import asyncio
import socket

import pytest


@pytest.mark.parametrize("call", ["bind", "connect", "connect_ex"])
@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM])
def test_no_ip_in_a_unit_test(call: str, kind: socket.SocketKind) -> None:
    """The failure says what was called, and code that expects an OSError does not swallow it."""
    refused = pytest.raises(pytest.fail.Exception, match=rf"socket\.{call}")
    with socket.socket(socket.AF_INET, kind) as probe, refused:
        getattr(probe, call)(("127.0.0.1", 9))


async def test_sockets_of_a_process_stay() -> None:
    """An event loop wakes itself over a pair of them."""
    first, second = socket.socketpair()
    with first, second:
        first.setblocking(False)
        second.setblocking(False)
        await asyncio.get_running_loop().sock_sendall(first, b"x")

        assert b"x" == await asyncio.get_running_loop().sock_recv(second, 1)
