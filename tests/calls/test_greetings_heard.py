"""What somebody recorded as the greeting of a mailbox, by real calls."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr
from controlplane.callflows.prompts import Greeting, Prompt
from tests.support.product import Product, until

WAV = {"Content-Type": "audio/wav"}


def studio(path: Path, folder: Path) -> bytes:
    """Make 24 bits, 44.1 kHz and two channels, one of them softer, of a recording."""
    samples, rate = soundfile.read(path, dtype="float32")
    high = soxr.resample(samples, rate, 44_100) * 0.7
    made = folder / f"{path.stem}.wav"
    soundfile.write(made, np.stack([high, high * 0.5], axis=1), 44_100, subtype="PCM_24")
    return made.read_bytes()


def to(number: str) -> dict[str, Any]:
    """Return a destination."""
    return {"action": "forward_to_number", "number": number}


async def test_callers_hear_what_was_recorded_for_them(
    product: Product, speech: Callable[[str], Path], message_wav: Path, tmp_path: Path
) -> None:
    """Who comes from the group hears its recording, who dials the mailbox the mailbox's own; then they speak.

    Taken away again, the standard sentence is back.
    """
    box = await product.mailbox(display_name="Sales")
    group = f"64{box[2:]}"
    own = speech("Our choir sings on Fridays. Leave your name.")
    busy = speech("Every workshop is full at this moment.")
    upload = f"/mailboxes/{box}/greeting"
    async with product.api() as api:
        made = await api.post(
            "/ring-groups", json={"number": group, "display_name": "Workshop", "no_answer": to(box)}
        )
        assert 201 == made.status_code, made.text
        for words, source in ((own, ""), (busy, group)):
            content = studio(words, tmp_path)
            answer = await api.put(upload, params={"source": source}, content=content, headers=WAV)
            assert 204 == answer.status_code, answer.text
            heard = (await api.get(upload, params={"source": source})).content
            await until(
                lambda heard=heard: any(
                    path.read_bytes() == heard for path in (product.prompts.root / "recorded").glob("*.wav")
                ),
                "the recording",
            )
        await product.wait_until_published()
        async with product.phone() as phone:
            call = await phone.dial(group)
            await call.expect_sound(busy, "what was recorded for the group")
            await call.hang_up()
            call = await phone.dial(box)
            await call.expect_sound(own, "what was recorded for all others")
            await call.expect_beep()
            await call.say(message_wav)
            await call.press("#")
            await call.expect_to_hear(Prompt.MESSAGE_SENT)
            await call.expect_the_end()
            assert 204 == (await api.delete(upload)).status_code
            call = await phone.dial(box)
            await call.expect_to_hear(Greeting(display_name="Sales"))
            await call.hang_up()
        assert 204 == (await api.delete(f"/ring-groups/{group}")).status_code
        await product.wait_until_published()
    await product.wait_for_messages(box, 1)
