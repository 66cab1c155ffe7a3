"""The SwitchControl adapter of Asterisk against a scripted manager interface."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import pytest
from controlplane.domain.configuration import LiveConfiguration
from controlplane.domain.errors import SwitchUnavailable
from controlplane.domain.lamp import Lamp
from controlplane.domain.routing.trunk_state import Registration, TrunkState
from controlplane.switches.asterisk.control import AsteriskControl
from tests.support.scripted_ami import SECRET, USERNAME, ScriptedAmi, list_of, ok

CLOCK = 1_000_000.0


@asynccontextmanager
async def controlling(ami: ScriptedAmi, **changes: Any) -> AsyncIterator[AsteriskControl]:
    """Connect the adapter to a scripted interface."""
    async with ami.listening() as port:
        options: dict[str, Any] = {
            "host": "127.0.0.1",
            "port": port,
            "username": USERNAME,
            "secret": SECRET,
            "seconds": 0.5,
            "reload_seconds": 0.5,
            "clock": lambda: CLOCK,
        }
        yield AsteriskControl(**(options | changes))


def _variable(value: str) -> Any:
    return lambda action: (
        f"Response: Success\r\nActionID: {{ActionID}}\r\nVariable: {action['Variable']}\r\nValue: {value}"
    )


def _error(message: str) -> Any:
    return lambda _: f"Response: Error\r\nActionID: {{ActionID}}\r\nMessage: {message}"


def _registrations(*items: tuple[str, str, str], announced: int | None = None) -> Any:
    """List registrations as Asterisk does: behind each its log-in, which does not count."""
    messages = ["Response: Success\r\nActionID: {ActionID}\r\nEventList: start"]
    for name, status, seconds in items:
        messages.append(
            "Event: OutboundRegistrationDetail\r\nActionID: {ActionID}\r\n"
            f"ObjectName: {name}\r\nStatus: {status}\r\nNextReg: {seconds}"
        )
        messages.append("Event: AuthDetail\r\nActionID: {ActionID}\r\nPassword: x")
    count = len(items) if announced is None else announced
    messages.append(
        "Event: OutboundRegistrationDetailComplete\r\nActionID: {ActionID}\r\n"
        f"EventList: Complete\r\nListItems: {count}"
    )
    return lambda _: "\r\n\r\n".join(messages)


async def test_reload_reads_the_dialplan_before_the_endpoints() -> None:
    """Targets come before what points at them."""
    ami = ScriptedAmi()
    async with controlling(ami) as control:
        await control.reload()

    assert ["res_musiconhold.so", "app_queue.so", "pbx_config.so", "res_pjsip.so"] == [
        a["Module"] for a in ami.actions if a["Action"] == "Reload"
    ]


async def test_live_configuration_is_asked_for() -> None:
    """The revision is a global variable, the endpoints are a list."""
    ami = ScriptedAmi()
    ami.answers["Getvar"] = _variable("abc123")
    ami.answers["PJSIPShowEndpoints"] = list_of(["ObjectName: 101", "ObjectName: 102"])
    async with controlling(ami) as control:
        live = await control.live_configuration()

    assert LiveConfiguration(digest="abc123", endpoints=frozenset({"101", "102"})) == live


async def test_a_few_endpoints_are_asked_for_one_by_one() -> None:
    """Among thousands a list of all takes seconds; a queue is in the list of queues, or is none."""
    ami = ScriptedAmi()
    ami.answers["Getvar"] = _variable("abc123")
    ami.answers["PJSIPShowEndpoint"] = lambda action: (
        list_of(["ObjectName: 101", "Username: 101"])
        if action["Endpoint"] == "101"
        else _error(f"Unable to retrieve endpoint {action['Endpoint']}")
    )(action)
    ami.answers["QueueSummary"] = list_of(["Queue: cp-1"])
    async with controlling(ami) as control:
        live = await control.live_configuration(["101", "102", "cp-1", "cp-2"])

    assert {"101", "cp-1"} == live.endpoints
    assert ["101", "102"] == [a["Endpoint"] for a in ami.actions if "Endpoint" in a]


async def test_queues_are_among_what_the_switch_runs() -> None:
    """Ours alone; somebody else's have other names."""
    ami = ScriptedAmi()
    ami.answers["Getvar"] = _variable("abc123")
    ami.answers["PJSIPShowEndpoints"] = list_of(["ObjectName: 101"])
    ami.answers["QueueSummary"] = list_of(["Queue: cp-1", "Queue: sales"])
    async with controlling(ami) as control:
        live = await control.live_configuration()

    assert {"101", "cp-1"} == live.endpoints


async def test_an_asterisk_without_queues_is_reloaded_all_the_same() -> None:
    """app_queue is not loaded: Asterisk refuses to reload it, and does not know the question."""
    ami = ScriptedAmi()
    ami.answers["Getvar"] = _variable("abc123")
    ami.answers["PJSIPShowEndpoints"] = list_of(["ObjectName: 101"])
    ami.answers["QueueSummary"] = _error("Invalid/unknown command: QueueSummary.")
    ami.answers["Reload"] = lambda action: (
        _error("No such module.") if action["Module"] == "app_queue.so" else ok
    )(action)
    async with controlling(ami) as control:
        await control.reload()
        live = await control.live_configuration()

    assert {"101"} == live.endpoints


async def test_registrations_are_told_by_trunk() -> None:
    """In the words of Asterisk; what belongs to nobody of ours, and passwords between them, are left out."""
    trunks = [UUID(int=number) for number in range(3)]
    ami = ScriptedAmi()
    ami.answers["PJSIPShowRegistrationsOutbound"] = _registrations(
        (f"cp-trunk-{trunks[0]}", "Registered", "42"),
        (f"cp-trunk-{trunks[1]}", "Rejected", "7"),
        (f"cp-trunk-{trunks[2]}", "Unregistered", "0"),
        ("somebody-else", "Registered", "3"),
    )
    async with controlling(ami) as control:
        told = await control.registrations()

    assert {
        trunks[0]: Registration(state=TrunkState.REGISTERED, said="Registered"),
        trunks[1]: Registration(state=TrunkState.FAILED, said="Rejected", retry_seconds=7),
        trunks[2]: Registration(state=TrunkState.TRYING, said="Unregistered", retry_seconds=0),
    } == told


async def test_a_list_of_registrations_that_is_cut_is_not_believed() -> None:
    """One that was announced is missing."""
    ami = ScriptedAmi()
    ami.answers["PJSIPShowRegistrationsOutbound"] = _registrations(("x", "Registered", "1"), announced=2)
    async with controlling(ami) as control:
        with pytest.raises(SwitchUnavailable):
            await control.registrations()


async def test_switch_without_a_revision_has_none() -> None:
    """An unset variable is empty; a switch without endpoints answers with an error."""
    ami = ScriptedAmi()
    ami.answers["Getvar"] = _variable("")
    ami.answers["PJSIPShowEndpoints"] = _error("No endpoints found")
    async with controlling(ami) as control:
        live = await control.live_configuration()

    assert LiveConfiguration(digest=None, endpoints=frozenset()) == live


async def test_calls_are_known_by_the_ids_of_all_channels() -> None:
    """Every channel counts; what is not asked for is not told."""
    ami = ScriptedAmi()
    ami.answers["CoreShowChannels"] = list_of(["Uniqueid: 1.1", "Uniqueid: 1.2"])
    async with controlling(ami) as control:
        calls = await control.calls(["1.1", "1.3"])

    assert {"1.1"} == set(calls)


async def test_no_calls_is_an_empty_list() -> None:
    """A quiet switch has none."""
    ami = ScriptedAmi()
    ami.answers["CoreShowChannels"] = list_of([])
    async with controlling(ami) as control:
        calls = await control.calls(["1.1"])

    assert [] == list(calls)


async def test_forged_line_hides_no_call() -> None:
    """A newline in a caller's number may add an id, and never replaces the real one."""
    ami = ScriptedAmi()
    ami.answers["CoreShowChannels"] = list_of(["CallerIDNum: x\r\nUniqueid: 9.9\r\nUniqueid: 1.1"])
    async with controlling(ami) as control:
        calls = await control.calls(["1.1"])

    assert "1.1" in calls


@pytest.mark.parametrize(
    "answer",
    [
        list_of(["Uniqueid: 1.1"], complete="ListItems: 2"),
        list_of(["Uniqueid: 1.1"], complete="ListItems: x"),
        list_of(["CallerIDNum: x\r\n\r\nUniqueid: 1.1"]),
        list_of(
            ["CallerIDNum: x\r\n\r\nEvent: Item\r\nActionID: cp-2\r\nUniqueid: 9.9\r\n\r\nUniqueid: 1.1"]
        ),
        list_of(["A: 1\r\n" * 600]),
        list_of(["A: " + "x" * 70_000]),
    ],
)
async def test_list_that_is_not_whole_is_no_list(answer: Any) -> None:
    """A call that is missing there would be taken for ended: rather no answer than a wrong one."""
    ami = ScriptedAmi()
    ami.answers["CoreShowChannels"] = answer
    async with controlling(ami) as control:
        with pytest.raises(SwitchUnavailable):
            await control.calls(["1.1"])


async def test_start_is_computed_from_the_uptime() -> None:
    """The uptime needs no time zone; the result is at most a second too early."""
    async with controlling(ScriptedAmi()) as control:
        started = await control.started_at()

    assert CLOCK - 456.0 == started


async def test_switch_that_has_not_finished_its_start_is_unavailable() -> None:
    """Without FullyBooted there is no uptime."""
    async with controlling(ScriptedAmi(is_booted=False)) as control:
        with pytest.raises(SwitchUnavailable):
            await control.started_at()


async def test_wrong_secret_is_unavailable_and_not_quoted() -> None:
    """The refusal says so, without the secret."""
    async with controlling(ScriptedAmi(), secret="guessed") as control:
        with pytest.raises(SwitchUnavailable, match="Login") as refusal:
            await control.reload()

    assert "guessed" not in str(refusal.value)


async def test_refused_action_is_unavailable() -> None:
    """A module that is not there, a permission that is missing."""
    ami = ScriptedAmi(answers={"Reload": _error("No such module")})
    async with controlling(ami) as control:
        with pytest.raises(SwitchUnavailable, match="No such module"):
            await control.reload()


async def test_silent_interface_is_unavailable() -> None:
    """An action that is not answered is given up."""
    async with controlling(ScriptedAmi(answers={})) as control:
        with pytest.raises(SwitchUnavailable, match="in time"):
            await control.reload()


async def test_switch_that_hangs_is_not_waited_for_as_for_a_reload() -> None:
    """It takes the connection and says nothing: the long limit is that of answers, not of the log-in."""
    with socket.create_server(("127.0.0.1", 0)) as hangs:
        control = AsteriskControl(
            host="127.0.0.1",
            port=hangs.getsockname()[1],
            username=USERNAME,
            secret=SECRET,
            seconds=0.2,
            reload_seconds=600,
        )
        async with asyncio.timeout(30):
            with pytest.raises(SwitchUnavailable, match="reached"):
                await control.reload()
            with pytest.raises(SwitchUnavailable, match="reached"):
                await control.live_configuration()


async def test_other_service_is_unavailable() -> None:
    """What does not greet as a manager interface is none."""
    async with controlling(ScriptedAmi(greeting="SSH-2.0-OpenSSH")) as control:
        with pytest.raises(SwitchUnavailable, match="no manager"):
            await control.reload()


async def test_closed_port_is_unavailable() -> None:
    """Asterisk is not there."""
    async with ScriptedAmi().listening() as port:
        pass
    control = AsteriskControl(host="127.0.0.1", port=port, username=USERNAME, secret=SECRET, seconds=1)
    with pytest.raises(SwitchUnavailable, match="reached"):
        await control.reload()


async def test_connection_that_ends_in_an_action_is_unavailable() -> None:
    """Asterisk dies while it reloads."""
    ami = ScriptedAmi()

    def die(_action: dict[str, str]) -> None:
        ami.cut()

    ami.answers["Reload"] = die
    async with controlling(ami, seconds=5, reload_seconds=5) as control:
        with pytest.raises(SwitchUnavailable, match="lost"):
            await control.reload()


async def test_lamps_are_told_by_a_call_of_the_dialplan() -> None:
    """Several in one call, which is answered when Asterisk knows them; urgent ones stand apart."""
    tenant = UUID("5e1b3f0c-0f2f-4f0e-9a59-5a1f0b6a3c58")
    ami = ScriptedAmi()
    ami.answers["Originate"] = ok
    async with controlling(ami) as control:
        await control.send_mwi(
            [Lamp(number="8001", new=3, saved=1, new_urgent=2), Lamp(number="101", tenant=tenant)]
        )
    (asked,) = [action for action in ami.actions if action["Action"] == "Originate"]

    assert f"CP_LAMPS=8001@default:2:1:1&101@{tenant}:0:0:0" == asked["Variable"]
    assert "Local/s@cp-lamps/n" == asked["Channel"]
    assert "Async" not in asked


async def test_many_lamps_are_several_calls() -> None:
    """A variable of the dialplan has an end."""
    tenant = UUID("5e1b3f0c-0f2f-4f0e-9a59-5a1f0b6a3c58")
    ami = ScriptedAmi()
    ami.answers["Originate"] = ok
    lamps = [Lamp(number=f"{n:064}", tenant=tenant, new=10**5, saved=10**5) for n in range(60)]
    async with controlling(ami) as control:
        await control.send_mwi(lamps)
    told = [action["Variable"] for action in ami.actions if action["Action"] == "Originate"]

    assert 60 == sum(one.count("@") for one in told)
    assert all(len(one) < 4096 for one in told)


async def test_asterisk_without_lamps_is_left_alone() -> None:
    """Without app_minivm there are none, and no job tries for ever; with it the call must succeed."""
    ami = ScriptedAmi()
    ami.answers |= {"Originate": _error("Originate failed"), "ModuleCheck": _error("Module not loaded")}
    async with controlling(ami) as control:
        await control.send_mwi([Lamp(number="8001")])
        ami.answers["ModuleCheck"] = ok
        with pytest.raises(SwitchUnavailable, match="cp-lamps"):
            await control.send_mwi([Lamp(number="8001")])

    assert 2 == ami.names.count("Originate")
