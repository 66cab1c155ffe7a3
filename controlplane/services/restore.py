"""Puts a backup back, into a database without tables and folders without recordings.

Nothing is half done: the whole file is read and its files are put aside first, the database is filled in one
transaction, and what was put aside gets its place just before that is committed.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, Final, Self
from uuid import UUID

import psycopg
from sqlalchemy import Connection, create_engine
from sqlalchemy.exc import DBAPIError

from controlplane.domain.errors import ControlPlaneError, Unavailable
from controlplane.services.backup import (
    DATABASE,
    PROMPTS,
    RECORDINGS,
    SECRETS,
    SPOOL,
    TABLES,
    Places,
    Progress,
    Say,
    spool_files,
)
from controlplane.storage import archive, dump
from controlplane.storage.durable_files import sync_folder

STAGED: Final = ".restoring"
_FOLDER_MODES = {RECORDINGS: 0o750, SPOOL: 0o770, PROMPTS: 0o755, SECRETS: 0o700}
_FILE_MODES = {RECORDINGS: 0o640, SPOOL: 0o660, PROMPTS: 0o644, SECRETS: 0o600}
_DATABASE_IS_EMPTY = (
    "SELECT count(*) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
)


class RestoreRefused(ControlPlaneError):
    """Nothing was changed; the sentence says why and what to do."""


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
    _refuse_what_is_there(places)
    engine = create_engine(places.database_url.replace("postgresql://", "postgresql+psycopg://", 1))
    try:
        with engine.connect() as connection:
            _refuse_tables(connection)
            with _Staging(places) as staging:
                say("Reading and checking the file")
                end = _stage(file, staging, progress)
                missing = _missing_keys(head, places, staging)
                if missing and not without_pin_keys:
                    raise RestoreRefused(_about_keys(missing))
                migrate(connection, head["schema"])
                driver: dump.SyncConnection = connection.connection.driver_connection  # type: ignore[assignment]
                _fill(file, driver, end, say=say, progress=progress)
                migrate(connection, "head")
                staging.place()
                # What goes wrong from here on is undone with the rest.
                connection.commit()
                staging.keep()
    except DBAPIError as error:
        raise Unavailable(f"The database refused: {str(error.orig).strip().splitlines()[0]}") from error
    except psycopg.Error as error:
        raise Unavailable(f"The database refused: {str(error).strip().splitlines()[0]}") from error
    finally:
        engine.dispose()
    return Restored(
        made_at=head["made_at"],
        messages=end["rows"]["messages"] - len(end["purged"]),
        in_spool=staging.counts.get(SPOOL, 0),
        lost=tuple(end["without_audio"]),
        keys_missing=missing,
    )


class _Staging:
    """Files that get their places together. Left without `keep`, nothing of them is there."""

    def __init__(self, places: Places) -> None:
        self._roots = {RECORDINGS: places.recordings, SPOOL: places.spool, PROMPTS: places.prompts}
        if places.secrets is not None:
            self._roots[SECRETS] = places.secrets
        self._made: list[Path] = []
        self._placed: list[Path] = []
        self._kept = False
        self.counts: dict[str, int] = {}

    def __enter__(self) -> Self:
        for root in self._roots.values():
            shutil.rmtree(root / STAGED, ignore_errors=True)  # of one that was killed
        return self

    def __exit__(self, *_: object) -> None:
        for root in self._roots.values():
            shutil.rmtree(root / STAGED, ignore_errors=True)
        if self._kept:
            return
        for path in reversed(self._placed):
            path.unlink(missing_ok=True)
        for folder in reversed(self._made):
            with suppress(OSError):
                folder.rmdir()

    def add(self, member: archive.Member) -> None:
        """Put a file aside, durably, if it has a place here."""
        kind, *steps = member.parts
        if kind not in self._roots or not steps:
            return
        if kind not in self.counts:
            self._begin(kind)
        path = self._roots[kind] / STAGED / Path(*steps)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(member.data)
            file.flush()
            os.fsync(file.fileno())
        path.chmod(_FILE_MODES[kind])
        os.utime(path, (member.changed_at, member.changed_at))
        self.counts[kind] += 1

    def read(self, kind: str, name: str) -> str | None:
        """Return what a file says that was put aside."""
        path = self._roots[kind] / STAGED / name if kind in self._roots else None
        return path.read_text() if path is not None and path.is_file() else None

    def place(self) -> None:
        """Give all of them their places; what lies there already stays. Raises OSError."""
        for kind in self.counts:
            root = self._roots[kind]
            folders = {root}
            for staged in sorted(path for path in (root / STAGED).rglob("*") if path.is_file()):
                path = root / staged.relative_to(root / STAGED)
                if path.exists():
                    continue
                for folder in reversed(path.relative_to(root).parents):
                    if not (root / folder).exists():
                        (root / folder).mkdir(mode=_FOLDER_MODES[kind])
                        self._made.append(root / folder)
                    folders.add(root / folder)
                staged.rename(path)
                self._placed.append(path)
            for folder in folders:
                sync_folder(folder)

    def _begin(self, kind: str) -> None:
        """Make the folder of a kind, and that in which its files are put aside."""
        root = self._roots[kind]
        for folder in (*reversed(root.parents), root):
            if not folder.exists():
                folder.mkdir(mode=_FOLDER_MODES[kind] if folder == root else 0o755)
                self._made.append(folder)
        (root / STAGED).mkdir(mode=0o700)
        self.counts[kind] = 0

    def keep(self) -> None:
        """Leave them where they are."""
        self._kept = True


def _refuse_what_is_there(places: Places) -> None:
    for name, files in {
        "recordings": (places.recordings, _recordings(places.recordings)),
        "spool": (places.spool, iter(spool_files(places.spool))),
    }.items():
        folder, found = files
        there = next((path for path in found if STAGED not in path.parts), None)
        if there is not None:
            raise RestoreRefused(
                f"The folder of the {name} is not empty ({there}): a backup is restored into an empty"
                f" installation only. Move what is in {folder} elsewhere, or name another folder."
            )


def _recordings(root: Path) -> Iterator[Path]:
    return (path for path in root.rglob("*") if path.is_file())


def _refuse_tables(connection: Connection) -> None:
    count = connection.exec_driver_sql(_DATABASE_IS_EMPTY).scalar_one()
    if count:
        raise RestoreRefused(
            f"The database is not empty ({count} tables): a backup is restored into a new database only."
            " Make one (createdb), and name it in CONTROLPLANE_DATABASE_URL."
        )


def _stage(file: Path, staging: _Staging, progress: Progress) -> dict[str, Any]:
    """Put the files aside and check the whole; return what the end says."""
    end: dict[str, Any] = {}
    size = file.stat().st_size >> 20
    with file.open("rb") as source:
        for member in archive.members(source):
            progress.tell("MB", source.tell() >> 20, size)
            if member.name == archive.END:
                end = json.loads(member.data)
            else:
                staging.add(member)
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


def _missing_keys(head: dict[str, Any], places: Places, staging: _Staging) -> tuple[str, ...]:
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
