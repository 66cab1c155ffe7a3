# ruff: noqa: INP001 (a script, no package)
"""Check that requirements.lock fits pyproject.toml, without a network.

Every requirement of pyproject.toml must be pinned to a version that it allows and name this
project as its origin, and nothing else may: then a change of one file alone is noticed.
"""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^\s;]+)")
ORIGIN = "shared-voicemail (pyproject.toml"


def wanted() -> dict[str, list[Requirement]]:
    """Return what pyproject.toml asks for, by canonical name."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    lines = list(project["project"]["dependencies"])
    for extra in project["project"]["optional-dependencies"].values():
        lines += extra
    for group in project["dependency-groups"].values():
        lines += group
    result: dict[str, list[Requirement]] = {}
    for line in lines:
        requirement = Requirement(line)
        result.setdefault(canonicalize_name(requirement.name), []).append(requirement)
    return result


def locked() -> tuple[dict[str, list[str]], set[str]]:
    """Return the pinned versions by canonical name, and the names that came from pyproject.toml."""
    versions: dict[str, list[str]] = {}
    direct: set[str] = set()
    name = ""
    for line in (ROOT / "requirements.lock").read_text().splitlines():
        found = PIN.match(line)
        if found:
            name = canonicalize_name(found["name"])
            versions.setdefault(name, []).append(found["version"])
        elif line.lstrip().startswith("#") and ORIGIN in line:
            direct.add(name)
    return versions, direct


def faults() -> list[str]:
    """Return a sentence for each difference."""
    asked = wanted()
    versions, direct = locked()
    sentences = [
        f"{name} is locked as ours, but pyproject.toml does not name it"
        for name in sorted(direct - set(asked))
    ]
    for name, requirements in sorted(asked.items()):
        if name not in direct:
            sentences.append(f"{name} is not locked")
        sentences += [
            f"{name} is locked at {version}, pyproject.toml wants {requirement.specifier}"
            for requirement in requirements
            for version in versions.get(name, [])
            if not requirement.specifier.contains(version, prereleases=True)
        ]
    return sentences


if __name__ == "__main__":
    found = faults()
    for sentence in found:
        sys.stderr.write(f"requirements.lock: {sentence}\n")
    if found:
        sys.exit("Run `make lock`.")
