"""Beside the product on FreeSWITCH: the same binary once more, without us, and with mod_voicemail.

It runs the product's rendered configuration with `CONTROLPLANE_FALLBACK=native` and nobody at its socket, so
that SIP profile, codecs and timers are the same and mod_voicemail takes the calls of a mailbox. Two numbers
of a plain dialplan are added.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import subprocess
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, closing
from pathlib import Path

from controlplane.rendering.context_freeswitch import MailboxContext
from controlplane.rendering.environment import TEMPLATES
from controlplane.rendering.freeswitch import render_freeswitch
from controlplane.storage.revision_folder import Manifest, RevisionFolder
from controlplane.supervisor.freeswitch import PrivateFreeswitch
from controlplane.supervisor.freeswitch_tree import find_freeswitch
from tests.bench.beside import NATIVE, PLAY, RECORD, Beside, Native
from tests.support.freeswitch_rig import PASSWORD, freeswitch_context, with_native
from tests.support.rig import DEFAULT, MAILBOX, free_port

_RTP_FIRST = 61_500
_BOOT_SECONDS = 60.0


def _numbers(greeting: Path, recordings: Path) -> str:
    return f"""
<extension name="bench-play"><condition field="destination_number" expression="^{PLAY}$">
  <action application="answer"/>
  <action application="playback" data="{greeting}"/>
</condition></extension>
<extension name="bench-record"><condition field="destination_number" expression="^({RECORD}[0-9]{{1,3}})$">
  <action application="answer"/>
  <action application="record" data="{recordings}/$1.wav 300 0 0"/>
</condition></extension>
"""


def with_numbers(files: Mapping[str, str], *, greeting: Path, recordings: Path) -> dict[str, str]:
    """Return the rendered files with two numbers more."""
    name, place = "freeswitch/cp-dialplan.xml", '<context name="cp-anonymous">'
    assert files[name].count(place) == 1, f"{name} has no place {place!r} any more"
    return {**files, name: files[name].replace(place, place + _numbers(greeting, recordings))}


def _place(configuration: Path, greeting: Path) -> None:
    """Write the route of NATIVE and the greeting of its mailbox."""
    route = configuration / "routes" / str(DEFAULT) / NATIVE[-2:] / NATIVE
    route.parent.mkdir(parents=True)
    route.write_text(f"mailbox\n{MAILBOX}\n")
    (configuration / "greetings").mkdir()
    shutil.copy(greeting, configuration / "greetings" / f"{MAILBOX}.wav")


@asynccontextmanager
async def beside_freeswitch(folder: Path, greeting: Path, recordings: Path) -> AsyncIterator[Beside]:
    """Run the other FreeSWITCH in `folder` until the block ends."""
    tree = find_freeswitch(os.environ, progress=lambda _: None)
    sip_port, event_port = free_port(), free_port()
    context = with_native(
        freeswitch_context(folder, sip_port=sip_port, event_port=event_port, rtp_first=_RTP_FIRST),
        [MailboxContext(id=MAILBOX, language="en", max_message_seconds=300)],
    )
    rendered = render_freeswitch(context, templates=TEMPLATES)
    configuration = RevisionFolder(folder / "configuration")
    files = with_numbers(rendered.files, greeting=greeting, recordings=recordings)
    configuration.write(Manifest(digest=rendered.digest, endpoints=rendered.endpoints), files)
    configuration.link(rendered.digest)
    _place(folder / "configuration", greeting)
    (folder / "spool").mkdir(exist_ok=True)
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
        closing(sqlite3.connect(f"file:{folder}/cp_voicemail.db?mode=ro", uri=True)) as base,
    ):
        return int(base.execute("SELECT count(*) FROM voicemail_msgs").fetchone()[0])
    return 0
