"""Beside the product on FreeSWITCH: the same binary once more, with mod_voicemail and a plain dialplan.

It runs the product's rendered configuration, so that SIP profile, codecs and timers are the same; what is
added is mod_voicemail with a profile, one user, and the three numbers.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import subprocess
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, closing
from pathlib import Path

from controlplane.rendering.environment import TEMPLATES
from controlplane.rendering.freeswitch import render_freeswitch
from controlplane.storage.revision_folder import Manifest, RevisionFolder
from controlplane.supervisor.freeswitch import PrivateFreeswitch
from controlplane.supervisor.freeswitch_tree import find_freeswitch
from tests.bench.beside import NATIVE, NATIVE_MAILBOX, PLAY, RECORD, Beside, Native
from tests.support.dialplan_rig import REALM, free_port
from tests.support.freeswitch_rig import PASSWORD, freeswitch_context

_RTP_FIRST = 61_500
_BOOT_SECONDS = 60.0

_PROFILE = """
<configuration name="voicemail.conf">
  <settings/>
  <profiles>
    <profile name="default">
      <param name="file-extension" value="wav"/>
      <param name="tone-spec" value="%(200, 0, 1000)"/>
      <param name="min-record-len" value="1"/>
      <param name="max-record-len" value="300"/>
      <param name="record-silence-threshold" value="0"/>
      <param name="record-silence-hits" value="0"/>
      <param name="record-sample-rate" value="8000"/>
    </profile>
  </profiles>
</configuration>
"""
_USER = f"""
<group name="bench"><users>
  <user id="{NATIVE_MAILBOX}"><params>
    <param name="vm-email-all-messages" value="false"/>
  </params></user>
</users></group>
"""


def _numbers(greeting: Path, recordings: Path) -> str:
    return f"""
<extension name="bench-play"><condition field="destination_number" expression="^{PLAY}$">
  <action application="answer"/>
  <action application="playback" data="{greeting}"/>
</condition></extension>
<extension name="bench-record"><condition field="destination_number" expression="^({RECORD}[0-9]{{3}})$">
  <action application="answer"/>
  <action application="record" data="{recordings}/$1.wav 300 0 0"/>
</condition></extension>
<extension name="bench-native"><condition field="destination_number" expression="^{NATIVE}$">
  <action application="set" data="skip_instructions=true"/>
  <action application="set" data="skip_record_urgent_check=true"/>
  <action application="set" data="voicemail_greeting_path={greeting}"/>
  <action application="answer"/>
  <action application="voicemail" data="default {REALM} {NATIVE_MAILBOX}"/>
</condition></extension>
"""


def with_numbers(files: Mapping[str, str], *, greeting: Path, recordings: Path) -> dict[str, str]:
    """Return the rendered files with the numbers, the module, its profile and its user."""
    places = (
        ("cp-configuration.xml", '<load module="mod_logfile"/>', '<load module="mod_voicemail"/>'),
        ("cp-configuration.xml", "<include>", _PROFILE),
        ("cp-directory.xml", "<groups>", _USER),
        ("cp-dialplan.xml", '<context name="cp-anonymous">', _numbers(greeting, recordings)),
    )
    changed = dict(files)
    for name, place, addition in places:
        text = changed[f"freeswitch/{name}"]
        assert text.count(place) == 1, f"{name} has no place {place!r} any more"
        changed[f"freeswitch/{name}"] = text.replace(place, place + addition)
    return changed


@asynccontextmanager
async def beside_freeswitch(folder: Path, greeting: Path, recordings: Path) -> AsyncIterator[Beside]:
    """Run the other FreeSWITCH in `folder` until the block ends."""
    tree = find_freeswitch(os.environ, progress=lambda _: None)
    sip_port, event_port = free_port(), free_port()
    context = freeswitch_context(folder, sip_port=sip_port, event_port=event_port, rtp_first=_RTP_FIRST)
    rendered = render_freeswitch(context, templates=TEMPLATES)
    configuration = RevisionFolder(folder / "configuration")
    files = with_numbers(rendered.files, greeting=greeting, recordings=recordings)
    configuration.write(Manifest(digest=rendered.digest, endpoints=rendered.endpoints), files)
    configuration.link(rendered.digest)
    switch = PrivateFreeswitch(
        tree, home=folder / "freeswitch", live=folder / "configuration/live/freeswitch", password=PASSWORD
    )
    switch.configure()
    switch.prepare()
    process = subprocess.Popen(  # noqa: ASYNC220 (it returns at once)
        switch.command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={"PATH": os.environ["PATH"], **switch.environment},
    )

    def alive() -> None:
        assert process.poll() is None, switch.last_error()

    try:
        await switch.until_booted(event_port, limit_seconds=_BOOT_SECONDS, check=alive)
        yield Beside(
            server=("127.0.0.1", sip_port),
            play="answer, playback",
            record="record, file closed",
            recordings=recordings,
            native=Native(name="mod_voicemail", stored=lambda: _rows(folder / "freeswitch/db")),
        )
    finally:
        process.kill()
        process.wait()


def _rows(folder: Path) -> int:
    """Count the messages of mod_voicemail in its SQLite database; 0 before the first one."""
    with (
        contextlib.suppress(sqlite3.OperationalError),
        closing(sqlite3.connect(f"file:{folder}/voicemail_default.db?mode=ro", uri=True)) as base,
    ):
        return int(base.execute("SELECT count(*) FROM voicemail_msgs").fetchone()[0])
    return 0
