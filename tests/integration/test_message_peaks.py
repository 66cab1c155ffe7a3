"""How loud messages are along their length: measured once, by the job or when somebody asks."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import httpx
import numpy as np
import soundfile
from controlplane.services.message_peaks import PARTS, measure_peaks, peaks_of
from tests.support.api import Api
from tests.support.portal import Browser


def test_each_part_is_as_loud_as_its_loudest_moment(tmp_path: Path) -> None:
    """Half a file of silence, then full scale of either sign; a few samples are as few parts."""
    path = tmp_path / "a.wav"
    sound = np.zeros(16_000, dtype=np.int16)
    sound[8_000::80] = np.where(np.arange(100) % 2, 32_767, -32_768)
    soundfile.write(path, sound, 8000)
    peaks = peaks_of(path)
    soundfile.write(path, sound[-3:], 8000)
    few = peaks_of(path)
    soundfile.write(path, sound[:0], 8000)
    none = peaks_of(path)
    soundfile.write(path, np.zeros((100, 2)), 8000)

    assert (PARTS, 3, 0, b"") == (len(peaks), len(few), len(none), peaks_of(path))
    assert ({0}, {254, 255}) == (set(peaks[: PARTS // 2]), set(peaks[PARTS // 2 :]))


async def test_they_are_measured_once(bob: Browser, mailbox: httpx.Response, api: Api) -> None:
    """The first who asks has them measured; afterwards the recording is not needed."""
    message_id = await api.message(seconds=0.5)
    path = f"/portal/messages/{message_id}/peaks"
    first = (await bob.client.get(path)).json()["peaks"]
    api.store.path(message_id).unlink()
    again = (await bob.client.get(path)).json()["peaks"]
    other = await api.message(seconds=0.5)
    by_job = await measure_peaks(api.deps.db, api.store, other)

    assert (PARTS, first, first) == (len(first), again, list(by_job))
    assert 2 == len(api.rows("SELECT message_id FROM message_peaks"))


async def test_what_cannot_be_measured_is_told(
    bob: Browser, mailbox: httpx.Response, api: Api, visitor: Browser
) -> None:
    """A missing recording is not found, a damaged one has no waveform; strangers get neither."""
    missing, damaged = await api.message(), await api.message()
    api.store.path(missing).unlink(missing_ok=True)
    path = api.store.path(damaged)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"no audio at all, and more than a header of it ............")
    answers = [
        await bob.client.get(f"/portal/messages/{each}/peaks") for each in (missing, damaged, UUID(int=7))
    ]

    assert [404, 200, 404] == [answer.status_code for answer in answers]
    assert {"peaks": []} == answers[1].json()
    assert 303 == (await visitor.client.get(f"/portal/messages/{damaged}/peaks")).status_code
