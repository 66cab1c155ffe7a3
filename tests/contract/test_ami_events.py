"""The listener of Asterisk's events: narrow, and back after every kind of loss."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from controlplane.switches.asterisk.events import AsteriskEvents
from tests.support.call_contract import meanwhile
from tests.support.scripted_ami import BOOTED, SECRET, USERNAME, ScriptedAmi, ok

LIMIT_SECONDS = 5


class Facts:
    """What the listener told."""

    def __init__(self) -> None:
        """Nothing yet."""
        self._told: asyncio.Queue[str] = asyncio.Queue()

    def tell(self, fact: str) -> None:
        """Note a fact."""
        self._told.put_nowait(fact)

    async def next(self) -> str:
        """Wait for the next fact."""
        return await asyncio.wait_for(self._told.get(), LIMIT_SECONDS)


@asynccontextmanager
async def listening(ami: ScriptedAmi, **changes: Any) -> AsyncIterator[Facts]:
    """Run the listener until the block ends."""
    facts = Facts()
    async with ami.listening() as port:
        options: dict[str, Any] = {
            "host": "127.0.0.1",
            "port": port,
            "username": USERNAME,
            "secret": SECRET,
            "on_hangup": lambda call_id: facts.tell(f"hangup {call_id}"),
            "on_booted": lambda: facts.tell("booted"),
            "on_trunk": lambda: facts.tell("answered"),
            "heartbeat_seconds": 60,
            "answer_seconds": 0.2,
            "longest_wait_seconds": 0.5,
        }
        async with meanwhile(asyncio.create_task(AsteriskEvents(**(options | changes)).run())):
            yield facts


async def test_only_what_is_needed_is_subscribed() -> None:
    """Asterisk sends hangups, ends of registrations and its start, and nothing else."""
    ami = ScriptedAmi()
    async with listening(ami):
        await ami.expect("Filter", count=3)

    filters = [action["Filter"] for action in ami.actions if action["Action"] == "Filter"]
    assert ["Event: Hangup[^A-Za-z]", "Event: FullyBooted", "Event: Registry"] == filters


async def test_new_connection_counts_as_a_start() -> None:
    """What happened while nobody listened is looked for."""
    async with listening(ScriptedAmi()) as facts:
        assert "booted" == await facts.next()


async def test_hangup_is_told_with_the_calls_id() -> None:
    """The unique id of the channel comes along."""
    ami = ScriptedAmi()
    async with listening(ami) as facts:
        await facts.next()
        ami.tell("Event: Hangup\r\nCallerIDName: Alice\r\nUniqueid: 1.1")

        assert "hangup 1.1" == await facts.next()


async def test_channel_that_told_lamps_was_no_call() -> None:
    """Its end wakes nobody: there is no recording."""
    ami = ScriptedAmi()
    async with listening(ami) as facts:
        await facts.next()
        ami.tell("Event: Hangup\r\nChannel: Local/s@cp-lamps-00000001;1\r\nUniqueid: 1.1")
        ami.tell("Event: Hangup\r\nChannel: PJSIP/101-00000001\r\nUniqueid: 2.2")

        assert "hangup 2.2" == await facts.next()


async def test_start_of_asterisk_is_told() -> None:
    """FullyBooted comes when Asterisk has read its configuration."""
    ami = ScriptedAmi(is_booted=False)
    async with listening(ami) as facts:
        await ami.expect("Filter", count=3)
        ami.tell(BOOTED)

        assert "booted" == await facts.next()


async def test_end_of_a_registration_is_told() -> None:
    """Whichever trunk it is of: Asterisk says the addresses alone."""
    ami = ScriptedAmi()
    async with listening(ami) as facts:
        await facts.next()
        ami.tell("Event: Registry\r\nChannelType: PJSIP\r\nDomain: sip:h\r\nStatus: Rejected\r\nCause: ")

        assert "answered" == await facts.next()


async def test_other_events_are_ignored() -> None:
    """What slips through a filter does no harm."""
    ami = ScriptedAmi()
    async with listening(ami) as facts:
        await facts.next()
        ami.tell("Event: HangupRequest\r\nUniqueid: 2.2")
        ami.tell("Event: Hangup\r\nUniqueid: 1.1")

        assert "hangup 1.1" == await facts.next()


async def test_lost_connection_is_made_again() -> None:
    """After a restart of Asterisk the listener is back by itself."""
    ami = ScriptedAmi()
    async with listening(ami) as facts:
        await facts.next()
        ami.cut()

        assert "booted" == await facts.next()
        assert 2 == ami.connections


async def test_unreadable_message_ends_the_connection_and_not_the_listener() -> None:
    """A line without end or a text without a name: connect again."""
    ami = ScriptedAmi()
    async with listening(ami) as facts:
        await facts.next()
        ami.tell("x" * 100_000)

        assert "booted" == await facts.next()


async def test_link_that_swallows_everything_is_noticed() -> None:
    """A ping that is not answered ends the connection: a black hole looks like a quiet switch."""
    ami = ScriptedAmi(answers={"Filter": ok})
    async with listening(ami, heartbeat_seconds=0.05) as facts:
        await facts.next()
        await ami.expect("Ping")

        assert "booted" == await facts.next()


async def test_quiet_link_stays() -> None:
    """Answered pings keep the connection."""
    ami = ScriptedAmi()
    async with listening(ami, heartbeat_seconds=0.02):
        await ami.expect("Ping", count=5)

        assert 1 == ami.connections


async def test_refused_login_is_tried_again() -> None:
    """Asterisk may get its configuration later than we start."""
    ami = ScriptedAmi()
    async with listening(ami, secret="not yet"):
        await ami.expect("Login", count=2)

        assert [] == ami.names
