"""A virtual receptionist by real calls: it greets, takes keys, and messages say how they got there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr
from controlplane.callflows.prompts import Greeting, Prompt
from tests.support.product import Product, until

GREETING = "Welcome to the workshop. To leave a message, press five."


async def receptionist(product: Product, number: str, **fields: Any) -> Path:
    """Make a virtual receptionist, and return its greeting when it can be called and heard."""
    wanted = {"number": number, "display_name": "Main number", "greeting": GREETING, **fields}
    async with product.api() as api:
        answer = await api.post("/virtual-receptionists", json=wanted)
    assert answer.status_code == 201, answer.text
    configuration = Path(product.ready["configuration_dir"])
    greeting = configuration / "greetings" / f"{answer.json()['id']}.wav"
    await until(greeting.exists, f"the greeting of {number}", seconds=60)
    await until(
        lambda: any((configuration / "routes").glob(f"*/{number[-2:]}/{number}")), f"the route of {number}"
    )
    return greeting


def to(number: str) -> dict[str, Any]:
    """Return a destination."""
    return {"action": "forward_to_number", "number": number}


def studio(path: Path, folder: Path) -> Path:
    """Make 24 bits, 44.1 kHz and two channels, one of them softer, of a recording."""
    samples, rate = soundfile.read(path, dtype="float32")
    high = soxr.resample(samples, rate, 44_100) * 0.7
    made = folder / "studio.wav"
    soundfile.write(made, np.stack([high, high * 0.5], axis=1), 44_100, subtype="PCM_24")
    return made


async def test_five_leaves_a_message_that_says_so(product: Product, message_wav: Path) -> None:
    """A caller from outside hears the greeting, presses a wrong key and then 5, and leaves a message.

    Over REST the message shows the receptionist, the key and the time that it took.
    """
    box = await product.mailbox(display_name="Sales")
    number = f"6{box[1:]}"
    greeting = await receptionist(
        product, number, keys=[{"keys": "5", "destination": {"office_hours": to(box)}}]
    )
    async with product.phone() as phone:
        call = await phone.dial(number)
        await call.expect_sound(greeting, "the greeting of the receptionist")
        await call.press("7")
        await call.expect_to_hear(Prompt.INVALID_CHOICE)
        await call.press("5")
        await call.expect_to_hear(Greeting(display_name="Sales"))
        await call.expect_beep()
        await call.say(message_wav)
        await call.press("#")
        await call.expect_to_hear(Prompt.MESSAGE_SENT)
        await call.expect_the_end()
    (message,) = await product.wait_for_messages(box, 1)

    (step,) = message["reached_by"]["path"]
    assert ("direct", "virtual-receptionist", number, "5", "direct") == (
        message["reached_by"]["reason"],
        *(step[name] for name in ("kind", "number", "key", "reason")),
    )
    assert 3 <= step["waited_seconds"] <= 40


async def test_silence_times_out_into_the_mailbox(product: Product, message_wav: Path) -> None:
    """Who presses nothing hears the greeting again, and then is sent where the timeout goes."""
    box = await product.mailbox(display_name="Support")
    number = f"6{box[1:]}"
    greeting = await receptionist(product, number, timeout_seconds=2, timeout_repeats=1, timeout=to(box))
    async with product.phone("101") as phone:
        call = await phone.dial(number)
        await call.expect_sound(greeting, "the greeting")
        await call.expect_sound(greeting, "the greeting, again")
        await call.expect_to_hear(Greeting(display_name="Support"))
        await call.expect_beep()
        await call.say(message_wav)
        await call.hang_up()
    (message,) = await product.wait_for_messages(box, 1)

    assert [("virtual-receptionist", number, None, "timeout")] == [
        tuple(step[name] for name in ("kind", "number", "key", "reason"))
        for step in message["reached_by"]["path"]
    ]


async def test_a_recording_is_heard_by_the_next_caller(
    product: Product, speech: Callable[[str], Path], tmp_path: Path
) -> None:
    """A recording as a studio delivers it takes the place of the spoken words, and keys are taken during it.

    The file alone makes it so: the switch is not told of it. Taken away again, the words are back.
    """
    box = await product.mailbox(display_name="Sales")
    number = f"6{box[1:]}"
    keys = [{"keys": "5", "destination": {"office_hours": to(box)}}]
    greeting = await receptionist(product, number, keys=keys)
    spoken = greeting.read_bytes()
    words = speech("This is the choir of the workshop. Press five to join.")
    upload = f"/virtual-receptionists/{number}/greeting"
    async with product.api() as api:
        before = (await api.get("/configuration")).json()["live"]
        answer = await api.put(
            upload, content=studio(words, tmp_path).read_bytes(), headers={"Content-Type": "audio/wav"}
        )
        assert answer.status_code == 204, answer.text
        await until(lambda: greeting.read_bytes() != spoken, "the recording")
        async with product.phone() as phone:
            call = await phone.dial(number)
            await call.expect_sound(words, "what was recorded")
            await call.press("5")
            await call.expect_to_hear(Greeting(display_name="Sales"))
            await call.hang_up()
        after = (await api.get("/configuration")).json()["live"]
        assert 204 == (await api.delete(upload)).status_code
        await until(lambda: greeting.read_bytes() == spoken, "the spoken words")

    assert before == after
