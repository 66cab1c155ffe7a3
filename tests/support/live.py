"""Fixtures of the tiers that place real calls; imported by their conftest.py."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from controlplane.phone.reader import Reader, ReaderMissingError
from controlplane.speech.cache import PromptCache, installed_voices
from controlplane.speech.speaker import Speaker
from controlplane.supervisor.faults import CannotStart
from controlplane.supervisor.freeswitch_tree import find_freeswitch
from tests.support.processes import open_folder
from tests.support.product import Product

_NO_READER = "speech recognition is missing here: the extra `listen` is not installed"
SENTENCE = "Hello, this is the workshop. The blue car is ready, please call us back before noon."
SECOND_SENTENCE = "Good morning, I would like to order twelve red chairs for our new office in town."


def without_freeswitch() -> str:
    """Return why no test can run on FreeSWITCH here; empty if they can."""
    try:
        find_freeswitch(os.environ, progress=lambda _: None)
    except CannotStart as error:
        return str(error)
    return ""


@pytest.fixture(
    scope="session",
    params=[
        pytest.param("asterisk", marks=pytest.mark.asterisk),
        pytest.param(
            "freeswitch",
            marks=[
                pytest.mark.freeswitch,
                pytest.mark.skipif(without_freeswitch() != "", reason=without_freeswitch()),
            ],
        ),
    ],
)
def switch(request: pytest.FixtureRequest) -> str:
    """Return the switch that carries the calls: each test runs on both."""
    return str(request.param)


@pytest.fixture(scope="package")
def product(switch: str) -> Iterator[Product]:
    """Run a product of this worker's own; its logs are printed if it does not start."""
    with open_folder() as folder:
        running = Product.start(folder / "state", switch=switch)
        yield running

        assert running.instance.stop() == 0, running.instance.last_words()


@pytest.fixture(scope="session")
def speech(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return what turns an English sentence into a WAV file."""
    cache = PromptCache(tmp_path_factory.mktemp("speech"))
    speaker = Speaker(cache)

    def speak(text: str) -> Path:
        speaker.make([text], "en")
        paths = [cache.path(text, "en", voice) for voice in installed_voices("en")]
        return next(path for path in paths if path.exists())

    return speak


@pytest.fixture(scope="session")
def message_wav(speech: Callable[[str], Path]) -> Path:
    """Return the sentence that callers leave, about five seconds."""
    return speech(SENTENCE)


@pytest.fixture(scope="session")
def second_wav(speech: Callable[[str], Path]) -> Path:
    """Return another sentence."""
    return speech(SECOND_SENTENCE)


@pytest.fixture(scope="session")
def reader() -> Reader:
    """Return the speech recogniser."""
    try:
        return Reader()
    except ReaderMissingError:
        pytest.skip(_NO_READER)
