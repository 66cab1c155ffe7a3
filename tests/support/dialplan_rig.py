"""A private Asterisk that runs the rendered dialplan, with tones for prompts and no control plane."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import os
import re
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path

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
from controlplane.switches.asterisk.control import AsteriskControl
from controlplane.switches.asterisk.server import FastAgiServer
from tests.support.agi_peer import SECRET, AgiPeer, agi_peer
from tests.support.call_peers import Script
from tests.support.rig import (
    ACME,
    ALICE,
    DEFAULT,
    REALM,
    TONES,
    Change,
    Rig,
    a1_hash,
    free_port,
    queue_contexts,
    write_prompts,
)

WITNESS = "witness"


def _extension(number: str, display_name: str, domain: str = "") -> ExtensionContext:
    return ExtensionContext(
        number=number,
        display_name=display_name,
        endpoint=number + domain,
        a1_hash=a1_hash(number, f"password-{number}"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class DialplanRig(Rig):
    """The folders and ports of the running Asterisk."""

    switch = "asterisk"
    server_of_calls = FastAgiServer
    secret = SECRET

    manager_port: int
    context: AsteriskContext
    asterisk: PrivateAsterisk

    @property
    def log(self) -> str:
        """Everything that Asterisk complained about."""
        return self.asterisk.log.read_text(errors="replace")

    @property
    def control(self) -> AsteriskControl:
        """The product's own way to ask Asterisk."""
        manager = self.context.installation.manager
        return AsteriskControl(
            host="127.0.0.1", port=self.manager_port, username=manager.username, secret=manager.secret
        )

    async def ask(self, command: str) -> str:
        """Give a command on Asterisk's own console."""
        return await self.asterisk._ask(command)  # the console is the witness that is not AMI

    async def name_of_101(self) -> str:
        """Read the caller ID of the endpoint."""
        shown = await self.ask("pjsip show endpoint 101")
        found = re.search(r'callerid +: "(.*)" <101>', shown)
        assert found is not None, shown
        return found[1]

    def peer(self, script: Script) -> AbstractAsyncContextManager[AgiPeer]:
        """Answer by a script."""
        return agi_peer(self.calls_port, script)

    @property
    def installation(self) -> InstallationContext:
        """What was rendered of the installation."""
        return self.context.installation


def _complaints(log: str) -> list[str]:
    lines = [line for line in log.splitlines() if "WARNING" in line or "ERROR" in line]
    # A host without tones for its country; no application of ours plays them.
    return [line for line in lines if "Missing default country" not in line]


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
    codes = tuple(
        FeatureCodeContext(code=code, feature=feature)
        for code, feature in (
            ("*16", Feature.CLOSED_NOW),
            ("*38", Feature.QUEUE_LOG_IN),
            ("*39", Feature.QUEUE_LOG_OUT),
            ("*56", Feature.CHECK_MESSAGES),
            ("*57", Feature.CHECK_OWN_MAILBOX),
            ("*78", Feature.DO_NOT_DISTURB_ON),
            ("*79", Feature.DO_NOT_DISTURB_OFF),
        )
    )
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
            agi=AgiContext(address=f"127.0.0.1:{agi_port}", secret=SECRET),
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
                    _extension("103", "Charlie"),
                ),
                feature_codes=codes,
                queues=queue_contexts(),
            ),
            TenantContext(
                id=ACME,
                name="acme",
                sip_domain=acme_domain,
                language="pt-BR",
                extensions=(_extension("101", "Carla", f"@{acme_domain}"),),
                feature_codes=codes,
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


def with_tenants(context: AsteriskContext, change: Change) -> AsteriskContext:
    """Return the context with other tenants; registrations at providers are short."""
    sip = dataclasses.replace(context.installation.sip, trunk_expiry_seconds=16, trunk_retry_seconds=5)
    return dataclasses.replace(
        context,
        installation=dataclasses.replace(context.installation, sip=sip),
        tenants=change(context.tenants),
    )


@contextlib.contextmanager
def run_dialplan(
    tree: AsteriskTree,
    home: Path,
    *,
    alice: str = ALICE,
    acme_domain: str = "acme.example",
    tenants: Change = lambda tenants: tenants,
    listen: str = "127.0.0.1",
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
    context = with_tenants(context, tenants)
    sip = dataclasses.replace(context.installation.sip, bind=f"{listen}:{sip_port}")
    context = dataclasses.replace(context, installation=dataclasses.replace(context.installation, sip=sip))
    tree_of_files = render_asterisk(context, templates=TEMPLATES)
    folder = RevisionFolder(home / "configuration")
    folder.write(
        Manifest(digest=tree_of_files.digest, endpoints=tree_of_files.endpoints), tree_of_files.files
    )
    folder.link(tree_of_files.digest)
    for folder in ("spool", "configuration/routes", "configuration/greetings"):
        (home / folder).mkdir(parents=True)
    write_prompts(home)
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
                calls_port=agi_port,
                sip_port=sip_port,
                digest=tree_of_files.digest,
                process=process,
                complaints=_complaints(asterisk.log.read_text(errors="replace")),
                manager_port=manager_port,
                context=context,
                asterisk=asterisk,
            )
            rig.route_all()
            yield rig
        finally:
            process.kill()
            process.wait()
