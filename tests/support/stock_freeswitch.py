"""A private FreeSWITCH with the configuration that it installs ("vanilla"), and the users of that."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from controlplane.phone.phone import Server
from controlplane.supervisor.freeswitch import PrivateFreeswitch
from controlplane.supervisor.freeswitch_tree import FreeswitchTree
from tests.support.dialplan_rig import free_port
from tests.support.page import Page
from tests.support.stock_switch import OURS, USERS, replace_once

_BOOT_SECONDS = 60.0
_STOCK_PASSWORD = "ClueCon"
_LOAD = re.compile(r'^\s*<load module="(\w+)"/>\n', re.MULTILINE)
# A module that calls need, and that this FreeSWITCH does not load until our lines are added.
LEFT_OUT = "mod_lua"
# They open ports of their own, or call home.
_NOT_WANTED = ("mod_verto", "mod_signalwire")


def samples_of(tree: FreeswitchTree) -> Path | None:
    """Return the folder of the stock configuration; None if it was not installed."""
    prefix = tree.program.parent.parent
    places = (
        prefix / "etc/freeswitch",
        prefix / "conf",
        prefix / "share/freeswitch/conf/vanilla",
        Path("/usr/share/freeswitch/conf/vanilla"),
        Path("/etc/freeswitch"),
    )
    wanted = ("freeswitch.xml", "dialplan/default.xml", "directory/default/1000.xml")
    return next((place for place in places if all((place / name).exists() for name in wanted)), None)


class StockFreeswitch:
    """See `StockSwitch`."""

    def __init__(self, tree: FreeswitchTree, samples: Path, home: Path, page: Page) -> None:
        self.page = page
        self.configuration = home / "conf"
        self._event_port = free_port()
        inside, outside = free_port(socket.SOCK_DGRAM), free_port(socket.SOCK_DGRAM)
        self.server = Server(address="127.0.0.1", port=inside)
        self.outside = Server(address="127.0.0.1", port=outside)
        self.placeholders = {
            "EVENT-SOCKET-PASSWORD": "an-event-socket-password",
            "CALLS-SECRET": "a-calls-secret",
            "8021": str(self._event_port),
            "8084": str(free_port()),
        }
        self._tree = tree
        self._home = home
        self._password = _STOCK_PASSWORD
        self._process: subprocess.Popen[bytes] | None = None
        shutil.copytree(samples, self.configuration)
        self._place()
        self._set_passwords()
        self.stock_directory = (self.configuration / "directory/default.xml").read_text()

    def start(self) -> None:
        """Start it, and wait until it serves."""
        freeswitch = self._freeswitch()
        freeswitch.configure()
        freeswitch.prepare()
        self._process = subprocess.Popen(
            freeswitch.command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={"PATH": os.environ["PATH"], **freeswitch.environment},
        )
        asyncio.run(self._until_booted())

    def stop(self) -> None:
        """Kill it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def let_us_in(self) -> None:
        """Give the event socket its password, and start again."""
        block = self.page.snippet("event-socket", self.placeholders)
        self._set_parameters("autoload_configs/event_socket.conf.xml", block)
        self._password = self.placeholders["EVENT-SOCKET-PASSWORD"]
        self.stop()
        self.start()

    def add_our_lines(self, tenant: str) -> None:
        """Add what the page names to switch, dialplan and directory, and start again."""
        values = {**self.placeholders, "TENANT": tenant}
        modules = self.configuration / "autoload_configs/modules.conf.xml"
        replace_once(modules, "  </modules>", f'    <load module="{LEFT_OUT}"/>\n  </modules>')
        self._set_parameters("autoload_configs/switch.conf.xml", self.page.snippet("switch", values))
        self._set_parameters("directory/default.xml", self.page.snippet("dial-string", values))
        for name, place in (
            ("dialplan", "dialplan/shared-voicemail.xml"),
            ("phones", "dialplan/default/00_shared_voicemail.xml"),
            ("outside", "dialplan/public/00_shared_voicemail.xml"),
        ):
            (self.configuration / place).write_text(self.page.snippet(name, values))
        for number in OURS:
            block = self.page.snippet("identity", values | {"1000": number, "Alice": f"User {number}"})
            user = self.configuration / f"directory/default/{number}.xml"
            replace_once(user, "    </variables>", f"{block}    </variables>")
        self.stop()
        self.start()

    @asynccontextmanager
    async def own_lines(self, lines: str) -> AsyncIterator[None]:
        """Have lines in the context of the users, before those of ours, until the block ends."""
        path = self.configuration / "dialplan/default/00_own.xml"
        path.write_text(f"<include>\n{lines}\n</include>\n")
        try:
            assert "[Success]" in await self.ask("reloadxml")
            yield
        finally:
            path.unlink()
            await self.ask("reloadxml")

    async def ask(self, command: str) -> str:
        """Give an api command; returns the answer, empty if nobody listens."""
        return await self._freeswitch().ask(self._event_port, command)

    def _place(self) -> None:
        """Give it ports of its own and the loopback alone, and load what this build has."""
        variables = self.configuration / "vars.xml"
        text = variables.read_text()
        for name, value in (
            ("internal_sip_port", str(self.server.port)),
            ("external_sip_port", str(self.outside.port)),
        ):
            text, changed = re.subn(rf'(data="{name}=)\d+"', rf'\g<1>{value}"', text)
            assert changed == 1, name
        # Nobody outside is asked which address this is.
        text = re.sub(
            r'cmd="stun-set" data="(external_\w+_ip)=[^"]*"', r'cmd="set" data="\1=127.0.0.1"', text
        )
        address = '<include>\n  <X-PRE-PROCESS cmd="set" data="local_ip_v4=127.0.0.1"/>'
        variables.write_text(text.replace("<include>", address, 1))
        for profile in ("internal-ipv6", "external-ipv6"):
            (self.configuration / f"sip_profiles/{profile}.xml").unlink(missing_ok=True)
        internal = self.configuration / "sip_profiles/internal.xml"
        internal.write_text(re.sub(r'<param name="wss?-binding"[^>]*/>', "", internal.read_text()))
        first = 38000 + 100 * (os.getpid() % 80)
        self._set_parameters(
            "autoload_configs/event_socket.conf.xml",
            _lines({"listen-port": self._event_port, "listen-ip": "127.0.0.1"}),
        )
        self._set_parameters(
            "autoload_configs/switch.conf.xml", _lines({"rtp-start-port": first, "rtp-end-port": first + 99})
        )
        modules = self.configuration / "autoload_configs/modules.conf.xml"
        modules.write_text(_LOAD.sub(self._kept, modules.read_text()))

    def _kept(self, line: re.Match[str]) -> str:
        there = (self._tree.modules / f"{line[1]}.so").exists()
        return line[0] if there and line[1] not in (*_NOT_WANTED, LEFT_OUT) else ""

    def _set_passwords(self) -> None:
        replace_once(
            self.configuration / "vars.xml", '"default_password=1234"', '"default_password=none-known"'
        )
        for number, password in USERS.items():
            user = self.configuration / f"directory/default/{number}.xml"
            replace_once(user, '"$${default_password}"', f'"{password}"')

    def _set_parameters(self, name: str, block: str) -> None:
        """Replace the parameters that a block names, or put them at the end of the file's settings."""
        path = self.configuration / name
        text = re.sub(r"<!--.*?-->", "", path.read_text(), flags=re.DOTALL)
        for line in block.splitlines():
            key = re.search(r'name="([\w-]+)"', line)
            assert key is not None, line
            there = re.compile(rf'<param name="{key[1]}"[^\n]*/>')
            if there.search(text):
                text = there.sub(lambda _, line=line: line.strip(), text)
            else:
                text = text.replace("</settings>", f"  {line.strip()}\n  </settings>", 1)
        path.write_text(text)

    def _freeswitch(self) -> PrivateFreeswitch:
        return PrivateFreeswitch(
            self._tree, home=self._home, live=self.configuration, password=self._password
        )

    async def _until_booted(self) -> None:
        async with asyncio.timeout(_BOOT_SECONDS):
            while (await self.ask("sofia status")).count("RUNNING") < len(("internal", "external")):
                assert self._process is not None
                assert self._process.poll() is None, self._freeswitch().last_error()
                await asyncio.sleep(0.1)


def _lines(parameters: Mapping[str, object]) -> str:
    return "".join(f'<param name="{name}" value="{value}"/>\n' for name, value in parameters.items())
