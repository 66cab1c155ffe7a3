"""The mail that announces a message, after a real call."""

from __future__ import annotations

import io
import re
from functools import partial
from pathlib import Path

import httpx
import numpy as np
import soundfile
import soxr
from controlplane.phone.reader import Reader, alike
from controlplane.phone.sound import RATE
from tests.support.live import SENTENCE
from tests.support.product import Product, until


async def _message_with_mail(product: Product, wav: Path, **fields: object) -> str:
    box = await product.mailbox(email_notification=True, **fields)
    async with product.api() as api:
        answer = await api.patch(f"/mailboxes/{box}", json={"email_recipients": [f"{box}@example.org"]})
        assert answer.status_code == 200, answer.text
    async with product.phone("101") as phone:
        call = await phone.dial(box)
        await call.expect_beep()
        await call.say(wav)
        await call.hang_up()
    return box


async def test_mail_has_a_playable_recording(product: Product, message_wav: Path, reader: Reader) -> None:
    """The mail's MP3 is the caller's sentence."""
    box = await _message_with_mail(product, message_wav)
    mail = await product.wait_for_mail(box)
    (attachment,) = list(mail.iter_attachments())
    samples, rate = soundfile.read(io.BytesIO(attachment.get_content()), dtype="float32")
    narrow = np.asarray(soxr.resample(samples, rate, RATE) * 32768, np.float32)

    assert attachment.get_content_type() == "audio/mpeg"
    assert alike(SENTENCE, reader.text(narrow)) > 0.7


async def test_link_of_the_mail_opens_the_message(product: Product, message_wav: Path) -> None:
    """The signed link opens a page with a player and marks nothing read."""
    box = await _message_with_mail(product, message_wav, email_attachment=False)
    mail = await product.wait_for_mail(box)
    body = mail.get_body(("plain",))
    assert body is not None
    link = re.search(r"https?://\S+/m/\S+", body.get_content())
    assert link is not None
    async with httpx.AsyncClient() as browser:
        page = await browser.get(link.group())
        audio = await browser.get(link.group() + "/audio")
    (message,) = await product.messages(box)

    assert (page.status_code, audio.status_code, message["state"]) == (200, 200, "new")
    # From the INVITE to the mail the call has one name.
    trace = str(mail["X-Trace-ID"])
    for event in ("call.ended", "message.deposited", "mail.sent"):
        await until(partial(product.has_logged, event, trace), f"{event} of {trace}")
    assert list(mail.iter_attachments()) == []
