# ruff: noqa: INP001 (a script, no package)
"""Print the part of requirements.lock that runs in production: dependencies, and the extras that are named.

The lock holds every extra and the tools of development, and says of each package which others
brought it in. What is wanted here is followed along these lines, each pin with its hashes:
`python .ci/production_lock.py speech > requirements.txt`. Needs nothing but the standard library.
"""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==")
_NAME = re.compile(r"^[A-Za-z0-9._-]+")
_VIA = re.compile(r"^\s+#(?: via)?\s+(?P<name>[A-Za-z0-9._-]+)$")


def canonical(name: str) -> str:
    """Return a package's name as the index compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def blocks(lock: str) -> dict[str, list[str]]:
    """Return the lines of each package in the lock, by its name; several pins of one stay together."""
    found: dict[str, list[str]] = {}
    name = ""
    for line in lock.splitlines():
        if start := _PIN.match(line):
            name = canonical(start["name"])
        if name:
            found.setdefault(name, []).append(line)
    return found


def chosen(lock: str, wanted: set[str]) -> list[str]:
    """Return the lines of what is wanted and of all that it needs."""
    packages = blocks(lock)
    brought_by = {
        name: {canonical(via["name"]) for line in lines if (via := _VIA.match(line))}
        for name, lines in packages.items()
    }
    taken = set(wanted)
    while more := {name for name, origins in brought_by.items() if origins & taken} - taken:
        taken |= more
    if missing := taken - set(packages):
        raise SystemExit(f"requirements.lock lacks {', '.join(sorted(missing))}: run `make lock`.")
    return [line for name in sorted(taken) for line in packages[name]]


def main(extras: list[str]) -> None:
    """Print the lines for the dependencies and these extras."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = list(project["dependencies"])
    for extra in extras:
        asked += project["optional-dependencies"][extra]
    wanted = {canonical(name[0]) for line in asked if (name := _NAME.match(line))}
    sys.stdout.write("\n".join(chosen((ROOT / "requirements.lock").read_text(), wanted)) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
