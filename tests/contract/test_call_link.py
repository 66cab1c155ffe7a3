"""The link of a call: a switch that is silent, resets, or goes between two commands."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from controlplane.domain.errors import CallerHungUp, CallLost
from controlplane.switches.asterisk.link import AgiLink
from tests.support.scripted_agi import environment

LIMIT_SECONDS = 5.0


@asynccontextmanager
async def linked() -> AsyncIterator[tuple[AgiLink, asyncio.StreamReader, asyncio.StreamWriter]]:
    """Connect a peer that has sent its environment."""
    arrived: asyncio.Future[AgiLink] = asyncio.get_running_loop().create_future()
    server = await asyncio.get_running_loop().create_server(
        lambda: AgiLink(arrived.set_result), "127.0.0.1", 0
    )
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    writer.write(environment())
    link = await asyncio.wait_for(arrived, LIMIT_SECONDS)
    await link.environment(seconds=LIMIT_SECONDS)
    try:
        yield link, reader, writer
    finally:
        link.close()
        writer.close()
        server.close()


async def test_command_that_is_never_answered_is_a_lost_call() -> None:
    """No wait is without end, and nothing is sent after it."""
    async with linked() as (link, _, _):
        with pytest.raises(CallLost, match="in time"):
            await link.command("ANSWER", seconds=0.05)
        with pytest.raises(CallLost):
            await link.command("ANSWER", seconds=LIMIT_SECONDS)


async def test_unanswered_command_closes_the_connection() -> None:
    """After a wait that was given up no late reply can answer another command."""
    async with linked() as (link, reader, _):
        with pytest.raises(CallLost):
            await link.command("ANSWER", seconds=0.05)

        assert b"ANSWER\n" == await asyncio.wait_for(reader.read(), LIMIT_SECONDS)


async def test_hangup_between_two_commands_is_known_at_the_next() -> None:
    """The line HANGUP that came while nothing was asked is not lost with the connection."""
    async with linked() as (link, _, writer):
        writer.write(b"HANGUP\nHANGUP\n")
        writer.close()
        await writer.wait_closed()
        with pytest.raises(CallerHungUp):
            await link.command("ANSWER", seconds=LIMIT_SECONDS)


async def test_hangup_survives_a_reset() -> None:
    """Asterisk resets the connection when a command was on its way; what it said before counts."""
    async with linked() as (link, reader, writer):
        asking = asyncio.create_task(link.command("ANSWER", seconds=LIMIT_SECONDS))
        await reader.readline()
        raw = writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.write(b"HANGUP\nHANGUP\n")
        with pytest.raises(CallerHungUp):
            await asking
        writer.transport.abort()
        with pytest.raises(CallerHungUp):
            await link.command("ANSWER", seconds=LIMIT_SECONDS)


async def test_reset_without_a_word_is_a_lost_call() -> None:
    """The switch died."""
    async with linked() as (link, reader, writer):
        asking = asyncio.create_task(link.command("ANSWER", seconds=LIMIT_SECONDS))
        await reader.readline()
        writer.transport.abort()
        with pytest.raises(CallLost):
            await asking


async def test_command_with_a_hostile_argument_is_not_sent() -> None:
    """A refusal leaves the session as it was: the next command is answered."""
    async with linked() as (link, reader, writer):
        with pytest.raises(ValueError, match="argument"):
            await link.command("SET VARIABLE", "X", "a\nHANGUP", seconds=LIMIT_SECONDS)
        asking = asyncio.create_task(link.command("ANSWER", seconds=LIMIT_SECONDS))

        assert b"ANSWER\n" == await reader.readline()
        writer.write(b"200 result=0\n")
        assert "0" == (await asking).result
