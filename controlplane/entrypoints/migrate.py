"""Brings the database's schema to the newest state: `controlplane migrate`."""

from __future__ import annotations

import asyncio
from pathlib import Path

import structlog
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine
from sqlalchemy.exc import DBAPIError

from controlplane.domain.configuration import Mode
from controlplane.domain.errors import Unavailable
from controlplane.services.publishing_modes import adopt_default
from controlplane.settings import Settings
from controlplane.storage.database import Database

_MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"


def upgrade(settings: Settings) -> None:
    """Run every migration that the database does not have yet, each in a transaction of its own.

    Raises Unavailable when the database cannot be reached.
    """
    before, newest = revisions(settings)
    if before == newest:
        return
    command.upgrade(configuration(settings.sqlalchemy_url), "head")
    structlog.get_logger().info("database.migrated", before=before, now=newest)


def require(settings: Settings) -> None:
    """Raise Unavailable, with the remedy, unless the database answers and has the newest schema."""
    present, newest = revisions(settings)
    if present != newest:
        raise Unavailable(
            f"The database's schema is {present or 'empty'}, the newest is {newest}:"
            " run `controlplane migrate`."
        )


def revisions(settings: Settings) -> tuple[str | None, str | None]:
    """Return the revision of the database (None: empty) and the newest one; raises Unavailable."""
    newest = ScriptDirectory.from_config(configuration(settings.sqlalchemy_url)).get_current_head()
    engine = create_engine(settings.sqlalchemy_url, connect_args={"connect_timeout": 5})
    try:
        with engine.connect() as connection:
            return MigrationContext.configure(connection).get_current_revision(), newest
    except DBAPIError as error:
        reason = str(error.orig).strip().splitlines()[0]
        raise Unavailable(
            f"The database cannot be reached ({reason}): check CONTROLPLANE_DATABASE_URL."
        ) from error
    finally:
        engine.dispose()


def main(settings: Settings) -> None:
    """Run the migrations and say what was done."""
    before, newest = revisions(settings)
    upgrade(settings)
    asyncio.run(_adopt(settings))
    print(
        f"The database is at {newest}."
        if before == newest
        else f"Migrated from {before or 'nothing'} to {newest}."
    )


def default_mode(settings: Settings) -> Mode:
    """Return how tenants publish for which nobody chose."""
    return Mode.AUTOMATIC if settings.publish_automatically else Mode.MANUAL


async def _adopt(settings: Settings) -> None:
    """Have tenants publish as the settings say before anybody changes something of them."""
    database = Database(settings.sqlalchemy_url)
    try:
        await adopt_default(database, default_mode(settings))
    finally:
        await database.close()


def configuration(url: str) -> Config:
    """Return alembic's configuration for a database."""
    configured = Config()
    configured.set_main_option("script_location", str(_MIGRATIONS))
    configured.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
    return configured


def known_revisions() -> set[str]:
    """Return the schemas that this version can bring to the newest one."""
    script = ScriptDirectory.from_config(configuration(""))
    return {each.revision for each in script.walk_revisions()}


def bring(connection: Connection, revision: str) -> None:
    """Bring the database of a connection to a revision, or to `head`, as a part of its transaction."""
    configured = configuration("")
    configured.attributes["connection"] = connection
    command.upgrade(configured, revision)
