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
        tables = connection.execute(
            "SELECT format('%I', tablename) FROM pg_tables WHERE schemaname = 'public'"
            " AND tablename NOT IN ('alembic_version', 'tenants', 'feature_codes')"
        ).fetchall()
        connection.execute(
            "TRUNCATE " + ", ".join(name for (name,) in tables) + " RESTART IDENTITY CASCADE"  # type: ignore[arg-type]  # names come from the catalogue
        )
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
