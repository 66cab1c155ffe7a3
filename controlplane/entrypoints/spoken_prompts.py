"""Whether every prompt of every language is spoken, looked up now and then."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Final

from controlplane.entrypoints.monitoring import NotReady
from controlplane.speech import catalogue, sentences
from controlplane.speech.cache import PromptCache
from controlplane.speech.choice import offered_languages
from controlplane.speech.speaker import Speaker

_LOOKED_UP_EACH_SECONDS: Final = 300.0


class SpokenPrompts:
    """Counts the prompts that have no file; callers hear less where one is missing."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._missing = 0
        self._looked_up_at: float | None = None

    async def check(self) -> None:
        """Raise NotReady if prompts are missing."""
        now = time.monotonic()
        if self._looked_up_at is None or now - self._looked_up_at > _LOOKED_UP_EACH_SECONDS:
            self._looked_up_at = now
            self._missing = await asyncio.to_thread(self._count)
        if self._missing:
            raise NotReady(f"{self._missing} are missing")

    def _count(self) -> int:
        speaker = Speaker(PromptCache(self._folder))
        return sum(
            len(speaker.missing(sentences.fixed(catalogue.load(language)), language))
            for language in offered_languages()
        )
