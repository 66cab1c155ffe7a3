"""What a run of the freeswitch tier showed, kept as a file: `pytest --evidence FILE`.

No archive of a common distribution has a FreeSWITCH, so this tier does not run everywhere. The file says
on which version which tests passed, and for which sources: `make lint` warns when those have changed.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
CALL_HANDLING = (
    "controlplane/callflows",
    "controlplane/domain/routing",
    "controlplane/switches/server.py",
    "controlplane/switches/sounds.py",
    "controlplane/switches/freeswitch",
    "controlplane/rendering",
    "controlplane/entrypoints/calls.py",
    "controlplane/entrypoints/events.py",
    "controlplane/services/deposit.py",
    "controlplane/services/features.py",
    "controlplane/services/hours_files.py",
    "controlplane/services/ingest.py",
    "controlplane/services/receptionists.py",
    "controlplane/services/routes.py",
    "controlplane/storage/spool.py",
    "controlplane/storage/takes.py",
    "controlplane/supervisor/freeswitch.py",
    "dialplan_templates/freeswitch",
)
"""What decides how a call on FreeSWITCH goes."""


def digest(root: Path = ROOT) -> str:
    """Return the SHA-256 over path and content of every call-handling file, in the order of their paths."""
    total = hashlib.sha256()
    for path in sorted(set(_files(root))):
        total.update(f"{path.relative_to(root)}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return total.hexdigest()


def _files(root: Path) -> Iterator[Path]:
    for name in CALL_HANDLING:
        place = root / name
        if not place.exists():
            raise FileNotFoundError(f"{name} is named as call handling, and is not there.")
        if place.is_file():
            yield place
        else:
            yield from (p for p in place.rglob("*") if p.is_file() and "__pycache__" not in p.parts)


def version_of(program: Path) -> str:
    """Return the line in which a FreeSWITCH says what it is."""
    done = subprocess.run(
        [program, "-version"],
        capture_output=True,
        text=True,
        errors="replace",
        check=True,
        timeout=20,
        env={**os.environ, "LD_LIBRARY_PATH": str(program.parent.parent / "lib")},
    )
    return next(line for line in done.stdout.splitlines() if "ersion" in line).strip()


class Evidence:
    """Collects how each test ended, and writes it down when the run is over."""

    def __init__(self, path: Path, *, version: str) -> None:
        self._path = path
        self._version = version
        self._results: dict[str, str] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take the result of a test; what fails before or after it counts as failed."""
        name = report.nodeid.partition("@")[0]
        if report.failed:
            self._results[name] = "failed"
        elif report.skipped:
            self._results.setdefault(name, "skipped")
        elif report.when == "call":
            self._results.setdefault(name, "passed")

    def pytest_sessionfinish(self) -> None:
        """Write the file."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.write_text(json.dumps(self.as_told(), indent=1, ensure_ascii=False) + "\n")

    def as_told(self) -> dict[str, Any]:
        """Return what is written."""
        return {
            "switch": self._version,
            "run_at": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "digest": digest(),
            "counts": dict(sorted(Counter(self._results.values()).items())),
            "results": dict(sorted(self._results.items())),
        }


def partial(config: pytest.Config) -> bool:
    """Tell whether less than the whole tier was asked for: that is no evidence of it."""
    option = config.option
    paths = config.args != config.getini("testpaths")
    return bool(option.keyword or option.deselect or option.maxfail or option.collectonly or paths)
