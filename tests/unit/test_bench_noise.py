"""Which packets of what was sent are in a recording."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.bench.noise import FRAME, Heard, Packets, linear, mu_law

pytestmark = pytest.mark.unit

SENT = mu_law(4)
FRAME_BYTES = FRAME * 2


@pytest.fixture
def audio() -> bytes:
    """Return what a switch would write of the third to the 150th packet."""
    return linear(SENT).tobytes()[2 * FRAME_BYTES : 150 * FRAME_BYTES]


def _wav(folder: Path, audio: bytes) -> Path:
    path = folder / "recording.wav"
    path.write_bytes(bytes(44) + audio)
    return path


def test_every_packet_is_another() -> None:
    """No 20 ms are sent twice, or nobody could tell which ones were recorded."""
    frames = [SENT[at : at + FRAME] for at in range(0, len(SENT), FRAME)]

    assert len(frames) == len(set(frames))


def test_whole_recording_has_no_error(tmp_path: Path, audio: bytes) -> None:
    """A recording without gaps is as long as what was sent while it ran."""
    heard = Packets(SENT).heard(_wav(tmp_path, audio))

    assert Heard(first=2, last=149, missing=0, foreign=0, frames=148) == heard
    assert heard is not None
    assert 0 == heard.error_ms


def test_lost_packet_makes_it_shorter(tmp_path: Path, audio: bytes) -> None:
    """A packet that is missing shows, and makes the recording 20 ms too short."""
    heard = Packets(SENT).heard(_wav(tmp_path, audio[: 10 * FRAME_BYTES] + audio[11 * FRAME_BYTES :]))

    assert heard is not None
    assert (1, 0, -20) == (heard.missing, heard.foreign, heard.error_ms)


def test_filled_packet_keeps_the_length(tmp_path: Path, audio: bytes) -> None:
    """Silence in place of a packet is told as such, and the length is right."""
    filled = audio[: 10 * FRAME_BYTES] + bytes(FRAME_BYTES) + audio[11 * FRAME_BYTES :]
    heard = Packets(SENT).heard(_wav(tmp_path, filled))

    assert heard is not None
    assert (1, 1, 0) == (heard.missing, heard.foreign, heard.error_ms)


def test_silence_is_no_recording_of_it(tmp_path: Path) -> None:
    """A file that holds nothing of what was sent says so."""
    assert Packets(SENT).heard(_wav(tmp_path, bytes(10 * FRAME_BYTES))) is None
