"""The Voicemail port in memory; recordings are files in a folder."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from controlplane.callflows.prompts import SentOnBy
from controlplane.callflows.voicemail import Change, HeardMessage, PinSource
from controlplane.domain.caller import Caller
from controlplane.domain.colleague import SOMEBODY, Colleague, named_in
from controlplane.domain.errors import Unavailable
from controlplane.domain.limits import FULL_PERCENT, Usage
from controlplane.domain.mailbox import AttachmentFormat, Counts, Mailbox, SayDatetime
from controlplane.domain.message import MessageState, ReachedBy, TakeFacts
from controlplane.domain.numbers import Number
from controlplane.domain.pin import Pin
from controlplane.domain.rights import ALL_RIGHTS, OUTSIDE_RIGHTS, Admission
from controlplane.domain.routing.hours import Hours
from tests.support.fake_call import wav_ms, write_wav
from tests.support.fault_points import FaultPoints

TENANT = UUID("00000000-0000-4000-8000-000000000001")
NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Row:
    """A message as it is kept."""

    heard: HeardMessage
    mailbox_id: UUID
    before: MessageState | None = None
    by: Colleague = SOMEBODY


@dataclass(frozen=True)
class Changed:
    """A change of a message's state that took place."""

    message_id: UUID
    to: MessageState
    by: str


class FakeVoicemail:
    """The Voicemail port in memory."""

    def __init__(self, folder: Path, *, points: FaultPoints | None = None) -> None:
        self._folder = folder
        self._points = points or FaultPoints()
        self._mailboxes: dict[UUID, Mailbox] = {}
        self._pins: dict[UUID, str] = {}
        self.rows: dict[UUID, Row] = {}
        self.taken: set[UUID] = set()
        self.tries: list[tuple[UUID | None, PinSource]] = []
        self.changes: list[Changed] = []
        self.hearings: list[tuple[UUID, str]] = []
        self.others: dict[UUID, list[Colleague]] = {}
        """Who else listens to messages."""
        self.purged: dict[UUID, Colleague] = {}
        self.unavailable: set[str] = set()
        """The methods that raise Unavailable."""
        self.tenant_language = "de"
        self.owned: dict[str, UUID] = {}
        """The mailboxes of extensions, by the extension's number."""
        self.members: dict[UUID, dict[str, Admission]] = {}
        """What extensions may do with mailboxes that have members."""
        self.numbers: set[str] = set()
        """Numbers of the tenant that are no mailbox's."""
        self.mailed: list[tuple[UUID, str, str]] = []
        self.forwarded: list[tuple[UUID, str, str]] = []
        self.noted: list[tuple[str, str, str, str]] = []
        """What was noted beside: the deed, the mailbox or message, to whom, and by whom."""
        self.hours_now = Hours.OPEN
        self.full_disk = False
        self.after_restore: Callable[[], None] | None = None
        """What a colleague does right after the next undo."""

    # What a test arranges and looks at.

    def add_mailbox(self, number: str = "8001", *, pin: str = "4071", **values: Any) -> Mailbox:
        """Make a mailbox; `values` are fields of Mailbox."""
        made: dict[str, Any] = {
            "id": uuid4(),
            "tenant_id": TENANT,
            "number": Number(number),
            "display_name": "Sales",
            "language": "en",
            "time_zone": "Europe/Berlin",
            "pin_required": True,
            "enabled": True,
            "email_recipients": (),
            "email_notification": False,
            "email_attachment": True,
            "email_attachment_format": AttachmentFormat.MP3,
            "say_datetime": SayDatetime.OFF,
            "review": False,
            "min_message_seconds": 1,
            "max_message_seconds": 300,
            "version": 1,
            "created_at": NOON,
            "updated_at": NOON,
        }
        mailbox = Mailbox(**(made | values))
        self._mailboxes[mailbox.id] = mailbox
        self._pins[mailbox.id] = pin
        return mailbox

    def add_message(
        self,
        mailbox: Mailbox,
        caller: str = "101",
        *,
        state: MessageState = MessageState.NEW,
        seconds: float = 12,
        sent_on_by: SentOnBy | None = None,
        urgent: bool = False,
    ) -> UUID:
        """Make a message, later than those made before."""
        message_id = uuid4()
        heard = HeardMessage(
            id=message_id,
            state=state,
            caller=Caller.of(caller, None),
            received_at=NOON + timedelta(minutes=len(self.rows)),
            duration_ms=round(seconds * 1000),
            sent_on_by=sent_on_by,
            urgent=urgent,
        )
        self.rows[message_id] = Row(heard, mailbox.id)
        write_wav(self.recording(message_id), seconds)
        return message_id

    def state_of(self, message_id: UUID) -> MessageState | None:
        """Return the state of a message; None if it is purged."""
        row = self.rows.get(message_id)
        return row.heard.state if row else None

    def set_state(self, message_id: UUID, state: MessageState | None, by: Colleague = SOMEBODY) -> None:
        """Be the colleague who was faster; None purges."""
        if state is None:
            del self.rows[message_id]
            self.purged[message_id] = by
            self.recording(message_id).unlink()
            return
        self._move(message_id, state, by)

    def durations(self) -> list[int]:
        """Return the lengths of all messages in seconds."""
        return [round(row.heard.duration_ms / 1000) for row in self.rows.values()]

    # The port.

    async def language(self, tenant_id: UUID) -> str:
        """Return the one language of all tenants."""
        self._begin("language")
        return self.tenant_language

    async def mailbox(self, mailbox_id: UUID) -> Mailbox | None:
        """Look it up."""
        self._begin("mailbox")
        return self._mailboxes.get(mailbox_id)

    async def hours(self, mailbox: Mailbox, way: ReachedBy, at: datetime) -> Hours:
        """Return what a test says of office hours."""
        self._begin("hours")
        return self.hours_now

    async def mailbox_by_number(self, tenant_id: UUID, number: str) -> Mailbox | None:
        """Look it up."""
        self._begin("mailbox_by_number")
        found = (m for m in self._mailboxes.values() if (m.tenant_id, m.number) == (tenant_id, number))
        return next(found, None)

    async def mailbox_of_extension(self, tenant_id: UUID, number: str) -> Mailbox | None:
        """Return the mailbox that a test let the extension own."""
        self._begin("mailbox_of_extension")
        return self._mailboxes.get(self.owned.get(number, UUID(int=0)))

    async def admission(self, mailbox_id: UUID, source: PinSource) -> Admission:
        """Return what a test gave the extension; without members, everything."""
        self._begin("admission")
        given = self.members.get(mailbox_id)
        if source.extension is None:
            is_open = self._mailboxes[mailbox_id].log_in_from_greeting and not given
            return Admission(rights=OUTSIDE_RIGHTS if is_open else frozenset())
        if not given:
            return Admission(rights=ALL_RIGHTS)
        return given.get(source.extension, Admission(rights=frozenset()))

    async def try_pin(self, mailbox_id: UUID | None, source: PinSource, pin: Pin) -> bool:
        """Compare; every try is noted."""
        self._begin("try_pin")
        self.tries.append((mailbox_id, source))
        return mailbox_id is not None and self._pins.get(mailbox_id) == pin.reveal()

    async def counts(self, mailbox_id: UUID) -> Counts:
        """Count."""
        self._begin("counts")
        states = [row.heard.state for row in self.rows.values() if row.mailbox_id == mailbox_id]
        return Counts(
            new=states.count(MessageState.NEW),
            saved=states.count(MessageState.SAVED),
            deleted=states.count(MessageState.DELETED),
        )

    async def is_full(self, mailbox: Mailbox) -> bool:
        """Say whether a mailbox holds as much as it may."""
        self._begin("is_full")
        kept = [
            row
            for row in self.rows.values()
            if row.mailbox_id == mailbox.id and row.heard.state is not MessageState.DELETED
        ]
        used = Usage(messages=len(kept), duration_ms=sum(row.heard.duration_ms for row in kept))
        return mailbox.quota.percent(used) >= FULL_PERCENT

    async def messages(self, mailbox_id: UUID, state: MessageState) -> list[HeardMessage]:
        """List, urgent ones first, then the oldest."""
        self._begin("messages")
        found = [r.heard for r in self.rows.values() if (r.mailbox_id, r.heard.state) == (mailbox_id, state)]
        return sorted(found, key=lambda heard: (not heard.urgent, heard.received_at))

    async def message(self, message_id: UUID) -> HeardMessage | None:
        """Look it up."""
        self._begin("message")
        row = self.rows.get(message_id)
        return row.heard if row else None

    async def note_heard(self, message_id: UUID, *, by: str) -> None:
        """Keep it."""
        self._begin("note_heard")
        self.hearings.append((message_id, by))

    async def change(self, message_id: UUID, *, seen: MessageState, to: MessageState, by: str) -> Change:
        """Change it if it is as it was seen."""
        self._begin("change")
        if self.state_of(message_id) is not seen:
            return self._left(message_id)
        self._move(message_id, to, _colleague(by))
        self.changes.append(Changed(message_id, to, by))
        return Change(done=True, state=to)

    async def restore(self, message_id: UUID, *, by: str) -> Change:
        """Give it the state of before."""
        self._begin("restore")
        if self.state_of(message_id) is not MessageState.DELETED:
            return self._left(message_id)
        to = self.rows[message_id].before or MessageState.NEW
        self._move(message_id, to, _colleague(by))
        self.changes.append(Changed(message_id, to, by))
        if self.after_restore is not None:
            self.after_restore()
        return Change(done=True, state=to)

    async def left(self, message_id: UUID) -> Change:
        """Look it up."""
        self._begin("left")
        return self._left(message_id)

    async def listeners(self, message_id: UUID, *, besides: str) -> list[Colleague]:
        """Return whom a test let listen."""
        self._begin("listeners")
        return self.others.get(message_id, [])

    async def has_number(self, tenant_id: UUID, number: str) -> bool:
        """Say whether it is that of a mailbox, or one that a test named."""
        self._begin("has_number")
        boxes = {(one.tenant_id, one.number) for one in self._mailboxes.values()}
        return (tenant_id, number) in boxes or (tenant_id == TENANT and number in self.numbers)

    async def mail(self, message_id: UUID, *, by: str) -> bool:
        """Note the mails."""
        self._begin("mail")
        row = self.rows.get(message_id)
        recipients = () if row is None else self._mailboxes[row.mailbox_id].email_recipients
        self.mailed += [(message_id, recipient, by) for recipient in recipients]
        return bool(recipients)

    async def note_forwarded(self, message_id: UUID, *, to: str, by: str) -> None:
        """Keep it."""
        self._begin("note_forwarded")
        self.forwarded.append((message_id, to, by))

    async def note_called_back(self, message_id: UUID, *, to: str, by: str) -> None:
        """Keep it."""
        self._begin("note_called_back")
        self.noted.append(("called back", str(message_id), to, by))

    async def note_logged_in(self, mailbox_id: UUID, *, by: str) -> None:
        """Keep it."""
        self._begin("note_logged_in")
        self.noted.append(("logged in", self._number(mailbox_id), "", by))

    async def note_refused(self, mailbox_id: UUID | None, *, by: str) -> None:
        """Keep it."""
        self._begin("note_refused")
        self.noted.append(("refused", self._number(mailbox_id), "", by))

    async def note_left_elsewhere(self, mailbox_id: UUID, *, to: str, by: str) -> None:
        """Keep it."""
        self._begin("note_left_elsewhere")
        self.noted.append(("left elsewhere", self._number(mailbox_id), to, by))

    def _number(self, mailbox_id: UUID | None) -> str:
        found = None if mailbox_id is None else self._mailboxes.get(mailbox_id)
        return "" if found is None else found.number

    def change_mailbox(self, mailbox: Mailbox, **values: Any) -> None:
        """Be the colleague who changed a mailbox."""
        self._mailboxes[mailbox.id] = replace(mailbox, **values)

    def remove_mailbox(self, mailbox: Mailbox) -> None:
        """Be the colleague who deleted a mailbox."""
        del self._mailboxes[mailbox.id]

    def recording(self, message_id: UUID) -> Path:
        """Return where it is."""
        return self._folder / f"{message_id}.wav"

    async def deposit(self, facts: TakeFacts, wav: Path) -> bool:
        """Copy, note, remove; once."""
        self._begin("deposit")
        if self.full_disk:
            raise OSError(28, "No space left on device")
        if facts.recording_id not in self.taken:
            duration_ms = wav_ms(wav)
            least = 0 if facts.kept else self._mailboxes[facts.mailbox_id].min_message_seconds
            if duration_ms < least * 1000:
                return False
            shutil.copyfile(wav, self.recording(facts.recording_id))
            heard = HeardMessage(
                id=facts.recording_id,
                state=MessageState.NEW,
                caller=facts.caller,
                received_at=facts.started_at,
                duration_ms=duration_ms,
                urgent=facts.urgent,
                reached_by=facts.reached_by,
            )
            self.rows[facts.recording_id] = Row(heard, facts.mailbox_id)
            self.taken.add(facts.recording_id)
        wav.unlink(missing_ok=True)
        wav.with_suffix(".json").unlink(missing_ok=True)
        return True

    def _begin(self, method: str) -> None:
        self._points.reach(f"voicemail.{method}")
        if method in self.unavailable:
            raise Unavailable("The database does not answer.")

    def _left(self, message_id: UUID) -> Change:
        row = self.rows.get(message_id)
        if row is None:
            return Change(done=False, state=None, by=self.purged.get(message_id, SOMEBODY))
        return Change(done=False, state=row.heard.state, by=row.by)

    def _move(self, message_id: UUID, to: MessageState, by: Colleague) -> None:
        row = self.rows[message_id]
        before = row.heard.state if to is MessageState.DELETED else None
        self.rows[message_id] = Row(replace(row.heard, state=to), row.mailbox_id, before, by)


def _colleague(label: str) -> Colleague:
    named = named_in(label)
    name = None if named.extension else named.user_name
    return Colleague(extension=named.extension, name=name, outside=named.outside)
