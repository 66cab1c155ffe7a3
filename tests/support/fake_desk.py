"""A call, a mailbox and a spool on one desk, for tests of the flows."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from controlplane.callflows.call import CallFacts, Entry
from controlplane.callflows.check_messages import check_messages
from controlplane.callflows.ending import Ending
from controlplane.callflows.leave_message import leave_message
from controlplane.callflows.option_ports import OptionsDesk
from controlplane.callflows.options import FlowOptions
from controlplane.callflows.prompts import AudioFile, Greeting, Prompt, Tone
from controlplane.domain.caller import Caller
from controlplane.domain.mailbox import Mailbox
from controlplane.domain.message import ReachedBy
from controlplane.domain.routing.way import read_way
from tests.support.fake_call import FakeCall
from tests.support.fake_spool import FakeSpool
from tests.support.fake_voicemail import TENANT, FakeVoicemail
from tests.support.fault_points import FaultPoints

OPTIONS = FlowOptions(first_digit_seconds=5.0, digit_seconds=3.0)
STARTED = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)


class Desk:
    """One mailbox `8001` (and what else a test adds), and one call to it."""

    def __init__(self, folder: Path, *, points: FaultPoints | None = None, **mailbox: Any) -> None:
        self.points = points or FaultPoints()
        recordings, spool = folder / "recordings", folder / "spool"
        recordings.mkdir(parents=True)
        spool.mkdir()
        self.voicemail = FakeVoicemail(recordings, points=self.points)
        self.spool = FakeSpool(spool, points=self.points)
        self.mailbox: Mailbox = self.voicemail.add_mailbox("8001", **mailbox)
        self.ids = [uuid4() for _ in range(40)]
        self._unused = iter(self.ids)
        self.call = self.dial()

    def dial(
        self,
        dialled: str = "8001",
        *,
        extension: str | None = "101",
        mailbox_id: UUID | None = None,
        entry: Entry = Entry.LEAVE,
        way: str = "",
    ) -> FakeCall:
        """Begin another call, and make it the one of the flow."""
        facts = CallFacts(
            call_id="call-1",
            entry=entry,
            tenant_id=TENANT,
            mailbox_id=mailbox_id or self.mailbox.id,
            dialled=dialled,
            extension=extension,
            caller=Caller.of("102", "Bob"),
            reached_by=read_way(way) or ReachedBy(),
        )
        self.call = FakeCall(facts, points=self.points)
        return self.call

    async def leave(self, *, desk: OptionsDesk | None = None) -> Ending:
        """Run the leaving of a message to its end; who logs in with a `desk` has mailbox options."""
        return await leave_message(
            self.call,
            voicemail=self.voicemail,
            spool=self.spool,
            options=OPTIONS,
            clock=lambda: STARTED,
            new_id=lambda: next(self._unused),
            desk=desk,
        )

    async def check(self, *, desk: OptionsDesk | None = None) -> Ending:
        """Run the checking of messages to its end; with a `desk` there are mailbox options."""
        return await check_messages(
            self.call,
            voicemail=self.voicemail,
            spool=self.spool,
            options=OPTIONS,
            clock=lambda: STARTED,
            new_id=lambda: next(self._unused),
            desk=desk,
        )

    def greeted(self) -> None:
        """Script: the caller hears the greeting and the tone."""
        self.call.expect_to_hear(Greeting(display_name="Sales"), Tone.BEEP)

    def let_in(self) -> None:
        """Script: the listener enters the right PIN."""
        self.call.expect_to_hear(Prompt.ENTER_PIN)
        self.call.press("4071#")

    def take(self, n: int) -> Path:
        """Return where the n-th take (from 0) of the flow is recorded."""
        return self.spool.folder / f"{self.ids[n]}.wav"

    def sound(self, message_id: UUID) -> AudioFile:
        """Return what is heard when a message plays."""
        return AudioFile(path=self.voicemail.recording(message_id))
