"""A migrated PostgreSQL for a test run, emptied after each test."""

from __future__ import annotations

from pathlib import Path

import psycopg
from alembic import command
from alembic.config import Config
from controlplane.services.tenants import _FEATURE_CODES as DEFAULT_CODES

MIGRATIONS = Path(__file__).parents[2] / "migrations"
_GREW = 16 * 8192


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


def empty(url: str, *, new_files: bool = False) -> None:
    """Remove everything but the tenant `default` and its feature codes.

    To truncate gives each table and index a new file, which costs ten times what a few rows do: only what
    grew is truncated, or all that was written to for `new_files`.
    """
    grew = 0 if new_files else _GREW
    with psycopg.connect(url, autocommit=True) as connection:
        written = connection.execute(
            "SELECT format('%I', relname), pg_relation_size(oid) FROM pg_class"
            " WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND pg_relation_size(oid) > 0"
            " AND relname NOT IN ('alembic_version', 'tenants', 'feature_codes')"
        ).fetchall()
        connection.execute("SET session_replication_role = replica")
        for name, size in written:
            emptying = f"DELETE FROM {name}" if size < grew else f"TRUNCATE {name} CASCADE"
            connection.execute(emptying)  # type: ignore[arg-type]  # names come from the catalogue
        connection.execute("SET session_replication_role = origin")
        connection.execute(
            "SELECT setval(oid, 1, false) FROM pg_class"
            " WHERE relkind = 'S' AND relnamespace = 'public'::regnamespace"
        )
        connection.execute("DELETE FROM tenants WHERE name <> 'default'")
        connection.execute("DELETE FROM feature_codes")
        for code, feature in DEFAULT_CODES.items():
            connection.execute(
                "INSERT INTO feature_codes (tenant_id, code, feature) SELECT id, %s, %s FROM tenants",
                (code, feature.value),
            )
        connection.execute(
            "UPDATE tenants SET sip_domain = 'localhost', language = 'en', time_zone = 'UTC', version = 1,"
            " retain_days = 30, trash_days = NULL, max_messages = 0, max_total_seconds = 0,"
            " email_subject = NULL, email_introduction = NULL"
        )
