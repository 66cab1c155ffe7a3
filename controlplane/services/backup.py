"""Writes a backup: database, recordings and spool, consistent with each other, while everything runs.

What is on its way is copied first, then one moment of the database, then the recordings which that moment
names. A take that came home before that moment is in both, and is recognised; a message that was purged
after it has lost its recording, and is noted as purged (docs/adr/0029).
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO
from uuid import UUID

import psycopg

from controlplane.domain.errors import ControlPlaneError, Unavailable
from controlplane.storage import dump
from controlplane.storage.archive import ArchiveWriter
from controlplane.storage.recordings import RecordingStore

SPOOL, RECORDINGS, PROMPTS, SECRETS, DATABASE = "spool", "recordings", "prompts", "secrets", "database"
TABLES = f"{DATABASE}/tables.json"
STAGED = ".restoring"
"""Where a restore puts files aside, below each folder."""
Say = Callable[[str], None]


class BackupFailed(ControlPlaneError):
    """No backup was made; the sentence says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where an installation keeps what a backup has. `secrets` None: they are kept by somebody else.

    `key_marks` has for each key of PINs that is set something that only this key gives.
    """

    database_url: str
    recordings: Path
    spool: Path
    prompts: Path
    secrets: Path | None = None
    key_marks: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What a backup has. `lost` are messages whose recording was missing before it began."""

    messages: int
    in_spool: int
    purged: int
    lost: tuple[UUID, ...]
    pin_keys: tuple[str, ...]


class Progress:
    """Tells how far long work has come, each few seconds."""

    def __init__(
        self, say: Say, *, every_seconds: float = 2.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._say = say
        self._every = every_seconds
        self._clock = clock
        self._next = clock() + every_seconds

    def tell(self, what: str, done: int, whole: int) -> None:
        """Tell it if it is time to."""
        if self._clock() >= self._next:
            self._next = self._clock() + self._every
            self._say(f"{what}: {done} of {whole}")


def write_backup(output: BinaryIO, places: Places, *, say: Say, progress: Progress) -> Written:
    """Write a whole backup; raises BackupFailed, Unavailable, or OSError if it cannot be written."""
    try:
        with dump.snapshot(places.database_url) as asked:
            schema, keys = dump.schema(asked), dump.pin_key_ids(asked)
    except psycopg.OperationalError as error:
        raise _away(error) from error
    except psycopg.errors.UndefinedTable:
        schema, keys = None, []
    if schema is None:
        raise BackupFailed("The database has no tables of ours: there is nothing to back up.")
    marks = {key: mark for key, mark in places.key_marks.items() if key in keys}
    archive = ArchiveWriter(
        output,
        {
            "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "schema": schema,
            "pin_keys": {key: marks.get(key) for key in keys},
            "secrets": places.secrets is not None,
        },
    )
    # Before the moment of the database: what comes home later is in here, what came home is in there.
    say("What is on its way, and what people recorded")
    in_spool = _add_tree(archive, SPOOL, places.spool, spool_files(places.spool))
    _add_tree(archive, PROMPTS, places.prompts, sorted(places.prompts.glob("*/*.wav")))
    if places.secrets is not None:
        _add_tree(archive, SECRETS, places.secrets, sorted(places.secrets.iterdir()))
    say("The database")
    try:
        with dump.snapshot(places.database_url) as connection:
            ids = dump.message_ids(connection)
            rows = _add_database(archive, connection, progress)
        say(f"The recordings of {len(ids)} messages")
        missing = _add_recordings(archive, places, ids, progress)
        with dump.snapshot(places.database_url) as connection:
            purged = dump.missing_messages(connection, missing)
    except psycopg.OperationalError as error:
        raise _away(error) from error
    lost = tuple(sorted(set(missing) - purged))
    archive.close({"rows": rows, "purged": sorted(map(str, purged)), "without_audio": list(map(str, lost))})
    return Written(
        messages=len(ids) - len(purged),
        in_spool=in_spool,
        purged=len(purged),
        lost=lost,
        pin_keys=tuple(keys),
    )


def spool_files(spool: Path) -> list[Path]:
    """List the files in a spool, that of what was put aside too, facts before their audio.

    A take loses its audio before its facts, so that what is copied of one is never audio alone; what was put
    aside meanwhile is met again among those.
    """
    found = [
        path
        for path in spool.rglob("*")
        if path.is_file() and not path.is_symlink() and STAGED not in path.relative_to(spool).parts
    ]
    quarantine = spool / "quarantine"
    return sorted(found, key=lambda path: (path.is_relative_to(quarantine), path.suffix == ".wav", str(path)))


def _add_tree(archive: ArchiveWriter, name: str, root: Path, files: list[Path]) -> int:
    """Add files below a folder; one that is gone meanwhile came home. Returns how many there were."""
    added = 0
    for path in files:
        with suppress(FileNotFoundError):
            changed_at, data = path.stat().st_mtime, path.read_bytes()
            archive.add(f"{name}/{path.relative_to(root)}", data, changed_at=changed_at)
            added += 1
    return added


def _add_database(
    archive: ArchiveWriter, connection: dump.SyncConnection, progress: Progress
) -> dict[str, int]:
    found = dump.columns(connection)
    listed: list[dict[str, Any]] = [{"table": each.table, "columns": each.columns} for each in found]
    archive.add(TABLES, _json({"tables": listed, "sequences": dump.sequences(connection)}))
    rows = {}
    for done, table in enumerate(found):
        progress.tell("Tables", done, len(found))
        rows[table.table] = 0
        for number, block in enumerate(dump.blocks(connection, table)):
            archive.add(f"{DATABASE}/{table.table}/{number:06}", block)
            rows[table.table] += block.count(b"\n")
    return rows


def _add_recordings(
    archive: ArchiveWriter, places: Places, ids: list[UUID], progress: Progress
) -> list[UUID]:
    """Add the recordings of messages; return those that have none."""
    store, missing = RecordingStore(places.recordings), []
    for done, message_id in enumerate(ids):
        progress.tell("Recordings", done, len(ids))
        path = store.path(message_id)
        try:
            archive.add(
                f"{RECORDINGS}/{path.parent.name}/{path.name}",
                path.read_bytes(),
                changed_at=path.stat().st_mtime,
            )
        except FileNotFoundError:
            missing.append(message_id)
    return missing


def _json(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content, indent=1).encode()


def _away(error: psycopg.Error) -> Unavailable:
    return Unavailable(f"The database cannot be reached: {str(error).strip().splitlines()[0]}")
