"""Publishing to a real FreeSWITCH: reloaded, verified, and undone when it does not take it."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from controlplane.domain.event_socket import EventSocketUser, user_password
from controlplane.rendering.environment import TEMPLATES
from controlplane.services.configuration_state import State, read_configuration
from controlplane.services.publishing import Outcome, Publisher, publish
from controlplane.services.rendered_configuration import Rendering
from controlplane.storage.database import Database
from controlplane.storage.revision_folder import RevisionFolder
from controlplane.supervisor.freeswitch_tree import find_freeswitch
from controlplane.switches.freeswitch.control import FreeSwitchControl
from tests.support.fixtures import database, database_url, default_tenant, postgres
from tests.support.freeswitch_rig import PASSWORD, FreeswitchRig, run_freeswitch
from tests.support.publishing import NoPrompts, add_extension, remove_extension
from tests.support.raw_sip import RawPhone

__all__ = ["database", "database_url", "default_tenant", "postgres"]


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FreeswitchRig]:
    """Run the rendered configuration."""
    tree = find_freeswitch(os.environ, progress=lambda _: None)
    with run_freeswitch(tree, tmp_path_factory.mktemp("publishing")) as running:
        yield running


@pytest.fixture
def publisher(rig: FreeswitchRig, database: Database) -> Publisher:
    """Return a publisher to that FreeSWITCH, logged in as the user who publishes."""
    user = EventSocketUser.CONTROL
    return Publisher(
        database=database,
        folder=RevisionFolder(rig.home / "configuration"),
        rendering=Rendering(templates=TEMPLATES, installation=rig.context.installation, prompts=NoPrompts()),
        control=FreeSwitchControl(
            host="127.0.0.1",
            port=rig.event_port,
            user=user.address,
            password=user_password(user, secret=PASSWORD),
        ),
        verify_seconds=5,
    )


async def test_a_new_extension_registers(
    rig: FreeswitchRig, publisher: Publisher, default_tenant: UUID
) -> None:
    """Rendered, written, reloaded and verified; then its phone gets in, and after its removal no more."""
    await add_extension(publisher.database, default_tenant, "201")
    made = await publish(publisher)
    async with RawPhone(("127.0.0.1", rig.sip_port)).opened() as phone:
        registered = await phone.register("201", "password")
    await remove_extension(publisher.database, default_tenant, "201")
    removed = await publish(publisher)
    async with RawPhone(("127.0.0.1", rig.sip_port)).opened() as phone:
        again = await phone.register("201", "password")

    assert (Outcome.LIVE, None, 200) == (made.outcome, made.error, registered)
    assert (Outcome.LIVE, None, 403) == (removed.outcome, removed.error, again)


def with_an_included_file(folder: Path, included: Path) -> Path:
    """Return templates whose configuration includes a file that is somebody else's."""
    (folder / "freeswitch").mkdir(parents=True)
    for template in (TEMPLATES / "freeswitch").iterdir():
        text = template.read_text()
        if template.name == "freeswitch.xml.j2":
            text = text.replace(
                "</document>", f'<X-PRE-PROCESS cmd="include" data="{included}"/>\n</document>'
            )
        (folder / "freeswitch" / template.name).write_text(text)
    return folder


async def test_what_freeswitch_cannot_read_is_undone_and_told(
    rig: FreeswitchRig, publisher: Publisher, default_tenant: UUID, tmp_path: Path
) -> None:
    """A file breaks at the moment of a reload: FreeSWITCH runs what it ran, and the API says why.

    When the file is whole again, publishing once more brings the change.
    """
    included = tmp_path / "theirs.xml"
    included.write_text("<include>\n</include>\n")
    publisher = dataclasses.replace(
        publisher,
        rendering=dataclasses.replace(
            publisher.rendering, templates=with_an_included_file(tmp_path / "templates", included)
        ),
    )
    good = await publish(publisher)
    await add_extension(publisher.database, default_tenant, "202")
    included.write_text("<include>\n<unclosed>\n</include>\n")
    failed = await publish(publisher)
    shown = await read_configuration(
        publisher.database,
        publisher.folder,
        tenant_id=default_tenant,
        all_tenants=True,
    )
    running = await rig.ask("global_getvar cp_revision")
    linked = (rig.home / "configuration/live").readlink().name
    async with RawPhone(("127.0.0.1", rig.sip_port)).opened() as phone:
        registered = await phone.register("202", "password")
    included.write_text("<include>\n</include>\n")
    repaired = await publish(publisher)

    assert (Outcome.LIVE, Outcome.FAILED, Outcome.LIVE) == (good.outcome, failed.outcome, repaired.outcome)
    assert (good.digest, good.digest, 403) == (running, linked, registered)
    assert (State.FAILED, "failed", failed.digest) == (
        shown.state,
        shown.revisions[0].revision.state,
        shown.revisions[0].revision.digest,
    )
    assert "FreeSWITCH kept its old configuration: +OK [" in (shown.revisions[0].error or "")
    assert repaired.digest == await rig.ask("global_getvar cp_revision")
