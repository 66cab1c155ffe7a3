# ruff: noqa: INP001, T201 (a script, no package)
"""Warn when call handling has changed since the tests on FreeSWITCH ran; it never fails."""

from __future__ import annotations

import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.support.evidence import digest  # noqa: E402 (the checkout itself is no installed package)


def main() -> None:
    """Compare the digests, and say what to do."""
    path = ROOT / "docs" / "evidence" / "freeswitch.json"
    if not path.exists():
        print("Warning: no run on FreeSWITCH is on record. Run `make test-freeswitch` where there is one.")
        return
    told = json.loads(path.read_text())
    if told["digest"] != digest():
        print(
            f"Warning: call handling has changed since the tests on {told['switch']} ran ({told['run_at']}). "
            "Run `make test-freeswitch` where there is a FreeSWITCH."
        )
    if failed := [name for name, result in told["results"].items() if result != "passed"]:
        print(f"Warning: {len(failed)} tests of that run did not pass, the first one: {failed[0]}")


main()
