"""The flows of `calls` tell which call is in which mailbox, as long as it is there."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from controlplane.callflows.call import Entry
from controlplane.callflows.prompts import Greeting, Prompt
from controlplane.domain.presence import Doing, PresentCall, ProcessKind
from controlplane.entrypoints.calls import flows
from controlplane.services.presence import Presence
from controlplane.storage.database import Database
from tests.support.fake_desk import OPTIONS, Desk

NOWHERE = "postgresql+psycopg://nobody@127.0.0.1:1/nothing"


class Watched:
    """A desk, and what its presence told in the middle of a call; the database is never asked."""

    def __init__(self, folder: Path, **mailbox: Any) -> None:
        self.desk = Desk(folder, **mailbox)
        self.presence = Presence(Database(NOWHERE), ProcessKind.CALLS, host="here")
        self.seen: list[PresentCall] = []

    async def run(self, entry: Entry) -> None:
        """Run the flow of an entry to its end."""
        unused = cast("Any", None)
        handlers = flows(
            self.desk.voicemail, self.desk.spool, unused, unused, OPTIONS, presence=self.presence
        )
        await handlers[entry](self.desk.call)

    def look(self) -> None:
        """Note who is there now."""
        self.seen += self.presence._calls.values()


async def test_caller_who_leaves_a_message_is_there(tmp_path: Path) -> None:
    """From the greeting on, by number and name, and no longer once the call is over."""
    watched = Watched(tmp_path)
    watched.desk.call.meanwhile(watched.look)
    watched.desk.greeted()
    watched.desk.call.hang_up()
    await watched.run(Entry.LEAVE)

    (call,) = watched.seen
    assert (watched.desk.mailbox.id, Doing.LEAVING, "Bob <102>") == (call.mailbox_id, call.doing, call.who)
    assert {} == watched.presence._calls


async def test_listener_is_there_once_the_pin_was_right(tmp_path: Path) -> None:
    """Not while the PIN is asked for; by the extension, as long as the call lasts."""
    watched = Watched(tmp_path)
    watched.desk.dial(entry=Entry.CHECK)
    watched.desk.call.meanwhile(watched.look)
    watched.desk.let_in()
    watched.desk.call.expect_to_hear(Prompt.NO_MESSAGES)
    watched.desk.call.meanwhile(watched.look)
    watched.desk.call.press("#")
    watched.desk.call.expect_to_hear(Prompt.GOODBYE)
    await watched.run(Entry.CHECK)

    (call,) = watched.seen
    assert (Doing.LISTENING, "101", "101") == (call.doing, call.who, call.extension)
    assert {} == watched.presence._calls


async def test_who_logs_in_from_outside_is_no_extension(tmp_path: Path) -> None:
    """Though the number that they send is that of one."""
    watched = Watched(tmp_path, log_in_from_greeting=True)
    call = watched.desk.dial(extension=None)
    call.expect_to_hear(Greeting(display_name="Sales"))
    call.press("*")
    watched.desk.let_in()
    call.expect_to_hear(Prompt.NO_MESSAGES)
    call.meanwhile(watched.look)
    call.press("#")
    call.expect_to_hear(Prompt.GOODBYE)
    await watched.run(Entry.LEAVE)

    (seen,) = watched.seen
    assert (Doing.LISTENING, "Bob <102>", None) == (seen.doing, seen.who, seen.extension)
