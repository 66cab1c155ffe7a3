"""A phone that sends nothing while nobody speaks, and the fall-back of FreeSWITCH."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from controlplane.services.deposit import counted_ms
from controlplane.storage import wav as wav_files
from controlplane.supervisor.freeswitch_tree import find_freeswitch
from tests.support.freeswitch_rig import FreeswitchRig, run_freeswitch
from tests.support.raw_sip import RawPhone, near
from tests.support.rig import TONES

SILENCE_MS = 2000


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FreeswitchRig]:
    """Run the rendered dialplan; nobody answers its socket."""
    tree = find_freeswitch(os.environ, progress=lambda _: None)
    with run_freeswitch(tree, tmp_path_factory.mktemp("silence")) as running:
        yield running


async def test_a_phone_that_sends_nothing_leaves_nothing(rig: FreeswitchRig) -> None:
    """The gap is in the file, its silence ends the recording, and none of it counts."""
    async with RawPhone(rig.server).opened() as phone:
        phone.silent = True
        call = phone.call("8001")
        await call.wait_ended()
        tones = phone.tones()
    (path,) = rig.spool.glob("*.wav")
    layout = wav_files.inspect(path)

    assert near([TONES["greeting-standard"], TONES["beep"], TONES["thank-you"]], tones), tones
    assert abs(layout.duration_ms - SILENCE_MS) < 500
    assert 0 == counted_ms(layout, wav_files.trailing_silence_ms(path, layout), SILENCE_MS)
