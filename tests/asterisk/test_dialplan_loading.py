"""The rendered configuration as a real Asterisk reads it."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from controlplane.supervisor.asterisk_tree import cache_folder, find_or_unpack
from tests.support.dialplan_rig import DEFAULT, DialplanRig, run_dialplan


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DialplanRig]:
    """Run the rendered dialplan."""
    tree = find_or_unpack(cache_folder(os.environ), progress=lambda _: None)
    with run_dialplan(tree, tmp_path_factory.mktemp("dialplan")) as running:
        yield running


def test_nothing_is_complained_about(rig: DialplanRig) -> None:
    """A start with the rendered files leaves neither a warning nor an error in the log."""
    complaints = [line for line in rig.log.splitlines() if "WARNING" in line or "ERROR" in line]

    # A host without tones for its country; no application of ours plays them.
    assert [] == [line for line in complaints if "Missing default country" not in line]


async def test_the_revision_is_a_global_variable(rig: DialplanRig) -> None:
    """The dialplan's globals name the digest of the tree."""
    shown = await rig.ask("dialplan show globals")

    text = (rig.home / "configuration/live/asterisk/cp-globals.conf").read_text()
    assert text.splitlines()[-1] in shown


async def test_a_display_name_is_one_value(rig: DialplanRig) -> None:
    """A name with a semicolon, quotes and an expansion reaches Asterisk as one caller ID."""
    shown = await rig.ask("pjsip show endpoint 101")

    assert "\"Alice; 'Al' S{SHELL(id)} Müller, 1\" <101>" in shown


async def test_an_extension_has_its_context_and_devices(rig: DialplanRig) -> None:
    """An extension's endpoint dials in its tenant's context and may be registered on five devices."""
    shown = await rig.ask("pjsip show endpoint 102")

    facts = {
        key.strip(): value.strip() for key, _, value in (line.partition(":") for line in shown.splitlines())
    }
    assert (f"cp-extension-{DEFAULT}", "false", "true", "auto") == tuple(
        facts[key] for key in ("context", "direct_media", "rtp_symmetric", "dtmf_mode")
    )


async def test_the_same_dialplan_survives_a_reload(rig: DialplanRig) -> None:
    """A reload of the unchanged files leaves the contexts as they were."""
    before = await rig.ask("dialplan show cp-fallback")
    await rig.ask("dialplan reload")

    assert before == await rig.ask("dialplan show cp-fallback")


async def test_the_contexts_fit_into_another_dialplan(rig: DialplanRig) -> None:
    """Included into an extensions.conf with globals of its own, ours stand beside them."""
    published = rig.home / "configuration/live/asterisk"
    (rig.home / "asterisk/etc/extensions.conf").write_text(
        f'[globals]\nTHEIRS=1\n#include "{published}/cp-globals.conf"\n[theirs]\nexten => 1,1,Hangup()\n'
        f'#include "{published}/cp-contexts.conf"\n'
    )
    await rig.ask("dialplan reload")
    shown = await rig.ask("dialplan show globals")

    assert "THEIRS=1" in shown
    assert (published / "cp-globals.conf").read_text().splitlines()[-1] in shown
    assert "Record" in await rig.ask("dialplan show cp-fallback")
