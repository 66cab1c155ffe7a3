"""A provider of trunks: a second private Asterisk that challenges who registers, and sends calls there."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

from controlplane.rendering.asterisk import render_asterisk
from controlplane.rendering.environment import TEMPLATES
from controlplane.supervisor.asterisk import PrivateAsterisk
from controlplane.supervisor.asterisk_tree import cache_folder, find_or_unpack
from tests.support.dialplan_rig import rig_context
from tests.support.rig import free_port

USERNAME = "company"
# What each switch's configuration has to carry as it is.
PASSWORD = "p;a$${x}\\'<&>\"#=%24"

_PJSIP = """
[transport-udp]
type=transport
protocol=udp
bind=127.0.0.1:{port}

[media](!)
type=endpoint
disallow=all
allow=ulaw
direct_media=no

[anonymous](media)
context=outside

[{username}](media)
context=nowhere
aors={username}
auth={username}

[{username}]
type=auth
auth_type=userpass
username={username}
password= {password}

[{username}]
type=aor
max_contacts=1
remove_existing=yes
minimum_expiration=5
"""
# The number that a caller dialled stands before the address that was registered.
_DIALPLAN = """
[outside]
exten => _[+0-9]!,1,Set(CONTACT=${{PJSIP_DIAL_CONTACTS({username})}})
 same => n,Dial(PJSIP/{username}/sip:${{EXTEN}}@${{CUT(CONTACT,@,2)}},30)
"""


class Provider:
    """The provider, which one may take away and bring back."""

    def __init__(self, home: Path, run_folder: Path) -> None:
        self.port = free_port(socket.SOCK_DGRAM)
        self._home = home
        self._manager_port = free_port()
        self._process: asyncio.subprocess.Process | None = None
        files = render_asterisk(
            rig_context(
                home,
                sip_port=self.port,
                manager_port=self._manager_port,
                rtp_first=40000 + 200 * (os.getpid() % 60),
            ),
            templates=TEMPLATES,
        ).files
        own = {
            "pjsip.conf": _PJSIP.format(
                port=self.port, username=USERNAME, password=PASSWORD.replace(";", "\\;")
            ),
            "extensions.conf": _DIALPLAN.format(username=USERNAME),
        }
        written = home / "written"
        written.mkdir(parents=True)
        for path, text in files.items():
            name = Path(path).name
            (written / name).write_text(own.get(name, text))
        tree = find_or_unpack(cache_folder(os.environ), progress=lambda _: None)
        self._asterisk = PrivateAsterisk(tree, home=home, run_folder=run_folder, live=written)
        self._asterisk.configure()

    @property
    def server(self) -> tuple[str, int]:
        """Where its other customers call."""
        return ("127.0.0.1", self.port)

    async def start(self) -> None:
        """Come up, with no memory of who was registered."""
        for path in (self._home / "db").iterdir():
            path.unlink()
        self._asterisk.prepare()
        self._process = await asyncio.create_subprocess_exec(
            *self._asterisk.command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        await self._asterisk.until_booted(self._manager_port, limit_seconds=60, check=lambda: None)

    async def stop(self) -> None:
        """Go away without a word."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    async def registered(self) -> str:
        """Return the address that the customer registered; empty without one."""
        shown = await self._asterisk._ask(f"pjsip show aor {USERNAME}")
        contacts = [line.split()[1] for line in shown.splitlines() if line.startswith("    Contact:  ")]
        return next((contact for contact in contacts if "sip:" in contact), "")

    async def until_registered(self, wanted: bool, *, limit: float = 60) -> None:
        """Wait until the customer is registered, or is not."""
        async with asyncio.timeout(limit):
            while True:
                if bool(await self.registered()) is wanted:
                    return
                await asyncio.sleep(0.1)


@contextlib.asynccontextmanager
async def provider_at(home: Path) -> AsyncIterator[Provider]:
    """Return a provider that is not there yet, and take it away at the end."""
    with tempfile.TemporaryDirectory(prefix="cp-") as run:
        provider = Provider(home, Path(run))
        try:
            yield provider
        finally:
            await provider.stop()
