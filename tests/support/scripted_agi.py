"""An Asterisk by script: it connects to a FastAGI server and speaks AGI as Asterisk 22.10 was heard to.

Times run `speed` times faster than on a real one. Kept as measured: the running verb answers first
at a hangup, then HANGUP comes twice and the connection ends (with AGIEXITONHANGUP), or once and
media commands answer 511; -1 for a missing file; `(timeout)` with what was left for a silence;
the multi-line 520. A key waits for the next verb here, where Asterisk often drops it.
"""

from __future__ import annotations

import asyncio
import struct
import time
import wave
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path

SPEED = 20.0
SECRET = "scripted secret"
TENANT = "7b0cd6a4-7a3c-4d1e-9b43-1d3a7f0a1c01"
MAILBOX = "7b0cd6a4-7a3c-4d1e-9b43-1d3a7f0a1c02"

_RATE = 8000


def environment(
    *,
    script: str = "leave",
    arguments: tuple[str, ...] = (SECRET, TENANT, MAILBOX, "101", ""),
    caller_number: str = "102",
    caller_name: str = "Alice",
    call_id: str = "1795452115.1",
) -> bytes:
    """Return what Asterisk sends first."""
    lines = [
        "agi_network: yes",
        f"agi_network_script: {script}",
        f"agi_request: agi://127.0.0.1:4573/{script}",
        "agi_channel: PJSIP/101-00000000",
        "agi_language: en",
        "agi_type: PJSIP",
        f"agi_uniqueid: {call_id}",
        "agi_version: 22.10.1",
        f"agi_callerid: {caller_number}",
        f"agi_calleridname: {caller_name}",
        "agi_callingpres: 0",
        "agi_callingani2: 0",
        "agi_callington: 0",
        "agi_callingtns: 0",
        "agi_dnid: 8001",
        "agi_rdnis: unknown",
        "agi_context: cp-mailbox",
        "agi_extension: s",
        "agi_priority: 2",
        "agi_enhanced: 0.0",
        "agi_accountcode: ",
        "agi_threadid: 140711970199232",
        *(f"agi_arg_{number}: {argument}" for number, argument in enumerate(arguments, 1)),
    ]
    return ("\n".join(lines) + "\n\n").encode("utf-8", "surrogatepass")


def split_command(line: str) -> list[str]:
    """Split a line as parse_args of res_agi.c does: blanks, quotes, backslashes."""
    words: list[str] = []
    word: str | None = None
    quoted = escaped = False
    for char in line:
        if escaped:
            word = (word or "") + char
            escaped = False
        elif char == "\\":
            escaped = True
        elif char == '"':
            quoted = not quoted
            word = word or ""
        elif char in " \t" and not quoted:
            if word is not None:
                words.append(word)
            word = None
        else:
            word = (word or "") + char
    return words if word is None else [*words, word]


@dataclass
class ScriptedAsterisk:
    """One channel whose dialplan runs `AGI()`, and the phone at its other end."""

    exit_on_hangup: bool = True
    speed: float = SPEED
    env: bytes = field(default_factory=environment)
    variables: dict[str, str] = field(default_factory=dict)
    commands: list[list[str]] = field(default_factory=list)
    played: list[Path] = field(default_factory=list)
    answered: bool = False
    timed_out: bool = False
    went_to: tuple[str, str] | None = None
    vanish_in: str = ""
    """A command during which the connection is cut without a word, as if Asterisk had died."""
    mute_in: str = ""
    """A command that is never answered."""

    def __post_init__(self) -> None:
        """Start with a caller who is there and says nothing."""
        self._keys: deque[str] = deque()
        self._gone = False
        self._speaks_until = 0.0
        self._wake = asyncio.Event()
        self._began = asyncio.Condition()
        self._place: dict[str, str] = {}
        self._expires = float("inf")
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

    async def expect_command(self, name: str, *, limit_seconds: float = 5.0) -> None:
        """Wait until a command has begun."""
        async with asyncio.timeout(limit_seconds), self._began:
            await self._began.wait_for(lambda: any(" ".join(c).startswith(name) for c in self.commands))

    async def expect_to_hear(self, path: Path, *, limit_seconds: float = 5.0) -> None:
        """Wait until a file has begun to play."""
        async with asyncio.timeout(limit_seconds), self._began:
            await self._began.wait_for(lambda: path in self.played)

    # The switch.

    async def run(self, host: str, port: int) -> None:
        """Place the call and answer commands until the connection ends."""
        reader, writer = await asyncio.open_connection(host, port)
        idle: asyncio.Task[bytes] | None = None
        try:
            writer.write(self.env)
            while True:
                idle = asyncio.create_task(reader.readline())
                while not idle.done() and not self._is_over():
                    self._wake.clear()
                    woken = asyncio.create_task(self._wake.wait())
                    await asyncio.wait([idle, woken], timeout=self._left(), return_when="FIRST_COMPLETED")
                    woken.cancel()
                if self._is_over() and await self._say_hangup(writer):
                    return
                line = (await idle).decode()
                if not line:
                    return
                words = split_command(line.rstrip("\n"))
                async with self._began:
                    self.commands.append(words)
                    self._began.notify_all()
                if self.vanish_in and line.startswith(self.vanish_in):
                    return
                if self.mute_in and line.startswith(self.mute_in):
                    await reader.read()
                    return
                writer.write((await self._execute(words)).encode() + b"\n")
                await writer.drain()
        except ConnectionError:
            return
        finally:
            if idle is not None:
                idle.cancel()
            writer.close()
            if self._place and not self._gone:
                self.went_to = (self._place["SET CONTEXT"], self._place["SET EXTENSION"])
            self.ended.set()

    def _now(self) -> float:
        return time.monotonic() * self.speed

    def _is_over(self) -> bool:
        self.timed_out = self.timed_out or self._now() >= self._expires
        return self._gone or self.timed_out

    def _left(self) -> float | None:
        return None if self._expires == float("inf") else max(0.0, (self._expires - self._now()) / self.speed)

    async def _say_hangup(self, writer: asyncio.StreamWriter) -> bool:
        """Say HANGUP; True if the connection ends with it."""
        self._wake = asyncio.Event()
        if self.exit_on_hangup or self.timed_out:
            writer.write(b"HANGUP\nHANGUP\n")
            await writer.drain()
            return True
        writer.write(b"HANGUP\n")
        self._expires = float("inf")
        self._gone, self._dead = False, True
        return False

    _dead = False

    async def _execute(self, words: list[str]) -> str:
        match words:
            case ["SET", "VARIABLE", "TIMEOUT(absolute)", seconds]:
                self._expires = self._now() + float(seconds) if float(seconds) > 0 else float("inf")
                return "200 result=1"
            case ["SET", "VARIABLE", name, value]:
                self.variables[name] = value
                return "200 result=1"
            case _ if self._dead:
                return "511 Command Not Permitted on a dead channel or intercept routine"
            case ["SET", ("CONTEXT" | "EXTENSION" | "PRIORITY") as what, value]:
                self._place[f"SET {what}"] = value
                return "200 result=0"
            case ["CHANNEL", "STATUS"]:
                return "200 result=6"
            case ["ANSWER"]:
                self.answered = True
                return "200 result=0"
            case ["STREAM", "FILE", name, keys, *offset]:
                return await self._stream(Path(f"{name}.wav"), keys, int(offset[0]) if offset else 0)
            case ["WAIT", "FOR", "DIGIT", milliseconds]:
                return await self._wait_for_digit(int(milliseconds) / 1000)
            case ["RECORD", "FILE", name, "wav", keys, milliseconds, "0", *silence]:
                limit = float(silence[0].removeprefix("s=")) if silence else 0.0
                return await self._record(Path(f"{name}.wav"), keys, int(milliseconds) / 1000, limit)
            case ["STREAM" | "RECORD" | "WAIT", *_]:
                return (
                    "520-Invalid command syntax.  Proper usage follows:\nPlays a file.\n200 result=0\n"
                    "    <value>FAILED</value>\n520 End of proper usage."
                )
            case _:
                return "510 Invalid or unknown command"

    async def _pause(self, seconds: float) -> None:
        """Wait until something happens to the call, at most so many of its seconds."""
        self._wake.clear()
        if self._keys or self._is_over():
            return
        left = self._left()
        real = seconds / self.speed
        try:
            async with asyncio.timeout(real if left is None else min(real, left)):
                await self._wake.wait()
        except TimeoutError:
            return

    def _key(self, keys: str) -> str:
        """Take the next key of `keys`; drop the others before it."""
        while self._keys:
            key = self._keys.popleft()
            if key in keys:
                return key
        return ""

    async def _stream(self, path: Path, keys: str, offset: int) -> str:
        if not path.is_file():
            return "200 result=-1 endpos=0"
        async with self._began:
            self.played.append(path)
            self._began.notify_all()
        with wave.open(str(path)) as file:
            samples = file.getnframes()
        began = self._now() - offset / _RATE
        while (at := int((self._now() - began) * _RATE)) < samples:
            if self._is_over():
                return f"200 result=-1 endpos={at}"
            key = self._key(keys)
            if key:
                return f"200 result={ord(key)} endpos={at}"
            await self._pause((samples - at) / _RATE)
        return f"200 result=0 endpos={samples}"

    async def _wait_for_digit(self, seconds: float) -> str:
        end = self._now() + seconds
        while True:
            if self._is_over():
                return "200 result=-1"
            key = self._key("0123456789*#ABCD")
            if key:
                return f"200 result={ord(key)}"
            if self._now() >= end:
                return "200 result=0"
            await self._pause(end - self._now())

    async def _record(self, path: Path, keys: str, limit: float, silence: float) -> str:
        if not path.parent.is_dir():
            return "200 result=-1 (writefile)"
        began = self._now()
        ended, cut = "", 0.0
        while not ended:
            now = self._now()
            quiet = now - max(began, min(now, self._speaks_until))
            key = self._key(keys)
            if self._is_over():
                ended = "200 result=-1 (hangup)"
            elif key:
                ended = f"200 result={ord(key)} (dtmf)"
            elif now - began >= limit:
                ended = "200 result=0 (timeout)"
            elif silence and quiet >= silence:
                ended = f"200 result={int((limit - (now - began)) * 1000)} (timeout)"
                cut = max(0.0, quiet - 1.0)  # of the silence that ended it a second stays
            else:
                waits = [began + limit - now]
                if silence:
                    waits.append(max(now, self._speaks_until) + silence - quiet - now)
                await self._pause(max(0.05, min(waits)))
        samples = int((min(self._now() - began, limit) - cut) * _RATE)
        with wave.open(str(path), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(_RATE)
            file.writeframes(struct.pack("<h", 1000) * samples)
        return f"{ended} endpos={samples}"
