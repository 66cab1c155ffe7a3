"""The blocks of a documentation page that tests apply: a fence behind a line `<!-- snippet: NAME -->`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

_FENCE = re.compile(r"^<!-- snippet: (\S+) -->\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Page:
    """The blocks of one page, by name, with its placeholders filled in."""

    def __init__(self, path: Path) -> None:
        self._snippets = dict(_FENCE.findall(path.read_text()))
        self._asked: set[str] = set()

    def snippet(self, name: str, values: Mapping[str, str]) -> str:
        """Return a block in which each key of `values` is replaced."""
        self._asked.add(name)
        text: str = self._snippets[name]
        for placeholder, value in values.items():
            text = text.replace(placeholder, value)
        return text

    def settings(self, values: Mapping[str, str]) -> dict[str, str]:
        """Return the block of settings as variables."""
        lines = self.snippet("settings", values).splitlines()
        return {name: value for name, _, value in (line.partition("=") for line in lines)}

    @property
    def unasked(self) -> set[str]:
        """The blocks that nobody has applied: a page must hold none."""
        return set(self._snippets) - self._asked
