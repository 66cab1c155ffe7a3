"""Beside the product on the same Asterisk: `Playback()`, `Record()`, and `VoiceMail()` if that is there."""

from __future__ import annotations

import shutil
from pathlib import Path

from controlplane.callflows.prompts import Tone
from controlplane.switches.asterisk.ami import ActionRefused, AmiClient
from controlplane.switches.asterisk.control import AsteriskControl
from tests.bench.beside import NATIVE, NATIVE_MAILBOX, PLAY, RECORD, Beside, Native
from tests.support.product import Product

# No silence ends a message, and none is mailed: as the product's mailbox in this run.
_VOICEMAIL = f"""\
[general]
format=wav
maxsilence=0
minsecs=0
maxsecs=300
externnotify=
[default]
{NATIVE_MAILBOX} => ,Bench
"""


async def beside_asterisk(product: Product, greeting: Path, recordings: Path) -> Beside:
    """Add the numbers to the product's private Asterisk, for callers from outside."""
    home = product.instance.state_dir / "asterisk"
    box = home / "spool/voicemail/default" / NATIVE_MAILBOX
    has_voicemail = await _load_voicemail(product, home / "etc/voicemail.conf")
    lines = [
        "[cp-anonymous](+)",
        f"exten => {PLAY},1,Answer()",
        f" same => n,Playback({greeting.with_suffix('')})",
        f"exten => _{RECORD}X!,1,Answer()",
        f" same => n,Record({recordings}/${{EXTEN}}.wav,0,300,qk)",
    ]
    if has_voicemail:
        box.mkdir(parents=True, exist_ok=True)
        shutil.copy(greeting, box / "unavail.wav")
        # Its own tone is a sound that no package of ours holds.
        beep = product.prompts.tone(Tone.BEEP).with_suffix("")
        lines += [
            f"exten => {NATIVE},1,Answer()",
            f" same => n,VoiceMail({NATIVE_MAILBOX}@default,ust({beep}))",
        ]
    with (home / "etc/extensions.conf").open("a") as file:
        file.write("\n".join([*lines, ""]))
    manager = product.ready["asterisk"]
    await AsteriskControl(
        host=manager["ami_host"],
        port=manager["ami_port"],
        username=manager["ami_username"],
        secret=manager["ami_secret"],
    ).reload()

    def stored() -> int:
        return len(list((box / "INBOX").glob("msg*.txt")))

    return Beside(
        server=(product.server.address, product.server.port),
        play="Answer(), Playback()",
        record="Record(), file closed",
        recordings=recordings,
        native=Native(name="VoiceMail()", stored=stored) if has_voicemail else None,
    )


async def _load_voicemail(product: Product, configuration: Path) -> bool:
    """Load the module that the product does not; False where this Asterisk has none."""
    configuration.write_text(_VOICEMAIL)
    manager = product.ready["asterisk"]
    async with AmiClient.connected(
        manager["ami_host"],
        manager["ami_port"],
        username=manager["ami_username"],
        secret=manager["ami_secret"],
        events="off",
        seconds=10.0,
    ) as client:
        try:
            await client.action("ModuleLoad", Module="app_voicemail.so", LoadType="load")
        except ActionRefused:
            return False
    return True
