"""What is not made, not written and not asked for when little of much has changed."""

from __future__ import annotations

import os
from pathlib import Path
from uuid import UUID

import pytest
from controlplane.domain.configuration import Action, EditedFile
from controlplane.rendering.environment import TEMPLATES
from controlplane.rendering.pieces import place_of
from controlplane.services.publisher import edited_files
from controlplane.services.publishing import Outcome, Publisher, heal, publish
from controlplane.services.publishing_asked import Asked, preview
from controlplane.storage.database import Database
from controlplane.storage.durable_files import share
from sqlalchemy import text
from tests.support.fake_switch import FakeSwitch
from tests.support.publishing import add_extension, make_publisher, remove_extension

MANY = 1200
_INSERT = text("""
    WITH made AS (
        INSERT INTO extensions (id, tenant_id, number, display_name, sip_a1_hash)
        SELECT gen_random_uuid(), :tenant, (10000 + serial)::text, 'Somebody', md5(serial::text)
        FROM generate_series(1, :many) AS serial RETURNING id, number
    )
    INSERT INTO numbers (tenant_id, number, kind, object_id)
    SELECT :tenant, number, 'extension', id FROM made
""")


@pytest.fixture
def switch(tmp_path: Path) -> FakeSwitch:
    """Return a switch that reads from the test's folder."""
    return FakeSwitch(tmp_path)


@pytest.fixture
async def publisher(
    database: Database, default_tenant: UUID, tmp_path: Path, switch: FakeSwitch
) -> Publisher:
    """Return a publisher to that switch, which published many extensions."""
    async with database.transaction() as session:
        await session.execute(_INSERT, {"tenant": default_tenant, "many": MANY})
    made = make_publisher(database, tmp_path, switch)
    assert Outcome.LIVE == (await publish(made)).outcome
    return made


def pieces(root: Path) -> dict[str, int]:
    """Return the files of extensions that are live, and which file of the disk each is."""
    return {path.name: path.stat().st_ino for path in (root / "live").resolve().glob("asterisk/pjsip/*/*")}


async def test_all_are_streamed_in_pieces(publisher: Publisher, switch: FakeSwitch, tmp_path: Path) -> None:
    """Every extension is in a file and known to the switch."""
    assert ["phones-00.conf", "phones-01.conf", "phones-10.conf", "phones-11.conf"] == sorted(
        pieces(tmp_path)
    )
    assert MANY + 1 == len(switch.running.endpoints)


async def test_one_more_extension_writes_one_piece(
    publisher: Publisher, database: Database, switch: FakeSwitch, default_tenant: UUID, tmp_path: Path
) -> None:
    """The others are the files that were there, also for a publisher that has just been started."""
    before = pieces(tmp_path)
    await add_extension(database, default_tenant, "101")
    await publish(make_publisher(database, tmp_path, switch))
    after = pieces(tmp_path)

    assert before.keys() == after.keys()
    assert 1 == sum(before[name] != after[name] for name in before)
    assert "101" in switch.running.endpoints


async def test_the_switch_is_asked_for_what_is_new_and_one_of_each_file(
    publisher: Publisher, switch: FakeSwitch, default_tenant: UUID
) -> None:
    """And for what has gone; for everything when all is new."""
    at_first = switch.asked
    await add_extension(publisher.database, default_tenant, "101")
    await publish(publisher)
    added = switch.asked
    await remove_extension(publisher.database, default_tenant, "101")
    await publish(publisher)

    assert MANY + 1 == len(at_first)
    assert "101" in added & switch.asked
    # One of each of four files, callers from outside, the one that is new or gone.
    assert max(len(added), len(switch.asked)) <= 4 + 1 + 1


async def test_healing_asks_for_one_of_each_file(publisher: Publisher, switch: FakeSwitch) -> None:
    """A switch that lost a file is found out, and reads it again."""
    lost = {name for name in switch.running.endpoints if name != "anonymous"}
    switch.running = type(switch.running)(digest=switch.running.digest, endpoints=frozenset({"anonymous"}))
    before = switch.reloads
    await heal(publisher)

    assert before + 1 == switch.reloads
    assert lost <= switch.running.endpoints


async def test_a_changed_template_renders_all_anew(
    publisher: Publisher, database: Database, switch: FakeSwitch, tmp_path: Path
) -> None:
    """What a piece is made of is more than its rows."""
    before = pieces(tmp_path)
    templates = tmp_path / "templates"
    for path in (TEMPLATES / "asterisk").iterdir():
        (templates / "asterisk").mkdir(parents=True, exist_ok=True)
        (templates / "asterisk" / path.name).write_text(path.read_text())
    with (templates / "asterisk" / "cp-extensions.conf.j2").open("a") as file:
        file.write("; more\n")
    await publish(make_publisher(database, tmp_path, switch, templates=templates))

    assert not set(before.values()) & set(pieces(tmp_path).values())


async def test_a_piece_that_was_edited_is_made_anew(
    publisher: Publisher, switch: FakeSwitch, default_tenant: UUID, tmp_path: Path
) -> None:
    """Though nothing of it has changed: what somebody wrote into it goes nowhere but into the copy."""
    live = (tmp_path / "live").resolve()
    (edited,) = live.glob("asterisk/pjsip/*/phones-00.conf")
    ours, path = edited.read_text(), str(edited.relative_to(live))
    edited.write_text("; mine\n")
    noticed = edited_files(publisher.folder)
    number = next(str(n) for n in range(101, 199) if not _is_in(str(n), "00"))
    await add_extension(publisher.database, default_tenant, number)
    await publish(publisher)

    assert [EditedFile(path=path, change=Action.CHANGED)] == noticed
    assert ours == (tmp_path / "live" / path).read_text()
    (copy,) = (tmp_path / "edited").iterdir()
    assert "; mine\n" == (copy / path).read_text()


async def test_an_edit_of_a_shared_file_reaches_no_revision_that_comes_back(
    publisher: Publisher, default_tenant: UUID, tmp_path: Path
) -> None:
    """It is in the older revision too, being the same file; that is noticed when it is put in place again."""
    first = (tmp_path / "live").readlink().name
    await add_extension(publisher.database, default_tenant, "101")
    await publish(publisher)
    rtp = tmp_path / "live/asterisk/rtp.conf"
    ours = rtp.read_text()
    rtp.write_text("; mine\n")
    older = (tmp_path / "revisions" / first / "asterisk/rtp.conf").read_text()
    await remove_extension(publisher.database, default_tenant, "101")
    await publish(publisher)

    assert "; mine\n" == older
    assert (first, ours) == ((tmp_path / "live").readlink().name, rtp.read_text())
    assert [] == edited_files(publisher.folder)


async def test_a_dry_run_leaves_nothing_behind(
    publisher: Publisher, default_tenant: UUID, tmp_path: Path
) -> None:
    """It says which files would change, and writes none."""
    await add_extension(publisher.database, default_tenant, "101")
    before = sorted(tmp_path.rglob("*"))
    shown = await preview(publisher, Asked(tenant_id=None, all_told=True))

    assert shown.files is not None
    assert {"asterisk/cp-globals.conf", "asterisk/extensions.conf"} < {file.path for file in shown.files}
    assert 3 == len(shown.files)
    assert before == sorted(tmp_path.rglob("*"))


def test_a_file_is_copied_where_there_are_no_hard_links(tmp_path: Path) -> None:
    """Between two file systems, for one; nobody else may read the copy either."""
    other = Path("/dev/shm")
    assert other.stat().st_dev != tmp_path.stat().st_dev, "both folders are on one file system"
    source, target = other / f"cp-share-{os.getpid()}", tmp_path / "folder" / "copy"
    source.write_text("text")
    try:
        share(source, target)
    finally:
        source.unlink()

    assert ("text", 0) == (target.read_text(), target.stat().st_mode & 0o007)


def _is_in(number: str, bits: str) -> bool:
    return f"{place_of(number):064b}".startswith(bits)
