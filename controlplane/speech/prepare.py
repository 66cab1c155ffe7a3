"""Makes everything that can be spoken before the first call; a second time is instant."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from controlplane.callflows.prompts import Tone
from controlplane.speech import audio, catalogue, sentences
from controlplane.speech.cache import PromptCache
from controlplane.speech.engines import Engine, SpeechUnavailable, engines_for
from controlplane.speech.recordings import recordings_of, take_recordings
from controlplane.speech.speaker import Speaker

_FORMAT = 2
"""Raised whenever the audio would come out differently."""


def prepare(
    cache_root: Path,
    *,
    languages: Sequence[str] | None = None,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
    warn: Callable[[str], None] = lambda _sentence: None,
    engines: Callable[[str], Sequence[Engine]] = engines_for,
) -> None:
    """Speak every fixed sentence, the counts and the tones of `languages` (default: all) into the cache.

    Takes a WAV (or any other audio file with that name) `<cache_root>/<language>/<name>.wav` that a person
    recorded instead of a sentence that is spoken. A language that no engine speaks is left out, and `warn` is
    told, but if that is so for all.
    `progress` gets how many of how many are done, from any thread but one at a time. A file beside
    the cache remembers what was made. `warn` is told when the best engine failed and another one
    spoke; the next run tries it again. Raises SpeechUnavailable, BadRecording or OSError.
    """
    chosen = catalogue.available_languages() if languages is None else list(languages)
    state = _state(cache_root, chosen, engines)
    stamp = cache_root / "prepared.json"
    if _says(stamp, state):  # Before anything is written: the cache may belong to somebody else.
        return
    cache_root.mkdir(parents=True, exist_ok=True)
    with _alone(cache_root):
        if _says(stamp, state):  # Another process was faster.
            return
        warnings: list[str] = []
        for tone in Tone:
            audio.write(PromptCache(cache_root).tone(tone), audio.tone(tone))
        for language in chosen:
            take_recordings(cache_root, language)
        _speak(PromptCache(cache_root), chosen, engines, progress, warnings.append)
        for sentence in dict.fromkeys(warnings):
            warn(sentence)
        if not warnings:
            audio.place(stamp, state.encode())


def _says(stamp: Path, state: str) -> bool:
    return stamp.is_file() and stamp.read_text(encoding="utf-8") == state


def _speak(
    cache: PromptCache,
    languages: Sequence[str],
    engines: Callable[[str], Sequence[Engine]],
    progress: Callable[[int, int], None],
    warn: Callable[[str], None],
) -> None:
    speaker = Speaker(cache, engines=engines, warn=warn)
    wanted = {
        language: texts
        for language in languages
        if (texts := speaker.missing(sentences.fixed(catalogue.load(language)), language))
    }
    if voiceless := sorted(language for language in wanted if not engines(language)):
        sentence = (
            f"No voice is installed for {', '.join(voiceless)}; put a piper voice into the folder voices."
        )
        if len(voiceless) == len(languages):
            raise SpeechUnavailable(sentence)
        warn(sentence)
        wanted = {language: texts for language, texts in wanted.items() if language not in voiceless}
    total = sum(len(texts) for texts in wanted.values())
    lock = threading.Lock()
    done = 0

    def one_more() -> None:
        nonlocal done
        with lock:
            done += 1
            progress(done, total)

    workers = min(4, os.cpu_count() or 1)
    with ThreadPoolExecutor(workers) as pool:
        runs = [
            pool.submit(speaker.make, texts[start::workers], language, progress=one_more)
            for language, texts in wanted.items()
            for start in range(workers)
        ]
    for run in runs:
        run.result()


def _state(root: Path, languages: Sequence[str], engines: Callable[[str], Sequence[Engine]]) -> str:
    """Describe everything that the prepared files depend on."""
    recordings = [path for language in sorted(languages) for path in recordings_of(root, language)]
    return json.dumps(
        {
            "format": _FORMAT,
            "languages": {
                language: {
                    "sentences": hashlib.sha256(
                        "\n".join(sentences.fixed(catalogue.load(language))).encode()
                    ).hexdigest(),
                    "voice": next((engine.voice for engine in engines(language)), ""),
                }
                for language in sorted(languages)
            },
            "recordings": [
                [str(path.relative_to(root)), path.stat().st_size, path.stat().st_mtime_ns]
                for path in recordings
            ],
        },
        indent=1,
    )


@contextmanager
def _alone(root: Path) -> Iterator[None]:
    """Wait until no other process prepares this cache."""
    with (root / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
