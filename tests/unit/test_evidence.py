"""What a run on FreeSWITCH showed is kept, and known to be old when the sources change."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from tests.support.evidence import CALL_HANDLING, ROOT, Evidence, digest


def _report(name: str, when: str, outcome: str) -> pytest.TestReport:
    return pytest.TestReport(
        nodeid=name,
        location=("x.py", 0, name),
        keywords={},
        outcome=outcome,  # type: ignore[arg-type]  # one of three words
        longrepr=None,
        when=when,  # type: ignore[arg-type]  # one of three words
    )


def test_results_are_written_with_version_and_digest(tmp_path: Path) -> None:
    """Each test has one result; a failure before or after it is its own, and a group's name is left out."""
    evidence = Evidence(tmp_path / "evidence" / "freeswitch.json", version="FreeSWITCH version: 1.11.3")
    for when in ("setup", "call", "teardown"):
        evidence.pytest_runtest_logreport(_report("a.py::good@group", when, "passed"))
    evidence.pytest_runtest_logreport(_report("a.py::bad", "setup", "failed"))
    evidence.pytest_runtest_logreport(_report("a.py::late", "call", "passed"))
    evidence.pytest_runtest_logreport(_report("a.py::late", "teardown", "failed"))
    evidence.pytest_runtest_logreport(_report("a.py::away", "setup", "skipped"))
    evidence.pytest_sessionfinish()
    told = json.loads((tmp_path / "evidence" / "freeswitch.json").read_text())

    assert {
        "a.py::away": "skipped",
        "a.py::bad": "failed",
        "a.py::good": "passed",
        "a.py::late": "failed",
    } == told["results"]
    assert {"failed": 2, "passed": 1, "skipped": 1} == told["counts"]
    assert ("FreeSWITCH version: 1.11.3", digest()) == (told["switch"], told["digest"])


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Return a copy of what handles calls."""
    for name in CALL_HANDLING:
        place = tmp_path / name
        place.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, place, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, place)
    return tmp_path


def test_same_sources_have_the_same_digest(copy: Path) -> None:
    """Where the checkout lies, and what Python leaves there, does not matter."""
    (copy / "controlplane/callflows/__pycache__").mkdir()
    (copy / "controlplane/callflows/__pycache__/x.pyc").write_bytes(b"x")

    assert digest() == digest(copy)


@pytest.mark.parametrize("change", ["edit", "add", "rename", "remove"])
def test_every_change_of_call_handling_changes_the_digest(copy: Path, change: str) -> None:
    """An edited, a new, a renamed and a removed template are each noticed."""
    templates = copy / "dialplan_templates/freeswitch"
    template = templates / "cp_stage.lua.j2"
    match change:
        case "edit":
            template.write_text(template.read_text() + "-- more\n")
        case "add":
            (templates / "new.lua.j2").write_text("")
        case "rename":
            template.rename(templates / "cp_stages.lua.j2")
        case _:
            template.unlink()

    assert digest() != digest(copy)


def test_named_source_that_is_gone_is_an_error(copy: Path) -> None:
    """A list that names what is not there any more would watch nothing."""
    (copy / "controlplane/entrypoints/calls.py").unlink()

    with pytest.raises(FileNotFoundError, match=r"controlplane/entrypoints/calls\.py"):
        digest(copy)
