"""Every table as it was at one moment, and back: by COPY, so that it needs no program of PostgreSQL's.

What is a table, and in which order they can be filled, is asked of the database: a table that a migration
adds is in the next backup by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import Any, Final
from uuid import UUID

import psycopg
from psycopg import IsolationLevel, sql

SyncConnection = psycopg.Connection[Any]

LEFT_OUT: Final = {
    "alembic_version": "says the schema, which the head of the backup says too",
    "running_processes": "says what runs now",
    "present_calls": "says who is in a mailbox now",
    "user_sessions": "somebody who signed out since must not be signed in again",
    "sign_in_links": "a link that was used since must not let in again",
}
_BLOCK_BYTES = 4 << 20
_RESTORED: Final = "restored by "


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """A table and its columns, in the order in which they are written."""

    table: str
    columns: tuple[str, ...]


@contextmanager
def snapshot(url: str) -> Iterator[SyncConnection]:
    """Open a connection that sees one moment of the database until it is closed, and changes nothing."""
    with psycopg.connect(url) as connection:
        connection.isolation_level = IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        yield connection


def schema(connection: SyncConnection) -> str | None:
    """Return the newest migration that the database has; None without any."""
    if connection.execute("SELECT to_regclass('public.alembic_version')").fetchone() == (None,):
        return None
    row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return None if row is None else str(row[0])


def tables(connection: SyncConnection) -> list[str]:
    """List all tables, each after those that it refers to."""
    found = connection.execute(
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
    ).fetchall()
    order = TopologicalSorter[str]({name: set() for (name,) in sorted(found)})
    for child, parent in connection.execute(
        "SELECT c.relname, p.relname FROM pg_constraint f JOIN pg_class c ON c.oid = f.conrelid"
        " JOIN pg_class p ON p.oid = f.confrelid"
        " WHERE f.contype = 'f' AND f.connamespace = 'public'::regnamespace AND c.oid <> p.oid"
    ).fetchall():
        order.add(child, parent)
    return list(order.static_order())


def columns(connection: SyncConnection) -> list[Columns]:
    """List the tables that a backup has, each after those that it refers to."""
    found = connection.execute(
        "SELECT c.relname, array_agg(a.attname ORDER BY a.attnum) FROM pg_class c"
        " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped"
        " AND a.attgenerated = '' WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace"
        " GROUP BY c.relname"
    ).fetchall()
    named = {name: tuple(names) for name, names in found}
    return [Columns(table=name, columns=named[name]) for name in tables(connection) if name not in LEFT_OUT]


def blocks(connection: SyncConnection, table: Columns) -> Iterator[bytes]:
    """Yield the rows of a table, as PostgreSQL writes them, in portions of some megabytes."""
    statement = sql.SQL("COPY {} ({}) TO STDOUT").format(sql.Identifier(table.table), _names(table))
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        block = bytearray()
        for line in copy:
            block += line
            if len(block) >= _BLOCK_BYTES:
                yield bytes(block)
                block.clear()
        if block:
            yield bytes(block)


def fill(connection: SyncConnection, table: Columns, written: Iterable[bytes]) -> int:
    """Put rows into a table, as `blocks` yielded them; return how many."""
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table.table), _names(table))
    with connection.cursor() as cursor:
        with cursor.copy(statement) as copy:
            for block in written:
                copy.write(block)
        return cursor.rowcount


def sequences(connection: SyncConnection) -> dict[str, int]:
    """Return the last number that each sequence gave."""
    return dict(
        connection.execute(
            "SELECT sequencename, last_value FROM pg_sequences"
            " WHERE schemaname = 'public' AND last_value IS NOT NULL"
        ).fetchall()
    )


def set_sequences(connection: SyncConnection, last: dict[str, int]) -> None:
    """Let sequences go on after these numbers."""
    for name, value in last.items():
        connection.execute("SELECT setval(format('public.%%I', %s::text)::regclass, %s, true)", (name, value))


@contextmanager
def emptied(connection: SyncConnection) -> Iterator[None]:
    """Empty all tables but the schema's own note, and keep triggers from adding to what is put in."""
    names = [sql.Identifier(name) for name in tables(connection) if name != "alembic_version"]
    connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
    for name in names:
        connection.execute(sql.SQL("ALTER TABLE {} DISABLE TRIGGER USER").format(name))
    connection.execute(sql.SQL("TRUNCATE {}").format(sql.SQL(", ").join(names)))
    yield
    for name in names:
        connection.execute(sql.SQL("ALTER TABLE {} ENABLE TRIGGER USER").format(name))


def identity(connection: SyncConnection) -> str:
    """Return what no other database of any server has."""
    row = connection.execute(
        "SELECT s.system_identifier, d.oid FROM pg_control_system() s, pg_database d"
        " WHERE d.datname = current_database()"
    ).fetchone()
    assert row is not None
    return f"{row[0]}/{row[1]}"


def note_restore(connection: SyncConnection, restore_id: str) -> None:
    """Have the database say, once this transaction is committed, which restore filled it."""
    connection.execute(
        sql.SQL("COMMENT ON TABLE alembic_version IS {}").format(sql.Literal(_RESTORED + restore_id))
    )


def noted_restore(connection: SyncConnection) -> str | None:
    """Return the id of the restore that filled the database; None if none did."""
    row = connection.execute(
        "SELECT obj_description(to_regclass('public.alembic_version'), 'pg_class')"
    ).fetchone()
    said = None if row is None else row[0]
    return said.removeprefix(_RESTORED) if said is not None and said.startswith(_RESTORED) else None


def message_ids(connection: SyncConnection) -> list[UUID]:
    """List the messages, those in the trash too."""
    return [found for (found,) in connection.execute("SELECT id FROM messages ORDER BY id")]


def missing_messages(connection: SyncConnection, ids: Iterable[UUID]) -> set[UUID]:
    """Return those of these messages that are not in the database."""
    wanted = set(ids)
    found = connection.execute("SELECT id FROM messages WHERE id = ANY(%s)", (list(wanted),))
    return wanted - {message_id for (message_id,) in found}


def remove_messages(connection: SyncConnection, ids: Iterable[UUID]) -> None:
    """Remove messages that were purged while the backup was made, with all that belongs to them."""
    connection.execute("DELETE FROM messages WHERE id = ANY(%s)", (list(ids),))


def pin_key_ids(connection: SyncConnection) -> list[str]:
    """List the ids of the keys by which PINs are stored."""
    rows = connection.execute(
        "SELECT DISTINCT split_part(pin_hash, '$', 1) FROM mailboxes WHERE pin_hash LIKE '%$%' ORDER BY 1"
    )
    return [key for (key,) in rows]


def _names(table: Columns) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, table.columns))
