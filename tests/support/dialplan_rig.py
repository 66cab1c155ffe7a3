"""A private Asterisk that runs the rendered dialplan, with tones for prompts and no control plane."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote
from uuid import UUID

import numpy as np
import soundfile
from controlplane.domain.numbers import Feature
from controlplane.rendering.asterisk import render_asterisk
from controlplane.rendering.context import (
    AgiContext,
    AsteriskContext,
    CallsContext,
    ExtensionContext,
    FeatureCodeContext,
    InstallationContext,
    ManagerContext,
    PathsContext,
    SipContext,
    TenantContext,
    VoiceContext,
)
from controlplane.rendering.environment import TEMPLATES
from controlplane.storage.revision_folder import Manifest, RevisionFolder
from controlplane.supervisor.asterisk import PrivateAsterisk
from controlplane.supervisor.asterisk_tree import AsteriskTree

REALM = "shared-voicemail"
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
}
OWN_GREETING = 500
PORTUGUESE = 1000
ALICE = 'Alice; "Al" ${SHELL(id)} Müller, 1'
WITNESS = "witness"


def write_tone(path: Path, hertz: float, seconds: float = 0.6) -> None:
    """Write a WAV file with a tone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    at = np.arange(int(8000 * seconds)) / 8000
    soundfile.write(path, (0.3 * np.sin(2 * np.pi * hertz * at)).astype(np.float32), 8000, subtype="PCM_16")


def a1_hash(number: str, password: str) -> str:
    """Return what is stored of a SIP password."""
    return hashlib.md5(f"{number}:{REALM}:{password}".encode()).hexdigest()


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """Return a port of the loopback that nobody listens on now."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _extension(number: str, display_name: str, domain: str = "") -> ExtensionContext:
    return ExtensionContext(
        number=number,
        display_name=display_name,
        endpoint=number + domain,
        a1_hash=a1_hash(number, f"password-{number}"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class DialplanRig:
    """The folders and ports of the running Asterisk."""

    home: Path
    agi_port: int
    sip_port: int
    manager_port: int
    context: AsteriskContext
    asterisk: PrivateAsterisk

    @property
    def server(self) -> tuple[str, int]:
        """Where SIP is."""
        return ("127.0.0.1", self.sip_port)

    @property
    def spool(self) -> Path:
        """Where recordings appear."""
        return self.home / "spool"

    @property
    def log(self) -> str:
        """Everything that Asterisk complained about."""
        return self.asterisk.log.read_text(errors="replace")

    def route(self, number: str, kind: str, object_id: UUID, tenant: UUID = DEFAULT) -> None:
        """Write a route file."""
        folder = self.home / "configuration/routes" / str(tenant) / number[-2:]
        folder.mkdir(parents=True, exist_ok=True)
        (folder / number).write_text(f"{kind}\n{object_id}\n")

    def empty_spool(self) -> None:
        """Remove all recordings."""
        for path in self.spool.iterdir():
            path.unlink()

    def takes(self) -> dict[str, bytes]:
        """Return the WAV files of the spool."""
        return {path.name: path.read_bytes() for path in self.spool.glob("*.wav")}

    def facts(self) -> dict[str, str]:
        """Return the only sidecar, decoded; fails if there is another one."""
        (sidecar,) = self.spool.glob("*.meta")
        lines = sidecar.read_bytes().decode("ascii").splitlines()
        pairs = [line.partition("=") for line in lines]
        assert len({key for key, _, _ in pairs}) == len(pairs)
        return {key: unquote(value) for key, _, value in pairs}

    async def ask(self, command: str) -> str:
        """Give a command on Asterisk's own console."""
        return await self.asterisk._ask(command)  # the console is the witness that is not AMI


def rig_context(
    home: Path,
    *,
    sip_port: int = 5060,
    agi_port: int = 4573,
    manager_port: int = 5038,
    rtp_first: int = 20000,
    alice: str = ALICE,
    acme_domain: str = "acme.example",
) -> AsteriskContext:
    """Return the context of the rig: two tenants, three extensions; `alice` is the name of 101."""
    code = FeatureCodeContext(code="*56", feature=Feature.CHECK_MESSAGES)
    return AsteriskContext(
        installation=InstallationContext(
            sip=SipContext(
                bind=f"127.0.0.1:{sip_port}",
                external_address=None,
                local_networks=("127.0.0.0/8",),
                rtp_first=rtp_first,
                rtp_last=rtp_first + 199,
                realm=REALM,
                max_contacts=5,
            ),
            agi=AgiContext(address=f"127.0.0.1:{agi_port}", secret="agi-secret"),
            manager=ManagerContext(port=manager_port, username="controlplane", secret="manager-secret"),
            paths=PathsContext(
                routes=home / "configuration/routes",
                greetings=home / "configuration/greetings",
                spool=home / "spool",
            ),
            calls=CallsContext(silence_seconds=2, first_answer_seconds=2),
        ),
        tenants=(
            TenantContext(
                id=DEFAULT,
                name="default",
                sip_domain="localhost",
                language="en",
                extensions=(
                    _extension("101", alice),
                    _extension("102", "Bob"),
                ),
                feature_codes=(code,),
            ),
            TenantContext(
                id=ACME,
                name="acme",
                sip_domain=acme_domain,
                language="pt-BR",
                extensions=(_extension("101", "Carla", f"@{acme_domain}"),),
                feature_codes=(code,),
            ),
        ),
        prompts=tuple(
            VoiceContext(
                language=language,
                files=tuple((name, (home / "prompts" / language / name,)) for name in TONES),
            )
            for language in ("en", "pt-BR")
        ),
    )


@contextlib.contextmanager
def run_dialplan(
    tree: AsteriskTree, home: Path, *, alice: str = ALICE, acme_domain: str = "acme.example"
) -> Iterator[DialplanRig]:
    """Run Asterisk with the rendered configuration until the block ends."""
    sip_port, agi_port, manager_port = free_port(socket.SOCK_DGRAM), free_port(), free_port()
    context = rig_context(
        home,
        sip_port=sip_port,
        agi_port=agi_port,
        manager_port=manager_port,
        rtp_first=20000 + 200 * (os.getpid() % 60),
        alice=alice,
        acme_domain=acme_domain,
    )
    tree_of_files = render_asterisk(context, templates=TEMPLATES)
    folder = RevisionFolder(home / "configuration")
    folder.write(
        Manifest(digest=tree_of_files.digest, endpoints=tree_of_files.endpoints), tree_of_files.files
    )
    folder.link(tree_of_files.digest)
    for folder in ("spool", "configuration/routes", "configuration/greetings"):
        (home / folder).mkdir(parents=True)
    for name, hertz in TONES.items():
        write_tone(home / f"prompts/en/{name}.wav", hertz)
        write_tone(home / f"prompts/pt-BR/{name}.wav", hertz + PORTUGUESE)
    with tempfile.TemporaryDirectory(prefix="cp-") as run:
        asterisk = PrivateAsterisk(
            tree, home=home / "asterisk", run_folder=Path(run), live=home / "configuration/live/asterisk"
        )
        asterisk.configure()
        # Our own manager account sees neither variables nor keys; this one is the tests'.
        with (home / "asterisk/etc/manager.conf").open("a") as file:
            file.write(f"[{WITNESS}]\nsecret={WITNESS}\nread=call,dialplan,dtmf\nwrite=call\n")
        asterisk.prepare()
        process = subprocess.Popen(
            asterisk.command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:

            def alive() -> None:
                assert process.poll() is None, asterisk.log.read_text()

            asyncio.run(asterisk.until_booted(manager_port, limit_seconds=60, check=alive))
            rig = DialplanRig(
                home=home,
                agi_port=agi_port,
                sip_port=sip_port,
                manager_port=manager_port,
                context=context,
                asterisk=asterisk,
            )
            rig.route("8001", "mailbox", MAILBOX)
            rig.route("101", "extension", UUID(int=101))
            rig.route("102", "extension", UUID(int=102))
            rig.route("8001", "mailbox", ACME_MAILBOX, ACME)
            yield rig
        finally:
            process.kill()
            process.wait()
