"""What the rigs of both switches share: a private switch, the rendered dialplan, no control plane.

Tones stand for prompts, so that what a caller heard is read off their pitch.
"""

from __future__ import annotations

import abc
import contextlib
import hashlib
import random
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar
from uuid import UUID

import numpy as np
import soundfile
from controlplane.callflows.call import Entry
from controlplane.callflows.prompts import PromptFiles
from controlplane.domain.message import TakeFacts
from controlplane.domain.routing.call_queue import QueueStrategy
from controlplane.domain.routing.hours import MINUTES_OF_A_DAY
from controlplane.rendering.context import AgentContext, InstallationContext, QueueContext, TenantContext
from controlplane.rendering.context_freeswitch import FreeswitchInstallation
from controlplane.services.switch_control import SwitchControl
from controlplane.storage.spool import FileSpool
from controlplane.switches.server import CallServer, Handler
from tests.support.call_peers import Peer, Script, Serve, listening

Change = Callable[[tuple[TenantContext, ...]], tuple[TenantContext, ...]]
"""What a test adds to the tenants that are rendered."""

REALM = "shared-voicemail"
# Above are those of FreeSWITCH's audio.
_PORTS = (10240, 16384)
_DICE = random.SystemRandom()
DEFAULT = UUID("11111111-1111-4111-8111-111111111111")
ACME = UUID("22222222-2222-4222-8222-222222222222")
MAILBOX = UUID("33333333-3333-4333-8333-333333333333")
ACME_MAILBOX = UUID("44444444-4444-4444-8444-444444444444")
# Each prompt is a tone of its own; Portuguese ones lie 1000 Hz higher.
TONES = {
    "greeting-standard": 400,
    "thank-you": 600,
    "number-unknown": 800,
    "feature-unknown": 1000,
    "check-unavailable": 1200,
    "technical-problem": 1300,
    "beep": 1400,
    "hold": 900,
}
OWN_GREETING = 500
PORTUGUESE = 1000
# Queues with short times: what a switch's own queue knows. The rest is in the route files of the tests.
QUEUES = (
    ("6200", QueueStrategy.RING_ALL, 2, 6, "9"),
    ("6201", QueueStrategy.IN_ORDER, 2, 9, None),
    ("6202", QueueStrategy.ROUND_ROBIN, 2, 9, "*"),
    ("6203", QueueStrategy.LEAST_WORKED, 2, 9, "#"),
    ("6204", QueueStrategy.RANDOM, 2, 4, None),
    ("6205", QueueStrategy.RANDOM, 2, 9, None),
)
WRAP_UP = {"6204": 60}
"""Those of the queues whose agents are left alone after a call, and for how many seconds."""
ALICE = 'Alice; "Al" ${SHELL(id)} Müller, 1'


def write_tone(path: Path, hertz: float, seconds: float = 0.6) -> None:
    """Write a WAV file with a tone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    at = np.arange(int(8000 * seconds)) / 8000
    soundfile.write(path, (0.3 * np.sin(2 * np.pi * hertz * at)).astype(np.float32), 8000, subtype="PCM_16")


def write_prompts(home: Path) -> None:
    """Write a tone for each prompt in both languages."""
    for name, hertz in TONES.items():
        write_tone(home / f"prompts/en/{name}.wav", hertz)
        write_tone(home / f"prompts/pt-BR/{name}.wav", hertz + PORTUGUESE)


def queue_contexts() -> tuple[QueueContext, ...]:
    """Return the queues of the rig, whose agents are 101, 102 and 103."""
    return tuple(
        QueueContext(
            id=UUID(int=int(number)),
            number=number,
            strategy=strategy,
            ring_seconds=ring,
            wrap_up_seconds=WRAP_UP.get(number, 0),
            max_wait_seconds=wait,
            max_callers=0,
            exit_key=key,
            agents=tuple(AgentContext(number=agent, endpoint=agent) for agent in ("101", "102", "103")),
        )
        for number, strategy, ring, wait, key in QUEUES
    )


def a1_hash(number: str, password: str) -> str:
    """Return what is stored of a SIP password."""
    return hashlib.md5(f"{number}:{REALM}:{password}".encode()).hexdigest()


def free_port(*kinds: socket.SocketKind, address: str = "127.0.0.1") -> int:
    """Return a port that nobody has now, of TCP if nothing is said.

    None that Linux gives to outgoing connections: it could be taken before a switch listens on it.
    """
    while True:
        port = _DICE.randrange(*_PORTS)
        with contextlib.suppress(OSError):
            for kind in kinds or (socket.SOCK_STREAM,):
                with socket.socket(socket.AF_INET, kind) as probe:
                    probe.bind((address, port))
            return port


@dataclass(frozen=True, slots=True, kw_only=True)
class Rig(abc.ABC):
    """The folders and ports of a running switch."""

    switch: ClassVar[str]
    server_of_calls: ClassVar[type[CallServer[Any]]]
    secret: ClassVar[str]
    """What the rendered dialplan says to `calls`."""

    home: Path
    sip_port: int
    calls_port: int
    """Where the dialplan asks for `calls`."""
    digest: str
    process: subprocess.Popen[bytes]
    complaints: list[str]
    """The lines of the log of the start that say that something is wrong."""

    @property
    def server(self) -> tuple[str, int]:
        """Where SIP is."""
        return ("127.0.0.1", self.sip_port)

    @property
    def spool(self) -> Path:
        """Where recordings appear."""
        return self.home / "spool"

    @property
    @abc.abstractmethod
    def log(self) -> str:
        """Everything that the switch complained about."""

    @property
    @abc.abstractmethod
    def control(self) -> SwitchControl:
        """The product's own way to ask the switch."""

    @abc.abstractmethod
    async def ask(self, command: str) -> str:
        """Give a command on the switch's own console."""

    @abc.abstractmethod
    async def name_of_101(self) -> str:
        """Ask the switch for the display name that it has of extension 101."""

    @abc.abstractmethod
    def peer(self, script: Script) -> AbstractAsyncContextManager[Peer]:
        """Answer the switch by a script while the block runs; then the link is closed."""

    def call_server(self, handler: Handler, *, prompts: PromptFiles, max_calls: int = 1) -> CallServer[Any]:
        """Make the product's own server, which runs the handler for each call."""
        return self.server_of_calls(
            dict.fromkeys(Entry, handler),
            prompts=prompts,
            secret=self.secret,
            allowed_addresses=["127.0.0.0/8"],
            max_calls=max_calls,
            first_line_seconds=5,
        )

    @property
    @abc.abstractmethod
    def installation(self) -> InstallationContext | FreeswitchInstallation:
        """What was rendered of the installation."""

    def listening(self, serve: Serve) -> AbstractAsyncContextManager[None]:
        """Accept the switch's connections and let `serve` deal with each, while the block runs."""
        return listening(self.calls_port, serve)

    @asynccontextmanager
    async def handled(
        self, handler: Handler, *, prompts: PromptFiles, max_calls: int = 1
    ) -> AsyncIterator[None]:
        """Run the product's own server while the block runs."""
        server = self.call_server(handler, prompts=prompts, max_calls=max_calls)
        await server.start("127.0.0.1", self.calls_port)
        try:
            yield
        finally:
            await server.drain(5)

    def route(
        self, number: str, kind: str, object_id: UUID, tenant: UUID = DEFAULT, *, plan: Sequence[str] = ()
    ) -> None:
        """Write a route file."""
        folder = self.home / "configuration/routes" / str(tenant) / number[-2:]
        folder.mkdir(parents=True, exist_ok=True)
        (folder / number).write_text("".join(f"{line}\n" for line in (kind, object_id, *plan)))

    def hours(self, schedule: UUID, digit: int | None, *, closed: bool = False) -> None:
        """Write the files of office hours: the same digit all day, today and tomorrow; None for no files.

        `closed` is closed now, whatever the digit.
        """
        folder = self.home / "configuration/hours" / str(schedule)
        shutil.rmtree(folder, ignore_errors=True)
        if digit is None and not closed:
            return
        folder.mkdir(parents=True)
        if closed:
            (folder / "closed").touch()
        if digit is None:
            return
        today = datetime.now(UTC).date()
        for day in (today, today + timedelta(days=1)):
            (folder / day.strftime("%Y%m%d")).write_text(str(digit) * MINUTES_OF_A_DAY)

    def route_all(self) -> None:
        """Route the numbers that every rig has."""
        self.route("8001", "mailbox", MAILBOX)
        self.route("101", "extension", UUID(int=101))
        self.route("102", "extension", UUID(int=102))
        self.route("103", "extension", UUID(int=103))
        self.route("8001", "mailbox", ACME_MAILBOX, ACME)

    def empty_spool(self) -> None:
        """Remove all recordings."""
        for path in self.spool.iterdir():
            path.unlink()

    def takes(self) -> dict[str, bytes]:
        """Return the WAV files of the spool."""
        return {path.name: path.read_bytes() for path in self.spool.glob("*.wav")}

    def facts(self) -> TakeFacts:
        """Return what the product reads of the only take in the spool."""
        spool = FileSpool(self.spool)
        (entry,) = spool.entries()
        found = spool.read_facts(entry, switch=self.switch)
        assert found is not None
        return found
