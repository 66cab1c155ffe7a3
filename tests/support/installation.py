"""An installation with something in each corner, for tests that carry it elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from controlplane.services.backup import Places
from controlplane.services.pin_hashing import key_marks, make_key
from controlplane.storage import dump
from controlplane.storage.recordings import RecordingStore
from controlplane.supervisor.postgres import EmbeddedPostgres
from tests.support.takes import closed_wav

KEY = make_key("k1")


@contextmanager
def new_database(postgres: EmbeddedPostgres, name: str) -> Iterator[str]:
    """Make a database without any table, and drop it afterwards."""
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")  # type: ignore[arg-type]  # named by the test
        try:
            yield postgres.url(name)
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")  # type: ignore[arg-type]  # the same


def places(url: str, root: Path, key: str = KEY) -> Places:
    """Return an installation in a folder."""
    return Places(
        database_url=url,
        recordings=root / "recordings",
        spool=root / "spool",
        prompts=root / "prompts",
        key_marks=key_marks(key),
    )


def record(at: Places, message_id: UUID, seconds: float = 0.2) -> Path:
    """Put a recording into the store."""
    path = RecordingStore(at.recordings).path(message_id)
    path.parent.mkdir(parents=True, exist_ok=True)
    return closed_wav(path, seconds)


@dataclass(frozen=True)
class Content:
    """All rows of all tables that a backup has, and all files."""

    rows: dict[str, list[tuple[Any, ...]]]
    files: dict[str, bytes]


def content(at: Places) -> Content:
    """Return what is there."""
    with psycopg.connect(at.database_url) as connection:
        rows = {
            each.table: sorted(
                connection.execute(
                    f'SELECT {", ".join(each.columns)} FROM "{each.table}"'  # type: ignore[arg-type]  # names of the catalogue
                ).fetchall(),
                key=repr,
            )
            for each in dump.columns(connection)
        }
    return Content(rows=rows, files=files(at))


def files(at: Places) -> dict[str, bytes]:
    """Return all files below its folders, by their path."""
    return {
        f"{root.name}/{path.relative_to(root)}": path.read_bytes()
        for root in (at.recordings, at.spool, at.prompts)
        for path in root.rglob("*")
        if path.is_file()
    }


def tables(url: str) -> int:
    """Return how many tables a database has."""
    with psycopg.connect(url) as connection:
        return len(dump.tables(connection))
