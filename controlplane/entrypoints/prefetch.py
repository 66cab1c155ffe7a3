"""Makes once, in a cache, what takes time or a network: the switch's programs and the prompts.

Run by `make setup`, and by `up` for whatever is missing.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from controlplane.entrypoints.exits import or_exit
from controlplane.speech.catalogue import available_languages
from controlplane.speech.prepare import prepare
from controlplane.supervisor.asterisk_tree import cache_folder, find_or_unpack

_TELL_EVERY_SECONDS = 2.0


def say(sentence: str) -> None:
    """Tell people what happens."""
    print(sentence, flush=True)


@contextmanager
def step(name: str) -> Iterator[None]:
    """Tell what is being done, and how long it took."""
    began = time.monotonic()
    print(f"{name}… ", end="", flush=True)
    try:
        yield
    except BaseException:
        print("failed", flush=True)
        raise
    print(f"{time.monotonic() - began:.1f} s", flush=True)


def make_prompts(cache: Path, prompts: Path) -> None:
    """Speak the prompts into the cache, and place them in the folder that the switch plays from.

    A second time is instant. Recordings made by a person, in `<prompts>/<language>`, win.
    """
    prepare(cache, progress=_every(_TELL_EVERY_SECONDS), warn=say)
    prompts.mkdir(parents=True, exist_ok=True)
    # What a person recorded stays where it was put: beside the folders of voices.
    recorded = {cache / language for language in available_languages()}
    for folder in {source.parent for source in cache.rglob("*.wav")} - recorded:
        target = prompts / folder.relative_to(cache)
        target.mkdir(parents=True, exist_ok=True)
        there = {place.name for place in target.iterdir()}
        for source in folder.glob("*.wav"):
            if source.name not in there:
                _link_or_copy(source, target / source.name)
    prepare(prompts, warn=say)


def main() -> None:
    """Fetch and make everything that the first `up` would."""
    cache = cache_folder(os.environ)
    say(find_or_unpack(cache, progress=say).described)
    with step("Preparing the prompts"):
        prepare(cache / "prompts", progress=_every(_TELL_EVERY_SECONDS), warn=say)


def _link_or_copy(source: Path, place: Path) -> None:
    """Share one file between cache and state folder (neither changes it), or copy it to another disk."""
    with suppress(FileExistsError):
        try:
            place.hardlink_to(source)
        except FileExistsError:
            raise
        except OSError:
            half = place.with_suffix(".half")
            shutil.copyfile(source, half)
            half.replace(place)


def _every(seconds: float) -> Callable[[int, int], None]:
    """Return a progress function that tells at most every few seconds."""
    told = time.monotonic()

    def tell(done: int, total: int) -> None:
        nonlocal told
        if time.monotonic() - told >= seconds:
            told = time.monotonic()
            print(f"{done} of {total}… ", end="", flush=True)

    return tell


if __name__ == "__main__":
    or_exit(main)
    sys.exit(0)
