"""Finding a prompt in what a phone heard."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from controlplane.phone.sound import RATE, Heard, Samples, Search, read, tones, write


def _noise(seconds: float, seed: int) -> Samples:
    """Make something voiced that resembles nothing else."""
    raw = np.random.default_rng(seed).normal(0, 3000, int(seconds * RATE))
    return np.convolve(raw, np.ones(4) / 2, "same").astype(np.float32)


@pytest.fixture
def prompt(tmp_path: Path) -> Path:
    """Write a prompt of one second and a half."""
    path = tmp_path / "prompt.wav"
    write(_noise(1.5, 1), path)
    return path


def test_a_prompt_is_found_where_it_ends(prompt: Path) -> None:
    """Behind half a second of something else, a prompt of 1.5 s ends at 2.0 s."""
    heard = Heard(np.concatenate((_noise(0.5, 2), read(prompt), _noise(0.5, 3))))

    assert heard.find(prompt) == pytest.approx(2.0, abs=0.001)


def test_half_a_prompt_was_not_heard(prompt: Path) -> None:
    """A prompt that is cut in its middle does not count."""
    assert Heard(np.concatenate((read(prompt)[:6000], _noise(1, 2)))).find(prompt) is None


def test_another_prompt_is_not_taken_for_it(prompt: Path) -> None:
    """Other speech is not the prompt."""
    assert Heard(_noise(3, 4)).find(prompt) is None


def test_a_gap_of_the_jitter_buffer_does_not_hide_a_prompt(prompt: Path) -> None:
    """Twenty missing milliseconds between two windows are forgiven."""
    sound = read(prompt)
    heard = Heard(np.concatenate((sound[:4800], np.zeros(160, np.float32), sound[4800:])))

    assert heard.find(prompt) is not None


@pytest.mark.parametrize("at", [0.05, 0.15, 0.25, 0.35, 0.45])
def test_a_gap_anywhere_does_not_hide_a_short_word(tmp_path: Path, at: float) -> None:
    """Twenty milliseconds put in within "Goodbye." are forgiven wherever they are."""
    word = tmp_path / "word.wav"
    write(_noise(0.59, 6), word)
    sound, cut = read(word), int(at * RATE)
    heard = Heard(np.concatenate((_noise(1, 7), sound[:cut], sound[cut - 160 :], _noise(1, 8))))

    assert heard.find(word) == pytest.approx(1.61, abs=0.021)


def test_what_was_heard_before_does_not_count(prompt: Path) -> None:
    """A prompt that began before the given place is not found again."""
    assert Heard(np.concatenate((read(prompt), _noise(2, 2)))).find(prompt, after=0.5) is None


def test_silence_that_the_jitter_buffer_dropped_does_not_hide_the_next_prompt(
    prompt: Path, tmp_path: Path
) -> None:
    """One of one piece, behind another that ends by silence: it began before that should have ended."""
    first, quiet = read(prompt), np.zeros(4000, np.float32)
    ending = tmp_path / "ending.wav"
    write(np.concatenate((first, quiet)), ending)
    word = tmp_path / "word.wav"
    write(_noise(0.4, 5), word)
    heard = Heard(np.concatenate((first, quiet[:-320], read(word), quiet)))
    end = heard.find(ending)
    assert end == pytest.approx(2.0, abs=0.001)

    assert heard.find(word, after=end) == pytest.approx(2.36, abs=0.001)


def test_a_search_goes_on_as_the_recording_grows(prompt: Path) -> None:
    """A prompt whose beginning came at the end of one look is found by the next one."""
    sound = np.concatenate((_noise(1, 2), read(prompt), _noise(0.2, 3)))
    search = Search(prompt)
    looks = [search.look(Heard(sound[:length])) for length in range(0, len(sound), 1000)]

    assert looks[-1] == pytest.approx(2.5, abs=0.001)
    assert looks[0] is None


def test_tones_have_their_two_frequencies(tmp_path: Path) -> None:
    """The key 5 is 770 Hz and 1336 Hz (ITU-T Q.23)."""
    path = tmp_path / "five.wav"
    tones("5", path)
    sound = read(path)
    part = sound[int(0.11 * RATE) : int(0.21 * RATE)]
    spectrum = np.abs(np.fft.rfft(part * np.hanning(len(part)), RATE))
    low, high = int(np.argmax(spectrum[:1000])), int(np.argmax(spectrum[1000:])) + 1000

    assert (low, high) == (pytest.approx(770, abs=6), pytest.approx(1336, abs=6))
