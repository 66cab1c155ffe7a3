"""`controlplane demo`: real SIP calls against a private instance, told step by step and verified.

A caller leaves a message; the mail arrives; a member dials *56, enters a wrong PIN, then the right
one, listens, and deletes; the message is taken out of the trash, and is in the portal. What is said and
heard is read back by speech recognition. Returns only if every step was verified.
"""

from __future__ import annotations

import asyncio
import email
import email.policy
import io
import json
import shutil
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr

from controlplane.callflows.prompts import Greeting, MessageCounts, Prompt
from controlplane.domain.errors import ControlPlaneError
from controlplane.entrypoints import demo_portal
from controlplane.entrypoints.demo_portal import ShownMessage
from controlplane.entrypoints.phone import spoken
from controlplane.phone.conversation import Conversation
from controlplane.phone.phone import Phone, PhoneError, Server, require_phone
from controlplane.phone.reader import Reader, ReaderMissingError, alike
from controlplane.phone.sound import RATE, Heard, Samples
from controlplane.speech.cache import PromptCache
from controlplane.supervisor.instance import Instance

SENTENCE = "Hello, this is the workshop. The blue car is ready, please call us back before noon."
_WORDS_READ = 0.6
_WAIT_SECONDS = 20.0


class DemoFailed(ControlPlaneError):
    """A step did not happen as it should."""


class Account:
    """Prints what happened, with the time that each step took."""

    def __init__(self) -> None:
        self._begin = time.monotonic()

    @contextmanager
    def step(self, what: str) -> Iterator[None]:
        """Time a step; a failure names it."""
        begin = time.monotonic()
        try:
            yield
        except (PhoneError, DemoFailed, OSError) as error:
            print(f"{self._at()}  FAILED: {what}: {error}")
            raise DemoFailed(f"{what}: {error}") from error
        print(f"{self._at()}  {what} ({time.monotonic() - begin:.1f} s)", flush=True)

    def note(self, what: str) -> None:
        """Print a finding below the step before."""
        print(f"{'':8}    {what}", flush=True)

    def _at(self) -> str:
        return f"{time.monotonic() - self._begin:7.1f}s"


class Box:
    """The REST API of the instance, as far as the demonstration asks it."""

    def __init__(self, ready: dict[str, Any]) -> None:
        self._url = ready["api_url"]
        self._token = Path(ready["token_file"]).read_text().strip()
        self.number: str = ready["mailbox"]["number"]

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """Send one request and return the JSON of the answer; raises OSError."""
        request = urllib.request.Request(  # noqa: S310 (http to our own instance)
            self._url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 (see above)
            return json.load(answer)

    def messages(self, state: str) -> list[dict[str, Any]]:
        """Return the messages of a state, newest first."""
        return list(self.ask("GET", f"/mailboxes/{self.number}/messages?state={state}")["items"])


def main(switch: str, *, keep_open: bool) -> None:
    """Run the demonstration in a state folder of its own, removed afterwards if all went well.

    `switch` is what `up --switch` takes. With `keep_open` the message is opened in a browser at the
    end, and the instance stays until somebody presses Enter. Raises PhoneError without the SIP phone,
    and DemoFailed at the first step that was not verified; the folder is kept then and named.
    """
    require_phone()
    try:
        reader = Reader()
    except ReaderMissingError as error:
        raise DemoFailed(str(error)) from error
    folder = Path(tempfile.mkdtemp(prefix="shared-voicemail-demo-"))
    account = Account()
    instance = Instance(folder / "state")
    try:
        with account.step("started a private instance: database, switch and all processes"):
            instance.start("--switch", switch)
        shown = asyncio.run(_tell(instance.ready, account, reader, folder))
        if keep_open:
            demo_portal.keep_open(shown)
    except BaseException:
        print(f"What was written is kept in {folder}")
        instance.stop()
        raise
    with account.step("stopped it"):
        instance.stop()
    shutil.rmtree(folder)
    print("Every step was verified.")


async def _tell(ready: dict[str, Any], account: Account, reader: Reader, folder: Path) -> ShownMessage:
    box = Box(ready)
    address, port = ready["sip_uri"].removeprefix("sip:").rpartition("@")[2].rsplit(":", 1)
    server = Server(address=address, port=int(port))
    name = str((await asyncio.to_thread(box.ask, "GET", f"/mailboxes/{box.number}"))["display_name"])
    recipient = {"email_recipients": ["team@example.org"], "email_notification": True}
    with account.step(f"mailbox {box.number} ({name}) mails to team@example.org"):
        await asyncio.to_thread(box.ask, "PATCH", f"/mailboxes/{box.number}", recipient)
    caller, member = ready["extensions"]
    async with await Phone.start(address=address, folder=folder / "phone") as phone:
        for extension in (caller, member):
            with account.step(f"extension {extension['number']} registered"):
                await phone.register(server, extension["number"], extension["sip_password"])
        scene = _Scene(
            phone=phone,
            server=server,
            box=box,
            account=account,
            reader=reader,
            prompts=PromptCache(Path(ready["prompts_dir"])),
            sentence=await asyncio.to_thread(spoken, SENTENCE, folder),
        )
        await _leave(scene, name, caller["number"])
        message = await _stored(box, account, caller["number"])
        await _mailed(Path(ready["mail_dir"]), account, reader)
        await _check(scene, member["number"], ready["mailbox"]["pin"])
    with account.step("the message is in the trash"):
        deleted = await asyncio.to_thread(box.messages, "deleted")
        if [each["id"] for each in deleted] != [message["id"]]:
            raise DemoFailed("it is not")
    return await asyncio.to_thread(_shown, ready, box, account, reader, message)


def _shown(
    ready: dict[str, Any], box: Box, account: Account, reader: Reader, message: dict[str, Any]
) -> ShownMessage:
    with account.step("took it out of the trash again"):
        box.ask("PATCH", f"/messages/{message['id']}", {"state": "restored"})
    with account.step("the portal shows it to who signs in, and plays it"):
        shown = demo_portal.look_at(ready, str(message["id"]))
        if message["caller_number"] not in shown.page:
            raise DemoFailed(f"{shown.address} does not name its caller")
        text = reader.text(_samples(shown.recording))
        if alike(SENTENCE, text) < _WORDS_READ:
            raise DemoFailed(f"its recording says: “{text}”")
    account.note(shown.address)
    return shown


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scene:
    """Who and what takes part in the calls."""

    phone: Phone
    server: Server
    box: Box
    account: Account
    reader: Reader
    prompts: PromptCache
    sentence: Path


async def _leave(scene: _Scene, name: str, extension: str) -> None:
    phone, box, account, reader = scene.phone, scene.box, scene.account, scene.reader
    with account.step(f"{extension} dialled {box.number}: answered"):
        call = await phone.dial(scene.server, box.number, account=extension)
        await call.answered()
    talk = Conversation(call, scene.prompts)
    with account.step("heard the greeting and the beep"):
        await talk.expect_to_hear(Greeting(display_name=name))
        end = await talk.expect_beep()
    account.note(f"greeting began {talk.heard.first_sound() or 0:.2f} s after the answer")
    account.note(f"heard: “{reader.text(talk.heard.part(0, end - 0.3))}”")
    with account.step(f"said: “{SENTENCE}”"):
        await talk.say(scene.sentence)
    with account.step("pressed #, was thanked, the call ended"):
        begin = talk.heard.seconds
        await talk.press("#")
        await talk.expect_to_hear(Prompt.MESSAGE_SENT)
        await talk.expect_the_end()
    account.note(f"heard: “{reader.text(talk.heard.part(begin))}”")


async def _stored(box: Box, account: Account, extension: str) -> dict[str, Any]:
    with account.step("the message is stored"):
        deadline = time.monotonic() + _WAIT_SECONDS
        while not (found := await asyncio.to_thread(box.messages, "new")):
            if time.monotonic() > deadline:
                raise DemoFailed("it is not")
            await asyncio.sleep(0.1)
        (message,) = found
        if message["caller_number"] != extension:
            raise DemoFailed(f"its caller is {message['caller_number']}")
    account.note(f"{message['id']}: {message['duration_ms'] / 1000:.1f} s from {message['caller_number']}")
    return dict(message)


async def _mailed(mail_dir: Path, account: Account, reader: Reader) -> None:
    with account.step("the mail is there, and its recording says what was said"):
        deadline = time.monotonic() + _WAIT_SECONDS
        while not (found := list(mail_dir.glob("*.eml"))):
            if time.monotonic() > deadline:
                raise DemoFailed("no mail came")
            await asyncio.sleep(0.1)
        mail = email.message_from_bytes(found[0].read_bytes(), policy=email.policy.default)
        assert isinstance(mail, EmailMessage)
        (recording,) = list(mail.iter_attachments())
        text = reader.text(_samples(recording.get_content()))
        if alike(SENTENCE, text) < _WORDS_READ:
            raise DemoFailed(f"its recording says: “{text}”")
    account.note(f"subject: {mail['Subject']}; attached: {recording.get_filename()}")
    account.note(f"recognised: “{text}”")


async def _check(scene: _Scene, extension: str, pin: str) -> None:
    phone, box, account, reader = scene.phone, scene.box, scene.account, scene.reader
    with account.step(f"{extension} dialled *56{box.number}: answered"):
        call = await phone.dial(scene.server, f"*56{box.number}", account=extension)
        await call.answered()
    talk = Conversation(call, scene.prompts)
    wrong = "".join(str((int(digit) + 1) % 10) for digit in pin)
    with account.step("entered a wrong PIN and was refused"):
        await talk.expect_to_hear(Prompt.ENTER_PIN)
        await talk.press(f"{wrong}#")
        await talk.expect_to_hear(Prompt.PIN_INCORRECT, Prompt.ENTER_PIN)
    with account.step("entered the right one and heard the count"):
        begin = talk.heard.seconds
        await talk.press(f"{pin}#")
        await talk.expect_to_hear(MessageCounts(new=1, saved=0))
    account.note(f"heard: “{reader.text(talk.heard.part(begin))}”")
    with account.step("heard the message"):
        await talk.expect_sound(scene.sentence, "the message")
    begin = talk.position - Heard.of(scene.sentence).seconds
    account.note(f"heard: “{reader.text(talk.heard.part(begin, talk.position))}”")
    with account.step("deleted it"):
        await talk.expect_to_hear(Prompt.MESSAGE_MENU, seconds=30)
        await talk.press("7")
        await talk.expect_to_hear(Prompt.MESSAGE_DELETED)
    with account.step("left and hung up"):
        await talk.hang_up()


def _samples(data: bytes) -> Samples:
    """Return the samples of an attached recording at 8 kHz."""
    samples, rate = soundfile.read(io.BytesIO(data), dtype="float32")
    return Heard(np.asarray(soxr.resample(samples, rate, RATE) * 32768, np.float32)).samples
