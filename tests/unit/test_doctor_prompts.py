"""What `doctor` says of prompts and voices."""

from __future__ import annotations

from pathlib import Path

from controlplane.entrypoints.doctor_prompts import look_at_prompts
from controlplane.speech.prepare import prepare
from tests.support.speech_engines import HummingEngine


def test_who_speaks_and_what_is_missing_is_told(tmp_path: Path) -> None:
    """Of each language: all there, to be spoken yet, or without any voice, with the remedy."""
    engines = {"nl": [HummingEngine()], "it": [HummingEngine()]}
    prepare(tmp_path, languages=["nl"], engines=lambda language: engines.get(language, []))

    told = {one.subject: one for one in look_at_prompts(tmp_path, lambda tag: engines.get(tag, []))}

    dutch, italian, russian = (told[f"prompts ({tag})"] for tag in ("nl", "it", "ru"))
    assert (" are there, spoken by hum", None) == (dutch.found[7:], dutch.remedy)
    assert italian.found.endswith(" are missing, spoken by hum")
    assert "Run `controlplane prompts`." == italian.remedy
    assert russian.found.endswith(" are missing, no voice is installed")
    assert (russian.remedy or "").startswith("Put a piper voice into the folder voices")
