"""The Call port's harness on a real Asterisk: our FastAGI server, the rendered dialplan and a real phone.

What the switch did is witnessed over a manager account of the tests' own, which hears of every
variable, key and hangup; what the caller heard is in the phone's recording.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from controlplane.callflows.call import Call
from controlplane.callflows.ending import Ending, Outcome
from controlplane.phone.phone import Phone, PhoneCall, Server
from controlplane.phone.sound import Heard, Search
from controlplane.switches.asterisk.ami import AmiClient, AmiMessage
from controlplane.switches.asterisk.variables import WORDS
from tests.support.call_contract import ContractPrompts, Left, onward_of, write_tone
from tests.support.dialplan_rig import WITNESS, DialplanRig
from tests.support.product import until
from tests.support.rig import DEFAULT

NUMBER = "8001"
_LIMIT_SECONDS = 10.0
# So much of a tone tells it from the others, and a jump of the jitter buffer seldom falls into it.
_ENOUGH_SECONDS = 0.1
_SOME_SECONDS = 0.3


@dataclass
class SeenChannel:
    """What the witness saw of a channel."""

    variables: dict[str, str] = field(default_factory=dict)
    keys: int = 0
    places: list[tuple[str, str, str]] = field(default_factory=list)
    """Context, extension and application of each step of the dialplan."""
    onward: tuple[str, str, str, str, str] | None = None
    """Where the call was to go when the flow said that it is routed."""
    asked_to_hang_up: bool = False
    cause: str | None = None

    def take(self, event: AmiMessage) -> None:
        """Keep what an event says."""
        match event.get("Event"):
            case "VarSet":
                self.variables[event.get("Variable")] = event.get("Value")
                if (event.get("Variable"), event.get("Value")) == (WORDS.stage, "routed"):
                    # From here on the dialplan goes there, and the words are its own.
                    self.onward = onward_of(lambda name: self.variables.get(name, ""), WORDS)
            case "DTMFEnd" if event.get("Direction") == "Received":
                self.keys += 1
            case "Newexten":
                self.places.append((event.get("Context"), event.get("Extension"), event.get("Application")))
            case "HangupRequest":
                self.asked_to_hang_up = True
            case "Hangup":
                self.cause = event.get("Cause")


class Witness:
    """Follows all channels of an Asterisk."""

    def __init__(self) -> None:
        self.channels: defaultdict[str, SeenChannel] = defaultdict(SeenChannel)
        self._changed = asyncio.Condition()

    @classmethod
    @asynccontextmanager
    async def watching(cls, rig: DialplanRig) -> AsyncIterator[Witness]:
        """Watch until the block ends."""
        witness = cls()
        async with AmiClient.connected(
            "127.0.0.1", rig.manager_port, username=WITNESS, secret=WITNESS, events="on", seconds=5
        ) as client:
            task = asyncio.create_task(witness._watch(client))
            try:
                yield witness
            finally:
                task.cancel()
                await asyncio.wait([task])

    async def until(self, fact: Callable[[], bool], what: str) -> None:
        """Wait until a fact holds; fails naming it."""
        try:
            async with asyncio.timeout(_LIMIT_SECONDS), self._changed:
                await self._changed.wait_for(fact)
        except TimeoutError:
            raise AssertionError(f"{what} was not seen within {_LIMIT_SECONDS:g} s") from None

    async def _watch(self, client: AmiClient) -> None:
        while True:
            event = await client.event()
            async with self._changed:
                self.channels[event.get("Uniqueid")].take(event)
                self._changed.notify_all()


class RealCaller:
    """A call of the phone, and what the witness saw of it."""

    def __init__(self, call: PhoneCall, witness: Witness, call_id: str, folder: Path) -> None:
        self.call = call
        self._witness = witness
        self._seen = witness.channels[call_id]
        self._folder = folder
        self._position = 0.0

    async def press(self, keys: str) -> None:
        """Press keys by RFC 4733, and wait until the switch took them."""
        await self.call.answered()
        expected = self._seen.keys + len(keys)
        await self.call.press(keys)
        await self._witness.until(lambda: self._seen.keys >= expected, "the last key")

    async def hang_up(self) -> None:
        """Leave, and wait until the switch knows."""
        await self.call.hang_up()
        await self._witness.until(
            lambda: self._seen.asked_to_hang_up or self._seen.cause is not None, "the hangup"
        )

    async def speak(self, seconds: float) -> None:
        """Begin to play a tone."""
        await self.call.answered()
        tone = write_tone(self._folder / "speech.wav", hertz=200, seconds=seconds)
        await self.call.say(tone, wait=False)

    async def expect_to_be_recorded(self, path: Path) -> None:
        """Wait until the switch made the file, and for some media: Asterisk writes the first 2 s later."""
        await until(path.exists, f"the recording {path.name}")
        began = self.call.heard.seconds
        await until(lambda: self.call.heard.seconds >= began + _SOME_SECONDS, "media")

    async def expect_to_hear(self, path: Path) -> None:
        """Wait until the beginning of the file is heard, behind what was heard before."""
        search = self._search(path, after=self._position)
        end: float | None = None

        def heard() -> bool:
            nonlocal end
            end = search.look(self.call.heard)
            return end is not None

        await until(heard, f"the sound of {path.name}")
        assert end is not None
        self._position = end

    async def has_heard(self, path: Path) -> bool:
        """Look for the beginning of the file anywhere in the call."""
        return self._search(path).look(self.call.heard) is not None

    async def left(self) -> Left:
        """Wait until the dialplan ended the call, or records by itself."""
        await self._witness.until(
            lambda: self._seen.cause is not None or any(place[2] == "Record" for place in self._seen.places),
            "what the dialplan did",
        )
        transfers = [place[1] for place in self._seen.places if place[0] == f"cp-extension-{DEFAULT}"]
        return Left(
            stage=self._seen.variables.get("CP_STAGE", ""),
            recording=self._seen.variables.get("CP_RECORDING", ""),
            cause=self._seen.cause or "",
            went_to=next((number for number in transfers if number != NUMBER), None),
            onward=self._seen.onward or onward_of(lambda _: "", WORDS),
        )

    def _search(self, path: Path, *, after: float = 0.0) -> Search:
        beginning = self._folder / f"beginning-of-{path.name}"
        Heard.of(path).part(0, _ENOUGH_SECONDS).save(beginning)
        return Search(beginning, after=after)


class RealHarness:
    """Our server behind a running dialplan, called by a phone that is registered as 101."""

    def __init__(self, rig: DialplanRig, witness: Witness, phone: Phone, folder: Path) -> None:
        self.folder = folder
        self.tenant_id = DEFAULT
        self._rig = rig
        self._witness = witness
        self._phone = phone
        self._placed: list[PhoneCall] = []

    @asynccontextmanager
    async def call(self) -> AsyncIterator[tuple[Call, RealCaller]]:
        """Place a call; the handler waits until the block has ended, and the dialplan has it then."""
        arrived: asyncio.Future[Call] = asyncio.get_running_loop().create_future()
        over = asyncio.Event()

        async def handler(call: Call) -> Ending:
            arrived.set_result(call)
            await over.wait()
            return Ending(outcome=Outcome.FINISHED)

        server = self._rig.call_server(handler, prompts=ContractPrompts(self.folder))
        await server.start("127.0.0.1", self._rig.calls_port)
        try:
            placed = await self._phone.dial(server_of(self._rig), NUMBER, account="101")
            self._placed.append(placed)
            call = await asyncio.wait_for(arrived, _LIMIT_SECONDS)
            yield call, RealCaller(placed, self._witness, call.facts.call_id, self.folder)
        finally:
            over.set()
            await server.drain(5)

    async def hang_up(self) -> None:
        """End what still runs."""
        for call in self._placed:
            await call.hang_up()


def server_of(rig: DialplanRig) -> Server:
    """Return where the phone registers."""
    return Server(address="127.0.0.1", port=rig.sip_port)
