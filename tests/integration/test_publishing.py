"""Publishing to a switch: what is live, what is kept, and what heals."""

from __future__ import annotations

import asyncio
from pathlib import Path
from uuid import UUID

import pytest
from controlplane.domain.errors import Unavailable
from controlplane.rendering.environment import TEMPLATES
from controlplane.services.configuration_state import State, read_configuration
from controlplane.services.publishing import (
    Outcome,
    Publisher,
    PublishResult,
    heal,
    note_pending,
    publish,
    publish_without_switch,
)
from controlplane.storage.database import Database
from sqlalchemy import text
from tests.support.fake_switch import FakeSwitch
from tests.support.publishing import add_extension, make_publisher, remove_extension, revision_states


@pytest.fixture
def switch(tmp_path: Path) -> FakeSwitch:
    """Return a switch that reads from the test's folder."""
    return FakeSwitch(tmp_path)


@pytest.fixture
def publisher(database: Database, tmp_path: Path, switch: FakeSwitch) -> Publisher:
    """Return a publisher to that switch."""
    return make_publisher(database, tmp_path, switch)


def linked(root: Path) -> str:
    """Return the digest that the link names."""
    return (root / "live").readlink().name


async def test_the_first_publishing_is_live(publisher: Publisher, switch: FakeSwitch, tmp_path: Path) -> None:
    """A new installation: written, linked, reloaded, verified."""
    result = await publish(publisher)

    assert (Outcome.LIVE, True, 1) == (result.outcome, result.changed, switch.reloads)
    assert result.digest == switch.running.digest == linked(tmp_path)


async def test_publishing_again_does_nothing(publisher: Publisher, switch: FakeSwitch) -> None:
    """When the switch runs what the database says, nothing is reloaded and no row is added."""
    first = await publish(publisher)
    second = await publish(publisher)

    assert PublishResult(outcome=Outcome.LIVE, digest=first.digest) == second
    assert (1, 1) == (switch.reloads, len(await revision_states(publisher.database)))


async def test_a_new_extension_is_live(
    publisher: Publisher, switch: FakeSwitch, default_tenant: UUID
) -> None:
    """After a change the switch knows the new endpoint, and the revision before is superseded."""
    await publish(publisher)
    await add_extension(publisher.database, default_tenant, "101")
    await publish(publisher)

    assert frozenset({"anonymous", "101"}) == switch.running.endpoints
    assert ["superseded", "live"] == [state for _, state in await revision_states(publisher.database)]


async def test_a_removed_extension_is_gone(
    publisher: Publisher, switch: FakeSwitch, default_tenant: UUID
) -> None:
    """A switch that still knows a removed endpoint has not taken the change over."""
    await add_extension(publisher.database, default_tenant, "101")
    await publish(publisher)
    await remove_extension(publisher.database, default_tenant, "101")
    switch.sticky = {"101"}
    result = await publish(publisher)

    assert (Outcome.FAILED, "The switch still knows 1 removed endpoints: 101.") == (
        result.outcome,
        result.error,
    )


async def test_a_failed_revision_gives_way_to_the_last_live_one(
    publisher: Publisher, switch: FakeSwitch, default_tenant: UUID, tmp_path: Path
) -> None:
    """The switch lacks an endpoint: the old revision is linked and reloaded, the row says why."""
    good = await publish(publisher)
    await add_extension(publisher.database, default_tenant, "101")
    switch.deaf = {"101"}
    result = await publish(publisher)

    assert "The switch does not know 1 endpoints: 101." == result.error
    assert good.digest == linked(tmp_path) == switch.running.digest
    assert ["live", "failed"] == [state for _, state in await revision_states(publisher.database)]


async def test_a_revision_that_the_switch_cannot_read_gives_way_to_the_last_live_one(
    publisher: Publisher, switch: FakeSwitch, default_tenant: UUID, tmp_path: Path
) -> None:
    """The switch says that it kept its old one: that is linked again, and the API shows what it said."""
    good = await publish(publisher)
    await add_extension(publisher.database, default_tenant, "101")
    refused = await note_pending(publisher)
    assert refused.digest is not None
    switch.unreadable = {refused.digest}
    result = await publish(publisher)
    shown = await read_configuration(publisher.database, tenant_id=default_tenant, with_errors=True)

    assert (Outcome.FAILED, refused.digest) == (result.outcome, result.digest)
    assert good.digest == linked(tmp_path) == switch.running.digest
    assert (State.FAILED, "The switch kept its old configuration: line 3.") == (
        shown.state,
        shown.revisions[0].error,
    )


async def test_a_failed_revision_is_published_after_its_cause_is_gone(
    publisher: Publisher, switch: FakeSwitch, default_tenant: UUID
) -> None:
    """Whoever publishes by hand tries again at once; the row of the failure becomes the live one."""
    await publish(publisher)
    await add_extension(publisher.database, default_tenant, "101")
    switch.deaf = {"101"}
    await publish(publisher)
    switch.deaf = set()
    result = await publish(publisher)

    assert Outcome.LIVE == result.outcome
    assert ["superseded", "live"] == [state for _, state in await revision_states(publisher.database)]


async def test_healing_leaves_a_recent_failure_alone(
    publisher: Publisher, switch: FakeSwitch, default_tenant: UUID
) -> None:
    """A revision that the switch refused is not tried each minute."""
    await publish(publisher)
    await add_extension(publisher.database, default_tenant, "101")
    switch.deaf = {"101"}
    await publish(publisher)
    before = switch.reloads
    result = await heal(publisher)

    assert result is not None
    assert (Outcome.FAILED, before) == (result.outcome, switch.reloads)


async def test_healing_tries_an_old_failure_again(
    publisher: Publisher, switch: FakeSwitch, default_tenant: UUID
) -> None:
    """After ten minutes a failure is tried again, since its cause may have passed."""
    await publish(publisher)
    await add_extension(publisher.database, default_tenant, "101")
    switch.deaf = {"101"}
    await publish(publisher)
    switch.deaf = set()
    async with publisher.database.transaction() as session:
        await session.execute(
            text("UPDATE configuration_revisions SET created_at = created_at - interval '11 minutes'")
        )
    result = await heal(publisher)

    assert result is not None
    assert Outcome.LIVE == result.outcome


async def test_a_switch_that_is_down_gets_it_later(
    publisher: Publisher, switch: FakeSwitch, tmp_path: Path
) -> None:
    """The link is set, so that a start reads it, and healing verifies it when the switch answers."""
    switch.down = True
    pending = await publish(publisher)
    assert (Outcome.PENDING, linked(tmp_path)) == (pending.outcome, pending.digest)
    switch.down = False
    await heal(publisher)

    assert pending.digest == switch.running.digest
    assert ["live"] == [state for _, state in await revision_states(publisher.database)]


async def test_a_crash_between_link_and_reload_heals(
    publisher: Publisher, switch: FakeSwitch, default_tenant: UUID
) -> None:
    """What was linked by a process that died then is reloaded and verified by the next one."""
    await publish(publisher)
    await add_extension(publisher.database, default_tenant, "101")
    crashed = await publish_without_switch(publisher)
    await heal(publisher)

    assert crashed.digest == switch.running.digest
    assert ["superseded", "live"] == [state for _, state in await revision_states(publisher.database)]


async def test_a_bad_link_left_by_a_crash_is_undone(
    publisher: Publisher, switch: FakeSwitch, default_tenant: UUID, tmp_path: Path
) -> None:
    """What was linked and never verified turns out bad: the last live revision comes back."""
    good = await publish(publisher)
    await add_extension(publisher.database, default_tenant, "101")
    crashed = await publish_without_switch(publisher)
    assert crashed.digest is not None
    switch.refuses = {crashed.digest}
    await heal(publisher)

    assert good.digest == switch.running.digest == linked(tmp_path)


async def test_a_switch_that_lost_its_configuration_is_reloaded(
    publisher: Publisher, switch: FakeSwitch
) -> None:
    """A switch that runs something else than what was live is told to read it again."""
    result = await publish(publisher)
    switch.running = type(switch.running)(digest="other", endpoints=frozenset())
    await heal(publisher)

    assert result.digest == switch.running.digest


async def test_a_template_with_an_unknown_variable_changes_nothing(
    publisher: Publisher, database: Database, switch: FakeSwitch, tmp_path: Path
) -> None:
    """The old configuration stays linked and running; the failure is on record once."""
    good = await publish(publisher)
    folder = tmp_path / "templates" / "asterisk"
    folder.mkdir(parents=True)
    for template in (TEMPLATES / "asterisk").iterdir():
        (folder / template.name).write_text(template.read_text())
    with (folder / "rtp.conf.j2").open("a") as file:
        file.write("x={{ nothing_like_it }}\n")
    broken = make_publisher(database, tmp_path, switch, templates=folder.parent)
    results = [await publish(broken), await publish(broken)]

    assert [Outcome.FAILED, Outcome.FAILED] == [result.outcome for result in results]
    assert "nothing_like_it" in (results[0].error or "")
    assert good.digest == linked(tmp_path) == switch.running.digest
    assert ["live", "failed"] == [state for _, state in await revision_states(database)]


async def test_without_a_switch_what_is_written_is_live(database: Database, tmp_path: Path) -> None:
    """Where there is no switch there is nothing to verify."""
    result = await publish(make_publisher(database, tmp_path, None))

    assert Outcome.LIVE == result.outcome
    assert ["live"] == [state for _, state in await revision_states(database)]


async def test_a_change_that_waits_for_a_person_is_pending(
    publisher: Publisher, switch: FakeSwitch, default_tenant: UUID, tmp_path: Path
) -> None:
    """Publishing by hand: a change is noted and neither linked nor reloaded, nor by healing."""
    good = await publish(publisher)
    await add_extension(publisher.database, default_tenant, "101")
    result = await note_pending(publisher)
    await heal(publisher, automatic=False)

    assert Outcome.PENDING == result.outcome
    assert good.digest == switch.running.digest == linked(tmp_path)
    assert ["live", "pending"] == [state for _, state in await revision_states(publisher.database)]


async def test_ten_revisions_are_kept(publisher: Publisher, default_tenant: UUID, tmp_path: Path) -> None:
    """Older ones are removed, never the one that is live."""
    for number in range(101, 114):
        await add_extension(publisher.database, default_tenant, str(number))
        await publish(publisher)

    kept = {entry.name for entry in (tmp_path / "revisions").iterdir()}
    assert 10 == len(kept)
    assert linked(tmp_path) in kept


async def test_an_older_state_that_comes_back_is_live_again(
    publisher: Publisher, switch: FakeSwitch, default_tenant: UUID
) -> None:
    """Undoing a change gives the digest of before, and a row of its own."""
    first = await publish(publisher)
    await add_extension(publisher.database, default_tenant, "101")
    await publish(publisher)
    await remove_extension(publisher.database, default_tenant, "101")
    last = await publish(publisher)

    assert first.digest == last.digest == switch.running.digest
    assert ["superseded", "superseded", "live"] == [
        state for _, state in await revision_states(publisher.database)
    ]


async def test_publishers_wait_for_each_other(publisher: Publisher, default_tenant: UUID) -> None:
    """Many at once end as one would."""
    await add_extension(publisher.database, default_tenant, "101")
    results = await asyncio.gather(*(publish(publisher) for _ in range(4)))

    assert {Outcome.LIVE} == {result.outcome for result in results}
    assert 1 == sum(result.changed for result in results)


async def test_the_files_are_not_for_everybody(publisher: Publisher, tmp_path: Path) -> None:
    """They hold secrets: no right for others."""
    await publish(publisher)

    modes = {path.stat().st_mode & 0o007 for path in (tmp_path / "live").resolve().rglob("*")}
    assert {0} == modes


async def test_without_a_database_nothing_is_touched(tmp_path: Path, switch: FakeSwitch) -> None:
    """Publishing says that the database cannot be reached, and links nothing."""
    database = Database("postgresql+psycopg://127.0.0.1:1/nowhere", timeout_seconds=2)

    with pytest.raises(Unavailable):
        await publish(make_publisher(database, tmp_path, switch))
    assert not (tmp_path / "live").exists()
    await database.close()
