"""A SIP phone to be driven by a program: register, dial, press, speak, listen, hang up."""

from __future__ import annotations

import asyncio
import importlib.util
import itertools
import json
import shutil
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from controlplane.domain.errors import ControlPlaneError
from controlplane.phone.sound import Heard, tones

_STEP_SECONDS = 20.0


class PhoneError(ControlPlaneError):
    """The phone could not do it, or a fact did not come in time."""


class PhoneMissingError(PhoneError):
    """The extra `phone` is not installed."""


def require_phone() -> None:
    """Raise PhoneMissingError, with the remedy, where there is no SIP stack for this Python."""
    if importlib.util.find_spec("pjsua2") is None:
        raise PhoneMissingError(
            "The SIP phone is missing: install the extra `phone`; its wheel exists for Python 3.11 and 3.12."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Where the switch listens for SIP."""

    address: str
    port: int
    transport: str = "udp"

    def uri(self, user: str) -> str:
        """Return the SIP URI of a user (or a number) there."""
        return f"sip:{user.replace('#', '%23')}@{self.address}:{self.port};transport={self.transport}"


class PhoneCall:
    """One call of a phone. What it hears is recorded from the first media on."""

    def __init__(self, phone: Phone, number: int, recording: Path) -> None:
        self._phone = phone
        self.number = number
        self.recording = recording
        self.codec = ""
        self.code = 0
        self.state = ""
        self.is_over = False
        self._said = 0

    @property
    def heard(self) -> Heard:
        """What was heard up to now."""
        return Heard.of(self.recording)

    async def answered(self, *, seconds: float = _STEP_SECONDS) -> None:
        """Wait until the call is answered and media flows."""
        await self._phone.wait(
            lambda: (self.state == "CONFIRMED" and bool(self.codec)) or self.is_over,
            "the answer",
            seconds=seconds,
        )
        if self.is_over and self.state != "CONFIRMED" and not self.codec:
            raise PhoneError(f"the call was not answered: {self.code}")

    async def ended(self, *, seconds: float = _STEP_SECONDS) -> int:
        """Wait until the call is over; return its last SIP status."""
        await self._phone.wait(lambda: self.is_over, "the end of the call", seconds=seconds)
        return self.code

    async def press(self, digits: str, *, how: str = "rfc4733") -> None:
        """Press keys; `how` is rfc4733, info or in-band (the call was made with `digits="in-band"`)."""
        if how == "in-band":
            path = self.recording.with_name(f"tones-{self.number}-{self._said}.wav")
            tones(digits, path)
            await self.say(path)
            return
        await self._phone.command("press", call=self.number, digits=digits, how=how)

    async def say(self, path: Path, *, wait: bool = True) -> None:
        """Speak a WAV file into the call; `wait` until it is said."""
        before = self._said
        await self._phone.command("say", call=self.number, path=str(path))
        if wait:
            await self._phone.wait(
                lambda: self._said > before or self.is_over, "the end of what is said", seconds=120
            )

    async def hang_up(self) -> None:
        """End the call from this side and wait for it to be over."""
        if not self.is_over:
            with suppress(PhoneError):  # the other side may be faster
                await self._phone.command("hang_up", call=self.number)
        await self.ended()

    def note(self, fact: dict[str, Any]) -> None:
        """Take in a fact of the engine."""
        match fact["fact"]:
            case "state":
                self.state, self.code = fact["state"], fact["code"]
            case "media":
                self.codec = fact["codec"]
            case "said":
                self._said += 1
            case "ended":
                self.is_over = True


class Phone:
    """A phone with its engine's process; `async with Phone.start(…) as phone`."""

    def __init__(self, process: asyncio.subprocess.Process, folder: Path, *, temporary: bool) -> None:
        self._process = process
        self._folder = folder
        self._temporary = temporary
        self._serials = itertools.count(1)
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._changed = asyncio.Condition()
        self._calls: dict[int, PhoneCall] = {}
        self._early: dict[int, list[dict[str, Any]]] = {}
        self._registrations: dict[str, int] = {}
        self._incoming: list[tuple[int, str]] = []
        self._ready = False
        self._gone = False
        self._reader = asyncio.create_task(self._read())

    @classmethod
    async def start(
        cls,
        *,
        address: str = "127.0.0.1",
        codec: str = "PCMU",
        silence_suppression: bool = False,
        folder: Path | None = None,
    ) -> Self:
        """Start the engine; `codec` is PCMU, PCMA or G722. Raises PhoneError with its last words.

        What it hears is recorded into `folder`. Without one it is a temporary one, which is kept only
        when the block of `async with` ends by an error.
        """
        require_phone()
        temporary = folder is None
        folder = folder or Path(tempfile.mkdtemp(prefix="phone-"))
        folder.mkdir(parents=True, exist_ok=True)
        options = {
            "address": address,
            "codec": codec,
            "silence_suppression": silence_suppression,
            "log": str(folder / "phone.log"),
        }
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "controlplane.phone.engine",
            json.dumps(options),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=(folder / "engine.err").open("wb"),
            limit=1 << 20,
            start_new_session=True,  # it has a share of the processor of its own, and ends with its input
        )
        phone = cls(process, folder, temporary=temporary)
        await phone.wait(lambda: phone._ready, "the phone's engine")
        return phone

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, error: type[BaseException] | None, *_: object) -> None:
        await self.close()
        if self._temporary and error is None:
            shutil.rmtree(self._folder, ignore_errors=True)

    async def close(self) -> None:
        """End the engine and with it every call."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), 5)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
        await self._reader

    async def register(
        self,
        server: Server,
        number: str,
        password: str,
        *,
        device: str = "",
        domain: str = "",
        expect: int = 200,
    ) -> None:
        """Register an extension; several `device` names of one extension are several contacts.

        `domain` is its tenant's, where that is not the server's own address; its account is then
        `number@domain`. Raises PhoneError if the last answer is not `expect`.
        """
        name = (f"{number}@{domain}" if domain else number) + device
        await self.command(
            "account",
            name=name,
            uri=f"sip:{number}@{domain or f'{server.address}:{server.port}'}",
            registrar=server.uri("x").replace("x@", ""),
            username=number,
            password=password,
            contact_parameters=f";device={device}" if device else "",
        )
        await self.wait(lambda: name in self._registrations, f"the registration of {name}")
        if self._registrations[name] != expect:
            raise PhoneError(f"registration of {name}: {self._registrations[name]}")

    async def stranger(self, server: Server, *, name: str = "outside", user: str = "5551234") -> None:
        """Add an account that is registered nowhere: a caller from outside."""
        await self.command("account", name=name, uri=f"sip:{user}@{server.address}:{server.port}")

    async def dial(
        self, server: Server, number: str, *, account: str, local_uri: str = "", digits: str = "rfc4733"
    ) -> PhoneCall:
        """Place a call and return at once; `await call.answered()` waits for the other side."""
        recording = self._folder / f"heard-{next(self._serials)}.wav"
        call = await self.command(
            "call",
            account=account,
            uri=server.uri(number),
            recording=str(recording),
            local_uri=local_uri,
            digits=digits,
        )
        return self._follow(call, recording)

    async def incoming(self, *, seconds: float = _STEP_SECONDS) -> tuple[PhoneCall, str]:
        """Wait for an incoming call (it rings) and return it with the caller's URI."""
        await self.wait(lambda: bool(self._incoming), "an incoming call", seconds=seconds)
        number, remote = self._incoming.pop(0)
        return self._follow(number, self._folder / f"heard-{next(self._serials)}.wav"), remote

    async def answer(self, call: PhoneCall, *, code: int = 200) -> None:
        """Answer an incoming call, or refuse it with another code (486 busy, 603 declined)."""
        await self.command("answer", call=call.number, recording=str(call.recording), code=code)

    async def command(self, do: str, **values: Any) -> Any:
        """Send a command to the engine and return its answer; raises PhoneError."""
        assert self._process.stdin is not None
        serial = next(self._serials)
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._answers[serial] = answer
        self._process.stdin.write(json.dumps({"do": do, "serial": serial, **values}).encode() + b"\n")
        async with asyncio.timeout(_STEP_SECONDS):
            return await answer

    async def wait(self, fact: Callable[[], bool], what: str, *, seconds: float = _STEP_SECONDS) -> None:
        """Wait until `fact` holds; raises PhoneError naming `what` did not come."""

        async def until() -> None:
            async with self._changed:
                await self._changed.wait_for(lambda: fact() or self._gone)

        try:
            await asyncio.wait_for(until(), seconds)
        except TimeoutError as error:
            raise PhoneError(f"{what} did not come within {seconds:g} s") from error
        if self._gone and not fact():
            words = (self._folder / "engine.err").read_text(errors="replace")[-800:]
            raise PhoneError(f"the phone's engine ended while waiting for {what}: {words}")

    def _follow(self, number: int, recording: Path) -> PhoneCall:
        call = self._calls[number] = PhoneCall(self, number, recording)
        for fact in self._early.pop(number, []):
            call.note(fact)
        return call

    async def _read(self) -> None:
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            fact = json.loads(line)
            async with self._changed:
                self._take(fact)
                self._changed.notify_all()
        async with self._changed:
            self._gone = True
            for answer in self._answers.values():
                if not answer.done():
                    answer.set_exception(PhoneError("the phone's engine ended"))
            self._changed.notify_all()

    def _take(self, fact: dict[str, Any]) -> None:
        match fact["fact"]:
            case "ready":
                self._ready = True
            case "done":
                self._answers.pop(fact["serial"]).set_result(fact["value"])
            case "refused":
                self._answers.pop(fact["serial"]).set_exception(PhoneError(fact["why"]))
            case "registration":
                self._registrations[fact["account"]] = fact["code"]
            case "incoming":
                self._incoming.append((fact["call"], fact["remote"]))
            case _ if fact["call"] in self._calls:
                self._calls[fact["call"]].note(fact)
            case _:
                self._early.setdefault(fact["call"], []).append(fact)
