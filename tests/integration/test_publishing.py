"""Publishing to a switch: what is live, what is kept, and what heals."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from uuid import UUID

import pytest
from controlplane.domain.configuration import Action, EditedFile, ObjectChange, ObjectKind
from controlplane.domain.errors import Unavailable
from controlplane.rendering.environment import TEMPLATES
from controlplane.services.configuration_state import State, read_configuration
from controlplane.services.publisher import edited_files
from controlplane.services.publishing import (
    Outcome,
    Publisher,
    PublishResult,
    heal,
    publish,
    publish_without_switch,
)
from controlplane.storage import configuration_changes, revisions
from controlplane.storage.database import Database
from sqlalchemy import text
from tests.support.fake_switch import FakeSwitch
from tests.support.publishing import (
    add_extension,
    make_publisher,
    remove_extension,
    rendered_now,
    revision_states,
)


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
    refused, _ = await rendered_now(publisher)
    switch.unreadable = {refused}
    result = await publish(publisher)
    shown = await read_configuration(
        publisher.database,
        publisher.folder,
        tenant_id=default_tenant,
        all_tenants=True,
    )

    assert (Outcome.FAILED, refused) == (result.outcome, result.digest)
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


async def test_a_failure_says_whether_the_old_one_runs_again(
    publisher: Publisher, switch: FakeSwitch, default_tenant: UUID
) -> None:
    """`put_back` is what was seen, not what was hoped for."""
    told = []
    good = await publish(publisher)
    assert good.digest is not None
    for refused, number in ((set[str](), "101"), ({good.digest}, "102")):
        await add_extension(publisher.database, default_tenant, number)
        switch.deaf, switch.refuses = {number}, refused
        await publish(publisher)
        async with publisher.database.transaction() as session:
            latest = await revisions.latest(session)
        assert latest is not None
        told.append((latest.state, latest.put_back))

    assert [("failed", True), ("failed", False)] == told


async def test_a_failure_that_was_undone_is_over(
    publisher: Publisher, switch: FakeSwitch, default_tenant: UUID
) -> None:
    """When what the switch refused is taken back, it runs what the database says, and a row says so."""
    await publish(publisher)
    await add_extension(publisher.database, default_tenant, "101")
    switch.deaf = {"101"}
    await publish(publisher)
    await remove_extension(publisher.database, default_tenant, "101")
    results = [await publish(publisher), await heal(publisher)]

    assert [Outcome.LIVE, Outcome.LIVE] == [result.outcome for result in results]
    assert ["superseded", "failed", "live"] == [
        state for _, state in await revision_states(publisher.database)
    ]


async def test_a_reload_that_is_refused_is_undone(
    publisher: Publisher, switch: FakeSwitch, default_tenant: UUID, tmp_path: Path
) -> None:
    """A switch that says no is believed at once: the last live revision is linked, and the row says why."""
    good = await publish(publisher)
    await add_extension(publisher.database, default_tenant, "101")
    switch.says_no = "line 3 is wrong"
    result = await publish(publisher)

    assert (Outcome.FAILED, "line 3 is wrong") == (result.outcome, result.error)
    assert good.digest == linked(tmp_path) == switch.running.digest


async def test_edits_do_not_stop_what_publishes_by_itself(
    publisher: Publisher, switch: FakeSwitch, default_tenant: UUID, tmp_path: Path
) -> None:
    """The change is live, a copy of the edited revision is kept, and the new one says where."""
    await publish(publisher)
    (tmp_path / "live/asterisk/rtp.conf").write_text("; mine\n")
    await add_extension(publisher.database, default_tenant, "101")
    result = await publish(publisher)
    async with publisher.database.transaction() as session:
        latest = await revisions.latest(session)

    assert (Outcome.LIVE, True) == (result.outcome, "101" in switch.running.endpoints)
    assert latest is not None
    assert latest.edited_copy is not None
    assert "; mine\n" == (tmp_path / latest.edited_copy / "asterisk/rtp.conf").read_text()
    assert "mine" not in (tmp_path / "live/asterisk/rtp.conf").read_text()


async def test_edits_stop_who_publishes_by_hand(
    publisher: Publisher, switch: FakeSwitch, default_tenant: UUID, tmp_path: Path
) -> None:
    """Nothing is touched, and a failed row says what to do; said twice, it is done."""
    await publish(publisher)
    (tmp_path / "live/asterisk/rtp.conf").write_text("; mine\n")
    await add_extension(publisher.database, default_tenant, "101")
    refused = await publish(publisher, by="cli", overwrite=False)
    at_first = ((tmp_path / "live/asterisk/rtp.conf").read_text(), switch.reloads)
    done = await publish(publisher, by="cli", overwrite=True)

    assert (Outcome.FAILED, True) == (refused.outcome, "overwrite=true" in (refused.error or ""))
    assert ("; mine\n", 1) == at_first
    assert Outcome.LIVE == done.outcome


@pytest.mark.parametrize("edit", ["changed", "removed", "added"])
async def test_an_edit_alone_is_undone_when_that_is_said(
    publisher: Publisher, switch: FakeSwitch, tmp_path: Path, edit: str
) -> None:
    """Without any change of an object, the files are as we wrote them and the switch has read them again."""
    await publish(publisher)
    folder = (tmp_path / "live").resolve() / "asterisk"
    before = {path.name: path.read_text() for path in folder.iterdir()}
    match edit:
        case "changed":
            (folder / "rtp.conf").write_text("; mine\n")
        case "removed":
            (folder / "rtp.conf").unlink()
        case _:
            (folder / "mine.conf").write_text("; mine\n")
    result = await publish(publisher, by="cli", overwrite=True)

    assert Outcome.LIVE == result.outcome
    assert before == {path.name: path.read_text() for path in folder.iterdir()}
    assert 2 == switch.reloads


async def test_healing_leaves_edits_alone(publisher: Publisher, switch: FakeSwitch, tmp_path: Path) -> None:
    """Nothing has changed that would have to be published, so the edit stays, to be seen."""
    await publish(publisher)
    (tmp_path / "live/asterisk/rtp.conf").write_text("; mine\n")
    await heal(publisher)

    assert "; mine\n" == (tmp_path / "live/asterisk/rtp.conf").read_text()
    assert [EditedFile(path="asterisk/rtp.conf", change=Action.CHANGED)] == edited_files(publisher.folder)


async def test_an_edited_revision_that_comes_back_is_as_it_was_written(
    publisher: Publisher, default_tenant: UUID, tmp_path: Path
) -> None:
    """Undoing a change goes back to the folder of before, and not to what somebody did to it."""
    await publish(publisher)
    ours = (tmp_path / "live/asterisk/rtp.conf").read_text()
    (tmp_path / "live/asterisk/rtp.conf").write_text("; mine\n")
    await add_extension(publisher.database, default_tenant, "101")
    await publish(publisher)
    await remove_extension(publisher.database, default_tenant, "101")
    await publish(publisher)

    assert ours == (tmp_path / "live/asterisk/rtp.conf").read_text()
    assert 1 == len(list((tmp_path / "edited").iterdir()))


async def test_a_revision_of_a_version_without_digests_counts_as_unedited(
    publisher: Publisher, tmp_path: Path
) -> None:
    """What cannot be known is not claimed: such a manifest names no files."""
    await publish(publisher)
    manifest = tmp_path / "live/manifest.json"
    read = json.loads(manifest.read_text())
    del read["files"]
    manifest.write_text(json.dumps(read))

    assert [] == edited_files(publisher.folder)


async def test_a_change_that_leads_to_the_same_files_is_live_at_once(
    publisher: Publisher, default_tenant: UUID
) -> None:
    """A time zone is in no file: it waits no more, and makes no revision."""
    await publish(publisher)
    change = ObjectChange(
        kind=ObjectKind.TENANT, name="default", action=Action.CHANGED, by="cli", fields=("time_zone",)
    )
    async with publisher.database.transaction() as session:
        await configuration_changes.note(session, default_tenant, change)
    await publish(publisher)
    async with publisher.database.transaction() as session:
        waiting = await configuration_changes.waiting(session, None)

    assert ((), 1) == (waiting.items, len(await revision_states(publisher.database)))


async def test_a_revision_is_by_who_made_its_last_change(publisher: Publisher, default_tenant: UUID) -> None:
    """By whoever asked, else by the author of the newest change, else by the system."""
    authors = []
    for by, changed_by in ((None, None), (None, "token billing"), ("cli", "token billing")):
        number = str(101 + len(authors))
        if changed_by is not None:
            await add_extension(publisher.database, default_tenant, number)
            change = ObjectChange(kind=ObjectKind.EXTENSION, name=number, action=Action.ADDED, by=changed_by)
            async with publisher.database.transaction() as session:
                await configuration_changes.note(session, default_tenant, change)
        await publish(publisher, by=by)
        async with publisher.database.transaction() as session:
            latest = await revisions.latest(session)
        assert latest is not None
        authors.append(latest.author)

    assert ["system", "token billing", "cli"] == authors


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
