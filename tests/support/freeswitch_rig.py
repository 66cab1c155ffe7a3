"""A private FreeSWITCH that runs the rendered dialplan, with tones for prompts and no control plane."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import os
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path

from controlplane.domain.event_socket import EventSocketUser, user_password
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
from controlplane.switches.freeswitch.control import FreeSwitchControl
from controlplane.switches.freeswitch.server import OutboundSocketServer
from tests.support.call_peers import Peer, Script
from tests.support.dialplan_rig import rig_context
from tests.support.rig import ALICE, DEFAULT, REALM, Change, Rig, free_port, write_prompts
from tests.support.socket_peer import SECRET, socket_peer

PASSWORD = "event-socket-password"


@dataclass(frozen=True, slots=True, kw_only=True)
class FreeswitchRig(Rig):
    """The folders and ports of the running FreeSWITCH."""

    switch = "freeswitch"
    server_of_calls = OutboundSocketServer
    secret = SECRET

    event_port: int
    context: FreeswitchContext
    freeswitch: PrivateFreeswitch

    @property
    def log(self) -> str:
        """Everything that FreeSWITCH complained about."""
        return self.freeswitch.log.read_text(errors="replace")

    @property
    def control(self) -> FreeSwitchControl:
        """The product's own way to ask FreeSWITCH."""
        user = EventSocketUser.CONTROL
        return FreeSwitchControl(
            host="127.0.0.1",
            port=self.event_port,
            user=user.address,
            password=user_password(user, secret=PASSWORD),
        )

    async def ask(self, command: str) -> str:
        """Give an api command."""
        return await self.freeswitch.ask(self.event_port, command)

    async def name_of_101(self) -> str:
        """Read the variable of the user."""
        return (await self.ask(f"user_data 101@{REALM} var cp_extension_name")).strip()

    def peer(self, script: Script) -> AbstractAsyncContextManager[Peer]:
        """Answer by a script."""
        return socket_peer(self.calls_port, script)

    @property
    def installation(self) -> FreeswitchInstallation:
        """What was rendered of the installation."""
        return self.context.installation


def _complaints(log: str) -> list[str]:
    return [line for line in log.splitlines() if "[ERR]" in line or "[CRIT]" in line]


def freeswitch_context(
    home: Path,
    *,
    sip_port: int = 5060,
    socket_port: int = 8084,
    event_port: int = 8021,
    rtp_first: int = 20000,
    alice: str = ALICE,
    acme_domain: str = "acme.example",
    password: str = PASSWORD,
) -> FreeswitchContext:
    """Return the context of the rig: that of Asterisk's, with what is FreeSWITCH's own."""
    asterisk = rig_context(home, sip_port=sip_port, rtp_first=rtp_first, alice=alice, acme_domain=acme_domain)
    paths = asterisk.installation.paths
    return FreeswitchContext(
        installation=FreeswitchInstallation(
            sip=asterisk.installation.sip,
            socket=SocketContext(address=f"127.0.0.1:{socket_port}", secret=SECRET),
            event_socket=EventSocketContext(port=event_port, password=password),
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
    tree: FreeswitchTree,
    home: Path,
    *,
    acme_domain: str = "acme.example",
    mailboxes: Sequence[MailboxContext] | None = None,
    change: Callable[[Path], None] | None = None,
    password: str = PASSWORD,
    tenants: Change = lambda tenants: tenants,
    listen: str = "127.0.0.1",
) -> Iterator[FreeswitchRig]:
    """Run FreeSWITCH with the rendered configuration until the block ends; `password` is its socket's.

    With `mailboxes` mod_voicemail takes their messages. `change` may spoil the folder of the rendered files
    before.
    """
    sip_port, socket_port, event_port = free_port(), free_port(), free_port()
    context = freeswitch_context(
        home,
        sip_port=sip_port,
        socket_port=socket_port,
        event_port=event_port,
        rtp_first=20000 + 200 * (os.getpid() % 60),
        acme_domain=acme_domain,
        password=password,
    )
    sip = dataclasses.replace(
        context.installation.sip,
        bind=f"{listen}:{sip_port}",
        trunk_expiry_seconds=16,
        trunk_retry_seconds=5,
    )
    context = dataclasses.replace(
        context,
        installation=dataclasses.replace(context.installation, sip=sip),
        tenants=tenants(context.tenants),
    )
    if mailboxes is not None:
        context = with_native(context, mailboxes)
    digest = publish(home, context)
    if change is not None:
        change(home / "configuration/live/freeswitch")
    for folder in ("spool", "configuration/routes", "configuration/greetings"):
        (home / folder).mkdir(parents=True)
    write_prompts(home)
    freeswitch = PrivateFreeswitch(
        tree, home=home / "freeswitch", live=home / "configuration/live/freeswitch", password=password
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
            calls_port=socket_port,
            sip_port=sip_port,
            event_port=event_port,
            digest=digest,
            process=process,
            complaints=_complaints(freeswitch.log.read_text(errors="replace")),
            context=context,
            freeswitch=freeswitch,
        )
        rig.route_all()
        yield rig
    finally:
        process.kill()
        process.wait()
