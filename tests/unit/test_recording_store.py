"""The recording store."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest
import soundfile
from controlplane.storage.recordings import RecordingStore
from controlplane.storage.wav import HEADER_BYTES, NotAWav
from tests.support.takes import aged, audio, closed_wav, open_wav


@pytest.fixture
def store(tmp_path: Path) -> RecordingStore:
    """Make an empty store."""
    return RecordingStore(tmp_path / "recordings")


@pytest.fixture
def usual_umask() -> Iterator[None]:
    """Let new files be readable by everybody, as they are where nobody said otherwise."""
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.mark.usefixtures("usual_umask")
async def test_recording_is_for_its_user_and_group_alone(store: RecordingStore, tmp_path: Path) -> None:
    """Other users of the machine can neither listen nor see which recordings there are."""
    message_id = uuid4()
    await store.take_in(message_id, closed_wav(tmp_path / "a.wav", 1))
    path = store.path(message_id)
    modes = [stat.S_IMODE(each.stat().st_mode) for each in (path, path.parent, path.parent.parent)]

    assert modes == [0o640, 0o750, 0o750]


async def test_copy_holds_the_audio(store: RecordingStore, tmp_path: Path) -> None:
    """What was recorded is in the store, sample by sample."""
    message_id = uuid4()
    length = await store.take_in(message_id, closed_wav(tmp_path / "a.wav", 2))

    assert (length, store.path(message_id).read_bytes()[HEADER_BYTES:]) == (2000, audio(2))


async def test_copy_of_a_cut_off_file_has_a_right_header(store: RecordingStore, tmp_path: Path) -> None:
    """The header of the copy is repaired from the length of the file; the source stays as it is."""
    source = open_wav(tmp_path / "a.wav", 1.25)
    before = source.read_bytes()
    message_id = uuid4()
    length = await store.take_in(message_id, source)
    samples, rate = soundfile.read(store.path(message_id))

    assert (length, len(samples), rate, source.read_bytes() == before) == (1250, 10_000, 8000, True)


async def test_folder_tells_nothing_of_tenants(store: RecordingStore, tmp_path: Path) -> None:
    """A recording is found by its id alone, in a folder of its first two digits."""
    message_id = uuid4()

    assert store.path(message_id) == tmp_path / "recordings" / str(message_id)[:2] / f"{message_id}.wav"


@pytest.mark.parametrize(
    ("rate", "channels", "subtype"),
    [(16000, 2, "PCM_16"), (8000, 2, "PCM_16"), (8000, 1, "ULAW"), (48000, 1, "FLOAT"), (44100, 2, "PCM_24")],
)
async def test_other_kinds_of_audio_are_converted(
    store: RecordingStore, tmp_path: Path, rate: int, channels: int, subtype: str
) -> None:
    """Stereo, other rates and other codings become 8 kHz, 16 bit, mono of the same length and loudness."""
    at = np.arange(rate * 12) / rate
    tone = np.sin(2 * np.pi * 440 * at) * 0.5
    soundfile.write(tmp_path / "a.wav", np.stack([tone] * channels, axis=1), rate, subtype=subtype)
    message_id = uuid4()
    length = await store.take_in(message_id, tmp_path / "a.wav")
    samples, got_rate = soundfile.read(store.path(message_id))

    assert abs(length - 12_000) <= 5
    assert got_rate == 8000
    assert abs(float(np.sqrt(np.mean(samples**2))) - 0.3535) < 0.01


async def test_unreadable_audio_leaves_nothing(store: RecordingStore, tmp_path: Path) -> None:
    """What cannot be understood leaves neither a recording nor half of one."""
    (tmp_path / "a.wav").write_bytes(b"RIFF" + bytes(200))
    with pytest.raises(NotAWav):
        await store.take_in(uuid4(), tmp_path / "a.wav")

    assert [path for path in (tmp_path / "recordings").rglob("*") if path.is_file()] == []


async def test_second_copy_replaces_the_first(store: RecordingStore, tmp_path: Path) -> None:
    """Taking in again, after a crash, ends with one whole recording."""
    message_id = uuid4()
    await store.take_in(message_id, closed_wav(tmp_path / "a.wav", 1))
    await store.take_in(message_id, closed_wav(tmp_path / "a.wav", 3))
    names = [path.name for path in store.path(message_id).parent.iterdir()]

    assert (names, len(store.path(message_id).read_bytes())) == ([f"{message_id}.wav"], 48_044)


async def test_removing_twice_is_no_error(store: RecordingStore, tmp_path: Path) -> None:
    """A removed recording may be removed again."""
    message_id = uuid4()
    await store.take_in(message_id, closed_wav(tmp_path / "a.wav", 1))
    await store.remove(message_id)
    await store.remove(message_id)

    assert not store.path(message_id).exists()


async def test_old_recordings_are_listed(store: RecordingStore, tmp_path: Path) -> None:
    """Only recordings are listed, and only those older than asked for."""
    old, young = uuid4(), uuid4()
    for message_id in (old, young):
        await store.take_in(message_id, closed_wav(tmp_path / "a.wav", 1))
    aged(store.path(old), 1000)
    aged(closed_wav(store.path(old).with_name("note.wav"), 1), 1000)

    assert await store.older_than(500) == [old]


async def test_unfinished_copies_are_removed_when_old(store: RecordingStore, tmp_path: Path) -> None:
    """What a crash left of a copy goes after a while, and a copy that is being made stays."""
    message_id = uuid4()
    await store.take_in(message_id, closed_wav(tmp_path / "a.wav", 1))
    folder = store.path(message_id).parent
    aged(closed_wav(folder / f".{message_id}.wav.aaaa", 1), 1000)
    closed_wav(folder / f".{message_id}.wav.bbbb", 1)
    removed = await store.remove_leftovers(500)

    assert (removed, sorted(path.name for path in folder.iterdir())) == (
        1,
        [f".{message_id}.wav.bbbb", f"{message_id}.wav"],
    )
