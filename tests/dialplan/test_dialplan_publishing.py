"""Publishing to a real switch: reloaded, verified, and undone when it does not take it."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path
from uuid import UUID

import pytest
from controlplane.rendering.environment import TEMPLATES
from controlplane.services.publishing import Outcome, Publisher, publish
from controlplane.storage.database import Database
from tests.support.fixtures import database, database_url, default_tenant, postgres
from tests.support.publishing import add_extension, publisher_to, remove_extension
from tests.support.raw_sip import RawPhone
from tests.support.rig import Rig

__all__ = ["database", "database_url", "default_tenant", "postgres"]

# One switch serves all of them: they stay with one worker.
pytestmark = pytest.mark.xdist_group("dialplan-publishing")

# A template and what is done to it, so that the switch cannot use it.
BROKEN = {
    "asterisk": ("pjsip.conf.j2", "dtmf_mode=auto", "dtmf_mode=smoke"),
    "freeswitch": ("cp-dialplan.xml.j2", "cp_revision=", "cp_another="),
}


@pytest.fixture
def rig(publishing_rig: Rig) -> Rig:
    """Return the switch that tests publish to."""
    return publishing_rig


@pytest.fixture
def publisher(rig: Rig, database: Database) -> Publisher:
    """Return a publisher to that switch."""
    return publisher_to(rig, database)


async def test_a_new_extension_registers(rig: Rig, publisher: Publisher, default_tenant: UUID) -> None:
    """Once it was rendered, written, reloaded and verified its phone gets in (how soon: tests/bench)."""
    await publish(publisher)
    await add_extension(publisher.database, default_tenant, "201")
    result = await publish(publisher)

    assert (Outcome.LIVE, None) == (result.outcome, result.error)
    async with RawPhone(rig.server).opened() as phone:
        assert 200 == await phone.register("201", "password")


async def test_a_removed_extension_is_refused(rig: Rig, publisher: Publisher, default_tenant: UUID) -> None:
    """After its removal a phone does not get in any more."""
    await add_extension(publisher.database, default_tenant, "202")
    await publish(publisher)
    await remove_extension(publisher.database, default_tenant, "202")
    result = await publish(publisher)

    assert Outcome.LIVE == result.outcome
    async with RawPhone(rig.server).opened() as phone:
        assert 200 != await phone.register("202", "password")


async def test_what_the_switch_does_not_take_is_undone(
    rig: Rig, publisher: Publisher, default_tenant: UUID, tmp_path: Path
) -> None:
    """A template that the switch cannot use is found out by asking it, and the last good revision is back."""
    await add_extension(publisher.database, default_tenant, "203")
    good = await publish(publisher)
    shutil.copytree(TEMPLATES / rig.switch, tmp_path / rig.switch)
    name, right, wrong = BROKEN[rig.switch]
    template = tmp_path / rig.switch / name
    whole = template.read_text()
    template.write_text(whole.replace(right, wrong))
    broken = dataclasses.replace(
        publisher, rendering=dataclasses.replace(publisher.rendering, templates=tmp_path), verify_seconds=0.5
    )
    await add_extension(publisher.database, default_tenant, "204")
    result = await publish(broken)
    live = await rig.control.live_configuration()
    numbers = {endpoint.partition("@")[0] for endpoint in live.endpoints}

    assert right in whole
    assert Outcome.FAILED == result.outcome
    assert (good.digest, True, False) == (live.digest, "203" in numbers, "204" in numbers)
