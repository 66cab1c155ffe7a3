"""The SwitchControl adapter of FreeSWITCH against a scripted event socket."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from typing import Any
from uuid import UUID

import pytest
from controlplane.domain.configuration import LiveConfiguration
from controlplane.domain.errors import SwitchUnavailable
from controlplane.domain.lamp import Lamp, LampQuery
from controlplane.domain.routing.trunk_state import Registration, TrunkState
from controlplane.switches.freeswitch.control import FreeSwitchControl
from tests.support.call_contract import meanwhile
from tests.support.scripted_event_socket import PASSWORD, USER, ScriptedEventSocket, answer, reply

CLOCK = 1_000_000.0
USERS = (
    "userid|context|domain|group|contact|callgroup|effective_caller_id_name|effective_caller_id_number\n"
    "101||realm|cp-1|error/user_not_registered|||\n"
    "102||realm|cp-1|sofia/internal/sip:102@192.0.2.1|||\n"
    "\n+OK\n"
)


@asynccontextmanager
async def controlling(switch: ScriptedEventSocket, **changes: Any) -> AsyncIterator[FreeSwitchControl]:
    """Connect the adapter to a scripted socket."""
    async with switch.listening() as port:
        options: dict[str, Any] = {
            "host": "127.0.0.1",
            "port": port,
            "password": PASSWORD,
            "seconds": 0.5,
            "reload_seconds": 0.5,
            "clock": lambda: CLOCK,
        }
        yield FreeSwitchControl(**(options | changes))


@pytest.fixture
def switch() -> ScriptedEventSocket:
    """Return a switch that knows two extensions."""
    made = ScriptedEventSocket()
    made.answers["api reloadxml"] = answer("+OK [Success]\n")
    made.answers["api global_getvar cp_revision"] = answer("abc123")
    made.answers["api global_getvar cp_gateways"] = answer("ours")
    made.answers["api list_users"] = answer(USERS)
    made.answers["api sofia profile shared-voicemail gwlist up"] = answer("")
    made.answers["api sofia profile shared-voicemail gwlist down"] = answer("")
    return made


async def test_reload_is_confirmed(switch: ScriptedEventSocket) -> None:
    """The switch says that the new tree is in its place."""
    async with controlling(switch) as control:
        await control.reload()

    assert [] == [command for command in switch.commands if "rescan" in command or "killgw" in command]
    assert "api reloadxml" in switch.commands


async def test_registrations_are_told_by_trunk(switch: ScriptedEventSocket) -> None:
    """In the words of FreeSWITCH, with the seconds until it asks again; gateways of others are left out."""
    trunks = [UUID(int=number) for number in range(4)]
    states = ("REGED", "FAIL_WAIT", "TRYING", "NOREG")
    switch.answers["api sofia xmlstatus"] = answer(
        "<profiles>\n<profile>\n<name>a</name>\n<state>RUNNING (0)</state>\n</profile>\n"
        + "".join(
            f"<gateway>\n<name>cp-trunk-{trunk}-{'a' * 32}</name>\n<type>gateway</type>\n"
            f"<data>sip:a@b</data>\n<state>{state}</state>\n</gateway>\n"
            + (" (retry: 12s)\n" if state == "FAIL_WAIT" else "\n")
            for trunk, state in zip(trunks, states, strict=True)
        )
        + "<gateway>\n<name>example.com</name>\n<state>REGED</state>\n</gateway>\n</profiles>\n"
    )
    async with controlling(switch) as control:
        told = await control.registrations()

    assert {
        trunks[0]: Registration(state=TrunkState.REGISTERED, said="REGED"),
        trunks[1]: Registration(state=TrunkState.FAILED, said="FAIL_WAIT", retry_seconds=12),
        trunks[2]: Registration(state=TrunkState.TRYING, said="TRYING"),
        trunks[3]: Registration(state=TrunkState.FAILED, said="NOREG"),
    } == told


async def test_gateways_follow_the_tree(switch: ScriptedEventSocket) -> None:
    """What the tree does not name is taken away, and the profile looks for what it does not know."""
    profile = "api sofia profile shared-voicemail"
    switch.answers["api global_getvar cp_gateways"] = answer("ours cp-trunk-new cp-trunk-kept")
    switch.answers[f"{profile} gwlist up"] = answer("cp-trunk-kept another ")
    switch.answers[f"{profile} gwlist down"] = answer("cp-trunk-old ")
    switch.answers[f"{profile} killgw cp-trunk-old"] = answer("+OK gateway marked for deletion.\n")
    switch.answers[f"{profile} rescan"] = answer("Reload XML [Success]\n+OK scan complete\n")
    async with controlling(switch) as control:
        await control.reload()
        live = await control.live_configuration()

    assert [f"{profile} killgw cp-trunk-old", f"{profile} rescan"] == [
        command for command in switch.commands if "killgw" in command or "rescan" in command
    ]
    assert {"101@realm", "102@realm", "cp-trunk-kept", "cp-trunk-old"} == live.endpoints


async def test_profile_that_is_not_ours_is_left_alone(switch: ScriptedEventSocket) -> None:
    """Where somebody else's profile has the phones nothing is asked of it."""
    switch.answers["api global_getvar cp_gateways"] = answer("")
    async with controlling(switch) as control:
        await control.reload()
        await control.live_configuration()

    assert [] == [command for command in switch.commands if "sofia" in command]


@pytest.mark.parametrize("said", ["+OK [[error near line 3]: unclosed tag]\n", "-ERR", "+OK\n", ""])
async def test_reload_without_success_is_none(switch: ScriptedEventSocket, said: str) -> None:
    """FreeSWITCH says +OK and keeps its old tree when the new one cannot be read."""
    switch.answers["api reloadxml"] = answer(said)
    async with controlling(switch) as control:
        with pytest.raises(SwitchUnavailable, match="kept its old configuration"):
            await control.reload()


async def test_a_few_users_are_asked_for_one_by_one(switch: ScriptedEventSocket) -> None:
    """Among thousands a list of all takes seconds; what is no word is asked for by nobody."""
    heading, user, *_ = USERS.splitlines()
    del switch.answers["api list_users"]
    switch.answers["api list_users user 101 domain realm"] = answer(f"{heading}\n{user}\n\n+OK\n")
    switch.answers["api list_users user 109 domain realm"] = answer(f"{heading}\n\n+OK\n")
    async with controlling(switch) as control:
        live = await control.live_configuration(["101@realm", "109@realm", "1 domain x@realm"])

    assert frozenset({"101@realm"}) == live.endpoints


async def test_live_configuration_is_asked_for(switch: ScriptedEventSocket) -> None:
    """The revision is a global variable, the endpoints are the users of the directory."""
    async with controlling(switch) as control:
        live = await control.live_configuration()

    assert LiveConfiguration(digest="abc123", endpoints=frozenset({"101@realm", "102@realm"})) == live


async def test_switch_without_a_revision_has_none(switch: ScriptedEventSocket) -> None:
    """An unset variable is empty."""
    switch.answers["api global_getvar cp_revision"] = answer("")
    switch.answers["api list_users"] = answer(USERS.splitlines()[0] + "\n\n+OK\n")
    async with controlling(switch) as control:
        live = await control.live_configuration()

    assert LiveConfiguration(digest=None, endpoints=frozenset()) == live


@pytest.mark.parametrize("said", ["-ERR no", "", "userid|context\n101|", "userid|context\n101|\n\n+OK\n"])
async def test_list_of_users_that_is_cut_is_none(switch: ScriptedEventSocket, said: str) -> None:
    """A list without its end would look like removed extensions."""
    switch.answers["api list_users"] = answer(said)
    async with controlling(switch) as control:
        with pytest.raises(SwitchUnavailable, match="which users"):
            await control.live_configuration()


async def test_each_call_is_asked_for(switch: ScriptedEventSocket) -> None:
    """What is there is told; what could be no channel's id is not even asked for."""
    switch.answers |= {"api uuid_exists 1-1": answer("true"), "api uuid_exists 1-2": answer("false")}
    async with controlling(switch) as control:
        known = await control.calls(["1-1", "1-2", "", "1-1 x", "${x}"])

    assert ["1-1"] == known


@pytest.mark.parametrize("said", ["-ERR", "", "-USAGE: <uuid>"])
async def test_call_that_is_not_told_of_is_not_over(switch: ScriptedEventSocket, said: str) -> None:
    """Rather no answer than a wrong one."""
    switch.answers["api uuid_exists 1-1"] = answer(said)
    async with controlling(switch) as control:
        with pytest.raises(SwitchUnavailable):
            await control.calls(["1-1"])


async def test_start_is_known_by_the_uptime(switch: ScriptedEventSocket) -> None:
    """It is never too late, and at most a second too early."""
    switch.answers["api uptime s"] = answer("100\n")
    async with controlling(switch) as control:
        assert CLOCK - 101 == await control.started_at()


async def test_uptime_that_is_none_is_unavailable(switch: ScriptedEventSocket) -> None:
    """What is no number says nothing."""
    switch.answers["api uptime s"] = answer("-ERR")
    async with controlling(switch) as control:
        with pytest.raises(SwitchUnavailable, match="since when"):
            await control.started_at()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"greeting": None}, "did not answer in time"),
        ({"greeting": b"HTTP/1.1 400 Bad Request\r\n\r\n"}, "did not answer|cannot be understood"),
        ({"greeting": b"Content-Type: text/rude-rejection\nContent-Length: 1\n\nx"}, "apply-inbound-acl"),
        ({"greeting": reply("+OK")}, "no event socket"),
        ({"answers": {"auth": reply("-ERR invalid")}}, "refused our password"),
        ({"answers": {"api": reply("-ERR command not found")}}, "refused a command"),
        ({"answers": {"api": None}}, "did not answer in time"),
        ({"answers": {"api": b"Content-Type: api/resp"}}, "did not answer in time"),
        (
            {"answers": {"api": b"Content-Type: api/response\nContent-Length: 9\n\nhalf"}},
            "did not answer in time",
        ),
        ({"answers": {"auth": b"Content-Type: command/reply\n"}}, "did not answer in time"),
        ({"greeting": b"Content-Type: auth/requ"}, "did not answer in time"),
        ({"answers": {"api": b"Content-Type: api/response\nContent-Length: -1\n\n"}}, "cannot be understood"),
        (
            {"answers": {"api": b"Content-Type: text/disconnect-notice\nContent-Length: 0\n\n"}},
            "closed the event socket",
        ),
    ],
)
async def test_trouble_with_the_socket_is_said_in_a_sentence(
    switch: ScriptedEventSocket, changes: dict[str, Any], sentence: str
) -> None:
    """Every wait is bounded, and the password is in no sentence."""
    for name, value in changes.items():
        setattr(switch, name, value)
    async with controlling(switch) as control:
        with pytest.raises(SwitchUnavailable, match=sentence) as raised:
            await control.reload()

    assert PASSWORD not in str(raised.value)


async def test_switch_that_hangs_is_not_waited_for_as_for_a_reload(switch: ScriptedEventSocket) -> None:
    """It takes the connection and says nothing: the long limit is that of answers, not of the log-in."""
    switch.greeting = None
    async with controlling(switch, reload_seconds=600) as control, asyncio.timeout(30):
        with pytest.raises(SwitchUnavailable, match="did not answer in time"):
            await control.reload()
        with pytest.raises(SwitchUnavailable, match="did not answer in time"):
            await control.live_configuration()


async def test_answer_that_comes_byte_by_byte_is_waited_for_once(switch: ScriptedEventSocket) -> None:
    """The limit is for the whole answer: a peer that always says a little more does not stretch it."""
    switch.answers["api reloadxml"] = b"Content-Type: api/response\nContent-Length: 100000\n\n"

    async def drip() -> None:
        while True:
            switch.tell(b"x")
            await asyncio.sleep(0.05)

    async with controlling(switch) as control, meanwhile(asyncio.create_task(drip())), asyncio.timeout(5):
        with pytest.raises(SwitchUnavailable, match="did not answer in time"):
            await control.reload()


async def test_peer_that_swallows_the_connection_is_unavailable() -> None:
    """Where not even a connection comes about, the limit holds too."""
    with socket.socket() as full, ExitStack() as waiting:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(2):
            # They fill the queue of the listener, so that the next one is not answered.
            other = waiting.enter_context(socket.socket())
            other.setblocking(False)
            other.connect_ex(full.getsockname())
        control = FreeSwitchControl(
            host="127.0.0.1", port=full.getsockname()[1], password=PASSWORD, seconds=0.3, reload_seconds=0.3
        )
        async with asyncio.timeout(5):
            with pytest.raises(SwitchUnavailable, match=r"cannot be reached|did not answer in time"):
                await control.reload()


async def test_connection_that_ends_is_unavailable(switch: ScriptedEventSocket) -> None:
    """FreeSWITCH that dies in the middle is noticed at once."""

    def die() -> bytes:
        switch.drop()
        return b""

    switch.answers["api reloadxml"] = die
    async with controlling(switch, reload_seconds=60) as control, asyncio.timeout(5):
        with pytest.raises(SwitchUnavailable, match="closed the event socket"):
            await control.reload()


async def test_socket_that_is_not_there_is_unavailable() -> None:
    """A refused connection is a sentence too."""
    control = FreeSwitchControl(host="127.0.0.1", port=1, password=PASSWORD)
    with pytest.raises(SwitchUnavailable, match="cannot be reached"):
        await control.calls(["1-1"])


async def test_user_of_the_directory_logs_in(switch: ScriptedEventSocket) -> None:
    """With a user named, the socket's own password is not used."""
    async with controlling(switch, user=USER) as control:
        await control.reload()

    assert [f"userauth {USER}:{PASSWORD}", "api reloadxml"] == switch.commands[:2]


async def test_unknown_user_is_refused(switch: ScriptedEventSocket) -> None:
    """A log-in that fails is said, without user and password."""
    async with controlling(switch, user="nobody@directory") as control:
        with pytest.raises(SwitchUnavailable, match="refused our password") as raised:
            await control.reload()

    assert "nobody" not in str(raised.value)


async def test_command_beyond_the_users_rights_is_a_sentence(switch: ScriptedEventSocket) -> None:
    """Who may not do it reads where that is decided."""
    switch.answers["api reloadxml"] = reply("-ERR permission denied")
    async with controlling(switch, user=USER) as control:
        with pytest.raises(SwitchUnavailable, match="esl-allowed-api"):
            await control.reload()


async def test_commands_go_over_a_connection_of_their_own(switch: ScriptedEventSocket) -> None:
    """Each is made, used and closed."""
    async with controlling(switch) as control:
        await control.reload()
        await control.live_configuration()

    assert 2 == switch.connections


def sent(switch: ScriptedEventSocket) -> list[str]:
    """Return the lines of the event that was fired."""
    (event,) = [each for each in switch.commands if each.startswith("sendevent ")]
    return event.splitlines()


async def test_lamp_is_told_to_all_who_watch_it(switch: ScriptedEventSocket) -> None:
    """The account is the number in the phones' domain, on their profile."""
    async with controlling(switch, realm="realm", profile="phones") as control:
        await control.send_mwi([Lamp(number="8001", new=2, saved=1, new_urgent=1)])

    assert [
        "sendevent MESSAGE_WAITING",
        "MWI-Messages-Waiting: yes",
        "MWI-Message-Account: sip:8001@realm",
        "MWI-Voice-Message: 2/1 (1/0)",
        "Sofia-Profile: phones",
    ] == sent(switch)


async def test_lamp_is_told_to_the_one_who_asked(switch: ScriptedEventSocket) -> None:
    """What names his dialog goes back as it came, and saved messages light no lamp."""
    query = LampQuery(number="8001", domain="example.org", reply_to=(("sub-call-id", "x@y"),))
    async with controlling(switch, realm="realm") as control:
        await control.answer_mwi(Lamp(number="8001", saved=1), query)

    assert [
        "sendevent MESSAGE_WAITING",
        "MWI-Messages-Waiting: no",
        "MWI-Message-Account: sip:8001@example.org",
        "MWI-Voice-Message: 0/1 (0/0)",
        "sub-call-id: x@y",
    ] == sent(switch)


async def test_lamp_of_another_tenant_has_an_account_of_its_own(switch: ScriptedEventSocket) -> None:
    """The same number of two tenants is two registrations; BLF keys are the default tenant's."""
    tenant = UUID("5e1b3f0c-0f2f-4f0e-9a59-5a1f0b6a3c58")
    async with controlling(switch, realm="realm") as control:
        await control.send_mwi([Lamp(number="101", tenant=tenant, keys=("*56101",))])

    assert [f"MWI-Message-Account: sip:101.{tenant}@realm"] == [
        line for line in sent(switch) if "Account" in line or "PRESENCE" in line
    ]


@pytest.mark.parametrize(("new", "state"), [(2, "confirmed"), (0, "terminated")])
async def test_key_of_a_mailbox_is_lit_as_its_lamp_is(
    switch: ScriptedEventSocket, *, new: int, state: str
) -> None:
    """All who have the key are told, and the one who asks hears it alone: of one call with one id."""
    lamp = Lamp(number="8001", new=new, keys=("*568001",))
    query = LampQuery(number="", domain="realm", reply_to=(("call-id", "x@y"),), key="*568001")
    async with controlling(switch, realm="realm") as control:
        await control.send_mwi([lamp])
        await control.answer_mwi(lamp, query)
    told, answered = (
        command.splitlines() for command in switch.commands if command.startswith("sendevent PRESENCE_IN")
    )

    assert {"from: *568001@realm", f"answer-state: {state}", "alt_event_type: dialog"} <= set(told)
    assert [*told, "call-id: x@y"] == answered


async def test_dialog_that_cannot_be_named_gets_no_answer(switch: ScriptedEventSocket) -> None:
    """An expansion reaches no switch, and is no reason to try again."""
    query = LampQuery(number="8001", domain="h", reply_to=(("sub-call-id", "${system(id)}"),))
    async with controlling(switch) as control:
        await control.answer_mwi(Lamp(number="8001"), query)

    assert [] == [each for each in switch.commands if each.startswith("sendevent")]


async def test_refused_event_is_unavailable(switch: ScriptedEventSocket) -> None:
    """A log-in that may not fire events is told of, and tried again."""
    switch.answers["sendevent"] = reply("-ERR permission denied")
    async with controlling(switch) as control:
        with pytest.raises(SwitchUnavailable, match="refused an event"):
            await control.send_mwi([Lamp(number="8001")])


async def test_mailboxes_of_mod_voicemail_are_told_from_phones(switch: ScriptedEventSocket) -> None:
    """They are in the same directory, in a domain of their own, and pass for nobody's phone."""
    more = "9f13a4ad||cp-voicemail-850fe7c5|cp-1|error/user_not_registered|||\n"
    switch.answers["api list_users"] = answer(USERS.replace("\n\n+OK", f"\n{more}\n+OK"))
    async with controlling(switch) as control:
        users = (await control.live_configuration()).endpoints

    assert frozenset({"101@realm", "102@realm", "9f13a4ad@cp-voicemail-850fe7c5"}) == users
