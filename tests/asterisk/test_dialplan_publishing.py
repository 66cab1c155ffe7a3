"""Publishing to a real Asterisk: reloaded, verified, and undone when it does not take it."""

from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from controlplane.rendering.environment import TEMPLATES
from controlplane.services.publishing import Outcome, Publisher, publish
from controlplane.services.rendered_configuration import Rendering
from controlplane.storage.database import Database
from controlplane.storage.revision_folder import RevisionFolder
from controlplane.supervisor.asterisk_tree import cache_folder, find_or_unpack
from controlplane.switches.asterisk.control import AsteriskControl
from tests.support.dialplan_rig import DialplanRig, run_dialplan
from tests.support.fixtures import database, database_url, default_tenant, postgres
from tests.support.publishing import NoPrompts, add_extension, remove_extension
from tests.support.raw_sip import RawPhone

__all__ = ["database", "database_url", "default_tenant", "postgres"]


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DialplanRig]:
    """Run the rendered dialplan."""
    tree = find_or_unpack(cache_folder(os.environ), progress=lambda _: None)
    with run_dialplan(tree, tmp_path_factory.mktemp("dialplan")) as running:
        yield running


@pytest.fixture
def publisher(rig: DialplanRig, database: Database) -> Publisher:
    """Return a publisher to that Asterisk."""
    manager = rig.context.installation.manager
    return Publisher(
        database=database,
        folder=RevisionFolder(rig.home / "configuration"),
        rendering=Rendering(templates=TEMPLATES, installation=rig.context.installation, prompts=NoPrompts()),
        control=AsteriskControl(
            host="127.0.0.1", port=rig.manager_port, username=manager.username, secret=manager.secret
        ),
        verify_seconds=5,
    )


async def test_a_new_extension_registers_within_a_second(
    rig: DialplanRig, publisher: Publisher, default_tenant: UUID
) -> None:
    """Rendered, written, reloaded and verified in a second; then its phone gets in."""
    await publish(publisher)
    await add_extension(publisher.database, default_tenant, "201")
    started = time.monotonic()
    result = await publish(publisher)
    took = time.monotonic() - started

    assert (Outcome.LIVE, None) == (result.outcome, result.error)
    assert took < 1
    async with RawPhone(rig.server).opened() as phone:
        assert 200 == await phone.register("201", "password")


async def test_a_removed_extension_is_refused(
    rig: DialplanRig, publisher: Publisher, default_tenant: UUID
) -> None:
    """After its removal a phone does not get in any more."""
    await add_extension(publisher.database, default_tenant, "202")
    await publish(publisher)
    await remove_extension(publisher.database, default_tenant, "202")
    result = await publish(publisher)

    assert Outcome.LIVE == result.outcome
    async with RawPhone(rig.server).opened() as phone:
        assert 200 != await phone.register("202", "password")


async def test_what_asterisk_does_not_take_is_undone(
    publisher: Publisher, default_tenant: UUID, tmp_path: Path
) -> None:
    """A template that Asterisk cannot use is found out by asking it, and the last good revision is back."""
    good = await publish(publisher)
    folder = tmp_path / "asterisk"
    folder.mkdir()
    for template in (TEMPLATES / "asterisk").iterdir():
        (folder / template.name).write_text(template.read_text().replace("dtmf_mode=auto", "dtmf_mode=smoke"))
    broken = dataclasses.replace(
        publisher, rendering=dataclasses.replace(publisher.rendering, templates=tmp_path), verify_seconds=0.5
    )
    await add_extension(publisher.database, default_tenant, "203")
    result = await publish(broken)

    assert Outcome.FAILED == result.outcome
    assert publisher.control is not None
    live = await publisher.control.live_configuration()
    assert (good.digest, True) == (live.digest, "anonymous" in live.endpoints)
