"""How alembic reaches the database; the URL comes from whoever runs it (`controlplane migrate`, tests)."""

from __future__ import annotations

from typing import Any

from alembic import context
from controlplane.storage.tables import Table
from sqlalchemy import Connection, create_engine


def _is_ours(_object: Any, name: str | None, kind: str, _reflected: bool, _compare_to: Any) -> bool:
    """Leave the job queue's own tables alone: its library brings their schema."""
    return not (kind == "table" and name is not None and name.startswith("procrastinate_"))


def _migrate(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=Table.metadata,
        include_object=_is_ours,
        compare_type=True,
        compare_server_default=True,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    _migrate(given)
else:
    url = context.config.get_main_option("sqlalchemy.url")
    if not url:
        raise SystemExit("Run `controlplane migrate`: it knows the database.")
    with create_engine(url).connect() as connection:
        _migrate(connection)
