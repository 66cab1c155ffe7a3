"""Every hostile display name at once, as FreeSWITCH itself parses the configuration with it."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator

import pytest
from controlplane.rendering.context import ExtensionContext
from controlplane.rendering.escape_xml import label
from controlplane.supervisor.freeswitch_tree import find_freeswitch
from tests.support.freeswitch_rig import FreeswitchRig, publish, run_freeswitch
from tests.support.hostile import HOSTILE_TEXTS
from tests.support.rig import REALM, a1_hash

FIRST = 2000
# What it says of an empty text.
EMPTY = "-ERR no reply"


def _extensions() -> tuple[ExtensionContext, ...]:
    return tuple(
        ExtensionContext(
            number=str(number),
            display_name=name,
            endpoint=str(number),
            a1_hash=a1_hash(str(number), "a-password"),
        )
        for number, name in enumerate(HOSTILE_TEXTS, FIRST)
    )


def _publish(rig: FreeswitchRig) -> str:
    default = dataclasses.replace(rig.context.tenants[0], extensions=_extensions())
    return publish(rig.home, dataclasses.replace(rig.context, tenants=(default, *rig.context.tenants[1:])))


@pytest.fixture
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FreeswitchRig]:
    """Run a FreeSWITCH of its own, since it is reloaded with other users."""
    tree = find_freeswitch(os.environ, progress=lambda _: None)
    with run_freeswitch(tree, tmp_path_factory.mktemp("hostile")) as running:
        yield running


async def test_every_hostile_name_is_one_value_of_one_user(rig: FreeswitchRig) -> None:
    """The switch takes the file, knows each user, and has each name as the one text that was rendered."""
    digest = _publish(rig)
    answer = await rig.ask("reloadxml")
    revision = await rig.ask("global_getvar cp_revision")
    users = await rig.ask("list_users")
    names = {
        extension.number: await rig.ask(f"user_data {extension.number}@{REALM} var cp_extension_name")
        for extension in _extensions()
    }
    names = {number: "" if name.strip() == EMPTY else name for number, name in names.items()}

    assert "+OK [Success]" in answer
    assert digest == revision
    rows = [line.split("|") for line in users.splitlines()[1:] if "|" in line]
    assert {extension.number for extension in _extensions()} == {row[0] for row in rows if row[2] == REALM}
    assert {extension.number: str(label(extension.display_name)) for extension in _extensions()} == names
