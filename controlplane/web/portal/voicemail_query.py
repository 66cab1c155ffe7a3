"""Which messages of a mailbox the page shows: what its address says, and the address that says it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from string import digits
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from controlplane.domain.errors import InvalidValue
from controlplane.domain.message import MessageOrder, MessageState
from controlplane.services.messages import Position
from controlplane.services.voicemail_page import Received, Urgency, Wanted
from controlplane.web.api.messages import position_of
from controlplane.web.portal.forms import Fault
from controlplane.web.portal.words import Words

SHOWN: Mapping[str, tuple[MessageState, ...]] = {
    "all": (MessageState.NEW, MessageState.SAVED),
    "unread": (MessageState.NEW,),
    "urgent": (MessageState.NEW, MessageState.SAVED),
    "read": (MessageState.SAVED,),
    "trash": (MessageState.DELETED,),
}
_URGENT = MessageOrder.URGENT.value
_MAX_SEARCH = 64
_FIRST_YEAR, _LAST_YEAR = 2000, 2200


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What is shown: one of SHOWN, a part of the caller's name or number, days, a way, where a page begins.

    Days and way are as they were typed; a way is a number that calls passed, or dialled from outside. The
    order is `urgent`, or empty for the newest first.
    """

    show: str = "all"
    q: str = ""
    since: str = ""
    until: str = ""
    way: str = ""
    order: str = ""
    after: str = ""

    @classmethod
    def of(cls, parameters: Mapping[str, str]) -> Query:
        """Read the parameters of an address; what nobody can mean is left out."""
        show = parameters.get("show", "")
        return cls(
            show=show if show in SHOWN else "all",
            q=parameters.get("q", "").replace("\0", "").strip()[:_MAX_SEARCH],
            since=parameters.get("since", "")[:_MAX_SEARCH],
            until=parameters.get("until", "")[:_MAX_SEARCH],
            way=parameters.get("way", "").replace("\0", "").strip()[:_MAX_SEARCH],
            order=_URGENT if parameters.get("order") == _URGENT else "",
            after=parameters.get("after", ""),
        )

    @property
    def narrowed(self) -> bool:
        """Whether only some of the messages are looked for."""
        return bool(self.q or self.since or self.until or self.way)

    def address(self, **changes: str) -> str:
        """Return the query of an address, with its question mark; empty for all messages from the first."""
        wanted = replace(self, **changes)
        parts = {
            "show": "" if wanted.show == "all" else wanted.show,
            "q": wanted.q,
            "since": wanted.since,
            "until": wanted.until,
            "way": wanted.way,
            "order": wanted.order,
            "after": wanted.after,
        }
        said = {name: value for name, value in parts.items() if value}
        return f"?{urlencode(said)}" if said else ""

    def position(self) -> Position | None:
        """Return where the page begins; the first page for a cursor that is none."""
        try:
            return position_of(self.after or None, MessageOrder(self.order or MessageOrder.NEWEST))
        except InvalidValue:
            return None

    def wanted(self, time_zone: str, words: Words) -> tuple[Wanted, list[Fault]]:
        """Return what to look for, with whole days of a time zone, and which days are none."""
        faults = []
        days: dict[str, date | None] = {}
        for name, typed in (("since", self.since), ("until", self.until)):
            days[name] = _day(typed)
            if typed and days[name] is None:
                faults.append(Fault(field=name, text=words("voicemail.no-such-day")))
        zone = ZoneInfo(time_zone)
        since, until = days["since"], days["until"]
        received = Received(
            since=None if since is None else datetime.combine(since, time(), zone),
            before=None if until is None else datetime.combine(until + timedelta(days=1), time(), zone),
        )
        # As it may be written: `+49 30 1234`.
        number = "".join(char for char in self.way if char in digits)
        if self.way and not number:
            faults.append(Fault(field="way", text=words("voicemail.no-such-way")))
        urgency = Urgency(only=True if self.show == _URGENT else None, first=self.order == _URGENT)
        return Wanted(
            states=SHOWN[self.show],
            q=self.q or None,
            received=received,
            way=number or None,
            urgency=urgency,
        ), faults


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if _FIRST_YEAR <= day.year <= _LAST_YEAR else None
