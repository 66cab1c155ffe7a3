"""A migrated PostgreSQL for a test run, emptied after each test."""

from __future__ import annotations

from pathlib import Path

import psycopg
from alembic import command
from alembic.config import Config
from controlplane.services.tenants import _FEATURE_CODES as DEFAULT_CODES

MIGRATIONS = Path(__file__).parents[2] / "migrations"


def alembic_config(url: str) -> Config:
    """Return alembic's configuration for a libpq URL."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option(
        "sqlalchemy.url", url.replace("postgresql://", "postgresql+psycopg://").replace("%", "%%")
    )
    return config


def migrate(url: str) -> None:
    """Bring the database to the newest state."""
    command.upgrade(alembic_config(url), "head")


def empty(url: str) -> None:
    """Remove everything but the tenant `default` and its feature codes."""
    with psycopg.connect(url, autocommit=True) as connection:
        _remove_rows(connection)
        # Keys to what is gone are checked by nobody until here.
        connection.execute("SET session_replication_role = DEFAULT")
        connection.execute("DELETE FROM tenants WHERE name <> 'default'")
        connection.execute("DELETE FROM feature_codes")
        for code, feature in DEFAULT_CODES.items():
            connection.execute(
                "INSERT INTO feature_codes (tenant_id, code, feature) SELECT id, %s, %s FROM tenants",
                (code, feature.value),
            )
        connection.execute(
            "UPDATE tenants SET sip_domain = 'localhost', language = 'en', time_zone = 'UTC', version = 1"
        )


def _remove_rows(connection: psycopg.Connection[tuple[str, ...]]) -> None:
    """Delete the rows of the few tables that have some: to truncate all makes thirty new files.

    What has grown is truncated nevertheless, or the next tests would walk over dead rows.
    """
    tables = connection.execute(
        "SELECT format('%I', tablename) FROM pg_tables WHERE schemaname = 'public'"
        " AND tablename NOT IN ('alembic_version', 'tenants', 'feature_codes')"
    ).fetchall()
    large = connection.execute(
        "SELECT 1 FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
        " AND pg_relation_size(oid) > 500000"
    ).fetchone()
    if large:
        names = ", ".join(name for (name,) in tables)
        connection.execute(f"TRUNCATE {names} RESTART IDENTITY CASCADE")  # type: ignore[arg-type]  # names come from the catalogue
        return
    some = " UNION ALL ".join(f"(SELECT '{name}' FROM {name} LIMIT 1)" for (name,) in tables)
    # Neither triggers nor checks of keys, so that the order of tables is all the same.
    connection.execute("SET session_replication_role = replica")
    for (name,) in connection.execute(some).fetchall():  # type: ignore[arg-type]  # see above
        connection.execute(f"DELETE FROM {name}")  # type: ignore[arg-type]  # see above
    connection.execute(
        "SELECT setval(format('%I.%I', schemaname, sequencename), 1, false) FROM pg_sequences"
        " WHERE last_value IS NOT NULL"
    )
