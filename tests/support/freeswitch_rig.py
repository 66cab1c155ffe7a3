"""A private FreeSWITCH that runs the rendered dialplan, with tones for prompts and no control plane."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import os
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from controlplane.rendering.context_freeswitch import (
    EventSocketContext,
    FreeswitchCalls,
    FreeswitchContext,
    FreeswitchInstallation,
    FreeswitchPaths,
    MailboxContext,
    SocketContext,
    TenantMailboxes,
)
from controlplane.rendering.environment import TEMPLATES
from controlplane.rendering.freeswitch import render_freeswitch
from controlplane.storage.revision_folder import Manifest, RevisionFolder
from controlplane.supervisor.freeswitch import PrivateFreeswitch
from controlplane.supervisor.freeswitch_tree import FreeswitchTree
from tests.support.dialplan_rig import (
    ACME,
    ACME_MAILBOX,
    ALICE,
    DEFAULT,
    MAILBOX,
    PORTUGUESE,
    TONES,
    free_port,
    rig_context,
    write_tone,
)

PASSWORD = "event-socket-password"


@dataclass(frozen=True, slots=True, kw_only=True)
class FreeswitchRig:
    """The folders and ports of the running FreeSWITCH."""

    home: Path
    socket_port: int
    sip_port: int
    event_port: int
    digest: str
    freeswitch: PrivateFreeswitch

    @property
    def spool(self) -> Path:
        """Where recordings appear."""
        return self.home / "spool"

    @property
    def log(self) -> str:
        """Everything that FreeSWITCH complained about."""
        return self.freeswitch.log.read_text(errors="replace")

    def route(self, number: str, kind: str, object_id: UUID, tenant: UUID = DEFAULT) -> None:
        """Write a route file."""
        folder = self.home / "configuration/routes" / str(tenant) / number[-2:]
        folder.mkdir(parents=True, exist_ok=True)
        (folder / number).write_text(f"{kind}\n{object_id}\n")

    async def ask(self, command: str) -> str:
        """Give an api command."""
        return await self.freeswitch.ask(self.event_port, command)


def freeswitch_context(
    home: Path,
    *,
    sip_port: int = 5060,
    socket_port: int = 8084,
    event_port: int = 8021,
    rtp_first: int = 20000,
    alice: str = ALICE,
) -> FreeswitchContext:
    """Return the context of the rig: that of Asterisk's, with what is FreeSWITCH's own."""
    asterisk = rig_context(home, sip_port=sip_port, rtp_first=rtp_first, alice=alice)
    paths = asterisk.installation.paths
    return FreeswitchContext(
        installation=FreeswitchInstallation(
            sip=asterisk.installation.sip,
            socket=SocketContext(address=f"127.0.0.1:{socket_port}", secret="socket-secret"),
            event_socket=EventSocketContext(port=event_port, password=PASSWORD),
            paths=FreeswitchPaths(
                routes=paths.routes,
                greetings=paths.greetings,
                spool=paths.spool,
                live=home / "configuration/live/freeswitch",
            ),
            calls=FreeswitchCalls(silence_seconds=2),
        ),
        tenants=asterisk.tenants,
        prompts=asterisk.prompts,
    )


def with_alice(context: FreeswitchContext, name: str) -> FreeswitchContext:
    """Return the context with this display name at the first extension."""
    default = context.tenants[0]
    renamed = dataclasses.replace(default.extensions[0], display_name=name)
    changed = dataclasses.replace(default, extensions=(renamed, *default.extensions[1:]))
    return dataclasses.replace(context, tenants=(changed, *context.tenants[1:]))


def with_native(context: FreeswitchContext, mailboxes: Sequence[MailboxContext]) -> FreeswitchContext:
    """Return the context in which mod_voicemail takes messages for these mailboxes."""
    return dataclasses.replace(
        context,
        installation=dataclasses.replace(context.installation, native=True),
        mailboxes=(TenantMailboxes(tenant_id=DEFAULT, mailboxes=tuple(mailboxes)),),
    )


def publish(home: Path, context: FreeswitchContext) -> str:
    """Render, write and link; return the digest."""
    tree = render_freeswitch(context, templates=TEMPLATES)
    folder = RevisionFolder(home / "configuration")
    folder.write(Manifest(digest=tree.digest, endpoints=tree.endpoints), tree.files)
    folder.link(tree.digest)
    return tree.digest


@contextlib.contextmanager
def run_freeswitch(
    tree: FreeswitchTree, home: Path, *, mailboxes: Sequence[MailboxContext] | None = None
) -> Iterator[FreeswitchRig]:
    """Run FreeSWITCH with the rendered configuration until the block ends.

    With `mailboxes` mod_voicemail takes their messages.
    """
    sip_port, socket_port, event_port = free_port(), free_port(), free_port()
    context = freeswitch_context(
        home,
        sip_port=sip_port,
        socket_port=socket_port,
        event_port=event_port,
        rtp_first=20000 + 200 * (os.getpid() % 60),
    )
    if mailboxes is not None:
        context = with_native(context, mailboxes)
    digest = publish(home, context)
    for folder in ("spool", "configuration/routes", "configuration/greetings"):
        (home / folder).mkdir(parents=True)
    for name, hertz in TONES.items():
        write_tone(home / f"prompts/en/{name}.wav", hertz)
        write_tone(home / f"prompts/pt-BR/{name}.wav", hertz + PORTUGUESE)
    freeswitch = PrivateFreeswitch(
        tree, home=home / "freeswitch", live=home / "configuration/live/freeswitch", password=PASSWORD
    )
    freeswitch.configure()
    freeswitch.prepare()
    process = subprocess.Popen(
        freeswitch.command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={"PATH": os.environ["PATH"], **freeswitch.environment},
    )
    try:

        def alive() -> None:
            assert process.poll() is None, freeswitch.last_error()

        asyncio.run(freeswitch.until_booted(event_port, limit_seconds=60, check=alive))
        rig = FreeswitchRig(
            home=home,
            socket_port=socket_port,
            sip_port=sip_port,
            event_port=event_port,
            digest=digest,
            freeswitch=freeswitch,
        )
        rig.route("8001", "mailbox", MAILBOX)
        rig.route("101", "extension", UUID(int=101))
        rig.route("102", "extension", UUID(int=102))
        rig.route("8001", "mailbox", ACME_MAILBOX, ACME)
        yield rig
    finally:
        process.kill()
        process.wait()
