"""`controlplane phone`: place one call at a running `up` from a script, and read what was heard."""

from __future__ import annotations

import asyncio
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path

from controlplane.phone.conversation import Conversation
from controlplane.phone.phone import Phone, PhoneError, Server, require_phone
from controlplane.phone.reader import Reader, ReaderMissingError
from controlplane.speech.cache import PromptCache, installed_voices
from controlplane.speech.speaker import Speaker
from controlplane.supervisor.faults import CannotStart

STEPS = "beep, press:DIGITS, say:FILE.wav or say:TEXT, listen:SECONDS, end"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing to do in a call: `beep`, `press`, `say`, `listen` or `end`."""

    verb: str
    what: str

    @classmethod
    def parse(cls, text: str) -> Step:
        """Read `verb` or `verb:what`; raises CannotStart naming the steps there are."""
        verb, _, what = text.partition(":")
        needs = {"beep": False, "end": False, "press": True, "say": True, "listen": True}
        if verb not in needs or needs[verb] != bool(what):
            raise CannotStart(f"`{text}` is no step. Steps: {STEPS}.")
        if verb == "listen" and not what.replace(".", "", 1).isdigit():
            raise CannotStart(f"`{text}`: listen for how many seconds?")
        if verb == "press" and set(what) - set("0123456789*#"):
            raise CannotStart(f"`{text}`: keys are 0 to 9, * and #.")
        return cls(verb=verb, what=what)


def spoken(text: str, folder: Path) -> Path:
    """Turn English text into a WAV file below `folder`."""
    cache = PromptCache(folder)
    Speaker(cache).make([text], "en")
    paths = [cache.path(text, "en", voice) for voice in installed_voices("en")]
    return next(path for path in paths if path.exists())


def main(
    *, state_dir: Path, number: str, extension: str | None, steps: list[str], recording: Path | None
) -> None:
    """Dial `number` as `extension` (None: a caller from outside) and do the steps in order.

    Prints each step and at the end what was heard as text. Raises CannotStart for wrong use,
    PhoneError when the call did not go so.
    """
    require_phone()
    todo = [Step.parse(step) for step in steps] or [Step(verb="end", what="")]
    try:
        ready = json.loads((state_dir / "ready.json").read_text())
    except FileNotFoundError as error:
        raise CannotStart(f"Nothing runs in {state_dir}: start it with `controlplane up`.") from error
    asyncio.run(_call(ready, number, extension, todo, recording))


async def _call(
    ready: dict[str, object], number: str, extension: str | None, todo: list[Step], recording: Path | None
) -> None:
    address, port = str(ready["sip_uri"]).removeprefix("sip:").rpartition("@")[2].split(";")[0].rsplit(":", 1)
    server = Server(address=address, port=int(port))
    passwords = {e["number"]: e["sip_password"] for e in ready["extensions"]}  # type: ignore[attr-defined]  # JSON
    with tempfile.TemporaryDirectory(prefix="phone-") as folder:
        # Before the call: a caller who is silent after the beep while words are made has left no message.
        words = {step.what: _words(step.what, Path(folder)) for step in todo if step.verb == "say"}
        async with await Phone.start(address=address, folder=Path(folder)) as phone:
            account = "outside"
            if extension is None:
                await phone.stranger(server)
            elif extension in passwords:
                await phone.register(server, extension, passwords[extension])
                account = extension
            else:
                raise CannotStart(f"Extensions with a known password: {', '.join(passwords)}.")
            call = await phone.dial(server, number, account=account)
            await call.answered()
            print(f"dialled {number} as {account}: answered")
            talk = Conversation(call, PromptCache(Path(str(ready["prompts_dir"]))))
            for step in todo:
                print(f"{step.verb} {step.what}".rstrip())
                await _do(talk, step, words)
            await call.hang_up()
            if recording is not None:
                talk.heard.save(recording)
                print(f"what was heard is in {recording}")
            try:
                print(f"heard: {Reader().text(talk.heard)}")
            except ReaderMissingError as error:
                print(error)


def _words(what: str, folder: Path) -> Path:
    return Path(what) if what.endswith(".wav") else spoken(what, folder)


async def _do(talk: Conversation, step: Step, words: dict[str, Path]) -> None:
    match step.verb:
        case "beep":
            await talk.expect_beep(seconds=30)
        case "press":
            await talk.press(step.what)
        case "say":
            await talk.say(words[step.what])
        case "listen":
            try:
                await talk.call.ended(seconds=float(step.what))
            except PhoneError:
                print("  (the call goes on)")
        case _:
            await talk.expect_the_end(seconds=120)
