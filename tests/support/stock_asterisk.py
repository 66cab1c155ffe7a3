"""A private Asterisk with all sample files of its package, and users as one adds them to those."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from controlplane.phone.phone import Server
from controlplane.supervisor.asterisk import PrivateAsterisk
from controlplane.supervisor.asterisk_tree import AsteriskTree
from tests.support.dialplan_rig import free_port
from tests.support.page import Page
from tests.support.stock_switch import OURS, USERS, replace_once

_FOLDERS = {
    "/etc/asterisk": "etc",
    "/var/cache/asterisk": "cache",
    "/var/lib/asterisk": "lib",
    "/var/spool/asterisk": "spool",
    "/var/log/asterisk": "log",
}
# A module that calls need, and that this Asterisk is told not to load until our lines are added.
LEFT_OUT = "func_uri"

_USERS = """
[transport-udp]
type=transport
protocol=udp
bind=127.0.0.1:{port}

[anonymous]
type=endpoint
context=from-trunk
disallow=all
allow=ulaw
"""
_USER = """
[{number}]
type=endpoint
context=from-phones
disallow=all
allow=ulaw
auth={number}
aors={number}
callerid="User {number}" <{number}>

[{number}]
type=auth
auth_type=userpass
username={number}
password={password}

[{number}]
type=aor
max_contacts=50
"""
_DIALPLAN = """
[from-phones]
exten => _1XXX,1,Dial(PJSIP/${EXTEN},20)

[from-trunk]
exten => 1000,1,Dial(PJSIP/1000,20)
"""


def samples_of(tree: AsteriskTree) -> Path | None:
    """Return the folder of the sample configuration; None if it is not there."""
    root = Path("/") if tree.installed else tree.data.parents[2]
    folder = root / "etc" / "asterisk"
    return folder if (folder / "extensions.conf").exists() else None


class StockAsterisk:
    """See `StockSwitch`."""

    def __init__(self, tree: AsteriskTree, samples: Path, home: Path, run_folder: Path, page: Page) -> None:
        self.page = page
        self.configuration = home / "etc"
        manager_port, sip_port = free_port(), free_port()
        self.server = self.outside = Server(address="127.0.0.1", port=sip_port)
        self.placeholders = {
            "MANAGER-SECRET": "a-manager-secret",
            "FASTAGI-SECRET": "a-fastagi-secret",
            "5038": str(manager_port),
            "4573": str(free_port()),
        }
        self._manager_port = manager_port
        self._asterisk = PrivateAsterisk(tree, home=home, run_folder=run_folder, live=home)
        self._process: subprocess.Popen[bytes] | None = None
        shutil.copytree(samples, self.configuration)
        for name in _FOLDERS.values():
            (home / name).mkdir(exist_ok=True)
        self._place(tree, home, run_folder)
        self._add_users(sip_port)
        with (self.configuration / "modules.conf").open("a") as file:
            file.write(f"\n[modules](+)\nnoload => {LEFT_OUT}.so\n")

    def start(self) -> None:
        """Start it, and wait until it serves."""
        self._asterisk.prepare()
        self._process = subprocess.Popen(
            self._asterisk.command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        asyncio.run(
            self._asterisk.until_booted(self._manager_port, limit_seconds=60, check=self._check_alive)
        )

    def stop(self) -> None:
        """Kill it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def let_us_in(self) -> None:
        """Add the manager's user."""
        self._append("manager.conf", self.page.snippet("manager", self.placeholders))
        self._ask("manager reload")

    def add_our_lines(self, tenant: str) -> None:
        """Add what the page names to the dialplan and to the users, and reload."""
        values = {**self.placeholders, "TENANT": tenant}
        replace_once(self.configuration / "modules.conf", f"noload => {LEFT_OUT}.so", "")
        self._ask(f"module load {LEFT_OUT}.so")
        for name in ("globals", "phones", "outside"):
            self._into_section("extensions.conf", self.page.snippet(name, values))
        self._append("extensions.conf", self.page.snippet("contexts", values))
        for number in OURS:
            block = self.page.snippet("identity", values | {"1000": number})
            self._into_section("pjsip.conf", block)
        self._ask("core reload")

    @asynccontextmanager
    async def own_lines(self, lines: str) -> AsyncIterator[None]:
        """Have lines in the context of the users until the block ends."""
        path = self.configuration / "extensions.conf"
        before = path.read_text()
        path.write_text(f"{before}\n[from-phones](+)\n{lines}\n")
        try:
            await self._asterisk._ask("dialplan reload")
            yield
        finally:
            path.write_text(before)
            await self._asterisk._ask("dialplan reload")

    def _place(self, tree: AsteriskTree, home: Path, run_folder: Path) -> None:
        """Give it folders and ports of its own, so that several run side by side."""
        text = (self.configuration / "asterisk.conf").read_text().replace("[directories](!)", "[directories]")
        places = {path: str(home / name) for path, name in _FOLDERS.items()}
        places |= {"/var/run/asterisk": str(run_folder), "/usr/share/asterisk": str(tree.data)}
        lines = []
        for line in text.splitlines():
            key, arrow, value = line.partition(" => ")
            if key.strip() == "astmoddir":
                value = str(tree.modules)
            for path, place in places.items():
                if arrow and value.startswith(path):
                    value = place + value.removeprefix(path)
                    break
            lines.append(key + arrow + value)
        (self.configuration / "asterisk.conf").write_text("\n".join(lines) + "\n")
        manager = self.configuration / "manager.conf"
        replace_once(manager, "port = 5038", f"port = {self._manager_port}")
        # Debian's sample has it on; the page says that it must be.
        manager.write_text(manager.read_text().replace("enabled = no", "enabled = yes", 1))
        first = 30000 + 100 * (os.getpid() % 80)
        replace_once(self.configuration / "rtp.conf", "rtpstart=10000", f"rtpstart={first}")
        replace_once(self.configuration / "rtp.conf", "rtpend=20000", f"rtpend={first + 99}")
        with (self.configuration / "iax.conf").open("a") as file:
            file.write(f"\n[general](+)\nbindport={free_port()}\nbindaddr=127.0.0.1\n")

    def _add_users(self, sip_port: int) -> None:
        users = [_USER.format(number=number, password=password) for number, password in USERS.items()]
        self._append("pjsip.conf", _USERS.format(port=sip_port) + "".join(users))
        self._append("extensions.conf", _DIALPLAN)

    def _append(self, name: str, text: str) -> None:
        with (self.configuration / name).open("a") as file:
            file.write(f"\n{text}")

    def _into_section(self, name: str, block: str) -> None:
        """Put a block's lines behind the first heading in the file that is the block's."""
        heading, _, rest = block.partition("\n")
        path = self.configuration / name
        before, found, after = path.read_text().partition(f"\n{heading}\n")
        assert found, f"{name} has no {heading}"
        # The page shows what kind of section it is; that line is there already.
        lines = [line for line in rest.splitlines() if line != "type=endpoint"]
        path.write_text(before + found + "".join(f"{line}\n" for line in lines) + after)

    def _ask(self, command: str) -> str:
        return asyncio.run(self._asterisk._ask(command))

    def _check_alive(self) -> None:
        assert self._process is not None
        assert self._process.poll() is None, self._asterisk.last_error()
