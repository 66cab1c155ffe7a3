"""The limited users of the event socket on a real FreeSWITCH: what they can do, and what not."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
from controlplane.domain.errors import SwitchUnavailable
from controlplane.domain.event_socket import DOMAIN, EventSocketUser, user_password
from controlplane.supervisor.freeswitch_tree import find_freeswitch
from controlplane.switches.freeswitch.control import FreeSwitchControl
from controlplane.switches.freeswitch.events import FreeSwitchEvents
from controlplane.switches.freeswitch.inbound import InboundClient
from tests.support.call_contract import meanwhile
from tests.support.freeswitch_rig import PASSWORD, FreeswitchRig, run_freeswitch
from tests.support.raw_sip import RawPhone

LIMIT_SECONDS = 10
DENIED = "permission denied"


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FreeswitchRig]:
    """Run the rendered configuration."""
    tree = find_freeswitch(os.environ, progress=lambda _: None)
    with run_freeswitch(tree, tmp_path_factory.mktemp("rights")) as running:
        yield running


def logged_in(
    rig: FreeswitchRig, user: EventSocketUser, *, password: str | None = None
) -> AbstractAsyncContextManager[InboundClient]:
    """Log in as a user, with its own password if no other one is given."""
    return InboundClient.connected(
        "127.0.0.1",
        rig.event_port,
        user=user.address,
        password=user_password(user, secret=PASSWORD) if password is None else password,
        seconds=LIMIT_SECONDS,
    )


async def said(client: InboundClient, command: str) -> str:
    """Send a command as it is, and return the text of its reply."""
    return (await client._exchange(f"{command}\n\n".encode(), "command/reply")).reply


async def test_control_publishes_and_asks(rig: FreeswitchRig) -> None:
    """Everything that the adapter does works by its user."""
    user = EventSocketUser.CONTROL
    control = FreeSwitchControl(
        host="127.0.0.1",
        port=rig.event_port,
        user=user.address,
        password=user_password(user, secret=PASSWORD),
    )
    await control.reload()

    assert rig.digest == (await control.live_configuration()).digest
    assert [] == list(await control.calls(["7b0cd6a4-7a3c-4d1e-9b43-1d3a7f0a1c01"]))
    assert 0 < await control.started_at()


async def test_listener_subscribes(rig: FreeswitchRig) -> None:
    """The subscription of the adapter is let through."""
    user = EventSocketUser.EVENTS
    told: asyncio.Queue[str] = asyncio.Queue()
    events = FreeSwitchEvents(
        host="127.0.0.1",
        port=rig.event_port,
        user=user.address,
        password=user_password(user, secret=PASSWORD),
        on_record_stop=told.put_nowait,
        on_booted=lambda: told.put_nowait("booted"),
        on_lamp_query=lambda _: None,
        on_trunk=lambda _: None,
    )
    async with meanwhile(asyncio.create_task(events.run())):
        assert "booted" == await asyncio.wait_for(told.get(), LIMIT_SECONDS)


async def test_listener_may_have_what_others_will_want(rig: FreeswitchRig) -> None:
    """Registrations, queries of lamps and the switch's own voicemail are among its events."""
    async with logged_in(rig, EventSocketUser.EVENTS) as client:
        reply = await said(
            client, "event plain MESSAGE_QUERY CUSTOM sofia::register sofia::gateway_state vm::maintenance"
        )

    assert reply.startswith("+OK")


async def test_doctor_sees_the_configuration(rig: FreeswitchRig) -> None:
    """It looks at contexts, settings, and in which contexts users dial."""
    async with logged_in(rig, EventSocketUser.DOCTOR) as client:
        assert "<context" in await client.api("xml_locate dialplan context name cp-check")
        assert (await client.api("list_users")).startswith("userid|context|")


@pytest.mark.parametrize("user", EventSocketUser)
@pytest.mark.parametrize(
    "command",
    [
        "api system id",
        "bgapi system id",
        "api bgapi system id",
        "api eval ${system(id)}",
        "api sched_api +1 none system id",
        "api uuid_kill 1",
        "api originate null/x &park",
        "api shutdown",
        "api reload mod_lua",
        "log debug",
        "event plain ALL",
        "event plain CHANNEL_CREATE",
        "event plain DTMF",
        "event plain CUSTOM sofia::gateway_add",
    ],
)
async def test_what_nobody_needs_is_denied(rig: FreeswitchRig, user: EventSocketUser, command: str) -> None:
    """No user runs a program, ends something, places calls, reads the log or overhears calls."""
    async with logged_in(rig, user) as client:
        assert DENIED in await said(client, command)


@pytest.mark.parametrize(
    ("user", "command"),
    [
        (EventSocketUser.EVENTS, "api version"),
        (EventSocketUser.EVENTS, "api reloadxml"),
        (EventSocketUser.EVENTS, "api sofia profile shared-voicemail stop"),
        (EventSocketUser.DOCTOR, "api sofia profile shared-voicemail stop"),
        (EventSocketUser.CONTROL, "api xml_locate configuration configuration name event_socket.conf"),
        (EventSocketUser.CONTROL, "event plain RECORD_STOP"),
        (EventSocketUser.DOCTOR, "api reloadxml"),
        (EventSocketUser.DOCTOR, "event plain HEARTBEAT"),
    ],
)
async def test_one_user_cannot_do_the_work_of_another(
    rig: FreeswitchRig, user: EventSocketUser, command: str
) -> None:
    """Each has its own rights only; the configuration with its passwords is the doctor's."""
    async with logged_in(rig, user) as client:
        assert DENIED in await said(client, command)


@pytest.mark.parametrize("password", ["", "wrong", PASSWORD])
@pytest.mark.parametrize("user", EventSocketUser)
async def test_another_password_lets_no_user_in(
    rig: FreeswitchRig, user: EventSocketUser, password: str
) -> None:
    """Neither none nor the socket's own."""
    with pytest.raises(SwitchUnavailable, match="refused our password"):
        async with logged_in(rig, user, password=password):
            pass


async def test_password_of_a_user_does_not_open_the_socket_itself(rig: FreeswitchRig) -> None:
    """`auth` wants the password of event_socket.conf."""
    with pytest.raises(SwitchUnavailable, match="refused our password"):
        async with InboundClient.connected(
            "127.0.0.1",
            rig.event_port,
            password=user_password(EventSocketUser.CONTROL, secret=PASSWORD),
            seconds=LIMIT_SECONDS,
        ):
            pass


async def test_extension_is_no_user_of_the_socket(rig: FreeswitchRig) -> None:
    """A phone's account has no password for it, and its SIP password is none."""
    with pytest.raises(SwitchUnavailable, match="refused our password"):
        async with InboundClient.connected(
            "127.0.0.1",
            rig.event_port,
            user="101@shared-voicemail",
            password="password-101",
            seconds=LIMIT_SECONDS,
        ):
            pass


def look_users_up_among_ours(files: Path) -> None:
    """Have the SIP profile take the domain of the event socket for that of its phones."""
    path = files / "cp-configuration.xml"
    text = path.read_text()
    for name in ("challenge-realm", "force-register-domain"):
        text = text.replace(f'"{name}" value="shared-voicemail"', f'"{name}" value="{DOMAIN}"')
    path.write_text(text)


@pytest.fixture
def careless(tmp_path: Path) -> Iterator[FreeswitchRig]:
    """Run a FreeSWITCH whose SIP profile has the wrong domain."""
    tree = find_freeswitch(os.environ, progress=lambda _: None)
    with run_freeswitch(tree, tmp_path, change=look_users_up_among_ours) as running:
        yield running


async def test_no_phone_registers_or_calls_as_a_user(careless: FreeswitchRig) -> None:
    """FreeSWITCH would let in a user without a SIP password; these are refused before one is looked at.

    Shown with a profile that looks for its users among them, as ours never does.
    """
    user = EventSocketUser.CONTROL
    secret = user_password(user, secret=PASSWORD)
    async with RawPhone(("127.0.0.1", careless.sip_port)).opened() as phone:
        registered = [await phone.register(user.value, password, domain=DOMAIN) for password in ("", secret)]
        call = phone.call("101", user="101", domain=DOMAIN, password=secret, login=user.value)
        await call.wait_ended()

    assert [403, 403] == registered
    assert 407 in call.statuses
    assert 403 == call.statuses[-1]
