"""The whole product, private to a test worker: its API, its phones, its mail, its processes."""

from __future__ import annotations

import asyncio
import email
import email.policy
import itertools
import os
import re
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from email.message import EmailMessage
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest
from controlplane.entrypoints.doctor import Finding, check_calls, settings_of
from controlplane.phone.conversation import Conversation
from controlplane.phone.phone import Phone, PhoneMissingError, Server, require_phone
from controlplane.speech.cache import PromptCache
from controlplane.supervisor.instance import Instance

PIN = "274951"
_PASSWORD = "seven red chairs"
T = TypeVar("T")

# Silences and time-outs are short, so that a call of a test takes no longer than it must.
SHORT = {
    # A caller who heard the beep has so long to begin, also where two switches share two processors.
    "CONTROLPLANE_CALLS__SILENCE_SECONDS": "3",
    "CONTROLPLANE_CALLS__FIRST_DIGIT_SECONDS": "2",
    "CONTROLPLANE_CALLS__DIGIT_SECONDS": "1",
}


def need_phone() -> None:
    """Skip the test where there is no SIP phone for this Python, and say so."""
    try:
        require_phone()
    except PhoneMissingError as error:
        pytest.skip(str(error))


class Product:
    """A running instance and how a test deals with it."""

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self.ready = instance.ready
        address, port = self.ready["sip_uri"].rpartition("@")[2].removeprefix("sip:").rsplit(":", 1)
        self.server = Server(address=address, port=int(port.split(";")[0]))
        self.prompts = PromptCache(Path(self.ready["prompts_dir"]))
        self.token = Path(self.ready["token_file"]).read_text().strip()
        self.passwords = {e["number"]: e["sip_password"] for e in self.ready["extensions"]}
        self._numbers = itertools.count(8100)

    @classmethod
    def start(cls, state_dir: Path, *, switch: str = "auto", **environment: str) -> Product:
        """Start an instance with short silences; `switch` is what `up --switch` takes."""
        instance = Instance(state_dir)
        instance.start("--switch", switch, environment={**SHORT, **environment})
        return cls(instance)

    @property
    def sip(self) -> tuple[str, int]:
        """Where SIP is."""
        return (self.server.address, self.server.port)

    # --- the API

    def api(self) -> httpx.AsyncClient:
        """Return a client with the token of the instance."""
        return httpx.AsyncClient(
            base_url=self.ready["api_url"], headers={"Authorization": f"Bearer {self.token}"}, timeout=20
        )

    async def mailbox(self, **fields: Any) -> str:
        """Make a mailbox and wait until it can be dialled; return its number. Its PIN is PIN."""
        number = str(next(self._numbers))
        wanted = {"number": number, "display_name": f"Team {number}", "pin": PIN, **fields}
        async with self.api() as api:
            answer = await api.post("/mailboxes", json=wanted)
        assert answer.status_code == 201, answer.text
        # The greeting is spoken by a job: the caller would hear the standard one before.
        greetings = Path(self.ready["configuration_dir"]) / "greetings"
        greeting = greetings / f"{answer.json()['id']}.wav"
        # Who speaks lets calls go first, so that a busy machine speaks late.
        await until(greeting.exists, f"the greeting of {number}", seconds=60)
        return number

    async def messages(self, number: str, state: str | None = None) -> list[dict[str, Any]]:
        """Return the messages of a mailbox, newest first."""
        async with self.api() as api:
            query = {"limit": "200", **({"state": state} if state else {})}
            answer = await api.get(f"/mailboxes/{number}/messages", params=query)
        assert answer.status_code == 200, answer.text
        return list(answer.json()["items"])

    async def wait_for_messages(
        self, number: str, count: int, *, seconds: float = 60
    ) -> list[dict[str, Any]]:
        """Wait until a mailbox has `count` messages; return them."""
        deadline = time.monotonic() + seconds
        while len(found := await self.messages(number)) < count:
            assert time.monotonic() < deadline, f"{len(found)} of {count} messages within {seconds} s"
            await asyncio.sleep(0.1)
        assert len(found) == count, f"{len(found)} messages instead of {count}"
        return found

    async def audio(self, message_id: str, path: Path) -> Path:
        """Fetch a recording as WAV."""
        async with self.api() as api:
            answer = await api.get(f"/messages/{message_id}/audio", params={"format": "wav"})
        assert answer.status_code == 200, answer.text
        path.write_bytes(answer.content)
        return path

    async def wait_until_published(self, *, seconds: float = 60) -> None:
        """Wait until the switch runs what the database says, with no change on its way."""

        async def is_published() -> bool:
            async with self.api() as api:
                state = (await api.get("/configuration")).json()
            return bool(state["state"] == "live" and not state["pending"]["changes"])

        await until_told(is_published, "the published configuration", seconds=seconds)

    # --- the portal

    async def sign_in(self, browser: httpx.AsyncClient, user_name: str, display_name: str) -> None:
        """Make an admin of the tenant and sign in as them; the browser's forms are then accepted."""
        user = {"user_name": user_name, "display_name": display_name, "role": "tenant_admin"}
        async with self.api() as api:
            made = await api.post("/users", json=user)
            assert made.status_code == 201, made.text
            link = (await api.post(f"/users/{user_name}/link")).json()["link"]
        browser.headers["Origin"] = str(httpx.URL(link).copy_with(path="/", query=None)).rstrip("/")
        await browser.post(link, data={"password": _PASSWORD, "password_again": _PASSWORD})
        page = await browser.get(self.ready["portal_url"] + "portal/account")
        browser.headers["X-CSRF-Token"] = re.findall(r'name="csrf" value="(\w+)"', page.text)[0]

    # --- mail

    def has_logged(self, event: str, value: str) -> bool:
        """Say whether a process wrote a line with this event and this value."""
        logs = (self.instance.state_dir / "log").glob("*")
        lines = (
            line for log in logs if log.is_file() for line in log.read_text(errors="replace").splitlines()
        )
        return any(event in line and value in line for line in lines)

    def mails(self, number: str) -> list[EmailMessage]:
        """Return the mails captured for a mailbox (its recipient is `<number>@example.org`)."""
        found = []
        for path in Path(self.ready["mail_dir"]).glob("*.eml"):
            message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
            assert isinstance(message, EmailMessage)
            if f"{number}@example.org" in message["To"]:
                found.append(message)
        return found

    async def wait_for_mail(self, number: str, *, seconds: float = 60) -> EmailMessage:
        """Wait for the one mail of a mailbox."""
        await until(lambda: bool(self.mails(number)), f"a mail for {number}", seconds=seconds)
        (mail,) = self.mails(number)
        return mail

    # --- phones

    @asynccontextmanager
    async def phone(
        self, number: str | None = None, *, transport: str = "udp", device: str = "", **options: Any
    ) -> AsyncIterator[Handset]:
        """Start a phone; registered as `number`, or a caller from outside without one."""
        need_phone()
        server = Server(address=self.server.address, port=self.server.port, transport=transport)
        async with AsyncExitStack() as stack:
            phone = await stack.enter_async_context(await Phone.start(address=server.address, **options))
            if number is None:
                await phone.stranger(server)
                yield Handset(self, phone, server, "outside")
            else:
                await phone.register(server, number, self.passwords[number], device=device)
                yield Handset(self, phone, server, number + device)

    # --- processes

    def pid(self, name: str) -> int:
        """Return the process id of a part now."""
        return int(self.instance.ready["pids"][name])

    def kill(self, name: str, how: signal.Signals = signal.SIGKILL) -> int:
        """Send a signal to a part; return its process id."""
        pid = self.pid(name)
        os.kill(pid, how)
        return pid

    def last_words_of_calls(self) -> str:
        """Return the end of the log of `calls`, and when children ended and were started."""
        log = self.instance.state_dir / "log" / "calls.log"
        said = log.read_text(errors="replace").splitlines()[-40:]
        children = [
            line for line in self.instance.log.read_text(errors="replace").splitlines() if "child." in line
        ]
        return "\n".join([*said, *children[-10:]])

    async def wait_for_restart(self, name: str, old: int, *, seconds: float = 60) -> None:
        """Wait until a part runs again under another process id and the product is ready."""
        await until(lambda: self.pid(name) != old, f"a new {name}", seconds=seconds)
        await self.wait_until_ready(seconds=seconds)

    async def wait_until_ready(self, *, seconds: float = 60) -> None:
        """Wait until the product says that it is ready, and `calls`, of which it says nothing, listens."""
        deadline = time.monotonic() + seconds
        settings = settings_of(self.instance.state_dir)
        url = self.ready["api_url"].removesuffix("/api/v1") + "/readyz"
        async with httpx.AsyncClient() as client:
            while True:
                try:
                    if (await client.get(url)).status_code == 200 and not _remedies(
                        await check_calls(settings)
                    ):
                        return
                except httpx.HTTPError:
                    assert time.monotonic() < deadline, "the web process does not answer"
                assert time.monotonic() < deadline, "not ready in time"
                await asyncio.sleep(0.1)


def _remedies(findings: list[Finding]) -> list[str]:
    return [finding.remedy for finding in findings if finding.remedy is not None]


class Handset:
    """A phone at a product."""

    def __init__(self, product: Product, phone: Phone, server: Server, account: str) -> None:
        self.product = product
        self.phone = phone
        self.server = server
        self._account = account

    async def dial(
        self, number: str, *, answered: bool = True, language: str = "en", **options: Any
    ) -> Conversation:
        """Dial and wait for the answer; what is expected to be heard is in `language`."""
        call = await self.phone.dial(self.server, number, account=self._account, **options)
        if answered:
            await call.answered()
        return Conversation(call, self.product.prompts, language=language)


async def until_told(fact: Callable[[], Awaitable[bool]], what: str, *, seconds: float = 60) -> None:
    """Ask until `fact` holds; fail naming `what` did not come."""
    deadline = time.monotonic() + seconds
    while not await fact():
        assert time.monotonic() < deadline, f"{what} did not come within {seconds} s"
        await asyncio.sleep(0.05)


async def until(fact: Callable[[], bool], what: str, *, seconds: float = 60) -> None:
    """Wait until `fact` holds; fail naming `what` did not come."""
    deadline = time.monotonic() + seconds
    while not fact():
        assert time.monotonic() < deadline, f"{what} did not come within {seconds} s"
        await asyncio.sleep(0.05)
