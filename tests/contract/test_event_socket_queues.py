"""The call queues of FreeSWITCH, reloaded and asked for at a scripted event socket."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from controlplane.domain.errors import SwitchRefused
from controlplane.switches.freeswitch.control import FreeSwitchControl
from tests.support.scripted_event_socket import PASSWORD, ScriptedEventSocket, answer

AGENTS = "name|instance_id|uuid|type|contact|status\n"
QUEUES = "name|strategy|moh_sound\ncp-queues|ring-all|\ncp-1|ring-all|x\nsales|ring-all|y\n+OK\n"
USERS = "userid|context|domain|group\n101||realm|cp-1\n\n+OK\n"
LIST_AGENTS = "api callcenter_config agent list"


def agents(*rows: tuple[str, str]) -> bytes:
    """Return a list of agents and their contacts."""
    lines = (f"{name}|single_box||callback|{contact}|Available\n" for name, contact in rows)
    return answer(AGENTS + "".join(lines) + "+OK\n")


@asynccontextmanager
async def controlling(switch: ScriptedEventSocket) -> AsyncIterator[FreeSwitchControl]:
    """Connect the adapter to a scripted socket."""
    async with switch.listening() as port:
        yield FreeSwitchControl(host="127.0.0.1", port=port, password=PASSWORD, seconds=0.5)


@pytest.fixture
def switch() -> ScriptedEventSocket:
    """Return a switch with a queue of ours and one of somebody else's."""
    made = ScriptedEventSocket()
    made.answers["api reloadxml"] = answer("+OK [Success]\n")
    made.answers["api global_getvar cp_revision"] = answer("abc")
    made.answers["api global_getvar cp_queues"] = answer("new")
    made.answers["api list_users"] = answer(USERS)
    made.answers["api callcenter_config queue list"] = answer(QUEUES)
    made.answers[LIST_AGENTS] = agents(
        ("cp-nobody", "{cp_queues=new}error/x"),
        ("cp-1.101", "{cp_queues=new}loopback/x"),
        ("cp-1.102", "{cp_queues=old}loopback/x"),
        ("1000@sales", "user/1000"),
    )
    return made


def sent(switch: ScriptedEventSocket) -> list[str]:
    """Return what was told to mod_callcenter, without what was asked."""
    told = [command.removeprefix("api callcenter_config ") for command in switch.commands]
    return [command for command in told if command.startswith(("queue unload", "queue reload", "agent del"))]


async def test_queues_that_changed_are_read_anew(switch: ScriptedEventSocket) -> None:
    """Ours are unloaded, all agents read, and those deleted that were not in it; nobody else's is touched."""
    async with controlling(switch) as control:
        await control.reload()

    assert [
        "queue unload cp-queues",
        "queue unload cp-1",
        "queue reload cp-queues",
        "agent del cp-1.102",
    ] == sent(switch)


async def test_queues_that_did_not_change_are_left_alone(switch: ScriptedEventSocket) -> None:
    """Every agent names the digest of what is published."""
    switch.answers[LIST_AGENTS] = agents(("cp-nobody", "{cp_queues=new}x"), ("cp-1.101", "{cp_queues=new}x"))
    async with controlling(switch) as control:
        await control.reload()

    assert [] == sent(switch)


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (LIST_AGENTS, "-ERR callcenter_config Command not found!\n"),
        ("api global_getvar cp_queues", "-ERR no reply\n"),
    ],
)
async def test_a_switch_without_our_queues_is_left_alone(
    switch: ScriptedEventSocket, command: str, said: str
) -> None:
    """One without mod_callcenter, and one that does not include our file."""
    switch.answers[command] = answer(said)
    async with controlling(switch) as control:
        await control.reload()

    assert [] == sent(switch)


async def test_queues_that_are_not_read_are_refused(switch: ScriptedEventSocket) -> None:
    """The sentence has what the switch said."""
    switch.answers["api callcenter_config queue reload"] = answer("-ERR Invalid Queue not found!\n")
    async with controlling(switch) as control:
        with pytest.raises(SwitchRefused, match="Invalid Queue"):
            await control.reload()


async def test_our_queues_are_among_what_the_switch_runs(switch: ScriptedEventSocket) -> None:
    """Beside the users; neither the one that nobody waits in nor somebody else's."""
    async with controlling(switch) as control:
        live = await control.live_configuration()

    assert {"101@realm", "cp-1"} == live.endpoints
