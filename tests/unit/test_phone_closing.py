"""When the end of a phone's call is told: once its recording is whole."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from controlplane.phone.closing import Closing
from controlplane.phone.sound import write


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """Write a recording that is whole."""
    path = tmp_path / "heard.wav"
    write(np.ones(400, np.float32), path)
    return path


def opened(recording: Path) -> bytes:
    """Take the length out of a header, as it is while the library still writes; return the whole file."""
    whole = recording.read_bytes()
    recording.write_bytes(whole[:40] + bytes(4) + whole[44:])
    return whole


def test_the_end_waits_for_the_length_in_the_header(recording: Path) -> None:
    """While it says zero nothing is told, whatever is in the file; then it is told, once."""
    whole = opened(recording)
    closing = Closing()
    closing.add(7, recording, now=10)
    before = closing.whole(now=10.9)
    recording.write_bytes(whole)

    assert ([], [7], []) == (before, closing.whole(now=10.9), closing.whole(now=10.9))


def test_each_call_waits_for_its_own_recording(recording: Path, tmp_path: Path) -> None:
    """One that is whole is told while another one is not."""
    other = tmp_path / "other.wav"
    other.write_bytes(recording.read_bytes())
    opened(other)
    closing = Closing()
    closing.add(1, other, now=10)
    closing.add(2, recording, now=10)

    assert ([2], []) == (closing.whole(now=10), closing.whole(now=10))


@pytest.mark.parametrize("header", [b"", b"RIFF", None])
def test_a_header_that_does_not_come_is_not_waited_for(recording: Path, header: bytes | None) -> None:
    """After a second the end is told all the same."""
    if header is None:
        opened(recording)
    else:
        recording.write_bytes(header)
    closing = Closing()
    closing.add(7, recording, now=10)

    assert ([], [7]) == (closing.whole(now=10.99), closing.whole(now=11))


def test_a_call_that_recorded_nothing_ends_at_once(tmp_path: Path) -> None:
    """Neither one without media, nor one whose recording is gone."""
    closing = Closing()
    closing.add(1, None, now=10)
    closing.add(2, tmp_path / "gone.wav", now=10)

    assert [1, 2] == closing.whole(now=10)
