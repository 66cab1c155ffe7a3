"""A hostile name of another tenant's extension, for which a script of FreeSWITCH answers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID
from xml.sax.saxutils import quoteattr

import pytest
from controlplane.supervisor.freeswitch_tree import find_freeswitch
from tests.support.freeswitch_rig import FreeswitchRig, run_freeswitch
from tests.support.raw_sip import RawPhone
from tests.support.rig import ACME

QUOTES = {'"': "&quot;"}
NAME = "Car\"la <&> 'x' ]]> Ü;"


def hostile_name(files: Path) -> None:
    """Call the other tenant's extension something that means something to XML."""
    path = files / f"directory/{ACME}/phones.xml"
    text = path.read_text()
    assert 'value="Carla"' in text
    path.write_text(text.replace('value="Carla"', f"value={quoteattr(NAME, QUOTES)}"))


@pytest.fixture
def spoilt(tmp_path: Path) -> Iterator[FreeswitchRig]:
    """Run the same with such a name."""
    tree = find_freeswitch(os.environ, progress=lambda _: None)
    with run_freeswitch(tree, tmp_path, change=hostile_name) as running:
        yield running


async def test_name_of_another_tenants_extension_is_one_value(spoilt: FreeswitchRig) -> None:
    """The script that answers for it changes no structure: the phone gets in, and the name arrives."""
    spoilt.route("101", "extension", UUID(int=3), ACME)
    async with (
        RawPhone(spoilt.server).opened() as phone,
        RawPhone(spoilt.server).opened() as caller,
    ):
        registered = await phone.register("101", "password-101", domain="acme.example")
        call = caller.call("101", user="101", domain="acme.example", password="password-101")
        await call.wait_ended()
    (invite,) = phone.invited

    assert 200 == registered
    # FreeSWITCH itself leaves out what stands before a quote, of every name.
    assert NAME.partition('"')[2].encode() in invite
