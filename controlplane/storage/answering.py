"""Whether PostgreSQL answers, found out by asking on a connection of its own."""

from __future__ import annotations

import psycopg

from controlplane.domain.errors import Unavailable

_CONNECT_SECONDS = 2


async def check_answers(database_url: str) -> None:
    """Ask the database for nothing much; raises Unavailable."""
    try:
        async with await psycopg.AsyncConnection.connect(
            database_url, connect_timeout=_CONNECT_SECONDS, autocommit=True
        ) as connection:
            await connection.execute("SELECT 1")
    except psycopg.Error as error:
        raise Unavailable("The database does not answer.") from error
