"""Puts a backup back, into a database without tables and folders without recordings.

Nothing is half done: the whole file is read and its files are put aside first, the database is filled in one
transaction, and what was put aside gets its place just before that is committed. One that was killed is taken
back by the next, unless the database says that it was committed: then it is whole.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid4

import psycopg
from sqlalchemy import Connection, create_engine
from sqlalchemy.exc import DBAPIError

from controlplane.domain.errors import Unavailable
from controlplane.services.backup import (
    DATABASE,
    SECRETS,
    SPOOL,
    STAGED,
    TABLES,
    Places,
    Progress,
    Say,
    spool_files,
)
from controlplane.services.restore_files import Mark, RestoreRefused, Staging
from controlplane.storage import archive, dump

_DATABASE_IS_EMPTY: Final = (
    "SELECT count(*) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What was put back. `lost` are messages whose recording was missing when the backup was made."""

    made_at: str
    messages: int
    in_spool: int
    lost: tuple[str, ...]
    keys_missing: tuple[str, ...]


Migrate = Callable[[Connection, str], None]


def read_backup(
    file: Path,
    places: Places,
    *,
    migrate: Migrate,
    revisions: Collection[str],
    without_pin_keys: bool,
    say: Say,
    progress: Progress,
    reached: Callable[[str], None] = lambda _: None,
) -> Restored:
    """Put a backup back.

    Raises RestoreRefused, BackupDamaged, Unavailable or OSError, and then changed nothing. `migrate` brings
    the database of a connection to one of `revisions`, or to `head`, in its transaction.
    """
    with file.open("rb") as source:
        head = archive.read_head(source)
    if head["schema"] not in revisions:
        raise RestoreRefused(
            f"The backup has the schema {head['schema']}, which this version does not know: restore it with"
            " the version that made it, or a newer one."
        )
    missing: tuple[str, ...] = ()
    with _connected(places.database_url) as connection, Staging(places, reached=reached) as staging:
        driver = _driver(connection)
        mark = Mark(id=str(uuid4()), made_at=head["made_at"], database=dump.identity(driver))
        if staging.left is not None and _is_finished(staging.left, mark, driver, places):
            say("It was restored by one that was killed just after that: only its remains are removed")
            end = _read(file, staging.count, progress)
            staging.keep()
        else:
            _refuse_tables(connection)
            if staging.left is not None:
                say("A restore was broken off here: what it left is removed")
                staging.take_back()
            _refuse_what_is_there(places)
            staging.begin(mark)
            say("Reading and checking the file")
            end = _read(file, staging.add, progress)
            reached("staged")
            missing = _missing_keys(head, places, staging)
            if missing and not without_pin_keys:
                raise RestoreRefused(_about_keys(missing))
            migrate(connection, head["schema"])
            _fill(file, driver, end, say=say, progress=progress)
            migrate(connection, "head")
            dump.note_restore(driver, mark.id)
            reached("filled")
            staging.place()
            # What went wrong before this is undone with the rest; whether this is done, the database knows.
            _commit(connection, places, mark, staging)
            reached("committed")
            staging.keep()
    return Restored(
        made_at=head["made_at"],
        messages=end["rows"]["messages"] - len(end["purged"]),
        in_spool=staging.counts.get(SPOOL, 0),
        lost=tuple(end["without_audio"]),
        keys_missing=missing,
    )


def is_whole(database_url: str, mark: Mark) -> bool:
    """Say whether a restore that left its mark filled this database; raises Unavailable."""
    try:
        with dump.snapshot(database_url) as connection:
            return dump.noted_restore(connection) == mark.id
    except psycopg.Error as error:
        raise _refused(error) from error


@contextmanager
def _connected(url: str) -> Iterator[Connection]:
    """Lend a connection; what the database refuses is Unavailable."""
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://", 1))
    try:
        with engine.connect() as connection:
            yield connection
    except DBAPIError as error:
        raise _refused(error.orig) from error
    except psycopg.Error as error:
        raise _refused(error) from error
    finally:
        engine.dispose()


def _refused(error: BaseException | None) -> Unavailable:
    return Unavailable(f"The database refused: {str(error).strip().splitlines()[0]}")


def _driver(connection: Connection) -> dump.SyncConnection:
    driver: dump.SyncConnection = connection.connection.driver_connection  # type: ignore[assignment]
    return driver


def _is_finished(left: Mark, mark: Mark, connection: dump.SyncConnection, places: Places) -> bool:
    """Say whether the one that was killed had done all, so that nothing is left to do.

    Raises RestoreRefused where that cannot be said, or something else was wanted.
    """
    if left.database != mark.database:
        raise RestoreRefused(
            f"A restore into another database than this one was broken off here, with its recordings in"
            f" {places.recordings}: name that database, or other folders."
        )
    if dump.noted_restore(connection) != left.id:
        return False
    if left.made_at != mark.made_at:
        raise RestoreRefused(
            f"Another backup was restored here, that of {left.made_at}, and all of it: name a new database"
            f" and empty folders for this one. Remove {places.recordings / STAGED} to use what is there."
        )
    return True


def _commit(connection: Connection, places: Places, mark: Mark, staging: Staging) -> None:
    """Commit; raises Unavailable where nobody can say whether it was done: the next one finds out."""
    staging.leave()
    try:
        connection.commit()
    except DBAPIError as error:
        if not error.connection_invalidated:
            staging.undo()
            raise
        with suppress(Unavailable):
            if is_whole(places.database_url, mark):
                return
        raise Unavailable(
            "The database went away at the last moment: repeat the restore once it is there again."
        ) from error


def _refuse_what_is_there(places: Places) -> None:
    for name, files in {
        "recordings": (places.recordings, _recordings(places.recordings)),
        "spool": (places.spool, iter(spool_files(places.spool))),
    }.items():
        folder, found = files
        there = next(found, None)
        if there is not None:
            raise RestoreRefused(
                f"The folder of the {name} is not empty ({there}): a backup is restored into an empty"
                f" installation only. Move what is in {folder} elsewhere, or name another folder."
            )


def _recordings(root: Path) -> Iterator[Path]:
    return (path for path in root.rglob("*") if path.is_file() and STAGED not in path.parts)


def _refuse_tables(connection: Connection) -> None:
    count = connection.exec_driver_sql(_DATABASE_IS_EMPTY).scalar_one()
    if count:
        raise RestoreRefused(
            f"The database is not empty ({count} tables): a backup is restored into a new database only."
            " Make one (createdb), and name it in CONTROLPLANE_DATABASE_URL."
        )


def _read(file: Path, take: Callable[[archive.Member], None], progress: Progress) -> dict[str, Any]:
    """Hand over the files and check the whole; return what the end says."""
    end: dict[str, Any] = {}
    size = file.stat().st_size >> 20
    with file.open("rb") as source:
        for member in archive.members(source):
            progress.tell("MB", source.tell() >> 20, size)
            if member.name == archive.END:
                end = json.loads(member.data)
            else:
                take(member)
    return end


def _fill(
    file: Path, connection: dump.SyncConnection, end: dict[str, Any], *, say: Say, progress: Progress
) -> None:
    say("Filling the database")
    whole = sum(end["rows"].values())
    done = 0
    with file.open("rb") as source:
        members = (each for each in archive.members(source) if each.parts[0] == DATABASE)
        listed = json.loads(next(members).data)
        assert isinstance(listed, dict), TABLES
        columns = {each["table"]: tuple(each["columns"]) for each in listed["tables"]}
        with dump.emptied(connection):
            for name, portions in groupby(members, key=lambda each: each.parts[1]):
                table = dump.Columns(table=name, columns=columns[name])
                done += dump.fill(connection, table, (each.data for each in portions))
                progress.tell("Rows", done, whole)
            dump.remove_messages(connection, map(UUID, end["purged"]))
            dump.set_sequences(connection, listed["sequences"])


def _missing_keys(head: dict[str, Any], places: Places, staging: Staging) -> tuple[str, ...]:
    """Return the keys by which PINs in it are stored, and that the restored installation does not have."""
    if staging.read(SECRETS, "pin-keys") is not None:
        return ()
    return tuple(
        key
        for key, mark in head["pin_keys"].items()
        if key not in places.key_marks or mark not in {None, places.key_marks[key]}
    )


def _about_keys(missing: tuple[str, ...]) -> str:
    return (
        f"The PINs in it were stored with the key {', '.join(missing)}, which is not among those of"
        " CONTROLPLANE_PINS__KEYS: set it as it was, or say --without-pin-keys, and set every PIN anew."
    )
