"""Backup and restore: all of an installation, consistent, and nothing half done."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest
from alembic import command
from controlplane.domain.errors import ControlPlaneError, Unavailable
from controlplane.domain.message import MessageState
from controlplane.domain.pin import Pin
from controlplane.entrypoints import migrate
from controlplane.services.backup import STAGED, BackupFailed, Places, Progress, Written, write_backup
from controlplane.services.pin_hashing import PinHasher, make_key
from controlplane.services.restore import Restored, read_backup
from controlplane.services.restore_files import RestoreRefused
from controlplane.services.tokens import authenticate, create_token
from controlplane.storage.archive import ArchiveWriter, BackupDamaged, members
from controlplane.storage.database import Database
from controlplane.supervisor.postgres import EmbeddedPostgres
from tests.support.api import Api
from tests.support.database import alembic_config
from tests.support.greetings import recording
from tests.support.installation import KEY, content, files, new_database, places, record, tables
from tests.support.rows import add_message
from tests.support.takes import facts_for, leave_take

PIN = "274951"
HEAD = {"made_at": "2026-11-27T00:00:00+00:00", "schema": "0017", "pin_keys": {}, "secrets": False}


@pytest.fixture
def here(database_url: str, tmp_path: Path) -> Places:
    """Return an installation that has nothing yet but a database with tables."""
    made = places(database_url, tmp_path / "here")
    for folder in (made.recordings, made.spool / "quarantine", made.prompts / "en"):
        folder.mkdir(parents=True)
    return made


@pytest.fixture
def mailbox_id(mailbox: httpx.Response, database_url: str) -> UUID:
    """Return a mailbox whose PIN was stored with none of our keys."""
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE mailboxes SET pin_hash = 'none'")
    return UUID(mailbox.json()["id"])


@pytest.fixture
def there(postgres: EmbeddedPostgres, tmp_path: Path) -> Iterator[Places]:
    """Return an empty installation: a database without tables, no folders."""
    with new_database(postgres, "restored") as url:
        yield places(url, tmp_path / "there")


def _opened(at: Places) -> Database:
    return Database(at.database_url.replace("postgresql://", "postgresql+psycopg://"))


def back_up(here: Places, file: Path, say: Callable[[str], None] = lambda _: None) -> Written:
    """Write a backup."""
    with file.open("wb") as output:
        return write_backup(output, here, say=say, progress=Progress(say))


def restore(file: Path, there: Places, *, without_pin_keys: bool = False) -> Restored:
    """Put it back."""
    return read_backup(
        file,
        there,
        migrate=migrate.bring,
        revisions=migrate.known_revisions(),
        without_pin_keys=without_pin_keys,
        say=lambda _: None,
        progress=Progress(lambda _: None),
    )


def assert_empty(there: Places) -> None:
    """Fail if anything is there."""
    assert (0, {}) == (tables(there.database_url), files(there))


async def test_everything_is_there_again(
    here: Places,
    there: Places,
    tmp_path: Path,
    client: httpx.AsyncClient,
    mailbox: httpx.Response,
) -> None:
    """Each row of each table and each file: PINs, tokens, greetings, messages, what is on its way."""
    database = _opened(here)
    mailbox_id = UUID(mailbox.json()["id"])
    await client.put(
        "/api/v1/mailboxes/8001/greeting", content=recording(1), headers={"Content-Type": "audio/wav"}
    )
    await client.post("/api/v1/ring-groups", json={"number": "6100", "display_name": "Sales"})
    _, token = await create_token(database, name="made", tenant=None, expires_at=None, by="test")
    hasher = PinHasher(KEY)
    with psycopg.connect(here.database_url) as connection:
        connection.execute("UPDATE mailboxes SET pin_hash = %s", (await hasher.hash(Pin(PIN)),))
    for state in MessageState:
        record(here, await add_message(database, mailbox_id, state=state))
    leave_take(here.spool, facts_for(mailbox_id))
    (here.spool / "quarantine" / "odd.reason").write_text("2026-11-27T00:00:00+00:00 It is no audio.\n")
    (here.spool / "quarantine" / "odd.wav").write_bytes(b"odd")
    (here.prompts / "en" / "goodbye.wav").write_bytes(b"by a person")

    written = back_up(here, tmp_path / "backup.tar")
    restored = restore(tmp_path / "backup.tar", there)

    assert (3, 4) == (written.messages, written.in_spool)
    assert (3, 4, ()) == (restored.messages, restored.in_spool, restored.keys_missing)
    assert content(here) == content(there)
    again = _opened(there)
    assert await authenticate(again, token, tenant=None, now=datetime.now(UTC)) is not None
    await again.close()
    await database.close()
    with psycopg.connect(there.database_url) as connection:
        (stored,) = connection.execute("SELECT pin_hash FROM mailboxes").fetchone() or ("",)
        # Triggers work again, and sequences go on.
        connection.execute("UPDATE mailboxes SET display_name = 'Another'")
        connection.commit()
        (heard,) = connection.execute("SELECT count(*) FROM audit_entries").fetchone() or (0,)
    assert await hasher.verify(stored, Pin(PIN))
    assert heard == 1 + len(content(here).rows["audit_entries"])
    hasher.close()


async def test_what_changes_meanwhile_makes_nothing_inconsistent(
    here: Places, there: Places, tmp_path: Path, database: Database, mailbox_id: UUID
) -> None:
    """A message that is purged is left out, one that arrives is not in it; each that is has its recording."""
    kept, purged = [await add_message(database, mailbox_id) for _ in range(2)]
    arrived = uuid4()
    for message_id in (kept, purged):
        record(here, message_id)

    def meanwhile(sentence: str) -> None:
        if sentence.startswith("The recordings"):
            with psycopg.connect(here.database_url) as connection:
                connection.execute("DELETE FROM messages WHERE id = %s", (purged,))
                connection.execute(
                    "INSERT INTO messages (id, tenant_id, mailbox_id, call_id, caller_number, caller_name,"
                    " received_at, duration_ms, reached_by) SELECT %s, tenant_id, mailbox_id, call_id,"
                    " caller_number, caller_name, received_at, duration_ms, reached_by FROM messages"
                    " WHERE id = %s",
                    (arrived, kept),
                )
            record(here, purged).unlink()
            record(here, arrived)

    written = back_up(here, tmp_path / "backup.tar", meanwhile)
    restored = restore(tmp_path / "backup.tar", there)

    found = content(there)
    assert (1, 1, ()) == (written.messages, written.purged, written.lost)
    assert (1, [kept]) == (restored.messages, [row[0] for row in found.rows["messages"]])
    assert [f"recordings/{str(kept)[:2]}/{kept}.wav"] == list(found.files)


async def test_take_that_comes_home_meanwhile_is_in_it(
    here: Places, there: Places, tmp_path: Path, mailbox_id: UUID
) -> None:
    """It was copied before the moment of the database: it is there twice, and recognised."""
    facts = facts_for(mailbox_id)
    take = leave_take(here.spool, facts)

    def meanwhile(sentence: str) -> None:
        if sentence == "The database":
            for path in (take, take.with_suffix(".json")):
                path.unlink()
            with psycopg.connect(here.database_url) as connection:
                connection.execute(
                    "INSERT INTO recordings_taken (recording_id, outcome) VALUES (%s, 'message')",
                    (facts.recording_id,),
                )

    back_up(here, tmp_path / "backup.tar", meanwhile)
    restore(tmp_path / "backup.tar", there)

    found = content(there)
    # The scanner recognises it by its id, and removes it.
    assert [facts.recording_id] == [row[0] for row in found.rows["recordings_taken"]]
    assert {f"spool/{take.name}", f"spool/{take.stem}.json"} == set(found.files)


async def test_recording_that_was_lost_before_is_told(
    here: Places, there: Places, tmp_path: Path, database: Database, mailbox_id: UUID
) -> None:
    """The message stays, and both commands name it."""
    lost = await add_message(database, mailbox_id)

    written = back_up(here, tmp_path / "backup.tar")
    restored = restore(tmp_path / "backup.tar", there)

    assert ((lost,), (str(lost),)) == (written.lost, restored.lost)


async def test_sessions_and_links_are_left_out(here: Places, there: Places, tmp_path: Path, api: Api) -> None:
    """Who signed out since is not signed in again."""
    with psycopg.connect(here.database_url) as connection:
        connection.execute(
            "INSERT INTO users (id, user_name, display_name, role) VALUES (gen_random_uuid(), 'root', 'R',"
            " 'system_admin')"
        )
        connection.execute(
            "INSERT INTO user_sessions (id, user_id, token_sha256, created_at, last_seen_at)"
            " SELECT gen_random_uuid(), id, 'x', now(), now() FROM users"
        )

    back_up(here, tmp_path / "backup.tar")
    restore(tmp_path / "backup.tar", there)

    with psycopg.connect(there.database_url) as connection:
        assert connection.execute("SELECT count(*) FROM user_sessions").fetchone() == (0,)
        assert connection.execute("SELECT user_name FROM users").fetchall() == [("root",)]


@pytest.mark.parametrize("where", ["database", "recordings", "spool", "quarantine"])
def test_what_is_there_is_never_mixed_with_it(
    here: Places, there: Places, tmp_path: Path, where: str
) -> None:
    """A restore onto anything is refused, names it, and leaves it as it was."""
    back_up(here, tmp_path / "backup.tar")
    match where:
        case "database":
            with psycopg.connect(there.database_url) as connection:
                connection.execute("CREATE TABLE mine (id int)")
        case "recordings":
            record(there, uuid4())
        case "spool" | "quarantine":
            folder = there.spool / ("quarantine" if where == "quarantine" else ".")
            folder.mkdir(parents=True)
            (folder / "fb-1-1.wav").write_bytes(b"x")
    before = (tables(there.database_url), files(there))

    with pytest.raises(RestoreRefused, match=r"is not empty .*(name|Make)"):
        restore(tmp_path / "backup.tar", there)

    assert before == (tables(there.database_url), files(there))


@pytest.mark.parametrize("damage", ["cut-off", "changed", "no backup", "cut before its end", "steps upwards"])
def test_damaged_file_changes_nothing(here: Places, there: Places, tmp_path: Path, damage: str) -> None:
    """It is read to its end before anything is done."""
    file = tmp_path / "backup.tar"
    (here.prompts / "en" / "goodbye.wav").write_bytes(b"by a person")
    back_up(here, file)
    whole = file.read_bytes()
    match damage:
        case "cut-off":
            file.write_bytes(whole[: len(whole) // 2])
        case "changed":
            file.write_bytes(whole.replace(b"by a person", b"by a parrot"))
        case "no backup":
            file.write_bytes(b"something else" * 1000)
        case "cut before its end":
            with file.open("wb") as output:
                ArchiveWriter(output, HEAD)._tar.close()
        case "steps upwards":
            with file.open("wb") as output:
                archive = ArchiveWriter(output, HEAD)
                archive.add("recordings/../../outside.wav", b"x")
                archive.close({})

    with pytest.raises(BackupDamaged):
        restore(file, there)

    assert_empty(there)
    assert not (tmp_path / "outside.wav").exists()


def test_database_that_refuses_leaves_nothing(here: Places, there: Places, tmp_path: Path) -> None:
    """What fails in the middle takes the files back too."""
    good, bad = tmp_path / "good.tar", tmp_path / "bad.tar"
    (here.prompts / "en" / "goodbye.wav").write_bytes(b"by a person")
    record(here, uuid4())
    back_up(here, good)
    with good.open("rb") as source, bad.open("wb") as output:
        first, *inner, last = members(source)
        archive = ArchiveWriter(output, {**HEAD, "schema": migrate_head()})
        for each in inner:
            archive.add(each.name, b"no row\n" if "/tenants/" in each.name else each.data)
        archive.close({"rows": {"messages": 0}, "purged": [], "without_audio": []})
    assert first.name < last.name or last

    with pytest.raises(Unavailable, match="The database refused"):
        restore(bad, there)

    assert_empty(there)
    assert not there.recordings.exists()


def migrate_head() -> str:
    """Return the newest schema."""
    return max(migrate.known_revisions())


def test_remains_of_a_killed_restore_do_not_stop_the_next(
    here: Places, there: Places, tmp_path: Path
) -> None:
    """What it had put aside is thrown away."""
    back_up(here, tmp_path / "backup.tar")
    left = there.recordings / STAGED / "00" / "half.wav"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"half")

    restore(tmp_path / "backup.tar", there)

    assert (False, {}) == (left.exists(), files(there))


async def test_without_the_key_of_the_pins_it_is_refused(
    here: Places, there: Places, tmp_path: Path, mailbox: httpx.Response
) -> None:
    """Unless that is said: then every PIN must be set anew. Another key under the same id is none."""
    hasher = PinHasher(KEY)
    with psycopg.connect(here.database_url) as connection:
        connection.execute("UPDATE mailboxes SET pin_hash = %s", (await hasher.hash(Pin(PIN)),))
    hasher.close()
    back_up(here, tmp_path / "backup.tar")
    other = places(there.database_url, there.recordings.parent, make_key("k1"))

    with pytest.raises(RestoreRefused, match=r"key k1.*--without-pin-keys"):
        restore(tmp_path / "backup.tar", other)
    assert_empty(there)
    restored = restore(tmp_path / "backup.tar", other, without_pin_keys=True)

    assert ("k1",) == restored.keys_missing


def test_backup_of_an_older_version_is_migrated(
    postgres: EmbeddedPostgres, there: Places, tmp_path: Path
) -> None:
    """It is filled as it was, and migrated then."""
    with new_database(postgres, "older") as url:
        command.upgrade(alembic_config(url), "0016")
        with psycopg.connect(url) as connection:
            connection.execute("UPDATE tenants SET sip_domain = 'older.example'")
        back_up(places(url, tmp_path / "older"), tmp_path / "backup.tar")

    restore(tmp_path / "backup.tar", there)

    with psycopg.connect(there.database_url) as connection:
        domain = connection.execute("SELECT sip_domain FROM tenants").fetchone()
        schema = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    assert (("older.example",), (migrate_head(),)) == (domain, schema)


def test_schema_of_a_newer_version_is_refused(here: Places, there: Places, tmp_path: Path) -> None:
    """With the remedy."""
    with (tmp_path / "newer.tar").open("wb") as output:
        ArchiveWriter(output, {**HEAD, "schema": "9999"}).close({})

    with pytest.raises(RestoreRefused, match="9999, which this version does not know"):
        restore(tmp_path / "newer.tar", there)

    assert_empty(there)


def test_empty_database_is_nothing_to_back_up(there: Places, tmp_path: Path) -> None:
    """It says so."""
    with pytest.raises(BackupFailed, match="nothing to back up"):
        write_backup(io.BytesIO(), there, say=lambda _: None, progress=Progress(lambda _: None))


def test_database_that_is_away_is_told(there: Places, tmp_path: Path) -> None:
    """By both commands."""
    away = places("postgresql://localhost:1/none", tmp_path / "away")
    with (tmp_path / "backup.tar").open("wb") as output:
        ArchiveWriter(output, {**HEAD, "schema": migrate_head()}).close({})

    for ask in (
        lambda: write_backup(io.BytesIO(), away, say=lambda _: None, progress=Progress(lambda _: None)),
        lambda: restore(tmp_path / "backup.tar", away),
    ):
        with pytest.raises(ControlPlaneError, match="refused"):
            ask()


def test_long_work_tells_how_far_it_is() -> None:
    """Each few seconds, and not with each step."""
    told: list[str] = []
    now = iter([0.0, 1.0, 2.5, 2.5, 3.0, 5.0, 5.0])
    progress = Progress(told.append, clock=lambda: next(now))

    for done in range(4):
        progress.tell("Recordings", done, 9)

    assert ["Recordings: 1 of 9", "Recordings: 3 of 9"] == told
