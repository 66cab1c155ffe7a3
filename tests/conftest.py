"""Tiers by folder, and the fixtures that every tier may use."""

from __future__ import annotations

import os
import socket

# Before any thread: pytest loads it when something was left open, and two threads at once fail at that.
import tracemalloc  # noqa: F401
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest
import structlog
from controlplane.storage.database import Database
from controlplane.supervisor.freeswitch_tree import find_freeswitch
from hypothesis import settings
from tests.support.evidence import Evidence, partial, version_of
from tests.support.live import without_freeswitch

TIERS = {"unit", "contract", "integration", "browser", "asterisk", "freeswitch", "faults"}
ROOT = Path(__file__).parents[1]

# How long an example takes is the machine's business, and no fact about the product.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let what a run showed be kept: of the freeswitch tier, and pictures of pages."""
    parser.addoption("--pictures", metavar="DIR", help="put the browser tier's pictures of pages into DIR")
    parser.addoption("--evidence", metavar="FILE", help="write what the freeswitch tier showed into FILE")


def pytest_configure(config: pytest.Config) -> None:
    """Collect the results in the process that hears of all of them."""
    path = config.getoption("--evidence")
    if path is None or hasattr(config, "workerinput"):
        return
    if partial(config):
        print("Not the whole tier: what it shows is not written down.")  # noqa: T201 (for who runs it)
        return
    tree = find_freeswitch(os.environ, progress=lambda _: None)
    config.pluginmanager.register(Evidence(Path(path), version=version_of(tree.program)))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test with the tier of its folder; that of FreeSWITCH is skipped where there is none."""
    without = without_freeswitch()
    for item in items:
        tier = item.path.relative_to(ROOT / "tests").parts[0]
        if tier in TIERS:
            item.add_marker(getattr(pytest.mark, tier))
        if tier == "browser":
            # A browser belongs to the event loop in which it was started.
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)
        if tier == "freeswitch" and without:
            item.add_marker(pytest.mark.skip(reason=without))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show what `calls` said beside a failure of a test that had a whole product: it is gone afterwards."""
    report = yield
    product = getattr(item, "funcargs", {}).get("product")
    if report.failed and product is not None:
        report.sections.append(("what calls said", product.last_words_of_calls()))
    return report


@pytest.fixture(scope="session")
def databases() -> dict[str, Database]:
    """Return the databases of this worker by URL: to compile statements costs more than to run them."""
    return {}


@pytest.fixture(autouse=True)
def plain_logs() -> None:
    """Log in plain lines, whatever a command did that ran in a test before.

    The library's coloured tracebacks cost seconds each.
    """
    structlog.reset_defaults()
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.format_exc_info,
            structlog.processors.KeyValueRenderer(key_order=["event"]),
        ]
    )


@pytest.fixture(autouse=True)
def closed_sockets(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no unit test talk over IP, not even to itself; a test that must is one of another tier."""
    if not request.node.path.is_relative_to(ROOT / "tests" / "unit"):
        return
    for name in ("bind", "connect", "connect_ex", "listen", "sendto"):
        monkeypatch.setattr(socket.socket, name, _over_ip_refused(name, getattr(socket.socket, name)))


def _over_ip_refused(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
    def refuse(self: socket.socket, *arguments: Any) -> Any:
        if self.family in {socket.AF_INET, socket.AF_INET6}:
            # Not an OSError: the code under test may live with that.
            pytest.fail(f"A unit test calls socket.{name}{arguments}: its sockets are closed.")
        return call(self, *arguments)

    return refuse


@pytest.fixture(scope="session")
def root() -> Path:
    """Return the folder of the checkout."""
    return ROOT
