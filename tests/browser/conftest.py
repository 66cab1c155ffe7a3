"""A real PostgreSQL, the portal on a port, and headless Chromium."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.browser_fixtures import chromium, open_page, signed_in, site
from tests.support.fixtures import database_url, postgres

__all__ = ["chromium", "database_url", "open_page", "postgres", "signed_in", "site"]


@pytest.fixture
def pictures(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Return the folder for pictures of pages: that of `--pictures`, or one that is thrown away."""
    given = request.config.getoption("--pictures")
    folder = tmp_path if given is None else Path(given)
    folder.mkdir(parents=True, exist_ok=True)
    return folder
