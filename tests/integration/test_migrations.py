"""The migrations: drift, and each step there and back."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from alembic import command
from alembic.script import ScriptDirectory
from controlplane.supervisor.postgres import EmbeddedPostgres
from tests.support.database import DEFAULT_CODES, alembic_config


@pytest.fixture
def empty_url(postgres: EmbeddedPostgres) -> Iterator[str]:
    """Make a database without any table."""
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
        connection.execute("CREATE DATABASE migrations")
        yield postgres.url("migrations")
        connection.execute("DROP DATABASE migrations WITH (FORCE)")


def _tables(url: str) -> list[str]:
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version'"
        ).fetchall()
    return sorted(name for (name,) in rows)


def test_migrations_make_what_the_tables_say(database_url: str) -> None:
    """The migrated database has no difference to the tables in the code."""
    command.check(alembic_config(database_url))  # raises when there is a difference


def test_each_migration_goes_there_and_back(empty_url: str) -> None:
    """Each step is applied, taken back and applied again, and the last step back leaves nothing."""
    config = alembic_config(empty_url)
    revisions = [r.revision for r in ScriptDirectory.from_config(config).walk_revisions()][::-1]

    for revision in revisions:
        before = _tables(empty_url)
        command.upgrade(config, revision)
        command.downgrade(config, "-1")

        assert before == _tables(empty_url)

        command.upgrade(config, revision)
    command.downgrade(config, "base")

    assert _tables(empty_url) == []


def test_default_tenant_exists_from_the_start(database_url: str) -> None:
    """A fresh database has the tenant `default` with the feature codes of every new tenant."""
    with psycopg.connect(database_url) as connection:
        rows = connection.execute(
            "SELECT t.name, f.code, f.feature FROM tenants t JOIN feature_codes f ON f.tenant_id = t.id"
            " ORDER BY f.code"
        ).fetchall()

    assert sorted(rows) == sorted(("default", code, feature.value) for code, feature in DEFAULT_CODES.items())


def test_a_code_in_use_is_left_alone(empty_url: str) -> None:
    """A tenant that uses a code for something else keeps it, and does not get a second meaning of it."""
    config = alembic_config(empty_url)
    command.upgrade(config, "0004")
    with psycopg.connect(empty_url, autocommit=True) as connection:
        connection.execute("UPDATE feature_codes SET code = '*7'")
        command.upgrade(config, "0005")
        rows = connection.execute("SELECT code, feature, enabled FROM feature_codes ORDER BY code").fetchall()

    assert ("*7", "check-messages", True) in rows
    assert ("*16", "closed-now", True) in rows
    assert [] == [row for row in rows if row[0].startswith("*7") and row[0] != "*7"]


def test_the_mode_of_the_installation_becomes_that_of_each_tenant(empty_url: str) -> None:
    """Who published by hand does so still, with who chose it; nobody chose for those that come later."""
    config = alembic_config(empty_url)
    command.upgrade(config, "0005")
    with psycopg.connect(empty_url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO configuration_mode (mode, chosen_by) VALUES ('manual', 'token billing')"
        )
        command.upgrade(config, "0006")
        rows = connection.execute(
            "SELECT name, mode, chosen_by, copied_at FROM publishing_modes JOIN tenants ON id = tenant_id"
        ).fetchall()
        left = connection.execute("SELECT mode FROM configuration_mode").fetchall()

    assert ([("default", "manual", "token billing", None)], []) == (rows, left)
