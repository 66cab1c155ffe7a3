"""A message as pages show it: everything about it in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from babel import dates

from controlplane.domain.caller import Caller
from controlplane.domain.message import MessageState
from controlplane.domain.presence import PresentListener
from controlplane.mail.compose import duration
from controlplane.mail.reached import way_in_words
from controlplane.services.messages import MessageView
from controlplane.web.audio import AudioFormat
from controlplane.web.portal.words import Words

_NOW = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A message; `caller` is who it is from in one line, `ago` how long since, `length` as on a clock.

    `listening` says who listens to it now.
    """

    id: UUID
    version: int
    mailbox_number: str
    state: str
    restorable: bool
    urgent: bool
    caller: str
    name: str
    number: str
    way: str
    received: str
    received_at: str
    ago: str
    seconds: int
    length: str
    length_words: str
    changed: str
    listening: Sequence[str]

    @property
    def unread(self) -> bool:
        """Whether nobody heard it yet."""
        return self.state == MessageState.NEW

    @property
    def in_trash(self) -> bool:
        """Whether it is in the trash."""
        return self.state == MessageState.DELETED


@dataclass(frozen=True, slots=True, kw_only=True)
class Teller:
    """Puts messages into words: of a language, in a time zone, as seen at a moment."""

    words: Words
    time_zone: str
    now: datetime

    def row(self, view: MessageView, names: Mapping[str, str], listeners: Sequence[PresentListener]) -> Row:
        """Return a message in words; `names` are those of what its call passed, by number.

        `listeners` are who listens now, to this message or to others.
        """
        message, words = view.message, self.words
        # Cleaned again: what was stored is never trusted to have been.
        caller = Caller.of(message.caller.number, message.caller.name)
        seconds = message.seconds
        by = view.state_changed_by
        return Row(
            id=message.id,
            version=message.version,
            mailbox_number=view.mailbox_number,
            state=message.state.value,
            restorable=not view.mailbox_deleted,
            urgent=message.urgent,
            caller=caller.label or words("voicemail.unknown-caller"),
            name=caller.name or caller.number or words("voicemail.unknown-caller"),
            number=caller.number if caller.name else "",
            way=way_in_words(message.reached_by, names, locale=words.locale) or words("voicemail.dialled"),
            received=self._moment(message.received_at),
            received_at=message.received_at.isoformat(),
            ago=self._ago(message.received_at),
            seconds=seconds,
            length=f"{seconds // 60}:{seconds % 60:02}",
            length_words=duration(message.duration_ms, words.locale),
            changed="" if by is None else words("voicemail.changed", at=self._moment(view.state_changed_at)),
            listening=[self._listens(each) for each in listeners if each.message_id == message.id],
        )

    def _listens(self, listener: PresentListener) -> str:
        if listener.who.outside:
            return self.words(
                "voicemail-listening.outside", who=listener.caller or self.words("voicemail.somebody")
            )
        extension, name = listener.who.extension, listener.who.name
        who = f"{name} ({extension})" if name and extension else name or extension
        return self.words(f"voicemail-listening.{listener.by}", who=who or self.words("voicemail.somebody"))

    def _moment(self, at: datetime) -> str:
        local = at.astimezone(ZoneInfo(self.time_zone))
        locale = self.words.locale
        day = dates.format_date(local, "medium", locale=locale)
        return f"{day}, {dates.format_time(local, 'short', locale=locale)}"

    def _ago(self, at: datetime) -> str:
        since = self.now - at
        if since < _NOW:
            return self.words("voicemail.just-now")
        return str(dates.format_timedelta(-since, add_direction=True, locale=self.words.locale))


def file_name(view: MessageView, time_zone: str, wanted: AudioFormat) -> str:
    """Name a recording for who saves it, by the clock of the tenant; nothing that a caller said is in it."""
    local = view.message.received_at.astimezone(ZoneInfo(time_zone))
    return f"voicemail-{view.mailbox_number}-{local:%Y%m%d-%H%M%S}.{wanted.value}"
