"""A private FreeSWITCH with a dialplan of a few lines that hands every call to our socket.

Behind `socket` the call is parked, so that a test can look at what our part left on the channel.
"""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import quoteattr

from controlplane.phone.phone import Server
from controlplane.supervisor.freeswitch_tree import find_freeswitch
from tests.support.processes import open_folder

TENANT = "7b0cd6a4-7a3c-4d1e-9b43-1d3a7f0a1c01"
MAILBOX = "7b0cd6a4-7a3c-4d1e-9b43-1d3a7f0a1c02"
SECRET = "a secret of the rig"
PASSWORD = "a-password-of-the-rig"
REVISION = "0123456789abcdef"
_START_SECONDS = 30.0

_MODULES = (
    "mod_logfile",
    "mod_event_socket",
    "mod_commands",
    "mod_dptools",
    "mod_dialplan_xml",
    "mod_sndfile",
    "mod_tone_stream",
    "mod_sofia",
    "mod_spandsp",
)

_XML = """<?xml version="1.0"?>
<document type="freeswitch/xml">
  <X-PRE-PROCESS cmd="set" data="cp_revision={revision}"/>
  <section name="configuration">
    <configuration name="switch.conf"><settings>
      <param name="rtp-start-port" value="{rtp}"/><param name="rtp-end-port" value="{rtp_end}"/>
      <param name="loglevel" value="{level}"/><param name="api-expansion" value="false"/>
    </settings></configuration>
    <configuration name="modules.conf"><modules>{modules}</modules></configuration>
    <configuration name="logfile.conf"><settings/><profiles><profile name="default"><settings>
      <param name="logfile" value="{folder}/log/freeswitch.log"/></settings>
      <mappings><map name="all" value="debug,info,notice,warning,err,crit,alert"/></mappings>
    </profile></profiles></configuration>
    <configuration name="event_socket.conf"><settings>
      <param name="listen-ip" value="127.0.0.1"/><param name="listen-port" value="{event_port}"/>
      <param name="password" value="{password}"/><param name="apply-inbound-acl" value="loopback.auto"/>
    </settings></configuration>
    <configuration name="acl.conf"><network-lists><list name="loop" default="deny">
      <node type="allow" cidr="127.0.0.0/8"/></list></network-lists></configuration>
    <configuration name="sofia.conf"><global_settings/><profiles><profile name="internal"><settings>
      <param name="context" value="default"/><param name="rtp-timer-name" value="soft"/>
      <param name="sip-ip" value="127.0.0.1"/><param name="rtp-ip" value="127.0.0.1"/>
      <param name="sip-port" value="{sip_port}"/><param name="auth-calls" value="false"/>
      <param name="apply-inbound-acl" value="loop"/>
      <param name="inbound-codec-prefs" value="PCMU,PCMA,G722"/>
      <param name="dtmf-type" value="rfc2833"/>
    </settings></profile></profiles></configuration>
  </section>
  <section name="dialplan">
    <context name="default"><extension name="leave"><condition>
      {variables}
      <action application="socket" data="127.0.0.1:{call_port} full"/>
      <action application="set" data="rig_left=true"/>
      <action application="park"/>
    </condition></extension></context>
    <context name="cp-extension-{tenant}"><extension name="number">
      <condition field="destination_number" expression="^(\\d+)$">
      <action application="set" data="rig_went_to=$1"/>
      <action application="set" data="rig_left=true"/>
      <action application="park"/>
    </condition></extension></context>
  </section>
  <section name="directory"><domain name="127.0.0.1"><groups><group name="default"><users>
    <user id="101"/></users></group></groups></domain></section>
</document>
"""


def _free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True, slots=True, kw_only=True)
class SmallFreeSwitch:
    """A running FreeSWITCH."""

    folder: Path
    process: subprocess.Popen[bytes]
    sip_port: int
    event_port: int
    call_port: int

    @property
    def server(self) -> Server:
        """Where phones call."""
        return Server(address="127.0.0.1", port=self.sip_port)

    @property
    def log(self) -> str:
        """Everything that it logged."""
        return (self.folder / "log" / "freeswitch.log").read_text(errors="replace")

    async def api(self, command: str) -> str:
        """Run a command of the switch, and return what it says."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.event_port)
        try:
            async with asyncio.timeout(10):
                await reader.readuntil(b"\n\n")
                writer.write(f"auth {PASSWORD}\n\n".encode())
                await reader.readuntil(b"\n\n")
                writer.write(f"api {command}\n\n".encode())
                head = await reader.readuntil(b"\n\n")
                length = int(head.partition(b"Content-Length: ")[2].split()[0])
                return (await reader.readexactly(length)).decode(errors="replace").strip()
        finally:
            writer.close()

    async def variable(self, call_id: str, name: str) -> str:
        """Return a variable of a channel; empty when it is not set."""
        value = await self.api(f"uuid_getvar {call_id} {name}")
        return "" if value == "_undef_" else value

    async def received(self, call_id: str, what: str) -> int:
        """Return how many packets of a kind the switch has had from the phone: `media` or `dtmf`."""
        await self.api(f"uuid_set_media_stats {call_id}")
        return int(await self.variable(call_id, f"rtp_audio_in_{what}_packet_count") or 0)

    async def until_media(self, call_id: str, *, seconds: float) -> None:
        """Wait until the switch has had so much more audio, in packets of 20 ms."""
        enough = await self.received(call_id, "media") + round(seconds * 50)
        async with asyncio.timeout(10):
            while await self.received(call_id, "media") < enough:  # noqa: ASYNC110 (it cannot tell)
                await asyncio.sleep(0.02)

    async def until_keys(self, call_id: str, count: int) -> None:
        """Wait until the switch has had so many keys: each ends in three packets, and then audio goes on."""
        async with asyncio.timeout(10):
            while await self.received(call_id, "dtmf") < 3 * count:  # noqa: ASYNC110 (it cannot tell)
                await asyncio.sleep(0.02)
        await self.until_media(call_id, seconds=0.1)

    async def until_gone(self, call_id: str) -> None:
        """Wait until the switch knows that a call is over."""
        async with asyncio.timeout(10):
            while await self.api(f"uuid_exists {call_id}") == "true":  # noqa: ASYNC110 (it cannot tell)
                await asyncio.sleep(0.02)


@contextmanager
def run_small_freeswitch(*, level: str = "debug") -> Iterator[SmallFreeSwitch]:
    """Start a FreeSWITCH below a folder of its own, and end it."""
    tree = find_freeswitch(os.environ, progress=lambda _: None)
    with open_folder() as folder:
        for name in ("conf", "log", "db", "run", "storage", "cache", "temp"):
            (folder / name).mkdir()
        ports = [_free_port() for _ in range(2)]
        sip_port = _free_port(socket.SOCK_DGRAM)
        rtp = 22000 + os.getpid() % 200 * 100
        values = {
            "cp_secret": SECRET,
            "cp_entry": "leave",
            "cp_tenant": TENANT,
            "cp_object": MAILBOX,
            "cp_extension": "101",
            "cp_reached_by": "",
            "cp_stage": "",
            "cp_recording": "",
            "cp_cause": "",
        }
        xml = _XML.format(
            folder=folder,
            level=level,
            revision=REVISION,
            modules="".join(f'<load module="{module}"/>' for module in _MODULES),
            rtp=rtp,
            rtp_end=rtp + 98,
            event_port=ports[0],
            call_port=ports[1],
            password=PASSWORD,
            sip_port=sip_port,
            tenant=TENANT,
            variables="".join(
                f"<action application='set' data={quoteattr(f'{name}={value}')}/>"
                for name, value in values.items()
            ),
        )
        (folder / "conf" / "freeswitch.xml").write_text(xml)
        arguments = [
            argument
            for name in ("conf", "log", "db", "run", "storage", "cache", "temp")
            for argument in (f"-{name}", str(folder / name))
        ]
        process = subprocess.Popen(
            [str(tree.program), "-nf", "-nonat", "-mod", str(tree.modules), *arguments],
            env={**os.environ, "LD_LIBRARY_PATH": str(tree.libraries)},
            stdin=subprocess.DEVNULL,
            stdout=(folder / "out").open("wb"),
            stderr=subprocess.STDOUT,
        )
        rig = SmallFreeSwitch(
            folder=folder, process=process, sip_port=sip_port, event_port=ports[0], call_port=ports[1]
        )
        try:
            _wait_until_ready(rig)
            yield rig
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_until_ready(rig: SmallFreeSwitch) -> None:
    """Wait until it answers commands and its SIP profile runs."""
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end:
        assert rig.process.poll() is None, (rig.folder / "out").read_text(errors="replace")[-2000:]
        try:
            if "RUNNING" in asyncio.run(rig.api("sofia status")):
                return
        except (OSError, EOFError, TimeoutError):
            pass
        time.sleep(0.1)
    raise AssertionError((rig.folder / "out").read_text(errors="replace")[-2000:])
