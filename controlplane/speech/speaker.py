"""Fills the cache: speaks the sentences that it does not hold yet."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import closing
from typing import cast

from controlplane.speech import audio
from controlplane.speech.cache import PERSON, PromptCache
from controlplane.speech.engines import Engine, SpeechUnavailable, engines_for


class Speaker:
    """Speaks into a cache with the first engine of a language that works.

    `engines` lists those of a language, best first; `warn` is told in a sentence when one failed
    and the next is tried. Everything here blocks: use it in a thread.
    """

    def __init__(
        self,
        cache: PromptCache,
        *,
        engines: Callable[[str], Sequence[Engine]] = engines_for,
        warn: Callable[[str], None] = lambda _sentence: None,
    ) -> None:
        self.cache = cache
        self._engines = engines
        self._warn = warn

    def missing(self, texts: Iterable[str], language: str) -> list[str]:
        """Return the texts that neither a person nor the best voice of a language has spoken yet."""
        best = [PERSON, *(engine.voice for engine in self._engines(language)[:1])]
        return [
            text
            for text in texts
            if not any(self.cache.path(text, language, voice).is_file() for voice in best)
        ]

    def make(
        self, texts: Iterable[str], language: str, *, progress: Callable[[], None] = lambda: None
    ) -> None:
        """Speak what is missing; `progress` is called for each text. Repeats are quick.

        Raises SpeechUnavailable when a text could be spoken by no engine, after all others were,
        and OSError when the cache cannot be written.
        """
        left = self.missing(dict.fromkeys(texts), language)
        reason = SpeechUnavailable(f"No speech engine is installed for the language {language}.")
        for engine in self._engines(language):
            if not left:
                return
            left, failure = self._run(engine, left, language, progress)
            if failure is not None:
                reason = failure
                self._warn(str(failure))
        if left:
            raise reason

    def _run(
        self, engine: Engine, texts: list[str], language: str, progress: Callable[[], None]
    ) -> tuple[list[str], SpeechUnavailable | None]:
        """Return what this engine could not speak, and why."""
        silent: list[str] = []
        done = 0
        wanted = [text for text in texts if not self.cache.path(text, language, engine.voice).is_file()]
        if not wanted:
            return [], None
        try:
            with closing(cast("Generator[tuple[audio.Samples, int]]", engine.speak(wanted))) as spoken:
                for text, (samples, rate) in zip(wanted, spoken, strict=True):
                    sound = audio.telephone(samples, rate)
                    if sound.size:
                        audio.write(self.cache.path(text, language, engine.voice), sound)
                        progress()
                    else:
                        silent.append(text)
                    done += 1
        except SpeechUnavailable as error:
            return [*silent, *wanted[done:]], error
        if silent:
            return silent, SpeechUnavailable(f"The voice {engine.voice} said nothing for a text.")
        return [], None
