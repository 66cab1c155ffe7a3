"""The product beside a switch with its stock configuration, set up as its documentation page says."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from controlplane.supervisor.asterisk_tree import cache_folder, find_or_unpack
from controlplane.supervisor.freeswitch_tree import find_freeswitch
from tests.support import stock_asterisk, stock_freeswitch
from tests.support.beside import ControlPlane
from tests.support.existing import ASTERISK, FREESWITCH, Existing
from tests.support.live import speech
from tests.support.page import Page
from tests.support.processes import open_folder
from tests.support.stock_asterisk import StockAsterisk
from tests.support.stock_freeswitch import StockFreeswitch
from tests.support.stock_switch import StockSwitch, digests

__all__ = ["speech"]


@pytest.fixture(scope="session", params=[ASTERISK, FREESWITCH])
def switch(request: pytest.FixtureRequest) -> str:
    """Return the switch that is there already: each test runs on both."""
    return str(request.param)


def _asterisk(root: Path, folder: Path, stack: ExitStack) -> StockSwitch:
    tree = find_or_unpack(cache_folder(os.environ), progress=lambda _: None)
    samples = stock_asterisk.samples_of(tree)
    if samples is None:
        pytest.skip("the sample configuration of this Asterisk is not there: install asterisk-config")
    run = stack.enter_context(tempfile.TemporaryDirectory(prefix="cp-"))
    return StockAsterisk(tree, samples, folder, Path(run), Page(root / "docs/existing-asterisk.md"))


def _freeswitch(root: Path, folder: Path) -> StockSwitch:
    tree = find_freeswitch(os.environ, progress=lambda _: None)
    samples = stock_freeswitch.samples_of(tree)
    if samples is None:
        pytest.skip(f"{tree.program} has no stock configuration: `make samples` of its sources installs it")
    return StockFreeswitch(tree, samples, folder, Page(root / "docs/existing-freeswitch.md"))


@pytest.fixture(scope="package")
def existing(switch: str, root: Path) -> Iterator[Existing]:
    """Follow the page from its first line to its last; `doctor` is asked before each step."""
    with ExitStack() as stack:
        folder = stack.enter_context(open_folder())
        place = folder / "switch"
        stock = _asterisk(root, place, stack) if switch == "asterisk" else _freeswitch(root, place)
        stack.callback(stock.stop)
        untouched = digests(stock.configuration)
        stock.start()
        values = {**stock.placeholders, "/srv/voicemail": str(folder / "voicemail")}
        control = ControlPlane(folder / "voicemail", stock.page.settings(values))
        stack.callback(control.stop)
        control.install()
        found = Existing(name=switch, switch=stock, control=control, stock=untouched)
        found.publishing.append(control.run("publish"))
        found.wrong["everything"] = asyncio.run(control.wrong())
        stock.let_us_in()
        found.wrong["our lines"] = asyncio.run(control.wrong())
        stock.placeholders = values
        stock.add_our_lines(found.tenant)
        found.publishing.append(control.run("publish"))
        found.extended = digests(stock.configuration)
        control.start()
        found.wrong["nothing"] = asyncio.run(control.wrong())
        yield found


@pytest.fixture(scope="session")
def words(speech: Callable[[str], Path]) -> Path:
    """Return what callers say, about a second and a half."""
    return speech("Please call us back today.")
