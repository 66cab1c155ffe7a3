"""What the tests need of an existing switch: a stock configuration, its own users, lines added to it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Protocol

from controlplane.phone.phone import Server
from tests.support.page import Page

USERS = {"1000": "stock-user-1000", "1001": "stock-user-1001", "1002": "stock-user-1002"}
"""The switch's own users and their passwords. The third one never gets a line of ours."""
OURS = ("1000", "1001")


class StockSwitch(Protocol):
    """A private switch with the configuration that it ships with, and users of its own."""

    page: Page
    configuration: Path
    server: Server
    """Where its users register and call."""
    outside: Server
    """Where calls come in from outside."""
    placeholders: Mapping[str, str]
    """What the page's placeholders and ports stand for here, but for `TENANT`."""

    def start(self) -> None:
        """Start it, and wait until it serves."""
        ...

    def stop(self) -> None:
        """Kill it."""
        ...

    def let_us_in(self) -> None:
        """Do the page's step about the way in for `events` and publishing; the rest is still left out."""
        ...

    def add_our_lines(self, tenant: str) -> None:
        """Do all other steps of the page, and have the switch read them."""
        ...

    def own_lines(self, lines: str) -> AbstractAsyncContextManager[None]:
        """Have lines of an administrator in the dialplan of the users until the block ends."""
        ...


def digests(folder: Path) -> dict[str, str]:
    """Return a digest of each file below a folder."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def replace_once(path: Path, old: str, new: str) -> None:
    """Change the one place of a file where `old` stands."""
    text = path.read_text()
    assert text.count(old) == 1, f"{text.count(old)} times {old!r} in {path.name}"
    path.write_text(text.replace(old, new))
