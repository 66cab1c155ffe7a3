"""A real PostgreSQL for every test of this tier."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.support.api_fixtures import api, client, foreigner, mailbox, stranger, system
from tests.support.fixtures import (
    database,
    database_url,
    default_tenant,
    jobs,
    new_files,
    postgres,
    queue_app,
)
from tests.support.portal_fixtures import alice, bob, visitor

__all__ = [
    "alice",
    "api",
    "bob",
    "client",
    "database",
    "database_url",
    "default_tenant",
    "foreigner",
    "jobs",
    "mailbox",
    "new_files",
    "postgres",
    "queue_app",
    "stranger",
    "system",
    "visitor",
]


@pytest.fixture
def environment(database_url: str, tmp_path: Path) -> dict[str, str]:
    """Return the settings of an installation on the database."""
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("CONTROLPLANE_")},
        "CONTROLPLANE_DATABASE_URL": database_url,
        "CONTROLPLANE_PRIVATE": "true",
        "CONTROLPLANE_LOG_LEVEL": "debug",
        **{
            f"CONTROLPLANE_PATHS__{name}": str(tmp_path / name.lower())
            for name in ("RECORDINGS", "SPOOL", "PROMPTS", "CONFIGURATION")
        },
    }
