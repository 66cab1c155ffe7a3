"""The order of a first start, as the documentation has it, is one that works."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.mark.parametrize("page", ["operations.md", "existing-asterisk.md", "existing-freeswitch.md"])
def test_prompts_are_spoken_before_publishing(root: Path, page: str) -> None:
    """Publishing names every prompt's file, and so needs it."""
    text = (root / "docs" / page).read_text()

    assert 0 <= text.find("controlplane prompts") < text.find("controlplane publish")
