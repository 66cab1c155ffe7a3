"""`jobs` is killed (SIGKILL) in each step of publishing, or its disk is full: the next one ends it right.

The switch outlives its publisher, as a real one does.
"""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import pytest
from controlplane.services.publishing import Outcome, heal, publish
from controlplane.storage.database import Database
from tests.support.dying_publisher import DIED, DISK_FULL, DONE, LastingSwitch, publish_until
from tests.support.publishing import add_extension, make_publisher, revision_states

STEPS = [
    "rendered",
    "files-written",
    "folder-complete",
    "folder-named",
    "noted-pending",
    "linked",
    "reloaded",
    "noted-live",
]


def linked(root: Path) -> str:
    """Return the digest that the link names."""
    return (root / "live").readlink().name


async def publish_first(database: Database, root: Path) -> str:
    """Publish once; return the digest."""
    result = await publish(make_publisher(database, root, LastingSwitch(root)))
    assert result.digest is not None
    return result.digest


@pytest.mark.parametrize("step", STEPS)
async def test_killed_while_publishing_heals(
    database: Database, database_url: str, default_tenant: UUID, tmp_path: Path, step: str
) -> None:
    """The switch runs the old revision or the new one, whole; then the minute's job brings the new one."""
    old = await publish_first(database, tmp_path)
    await add_extension(database, default_tenant, "101")
    ended = publish_until(step, url=database_url, root=tmp_path)
    switch = LastingSwitch(tmp_path)
    ran, named = switch.running, linked(tmp_path)
    result = await heal(make_publisher(database, tmp_path, switch))

    assert DIED == ended
    assert (ran.digest == old) == ("101" not in ran.endpoints)
    assert (tmp_path / "revisions" / named / "manifest.json").is_file()
    assert Outcome.LIVE == result.outcome
    assert "101" in switch.running.endpoints
    assert linked(tmp_path) == switch.running.digest
    assert ["superseded", "live"] == [state for _, state in await revision_states(database)]


@pytest.mark.parametrize("step", ["noted-failed", "linked-back"])
async def test_killed_while_putting_back_heals(
    database: Database, database_url: str, default_tenant: UUID, tmp_path: Path, step: str
) -> None:
    """What the switch refused is put back by the next one, though who noticed it died."""
    old = await publish_first(database, tmp_path)
    await add_extension(database, default_tenant, "101")
    ended = publish_until(step, url=database_url, root=tmp_path, deaf="101")
    switch = LastingSwitch(tmp_path, deaf={"101"})
    await heal(make_publisher(database, tmp_path, switch))

    assert DIED == ended
    assert old == switch.running.digest == linked(tmp_path)
    assert "failed" in [state for _, state in await revision_states(database)]


async def test_killed_after_keeping_edits_heals(
    database: Database, database_url: str, default_tenant: UUID, tmp_path: Path
) -> None:
    """The copy of what somebody edited is there once, and the change is live."""
    await publish_first(database, tmp_path)
    (tmp_path / "live/asterisk/rtp.conf").write_text("; mine\n")
    await add_extension(database, default_tenant, "101")
    ended = publish_until("edits-kept", url=database_url, root=tmp_path)
    switch = LastingSwitch(tmp_path)
    await heal(make_publisher(database, tmp_path, switch))

    assert DIED == ended
    assert ["; mine\n"] == [
        (copy / "asterisk/rtp.conf").read_text() for copy in (tmp_path / "edited").iterdir()
    ]
    assert "101" in switch.running.endpoints


async def test_killed_again_and_again_still_heals(
    database: Database, database_url: str, default_tenant: UUID, tmp_path: Path
) -> None:
    """One publisher after the other dies in another step, each finding what the one before left."""
    await publish_first(database, tmp_path)
    await add_extension(database, default_tenant, "101")
    ended = [publish_until(step, url=database_url, root=tmp_path) for step in STEPS]
    last = publish_until("", url=database_url, root=tmp_path)

    assert (DIED, DONE) == (ended[0], last)
    assert "101" in LastingSwitch(tmp_path).running.endpoints
    assert ["superseded", "live"] == [state for _, state in await revision_states(database)]


async def test_a_full_disk_keeps_the_old_revision(
    database: Database, database_url: str, default_tenant: UUID, tmp_path: Path
) -> None:
    """No half revision is left; the old one is linked and running, and there is room later."""
    old = await publish_first(database, tmp_path)
    await add_extension(database, default_tenant, "101")
    ended = publish_until("", url=database_url, root=tmp_path, largest_file=4096)
    switch = LastingSwitch(tmp_path)
    at_first = (switch.running.digest, linked(tmp_path), [x.name for x in (tmp_path / "revisions").iterdir()])
    await heal(make_publisher(database, tmp_path, switch))

    assert DISK_FULL == ended
    assert (old, old, [old]) == at_first
    assert "101" in switch.running.endpoints
