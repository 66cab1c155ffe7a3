"""The adapter of mod_voicemail against a scripted event socket and a folder as mod_voicemail leaves it."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from controlplane.domain.caller import Caller
from controlplane.domain.errors import SwitchUnavailable
from controlplane.domain.native_message import NativeMessage
from controlplane.switches.freeswitch.control import FreeSwitchControl
from controlplane.switches.freeswitch.native import FreeSwitchNativeVoicemail
from tests.support.scripted_event_socket import PASSWORD, ScriptedEventSocket, answer
from tests.support.takes import closed_wav

NOW = 2_000_000.0
TENANT, MAILBOX, CALL = UUID(int=1), UUID(int=2), str(UUID(int=3))
BOX = f"cp-voicemail-{TENANT} {MAILBOX}"


class Scripted:
    """A mod_voicemail whose rows are by call."""

    def __init__(self, spool: Path) -> None:
        """Know nothing; FreeSWITCH runs for 100 s."""
        self.spool = spool
        self.socket = ScriptedEventSocket()
        self.rows: dict[str, dict[str, str]] = {}
        self.socket.answers["api uptime s"] = answer("100")
        self.socket.answers["api uuid_exists"] = answer("false")
        self.socket.answers["api vm_fsdb_msg_list"] = self._list
        self.socket.answers["api vm_fsdb_msg_get"] = self._get
        self.socket.answers["api vm_delete"] = answer("+OK\n")

    def file(self, *, age: float = 10.0) -> Path:
        """Leave a file, changed so many seconds ago."""
        folder = self.spool / "native" / f"cp-voicemail-{TENANT}" / str(MAILBOX)
        folder.mkdir(parents=True, exist_ok=True)
        path = closed_wav(folder / f"msg_{uuid4()}.wav", 2)
        os.utime(path, (NOW - age, NOW - age))
        os.utime(folder, (NOW - age, NOW - age))
        return path

    def row(self, path: Path, call_id: str = CALL, **more: str) -> None:
        """Leave a row."""
        self.rows[call_id] = {
            "VM-Message-UUID": call_id,
            "VM-Message-File-Path": str(path),
            "VM-Message-Caller-Name": "Bob",
            "VM-Message-Caller-Number": "101",
            "VM-Message-Received-Epoch": "1999990",
        } | more

    @property
    def deleted(self) -> list[str]:
        """What it was told to remove."""
        return [each for each in self.socket.commands if each.startswith("api vm_delete")]

    @asynccontextmanager
    async def adapter(self) -> AsyncIterator[FreeSwitchNativeVoicemail]:
        """Connect the adapter."""
        async with self.socket.listening() as port:
            control = FreeSwitchControl(
                host="127.0.0.1", port=port, password=PASSWORD, seconds=1, clock=lambda: NOW
            )
            yield FreeSwitchNativeVoicemail(control, spool=self.spool, clock=lambda: NOW)

    async def messages(self) -> list[NativeMessage]:
        """Ask for the messages."""
        async with self.adapter() as adapter:
            return list(await adapter.messages())

    def _list(self) -> bytes:
        listed = {f"VM-List-Message-{n}-UUID": call for n, call in enumerate(self.rows, start=1)}
        return answer(json.dumps({**listed, "VM-List-Count": str(len(listed))}))

    def _get(self) -> bytes:
        call = self.socket.commands[-1].rpartition(" ")[2]
        return answer(json.dumps(self.rows.get(call, {})))


@pytest.fixture
def voicemail(tmp_path: Path) -> Scripted:
    """Return a scripted mod_voicemail."""
    return Scripted(tmp_path)


async def test_without_a_file_nothing_is_asked(voicemail: Scripted) -> None:
    """A switch that took no message is left in peace."""
    assert [] == await voicemail.messages()
    assert 0 == voicemail.socket.connections


async def test_message_has_its_row_and_its_facts(voicemail: Scripted) -> None:
    """The caller is in the row; the time of the call and the way it got here are beside the spool."""
    path = voicemail.file()
    voicemail.row(path)
    (voicemail.spool / f".native-{CALL}.facts").write_text(
        f"v=1;tenant={TENANT};mailbox={MAILBOX};call={CALL};at=1999900;reached_by=/extension.102..busy.3\n"
    )
    (message,) = await voicemail.messages()

    assert (TENANT, MAILBOX, CALL, path) == (
        message.tenant_id,
        message.mailbox_id,
        message.call_id,
        message.audio,
    )
    assert Caller(number="101", name="Bob") == message.caller
    assert ("/extension.102..busy.3", datetime.fromtimestamp(1_999_900, UTC)) == (
        message.reached_by,
        message.started_at,
    )
    assert f"fb-{path.stem.removeprefix('msg_')}-0" == message.name


@pytest.mark.parametrize(
    "facts", ["", "at=;reached_by=;rm -rf", ";at=99999999999999;reached_by=${system(id)}"]
)
async def test_facts_that_say_nothing_are_done_without(voicemail: Scripted, facts: str) -> None:
    """Then the message came when mod_voicemail says that it did, and directly."""
    voicemail.row(voicemail.file())
    (voicemail.spool / f".native-{CALL}.facts").write_text(facts)
    (message,) = await voicemail.messages()

    assert ("", datetime.fromtimestamp(1_999_990, UTC)) == (message.reached_by, message.started_at)


async def test_path_in_an_answer_is_never_used(voicemail: Scripted) -> None:
    """Only the file's name counts, and only where it is in the mailbox's folder."""
    path = voicemail.file()
    voicemail.row(Path("/etc") / path.name)
    (message,) = await voicemail.messages()

    assert path == message.audio


async def test_file_that_is_being_recorded_is_left_alone(voicemail: Scripted) -> None:
    """Without a row, and younger than the switch, it is somebody's who still speaks."""
    voicemail.file(age=10)

    assert [] == await voicemail.messages()


@pytest.mark.parametrize("age", [200.0, 100_000.0])
async def test_file_of_a_switch_that_died_is_a_message(voicemail: Scripted, age: float) -> None:
    """The switch was started again since, or a day has gone: it is a message of an unknown caller."""
    path = voicemail.file(age=age)
    (message,) = await voicemail.messages()

    assert (path, "", Caller()) == (message.audio, message.call_id, message.caller)


async def test_row_without_a_file_is_removed(voicemail: Scripted) -> None:
    """A deletion that died half-way leaves one."""
    path = voicemail.file()
    path.unlink()
    os.utime(path.parent, (NOW - 10, NOW - 10))
    voicemail.row(path)

    assert [] == await voicemail.messages()
    assert [f"api vm_delete {MAILBOX}@cp-voicemail-{TENANT}/shared-voicemail {CALL}"] == voicemail.deleted


async def test_message_that_came_while_we_looked_is_not_removed(voicemail: Scripted) -> None:
    """Its file was not there when the folder was read, and is there when its row is."""
    voicemail.file()
    folder = voicemail.spool / "native" / f"cp-voicemail-{TENANT}" / str(MAILBOX)

    def late() -> bytes:
        voicemail.row(closed_wav(folder / f"msg_{uuid4()}.wav", 1))
        return answer("100")

    voicemail.socket.answers["api uptime s"] = late

    assert [] == await voicemail.messages()
    assert [] == voicemail.deleted


@pytest.mark.parametrize("call_id", ["x; rm", "", "../../x", f"{CALL} {CALL}"])
async def test_name_that_no_message_has_is_refused(voicemail: Scripted, call_id: str) -> None:
    """What mod_voicemail calls a message goes back to it only if it is a UUID."""
    voicemail.row(voicemail.file(), call_id)

    with pytest.raises(SwitchUnavailable, match="cannot be"):
        await voicemail.messages()


@pytest.mark.parametrize("said", ["-ERR Profile not found", "[]", "{}", '{"VM-List-Count": "x"}', ""])
async def test_answer_that_is_none_is_unavailable(voicemail: Scripted, said: str) -> None:
    """A list that cannot be read is no empty list."""
    voicemail.file()
    voicemail.socket.answers["api vm_fsdb_msg_list"] = answer(said)

    with pytest.raises(SwitchUnavailable, match="which messages"):
        await voicemail.messages()


async def test_removing_is_mod_voicemails(voicemail: Scripted) -> None:
    """It removes row and file; what the dialplan noted goes with them."""
    voicemail.row(voicemail.file())
    facts = voicemail.spool / f".native-{CALL}.facts"
    facts.write_text("")
    async with voicemail.adapter() as adapter:
        (message,) = await adapter.messages()
        await adapter.remove(message)

    assert [f"api vm_delete {MAILBOX}@cp-voicemail-{TENANT}/shared-voicemail {CALL}"] == voicemail.deleted
    assert not facts.exists()


async def test_file_that_mod_voicemail_does_not_know_is_ours_to_remove(voicemail: Scripted) -> None:
    """There is no row to remove."""
    path = voicemail.file(age=200)
    async with voicemail.adapter() as adapter:
        (message,) = await adapter.messages()
        await adapter.remove(message)

    assert (False, []) == (path.exists(), voicemail.deleted)


async def test_refused_removal_is_unavailable(voicemail: Scripted) -> None:
    """Then it is tried again by the next run."""
    voicemail.row(voicemail.file())
    voicemail.socket.answers["api vm_delete"] = answer("-ERR can't find user or profile.\n")
    async with voicemail.adapter() as adapter:
        (message,) = await adapter.messages()
        with pytest.raises(SwitchUnavailable, match="did not remove"):
            await adapter.remove(message)


@pytest.mark.parametrize(("exists", "left"), [("true", True), ("false", False)])
async def test_note_of_a_call_without_a_message_goes_with_the_call(
    voicemail: Scripted, exists: str, left: bool
) -> None:
    """A caller who hung up before the beep leaves a note; it stays while the call does."""
    facts = voicemail.spool / f".native-{CALL}.facts"
    facts.write_text("")
    os.utime(facts, (NOW - 300, NOW - 300))
    voicemail.socket.answers["api uuid_exists"] = answer(exists)
    await voicemail.messages()

    assert left == facts.exists()
