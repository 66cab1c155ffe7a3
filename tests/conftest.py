"""Tiers by folder, and the fixtures that every tier may use."""

from __future__ import annotations

from pathlib import Path

import pytest
import structlog

TIERS = {"unit", "contract", "integration", "asterisk", "freeswitch", "faults"}
ROOT = Path(__file__).parents[1]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test with the tier whose folder it is in."""
    for item in items:
        tier = item.path.relative_to(ROOT / "tests").parts[0]
        if tier in TIERS:
            item.add_marker(getattr(pytest.mark, tier))


@pytest.fixture(scope="session", autouse=True)
def plain_logs() -> None:
    """Log in plain lines: the library's coloured tracebacks cost seconds each."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.format_exc_info,
            structlog.processors.KeyValueRenderer(key_order=["event"]),
        ]
    )


@pytest.fixture(scope="session")
def root() -> Path:
    """Return the folder of the checkout."""
    return ROOT
