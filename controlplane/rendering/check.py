"""Read a rendered configuration file the way Asterisk's main/config.c does, to see that it holds together."""

from __future__ import annotations

import re

from controlplane.rendering.escape import RenderingError

_MAX_LINE_BYTES = 8190  # main/config.c reads lines into a buffer of 8192
_SECTION = re.compile(r"\[([^\]]+)\](\([^)]*\))?")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")
_INCLUDE = re.compile(r'#include "/[^"]+/pjsip/[0-9a-f-]+/phones[01-]*\.conf"')

Section = tuple[str, list[tuple[str, str]]]


def parse(text: str) -> list[Section]:
    r"""Return the sections in order, each with its settings in order; comments are gone, `\;` is `;`.

    Raises RenderingError, naming the line, for what Asterisk would not read, or for an `#include`
    or `#exec`, of which we render none but those of extensions, and these are left out.
    """
    sections: list[Section] = []
    for count, raw in enumerate(text.split("\n"), start=1):
        if len(raw.encode()) > _MAX_LINE_BYTES:
            raise RenderingError(f"Line {count} is too long for Asterisk.")
        if _CONTROL.search(raw):
            raise RenderingError(f"Line {count} has a control character.")
        line = _without_comment(raw).strip()
        if not line or _INCLUDE.fullmatch(line):
            continue
        if line.startswith("["):
            section = _SECTION.fullmatch(line)
            if section is None:
                raise RenderingError(f"Line {count} is no section.")
            sections.append((section[1], []))
            continue
        key, separator, value = line.partition("=")
        if line.startswith("#") or not separator or not sections:
            raise RenderingError(f"Line {count} is no setting of a section.")
        sections[-1][1].append((key.strip(), value.removeprefix(">").strip()))
    return sections


def check_file(path: str, text: str) -> None:
    """Raise RenderingError unless Asterisk can read the file and no dialplan context is there twice."""
    fragment = path.endswith("cp-globals.conf")
    try:
        sections = parse(f"[globals]\n{text}" if fragment else text)
    except RenderingError as error:
        raise RenderingError(f"{path}: {error}") from error
    if path.endswith(("extensions.conf", "cp-contexts.conf")):
        names = [name for name, _ in sections]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise RenderingError(f"{path}: the context {twice[0]} is there twice.")


def _without_comment(line: str) -> str:
    """Cut at the first `;` that no backslash stands before, and drop those backslashes."""
    if ";" not in line:
        return line
    kept: list[str] = []
    for position, char in enumerate(line):
        if char != ";":
            kept.append(char)
        elif position and line[position - 1] == "\\":
            kept[-1] = ";"
        elif line.startswith(";--", position) and not line.startswith(";---", position):
            raise RenderingError("A block comment begins.")
        else:
            break
    return "".join(kept)
