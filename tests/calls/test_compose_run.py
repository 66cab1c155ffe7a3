"""docker-compose.yml as real processes, once with each switch: a call leaves a message, mailed and heard."""

from __future__ import annotations

import asyncio
import email
import email.policy
import os
import re
import socket
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx
import pytest
from controlplane.callflows.prompts import MessageCounts, Prompt
from controlplane.entrypoints.prefetch import make_prompts
from controlplane.entrypoints.ready import reachable_host
from controlplane.phone.conversation import Conversation
from controlplane.phone.phone import Phone, Server
from controlplane.speech.cache import PromptCache
from controlplane.supervisor.asterisk_tree import cache_folder
from controlplane.supervisor.ports import GivenPorts, PortClaims
from tests.support.compose_file import ComposeFault, Plan, plan, raw_file
from tests.support.compose_images import Image, images
from tests.support.compose_rules import faults
from tests.support.compose_run import Composed
from tests.support.compose_variables import chosen
from tests.support.dialplan_rig import free_port
from tests.support.processes import open_folder, processes_of
from tests.support.product import PIN, need_phone, until, until_told

_INNER = (
    "SMTP_PORT",
    "MAIL_UI_PORT",
    "CALLS_MONITORING_PORT",
    "EVENTS_MONITORING_PORT",
    "JOBS_MONITORING_PORT",
)


@dataclass
class Rig:
    """A folder, the ports and the images for a run; nothing of it has started."""

    folder: Path
    switch: str
    variables: dict[str, str]
    postgres_port: int
    images: Mapping[str, Image]

    @property
    def mails(self) -> Path:
        """Where the mail catcher keeps what came."""
        return self.folder / "mails"

    def composed(self, made: Plan) -> Composed:
        """Return the services of a plan, to be run on this rig."""
        return Composed(
            made,
            self.images,
            self.folder,
            places={"postgres:5432": f"127.0.0.1:{self.postgres_port}"},
        )


@pytest.fixture
def rig(switch: str) -> Iterator[Rig]:
    """Choose free ports, and have the prompts that were spoken once in their volume."""
    with open_folder() as folder:
        claims = PortClaims("0.0.0.0", folder / "ports.json")
        # The containers listen on every address: who has a port on one of them is in the way.
        sip, http = (free_port(socket.SOCK_STREAM, socket.SOCK_DGRAM, address="0.0.0.0") for _ in range(2))
        ports = claims.choose(GivenPorts(sip=sip, http=http))
        asked = "OUTBOUND_SOCKET_PORT" if switch == "freeswitch" else "FASTAGI_PORT"
        asks = "EVENT_SOCKET_PORT" if switch == "freeswitch" else "MANAGER_PORT"
        variables = chosen(
            switch,
            EXTERNAL_ADDRESS=reachable_host("0.0.0.0", None),
            HTTP_ADDRESS="127.0.0.1",
            HTTP_PORT=str(ports.http),
            SIP_PORT=str(ports.sip),
            RTP_PORTS=ports.rtp,
            SMTP_USERNAME="",
            **{asked: str(ports.fastagi), asks: str(ports.manager)},
            **{name: str(free_port()) for name in _INNER},
        )
        postgres_port, mails = free_port(), folder / "mails"
        mails.mkdir()
        made = Rig(
            folder=folder,
            switch=switch,
            variables=variables,
            postgres_port=postgres_port,
            images=images(folder / "images", switch, postgres_port=postgres_port, mails=mails),
        )
        make_prompts(cache_folder(os.environ) / "prompts", folder / "volumes" / "prompts")
        try:
            yield made
        finally:
            claims.release()
        left = processes_of(folder)

    assert [] == left


@asynccontextmanager
async def running(rig: Rig) -> AsyncIterator[Composed]:
    """Make the secrets, start what fits the rules, and stop it; each service has to end well."""
    setup = rig.composed(plan(raw_file(), rig.variables, also=frozenset({"setup"})))
    await setup.start("secrets")
    composed = rig.composed(plan(raw_file(), rig.variables))
    assert [] == faults(composed.plan, composed.volume("secrets"))
    try:
        await composed.up()
        yield composed
    finally:
        codes = await composed.down()

    assert dict.fromkeys(codes, 0) | {"mail": -15} == codes


class Installation:
    """A running composition with a mailbox and an extension, and what a test does with it."""

    def __init__(self, composed: Composed, rig: Rig, token: str) -> None:
        self.composed = composed
        self.rig = rig
        self.prompts = PromptCache(composed.volume("prompts"))
        self.server = Server(address=rig.variables["EXTERNAL_ADDRESS"], port=int(rig.variables["SIP_PORT"]))
        self._headers = {"Authorization": f"Bearer {token}"}
        self.password = ""

    def api(self) -> httpx.AsyncClient:
        """Return a client of the REST API."""
        return httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{self.rig.variables['HTTP_PORT']}/api/v1",
            headers=self._headers,
            timeout=20,
        )

    async def provision(self) -> None:
        """Make mailbox 8001 and extension 101, and wait until the switch runs the configuration with them."""
        box = {
            "number": "8001",
            "display_name": "Sales",
            "pin": PIN,
            "email_recipients": ["sales@example.org"],
            "email_notification": True,
        }
        async with self.api() as api:
            mailbox = await api.post("/mailboxes", json=box)
            extension = await api.post("/extensions", json={"number": "101", "display_name": "Alice"})
            assert (201, 201) == (mailbox.status_code, extension.status_code), mailbox.text + extension.text
            self.password = extension.json()["sip_password"]
            greeting = self.composed.volume("configuration") / "greetings" / f"{mailbox.json()['id']}.wav"
            await until(greeting.exists, "the greeting", seconds=60)

            async def is_live() -> bool:
                return _is_live((await api.get("/configuration")).json())

            await until_told(is_live, "the published configuration", seconds=90)

    @asynccontextmanager
    async def phone(self) -> AsyncIterator[Callable[[str], object]]:
        """Start a phone of extension 101; yields what dials."""
        async with await Phone.start(address=self.server.address) as phone:
            await phone.register(self.server, "101", self.password)

            async def dial(number: str) -> Conversation:
                call = await phone.dial(self.server, number, account="101")
                await call.answered()
                return Conversation(call, self.prompts)

            yield dial

    def received(self) -> list[EmailMessage]:
        """Return the mails that the catcher got."""
        found = []
        for path in sorted(self.rig.mails.glob("*.eml")):
            message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
            assert isinstance(message, EmailMessage)
            found.append(message)
        return found


def _is_live(configuration: dict[str, Any]) -> bool:
    """Say whether a second revision runs: that with the extension, after the one of the start."""
    return configuration["state"] == "live" and len(configuration["revisions"]) > 1


@pytest.mark.timeout(300)
async def test_a_call_leaves_a_message_that_is_mailed_and_heard(rig: Rig, message_wav: Path) -> None:
    """From the files alone: secrets, start by health, token, mailbox, call, mail, `*56`; SIGTERM waits."""
    need_phone()
    async with running(rig) as composed:
        token = (await composed.execute("web", "controlplane", "create-token", "--name", "test")).strip()
        here = Installation(composed, rig, token)
        await here.provision()
        async with here.phone() as dial:
            call = await dial("8001")
            await call.expect_beep()
            await call.say(message_wav)
            await call.press("#")
            await call.expect_to_hear(Prompt.MESSAGE_SENT)
            await call.expect_the_end()
            await until(lambda: len(here.received()) > 0, "the mail")
            call = await dial("*568001")
            await call.expect_to_hear(Prompt.ENTER_PIN)
            await call.press(f"{PIN}#")
            await call.expect_to_hear(MessageCounts(new=1, saved=0), Prompt.FIRST_MESSAGE)
            await call.expect_sound(message_wav, "the message")
            await call.hang_up()
            call = await dial("8001")
            await call.expect_beep()
            composed.process("calls").terminate()
            await call.say(message_wav)
            await call.press("#")
            await call.expect_to_hear(Prompt.MESSAGE_SENT)
            await call.expect_the_end()
            async with asyncio.timeout(10):
                drained = await composed.process("calls").wait()
        async with here.api() as api:
            items = (await api.get("/mailboxes/8001/messages")).json()["items"]
        (mail, *_) = here.received()
        attached = [part.get_content_type() for part in mail.iter_attachments()]
        healthy = {
            name: await composed.healthy(name) for name in ("web", "calls", "events", "jobs", rig.switch)
        }

    assert ("sales@example.org", "Voicemail <voicemail@example.org>") == (mail["To"], mail["From"])
    assert "https://voicemail.example.org/" in mail.get_body(("plain",)).get_content()
    assert attached
    assert (0, 2) == (drained, len(items))
    assert {"web": True, "calls": False, "events": True, "jobs": True, rig.switch: True} == healthy


async def test_what_lacks_something_does_not_start(rig: Rig) -> None:
    """Really run, those that lack one thing end with a sentence: a database, a secret, a folder, a volume."""
    raw = raw_file()
    del raw["services"]["postgres"]["environment"]["POSTGRES_PASSWORD_FILE"]
    del raw["services"]["web"]["environment"]["CONTROLPLANE_LINK_KEY_FILE"]
    del raw["services"]["jobs"]["environment"]["CONTROLPLANE_PATHS__SPOOL"]
    raw["services"][rig.switch]["volumes"] = []
    composed = rig.composed(plan(raw, rig.variables, also=frozenset({"setup"})))
    await composed.start("secrets")
    lacking = {
        "migrate": "The database cannot be reached",
        "postgres": "superuser password is not specified",
        "web": "CONTROLPLANE_LINK_KEY",
        "jobs": "CONTROLPLANE_PATHS__SPOOL",
        rig.switch: "is missing: run `controlplane publish --before-start`",
    }
    for name, sentence in lacking.items():
        with pytest.raises(ComposeFault, match=re.escape(sentence)):
            await composed.start(name)
    await composed.down()
