"""A FreeSWITCH by script: it connects to an outbound-socket server in sync mode, as 1.11 was heard to.

Times run `speed` times faster than on a real one. Kept as measured: the reply to an application
comes when it has ended; after a hangup every application is skipped with `+OK`, what asks for the
channel says that there is none, and the notice of `linger` comes behind the reply; a playback
drops keys that do not end it, `record` drops those it did not take; `record` hangs up where it
cannot write; without `connect` as the first command nothing is answered.
"""

from __future__ import annotations

import asyncio
import struct
import time
import wave
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

SPEED = 20.0
SECRET = "scripted secret"
TENANT = "7b0cd6a4-7a3c-4d1e-9b43-1d3a7f0a1c01"
MAILBOX = "7b0cd6a4-7a3c-4d1e-9b43-1d3a7f0a1c02"
CALL_ID = "0f3c4c0e-7d3b-4a5e-8f0b-3c1a2d4e5f60"

_RATE = 8000
_KEYS = "0123456789*#"
_GONE = "-ERR No such channel!\n"
_SAFE = "!$&'()*+,/:;=?@~-._"

VARIABLES: Mapping[str, str] = {
    "cp_secret": SECRET,
    "cp_entry": "leave",
    "cp_tenant": TENANT,
    "cp_object": MAILBOX,
    "cp_extension": "101",
    "cp_reached_by": "",
}


def channel_data(
    *,
    variables: Mapping[str, str] = VARIABLES,
    call_id: str = CALL_ID,
    caller_number: str = "102",
    caller_name: str = "Alice",
    mode: str = "static",
    control: str = "full",
) -> bytes:
    """Return the reply to `connect`: a caller's name as FreeSWITCH encodes it, which leaves `%0A` alone."""
    lines = [
        "Event-Name: CHANNEL_DATA",
        "Core-UUID: 3b8b3f0c-61e5-4c33-9bb4-0a6d2d9a9b11",
        f"Unique-ID: {call_id}",
        f"Caller-Caller-ID-Name: {_encoded(caller_name)}",
        f"Caller-Caller-ID-Number: {_encoded(caller_number)}",
        *(f"variable_{name}: {_encoded(value)}" for name, value in variables.items() if value),
        "Content-Type: command/reply",
        "Reply-Text: %2BOK%0A",
        f"Socket-Mode: {mode}",
        f"Control: {control}",
    ]
    return ("\n".join(lines) + "\n\n").encode("utf-8", "surrogatepass")


def _encoded(text: str) -> str:
    """Encode as switch_url_encode does: a percent sign before two hexadecimal digits stays."""
    return "".join(
        char if char in _SAFE or (char == "%" and text[at + 1 : at + 3].isalnum()) else _percent(char)
        for at, char in enumerate(text.encode("utf-8", "surrogatepass").decode("latin-1"))
    )


def _percent(char: str) -> str:
    return char if char.isascii() and char.isalnum() else f"%{ord(char):02X}"


@dataclass
class ScriptedFreeSwitch:
    """One channel whose dialplan runs `socket … full`, and the phone at its other end."""

    speed: float = SPEED
    channel: bytes = field(default_factory=channel_data)
    variables: dict[str, str] = field(default_factory=lambda: dict(VARIABLES))
    commands: list[str] = field(default_factory=list)
    played: list[Path] = field(default_factory=list)
    answered: bool = False
    rate: int = _RATE
    """Samples of the channel in a second: 16,000 with G.722."""
    went_to: tuple[str, str] | None = None
    vanish_in: str = ""
    """The begin of a command during which the connection is cut, as if FreeSWITCH had died."""
    mute_in: str = ""
    """The begin of a command that is never answered."""
    answers_late: bool = False
    """Whether a hangup is told while a command is read, and that is answered with the one after it."""

    def __post_init__(self) -> None:
        """Start with a caller who is there and says nothing."""
        self._keys: deque[str] = deque()
        self._gone = False
        self._told = False
        self._speaks_until = 0.0
        self._wake = asyncio.Event()
        self._began = asyncio.Condition()
        self.lingers = False
        self.ended = asyncio.Event()

    # The phone.

    async def press(self, keys: str) -> None:
        """Press keys, one after another."""
        self._keys.extend(keys)
        self._wake.set()

    async def hang_up(self) -> None:
        """Leave."""
        self._gone = True
        self._wake.set()

    async def speak(self, seconds: float) -> None:
        """Begin to speak, for so long."""
        self._speaks_until = self._now() + seconds
        self._wake.set()

    async def expect_command(self, text: str, *, limit_seconds: float = 5.0) -> None:
        """Wait until a command with this text has begun."""
        async with asyncio.timeout(limit_seconds), self._began:
            await self._began.wait_for(lambda: any(text in command for command in self.commands))

    def say(self, data: bytes) -> None:
        """Send bytes that nobody asked for."""
        self._writer.write(data)

    async def expect_no_keys(self, *, limit_seconds: float = 5.0) -> None:
        """Wait until every key was taken."""
        async with asyncio.timeout(limit_seconds):
            while self._keys:  # noqa: ASYNC110 (keys are taken in many places)
                await asyncio.sleep(0.005)

    async def expect_to_hear(self, path: Path, *, limit_seconds: float = 5.0) -> None:
        """Wait until a file has begun to play."""
        async with asyncio.timeout(limit_seconds), self._began:
            await self._began.wait_for(lambda: path in self.played)

    # The switch.

    async def run(self, host: str, port: int) -> None:
        """Place the call and answer commands until the connection ends."""
        reader, writer = await asyncio.open_connection(host, port)
        reading: asyncio.Task[bytes] | None = None
        late = b""
        self._writer = writer
        try:
            while True:
                reading = asyncio.create_task(reader.readuntil(b"\n\n"))
                while not reading.done():
                    if not self.answers_late:
                        self._say_hangup(writer)
                    self._wake.clear()
                    woken = asyncio.create_task(self._wake.wait())
                    await asyncio.wait([reading, woken], return_when="FIRST_COMPLETED")
                    woken.cancel()
                command = (await reading).decode().removesuffix("\n\n")
                async with self._began:
                    self.commands.append(command)
                    self._began.notify_all()
                if self.vanish_in and self.vanish_in in command:
                    return
                if self.mute_in and self.mute_in in command:
                    await reader.read()
                    return
                answer = late + await self._execute(command)
                late = b""
                if self.answers_late and self._gone and command.startswith("api "):
                    self._say_hangup(writer)
                    late, answer = answer, b""
                writer.write(answer)
                await writer.drain()
                if command == "exit" or self.went_to is not None:
                    return
        except (EOFError, ConnectionError):
            return
        finally:
            if reading is not None:
                reading.cancel()
            writer.close()
            self.ended.set()

    def _now(self) -> float:
        return time.monotonic() * self.speed

    def _say_hangup(self, writer: asyncio.StreamWriter) -> None:
        if self._gone and not self._told:
            self._told = True
            disposition = "linger" if self.lingers else "disconnect"
            writer.write(
                f"Content-Type: text/disconnect-notice\nContent-Disposition: {disposition}\n"
                "Content-Length: 0\n\n".encode()
            )

    async def _execute(self, command: str) -> bytes:
        if len(self.commands) == 1:
            return self.channel if command == "connect" else b""
        if command.startswith("api "):
            body = self._api(command.split(" ")[1:]).encode()
            return b"Content-Type: api/response\nContent-Length: %d\n\n" % len(body) + body
        text = "+OK"
        if command.startswith("sendmsg\n"):
            fields = dict(line.split(": ", 1) for line in command.split("\n")[1:])
            assert "execute" == fields["call-command"]
            if fields["execute-app-name"] == "unset":
                self.variables.pop(fields["execute-app-arg"], None)
            elif not self._gone:
                await self._application(fields["execute-app-name"], fields.get("execute-app-arg", ""))
        elif command.startswith("linger "):
            self.lingers = True
        elif command == "exit":
            text = "+OK bye"
        else:
            text = "-ERR command not found"
        return f"Content-Type: command/reply\nReply-Text: {text}\n\n".encode()

    def _api(self, words: list[str]) -> str:
        match words:
            case ["uuid_exists", call_id]:
                return "false" if self._gone or call_id != CALL_ID else "true"
            case ["uuid_setvar_multi" | "uuid_getvar", call_id, *_] if self._gone or call_id != CALL_ID:
                return _GONE
            case ["uuid_setvar_multi", _, pairs]:
                for name, value in (pair.split("=", 1) for pair in pairs.split(";")):
                    self.variables[name] = value
                    if not value:
                        del self.variables[name]
                return "+OK\n"
            case ["uuid_getvar", _, name]:
                # What is set and empty has nothing to say, and the API then speaks for itself.
                return self.variables.get(name, "_undef_") or "-ERR no reply\n"
            case _:
                return "-ERR command not found\n"

    async def _application(self, name: str, argument: str) -> None:
        match name, argument.split(" "):
            case "answer", _:
                self.answered = True
            case "playback", [what]:
                await self._playback(what)
            case "read", ["1", limit, prompt, variable, first, terminators, digit]:
                await self._read(
                    prompt,
                    variable,
                    limit=int(limit),
                    first=int(first),
                    digit=int(digit),
                    terminators=terminators,
                )
            case "record", [path, limit, threshold, hits]:
                await self._record(Path(path), float(limit), float(hits) if int(threshold) else 0.0)
            case "transfer", [number, "XML", context]:
                self.went_to = (context, number)
            case _:
                raise AssertionError(f"unknown application: {name} {argument}")

    async def _pause(self, seconds: float) -> None:
        """Wait until something happens to the call, at most so many of its seconds."""
        self._wake.clear()
        if self._keys or self._gone:
            return
        try:
            async with asyncio.timeout(seconds / self.speed):
                await self._wake.wait()
        except TimeoutError:
            return

    def _terminator(self) -> str:
        """Take the next key that ends what runs; drop the others before it."""
        ends = self.variables.get("playback_terminators", "*")
        while self._keys:
            key = self._keys.popleft()
            if ends != "none" and key in ends:
                self.variables["playback_terminator_used"] = key
                return key
        return ""

    async def _sound(self, path: Path, *, offset: int = 0, ends: bool) -> bool:
        """Play a file up to a key; with `ends` only up to one that ends it. True if it was there."""
        if not path.is_file():
            return False
        async with self._began:
            self.played.append(path)
            self._began.notify_all()
        with wave.open(str(path)) as file:
            samples = file.getnframes()
        began = self._now() - offset / _RATE
        while (at := min(int((self._now() - began) * _RATE), samples)) < samples and not self._gone:
            if self._terminator() if ends else self._keys:
                break
            await self._pause((samples - at) / _RATE)
        # It counts from the file's samples on in those of the channel.
        self.variables["playback_last_offset_pos"] = str(offset + (at - offset) * self.rate // _RATE)
        self.variables["read_rate"] = str(self.rate)
        return True

    async def _playback(self, what: str) -> None:
        self.variables["playback_terminator_used"] = ""
        if what.startswith("silence_stream://"):
            end = self._now() + int(what.removeprefix("silence_stream://")) / 1000
            while self._now() < end and not self._gone and not self._terminator():
                await self._pause(end - self._now())
            return
        path, _, offset = what.partition("@@")
        await self._sound(Path(path), offset=int(offset or 0), ends=True)

    async def _read(
        self, prompt: str, variable: str, *, limit: int, first: int, digit: int, terminators: str
    ) -> None:
        self.variables.pop(variable, None)
        if prompt != "silence":
            for path in prompt.removeprefix("file_string://").split("!"):
                if not self._keys and not self._gone:
                    await self._sound(Path(path), ends=False)
        digits = ""
        end = self._now() + first / 1000
        while len(digits) < limit and not self._gone:
            if self._keys:
                key = self._keys.popleft()
                if key in terminators:
                    break
                digits += key
                end = self._now() + digit / 1000
            elif self._now() >= end:
                break
            else:
                await self._pause(end - self._now())
        if digits:
            self.variables[variable] = digits

    async def _record(self, path: Path, limit: float, silence: float) -> None:
        if not path.parent.is_dir():
            self._gone = True
            return
        began = self._now()
        while not self._gone and not self._terminator():
            now = self._now()
            quiet = now - max(began, min(now, self._speaks_until))
            if now - began >= limit:
                break
            if silence and quiet >= silence:
                self.variables["silence_hits_exhausted"] = "true"
                break
            waits = [began + limit - now]
            if silence:
                waits.append(max(now, self._speaks_until) + silence - quiet - now)
            await self._pause(max(0.05, min(waits)))
        self._keys.clear()
        samples = int(min(self._now() - began, limit) * _RATE)
        with wave.open(str(path), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(_RATE)
            file.writeframes(struct.pack("<h", 1000) * samples)
