"""Rendered files as a switch reads them: what they include stands in its place."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

_INCLUDE = re.compile(
    r'^[ \t]*(?:#include "|<X-PRE-PROCESS cmd="include" data=")[^"]*/live/([^"]+)"(?:/>)?$', re.MULTILINE
)


def whole(files: Mapping[str, str], path: str) -> str:
    """Return the text of a file with all that it includes of these files."""

    def included(found: re.Match[str]) -> str:
        text = whole(files, found[1])
        return text.replace("<include>", "").replace("</include>", "")

    return _INCLUDE.sub(included, files[path])


def read_whole(live: Path, path: str) -> str:
    """Return the same of a folder in which files are published."""
    folder = live.resolve()
    files = {str(file.relative_to(folder)): file for file in folder.rglob("*") if file.is_file()}
    return whole({name: file.read_text(errors="replace") for name, file in files.items()}, path)
