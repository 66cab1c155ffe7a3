"""The migrations: drift, and each step there and back."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from alembic import command
from alembic.script import ScriptDirectory
from controlplane.supervisor.postgres import EmbeddedPostgres
from tests.support.database import alembic_config


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
    """A fresh database has the tenant `default` with its feature codes."""
    with psycopg.connect(database_url) as connection:
        rows = connection.execute(
            "SELECT t.name, f.code, f.feature FROM tenants t JOIN feature_codes f ON f.tenant_id = t.id"
            " ORDER BY f.code"
        ).fetchall()

    assert rows == [("default", "*56", "check-messages"), ("default", "*57", "check-own-mailbox")]


def test_an_own_mailbox_gets_its_code_where_it_is_free(empty_url: str) -> None:
    """Tenants that exist get `*57`, but for one that uses it for something else."""
    config = alembic_config(empty_url)
    command.upgrade(config, "0004")
    with psycopg.connect(empty_url) as connection:
        connection.execute(
            "INSERT INTO tenants (id, name, sip_domain, language, time_zone)"
            " VALUES (gen_random_uuid(), 'north', 'north', 'en', 'UTC')"
        )
        connection.execute(
            "INSERT INTO feature_codes SELECT id, '*57', 'check-messages' FROM tenants WHERE name = 'north'"
        )
    command.upgrade(config, "0005")
    with psycopg.connect(empty_url) as connection:
        rows = connection.execute(
            "SELECT t.name, f.feature FROM tenants t JOIN feature_codes f ON f.tenant_id = t.id"
            " WHERE f.code = '*57' ORDER BY t.name"
        ).fetchall()

    assert rows == [("default", "check-own-mailbox"), ("north", "check-messages")]
