"""What only Asterisk has of the rendered configuration, as it reads it."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from controlplane.supervisor.asterisk_tree import cache_folder, find_or_unpack
from tests.support.dialplan_rig import DialplanRig, run_dialplan
from tests.support.rig import DEFAULT


@pytest.fixture
def changed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DialplanRig]:
    """Run the rendered dialplan for one test that changes it."""
    tree = find_or_unpack(cache_folder(os.environ), progress=lambda _: None)
    with run_dialplan(tree, tmp_path_factory.mktemp("changed")) as running:
        yield running


async def test_an_extension_has_its_context_and_devices(rig: DialplanRig) -> None:
    """An extension's endpoint dials in its tenant's context, and media goes through Asterisk."""
    shown = await rig.ask("pjsip show endpoint 102")

    facts = {
        key.strip(): value.strip() for key, _, value in (line.partition(":") for line in shown.splitlines())
    }
    assert (f"cp-extension-{DEFAULT}", "false", "true", "auto") == tuple(
        facts[key] for key in ("context", "direct_media", "rtp_symmetric", "dtmf_mode")
    )


async def test_the_contexts_fit_into_another_dialplan(changed: DialplanRig) -> None:
    """Included into an extensions.conf with globals of its own, ours stand beside them."""
    published = changed.home / "configuration/live/asterisk"
    (changed.home / "asterisk/etc/extensions.conf").write_text(
        f'[globals]\nTHEIRS=1\n#include "{published}/cp-globals.conf"\n[theirs]\nexten => 1,1,Hangup()\n'
        f'#include "{published}/cp-contexts.conf"\n'
    )
    await changed.ask("dialplan reload")
    shown = await changed.ask("dialplan show globals")

    assert "THEIRS=1" in shown
    assert (published / "cp-globals.conf").read_text().splitlines()[-1] in shown
    assert "Record" in await changed.ask("dialplan show cp-fallback")
