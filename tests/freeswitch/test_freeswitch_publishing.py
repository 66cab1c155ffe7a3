"""Publishing to a real FreeSWITCH: reloaded, verified, and undone when it does not take it."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from controlplane.rendering.environment import TEMPLATES
from controlplane.services.publishing import Outcome, Publisher, publish
from controlplane.services.rendered_configuration import Rendering
from controlplane.storage import revisions
from controlplane.storage.database import Database
from controlplane.storage.revision_folder import RevisionFolder
from controlplane.supervisor.freeswitch_tree import find_freeswitch
from controlplane.switches.freeswitch.control import FreeSwitchControl
from tests.support.fixtures import database, database_url, default_tenant, postgres
from tests.support.freeswitch_rig import PASSWORD, FreeswitchRig, freeswitch_context, run_freeswitch
from tests.support.live import without_freeswitch
from tests.support.publishing import NoPrompts, add_extension, remove_extension
from tests.support.raw_sip import RawPhone

__all__ = ["database", "database_url", "default_tenant", "postgres"]

pytestmark = pytest.mark.skipif(without_freeswitch() != "", reason=without_freeswitch())


@pytest.fixture(scope="module")
def publishing_rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FreeswitchRig]:
    """Run the rendered configuration."""
    tree = find_freeswitch(os.environ, progress=lambda _: None)
    with run_freeswitch(tree, tmp_path_factory.mktemp("publishing")) as running:
        yield running


@pytest.fixture
def publisher(publishing_rig: FreeswitchRig, database: Database) -> Publisher:
    """Return a publisher to that FreeSWITCH."""
    rig = publishing_rig
    installation = freeswitch_context(
        rig.home, sip_port=rig.sip_port, socket_port=rig.socket_port, event_port=rig.event_port
    ).installation
    return Publisher(
        database=database,
        folder=RevisionFolder(rig.home / "configuration"),
        rendering=Rendering(templates=TEMPLATES, installation=installation, prompts=NoPrompts()),
        control=FreeSwitchControl(host="127.0.0.1", port=rig.event_port, password=PASSWORD),
        verify_seconds=5,
    )


async def test_a_new_extension_is_known(
    publishing_rig: FreeswitchRig, publisher: Publisher, default_tenant: UUID
) -> None:
    """Rendered, written, reloaded and verified; then its phone gets in."""
    await publish(publisher)
    await add_extension(publisher.database, default_tenant, "201")
    result = await publish(publisher)

    assert (Outcome.LIVE, None) == (result.outcome, result.error)
    async with RawPhone(("127.0.0.1", publishing_rig.sip_port)).opened() as phone:
        assert 200 == await phone.register("201", "password")


async def test_a_removed_extension_is_unknown(publisher: Publisher, default_tenant: UUID) -> None:
    """After its removal the directory has it no more."""
    await add_extension(publisher.database, default_tenant, "202")
    await publish(publisher)
    await remove_extension(publisher.database, default_tenant, "202")
    result = await publish(publisher)

    assert Outcome.LIVE == result.outcome
    assert publisher.control is not None
    assert "202" not in (await publisher.control.live_configuration()).endpoints


async def test_what_freeswitch_refuses_to_read_is_undone(
    publisher: Publisher, default_tenant: UUID, tmp_path: Path
) -> None:
    """Files that it cannot read are refused at the reload, and the last good ones are back."""
    good = await publish(publisher)
    folder = tmp_path / "freeswitch"
    folder.mkdir()
    for template in (TEMPLATES / "freeswitch").iterdir():
        (folder / template.name).write_text(template.read_text())
    # Well-formed as it is rendered, and not once FreeSWITCH has put the other file in its place.
    with (folder / "cp_keys.lua.j2").open("a") as lua:
        lua.write("</wrong>\n")
    directory = folder / "cp-directory.xml.j2"
    include = '<include>\n<X-PRE-PROCESS cmd="include" data="{{ paths.live | path }}/cp_keys.lua"/>'
    directory.write_text(directory.read_text().replace("<include>", include, 1))
    broken = dataclasses.replace(
        publisher, rendering=dataclasses.replace(publisher.rendering, templates=tmp_path), verify_seconds=0.5
    )
    await add_extension(publisher.database, default_tenant, "203")
    result = await publish(broken)

    assert Outcome.FAILED == result.outcome
    async with publisher.database.transaction() as session:
        latest = await revisions.latest(session)
    assert latest is not None
    assert ("failed", True) == (latest.state, latest.put_back)
    assert publisher.control is not None
    assert good.digest == (await publisher.control.live_configuration()).digest
