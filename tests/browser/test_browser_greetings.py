"""The pages of greetings in Chromium: saying one into a microphone, and how they look."""

from __future__ import annotations

import io
import wave
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import expect
from tests.support.api import MAILBOX, Api
from tests.support.browser_fixtures import NARROW, WIDE, OpenPage
from tests.support.greetings import humming, recording, speaking
from tests.support.looks import axe, faults_to_see

PAGE = "/portal/mailboxes/8001/greetings"
WAV = {"Content-Type": "audio/wav"}
_LENGTH = """(audio) => audio.duration > 0 ? audio.duration : new Promise((done, failed) => {
  audio.addEventListener("durationchange", () => done(audio.duration));
  audio.addEventListener("error", failed);
})"""
_REFUSED = """navigator.mediaDevices.getUserMedia =
  () => Promise.reject(new DOMException("", "NotAllowedError"))"""


@pytest_asyncio.fixture(loop_scope="session")
async def box(site: Api) -> Api:
    """Make the mailbox 8001, with a recording for all and greetings for two sources."""
    async with site.client(await site.token()) as client:
        await client.post("/api/v1/mailboxes", json=dict(MAILBOX))
        queue = {"number": "6500", "display_name": "Help & advice"}
        await client.post("/api/v1/call-queues", json=queue)
        own = [
            {
                "source": "6500",
                "greeting": "All of us are talking. Please leave your number.",
                "language": None,
            },
            {"source": "+4312345", "greeting": None, "language": "de"},
        ]
        await client.patch("/api/v1/mailboxes/8001", json={"source_greetings": own})
        await client.put("/api/v1/mailboxes/8001/greeting", content=recording(4), headers=WAV)
    return site


async def test_a_greeting_is_said_into_the_microphone(box: Api, signed_in: OpenPage) -> None:
    """It is sent as a WAV, plays as telephone audio, and callers hear it once it is used."""
    page = await signed_in(f"{PAGE}/change")
    await page.get_by_role("button", name="Record", exact=True).click()
    await expect(page.locator("[data-clock]")).to_have_text("0:01")
    await page.get_by_role("button", name="Stop").click()
    await page.wait_for_url("**/try/*")
    length = await page.locator("audio").evaluate(_LENGTH)
    await page.get_by_role("button", name="Use this greeting").click()
    await expect(page.get_by_role("status")).to_have_text("Callers hear the new greeting within a moment.")

    async with box.client(await box.token()) as client:
        heard = (await client.get("/api/v1/mailboxes/8001/greeting")).content
    with wave.open(io.BytesIO(heard)) as file:
        assert (8000, 2, 1) == (file.getframerate(), file.getsampwidth(), file.getnchannels())
        assert abs(file.getnframes() / 8000 - length) < 0.05


_WEBM = """async (field) => {
  const context = new AudioContext();
  const tone = new OscillatorNode(context);
  const out = new MediaStreamAudioDestinationNode(context);
  tone.connect(out);
  tone.start();
  const recorder = new MediaRecorder(out.stream);
  const parts = [];
  recorder.ondataavailable = ({ data }) => parts.push(data);
  const ended = new Promise((done) => { recorder.onstop = done; });
  recorder.start();
  await new Promise((done) => setTimeout(done, 600));
  recorder.stop();
  await ended;
  await context.close();
  const chosen = new DataTransfer();
  chosen.items.add(new File(parts, "memo.webm", { type: "audio/webm" }));
  field.files = chosen.files;
}"""


async def test_what_only_the_browser_can_read_is_taken(box: Api, signed_in: OpenPage) -> None:
    """A WebM becomes a WAV before it is sent; what is no sound goes as it is, and is refused in words."""
    page = await signed_in(f"{PAGE}/change")
    upload = page.locator("#upload").get_by_role("button", name="Listen first")
    noise = {"name": "memo.m4a", "mimeType": "audio/mp4", "buffer": b"\0\0\0\x20ftypM4A " + bytes(100)}
    await page.locator("#greeting").set_input_files([noise])
    await upload.click()
    await expect(page.locator("#greeting-fault")).to_contain_text("This is no sound file that can be read.")
    await page.locator("#greeting").evaluate(_WEBM)
    await upload.click()
    await page.wait_for_url("**/try/*")
    length = await page.locator("audio").evaluate(_LENGTH)

    assert 0.2 < length < 2


async def test_without_permission_or_script_the_page_says_so(box: Api, signed_in: OpenPage) -> None:
    """A refused microphone is told in words; without script there is no button, and uploading remains."""
    page = await signed_in()
    await page.add_init_script(_REFUSED)
    await page.goto(f"{PAGE}/change")
    await page.get_by_role("button", name="Record", exact=True).click()
    await expect(page.locator("[data-said]")).to_contain_text("The microphone is not allowed.")
    await expect(page.get_by_role("button", name="Record", exact=True)).to_be_enabled()
    plain = await signed_in(f"{PAGE}/change", java_script_enabled=False)

    await expect(plain.get_by_text("To record here, scripts must be on")).to_be_visible()
    assert 0 == await plain.get_by_role("button", name="Record", exact=True).count()
    assert 2 == await plain.get_by_role("button", name="Listen first").count()


@pytest.mark.parametrize("look", [(WIDE, "light"), (NARROW, "dark")], ids=["wide light", "narrow dark"])
async def test_pages_of_greetings_look_right(
    box: Api, signed_in: OpenPage, pictures: Path, look: tuple[dict[str, int], str]
) -> None:
    """No rule of accessibility broken, nothing cut off, nothing too small, in each step."""
    size, scheme = look
    page = await signed_in(PAGE, viewport=size, color_scheme=scheme)
    name = f"{size['width']}-{scheme}"
    seen: dict[str, list[str]] = {}

    async def seeing(step: str) -> None:
        await page.screenshot(path=pictures / f"greetings-{step}-{name}.png", full_page=True)
        seen[step] = [*await axe(page), *await faults_to_see(page)]

    await seeing("list")
    await page.goto(f"{PAGE}/change?source=6500")
    await seeing("change")
    await page.locator("#text").fill("[[]]")
    await page.get_by_role("button", name="Listen first").first.click()
    await seeing("fault")
    async with speaking(box.deps.db, humming(box.deps.spool.parent / "spoken")):
        await page.locator("#text").fill("We are all at lunch. Leave a message.")
        await page.get_by_role("button", name="Listen first").first.click()
        await page.locator("audio").evaluate(_LENGTH)
        await seeing("try")
    await page.goto(PAGE)
    await page.get_by_role("button", name="Back to the standard").click()
    await seeing("remove")
    await page.goto(PAGE)
    await page.get_by_role("link", name="Say the name").click()
    await seeing("name")
    name_file = {"name": "name.wav", "mimeType": "audio/wav", "buffer": recording(2)}
    await page.locator("#greeting").set_input_files([name_file])
    await page.locator("#upload").get_by_role("button", name="Listen first").click()
    await page.locator("audio").evaluate(_LENGTH)
    await seeing("name-try")
    await page.get_by_role("button", name="Use this name").click()
    await seeing("name-used")
    await page.get_by_role("button", name="Have the system say it").click()
    await seeing("name-remove")

    assert {step: [] for step in seen} == seen
