"""How much of a recording counts when nobody knows what ended it."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from controlplane.services.deposit import counted_ms
from controlplane.storage import wav as wav_files
from hypothesis import given
from hypothesis import strategies as st
from tests.support.takes import spoken, spoken_wav

LINE_NOISE = 100
VOICE = 8000

PARTS = st.lists(
    st.tuples(st.integers(1, 75).map(lambda n: n * 20), st.sampled_from([0, LINE_NOISE, VOICE])), max_size=6
)


def _counted(path: Path) -> int:
    layout = wav_files.inspect(path)
    return counted_ms(layout, wav_files.trailing_silence_ms(path, layout))


@pytest.mark.parametrize(
    ("parts", "silence"),
    [
        ([], 0),
        ([(1020, 0)], 1020),
        ([(1020, LINE_NOISE)], 1020),
        ([(600, VOICE), (1020, LINE_NOISE)], 1020),
        ([(600, VOICE), (5000, 0)], 5000),
        ([(600, VOICE)], 0),
        ([(600, 0), (20, VOICE), (200, 0)], 200),
        ([(7, VOICE), (1000, 0)], 1000),
    ],
)
def test_silence_is_measured_from_the_end(tmp_path: Path, parts: list[tuple[int, int]], silence: int) -> None:
    """The silence after the last sound is measured; the noise of a line is silence too."""
    path = spoken_wav(tmp_path / "x.wav", *parts)

    assert silence == wav_files.trailing_silence_ms(path, wav_files.inspect(path))


@pytest.mark.parametrize(
    ("parts", "counted"),
    [
        ([(1020, LINE_NOISE)], 0),
        ([(1000, 0)], 0),
        ([(300, 0)], 0),
        ([(700, VOICE), (1020, 0)], 720),
        ([(1000, VOICE), (1000, 0)], 1000),
        ([(700, VOICE), (800, 0)], 1500),
        ([(3000, VOICE)], 3000),
        ([(3000, LINE_NOISE)], 2000),
    ],
)
def test_of_the_silence_that_ended_it_a_second_does_not_count(
    tmp_path: Path, parts: list[tuple[int, int]], counted: int
) -> None:
    """What silence may have ended counts without its last second; nothing but that counts nothing."""
    assert counted == _counted(spoken_wav(tmp_path / "x.wav", *parts))


@pytest.mark.parametrize(
    ("parts", "counted"),
    [
        ([(5020, 0)], 0),
        ([(5020, LINE_NOISE)], 0),
        ([(700, VOICE), (5020, 0)], 720),
        ([(700, VOICE), (1000, 0)], 1700),
        ([(3000, VOICE)], 3000),
    ],
)
def test_of_a_switch_that_leaves_all_of_it_all_of_it_does_not_count(
    tmp_path: Path, parts: list[tuple[int, int]], counted: int
) -> None:
    """Where the whole silence of 5 s stays in the file, no more and no less than that does not count."""
    path = spoken_wav(tmp_path / "x.wav", *parts)
    layout = wav_files.inspect(path)

    assert counted == counted_ms(layout, wav_files.trailing_silence_ms(path, layout), 5000)


def test_what_is_not_as_ours_has_no_silence(tmp_path: Path) -> None:
    """Audio of another format counts in full."""
    path = spoken_wav(tmp_path / "x.wav", (3000, 0))
    data = bytearray(path.read_bytes())
    data[24:28] = (16000).to_bytes(4, "little")
    path.write_bytes(data)

    assert _counted(path) == wav_files.duration_ms(path) == 1500


@given(parts=PARTS)
def test_speech_always_counts(tmp_path_factory: pytest.TempPathFactory, parts: list[tuple[int, int]]) -> None:
    """From its beginning to the last sound a recording counts, whatever follows."""
    path = spoken_wav(tmp_path_factory.mktemp("wav") / "x.wav", *parts)
    ends = [sum(length for length, _ in parts[:n]) for n in range(len(parts) + 1)]
    heard = [end for (_, end), (_, level) in zip(pairwise(ends), parts, strict=True) if level == VOICE]
    total = wav_files.duration_ms(path)

    assert max(heard, default=0) <= _counted(path) <= total


@given(parts=PARTS, closed=st.booleans())
def test_at_most_a_second_does_not_count(
    tmp_path_factory: pytest.TempPathFactory, parts: list[tuple[int, int]], *, closed: bool
) -> None:
    """No recording loses more than the second, but the one that holds nothing else."""
    path = spoken_wav(tmp_path_factory.mktemp("wav") / "x.wav", *parts, closed=closed)
    total = wav_files.duration_ms(path)
    counted = _counted(path)

    assert counted >= total - 1000 or (total <= 1100 and VOICE not in {level for _, level in parts})


def test_audio_of_parts_is_as_long_as_they_are() -> None:
    """The recordings of these tests are what they say."""
    assert len(spoken([(20, 0), (40, VOICE)])) == 60 * 16
