"""The list of Shared Voicemail: searched, sorted, page by page; from it a mailbox is opened."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import quote, unquote, urlencode

from fastapi import Response

from controlplane.domain.mailbox import MailboxOrder
from controlplane.domain.rights import Right
from controlplane.services.mailbox_lists import OrderedMailbox, OrderKey, browse_mailboxes
from controlplane.web.paging import cursor, invalid_cursor, read_cursor
from controlplane.web.portal.access import Anybody
from controlplane.web.portal.addresses import PREFIX
from controlplane.web.portal.routes import page_router
from controlplane.web.portal.visits import Visit

router = page_router()

MAILBOXES: Final = f"{PREFIX}/mailboxes"
_SHOWN: Final = 50
_MOST: Final = 2**62
_MAX_SEARCH: Final = 64
_OPENED: Final[Mapping[str, str]] = {"settings": "", "voicemail": "/voicemail", "delete": "/delete"}
_FALLING_FIRST: Final = frozenset({MailboxOrder.NEW, MailboxOrder.LAST})
"""Sorted by these, the most and the newest come first: who looks there wants to know what is to do."""
_KEYS: Final[Mapping[MailboxOrder, Callable[[str], OrderKey]]] = {
    MailboxOrder.NUMBER: str,
    MailboxOrder.NAME: unquote,
    MailboxOrder.NEW: int,
    MailboxOrder.LAST: datetime.fromisoformat,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """What the address of the list asks for: `sort` is an order, with `-` before it if it falls."""

    q: str
    order: MailboxOrder
    descending: bool

    @classmethod
    def of(cls, visit: Visit) -> _Wanted:
        """Read the address; an order that there is not is that of the numbers."""
        asked = visit.request.query_params
        sort = asked.get("sort", "")
        try:
            order = MailboxOrder(sort.removeprefix("-"))
        except ValueError:
            order, sort = MailboxOrder.NUMBER, ""
        return cls(
            q=asked.get("q", "").replace("\0", "")[:_MAX_SEARCH].strip(),
            order=order,
            descending=sort.startswith("-"),
        )

    @property
    def sort(self) -> str:
        """What the address says of the order; empty for the one that needs no saying."""
        return _sort(self.order, descending=self.descending)

    def turned(self, order: MailboxOrder) -> str:
        """Return the order that the heading of a column leads to: the other way if it is sorted so now."""
        same = order is self.order
        return _sort(order, descending=not self.descending if same else order in _FALLING_FIRST)

    def query(self, **values: str) -> str:
        """Return the end of an address of this list, with what is to be another one."""
        asked = {name: value for name, value in {"q": self.q, "sort": self.sort, **values}.items() if value}
        return f"?{urlencode(asked)}" if asked else ""


@router.get(MAILBOXES)
async def mailboxes_page(visit: Anybody) -> Response:
    """List the mailboxes of the tenant, or those that a member was given, with the counts of messages."""
    wanted = _Wanted.of(visit)
    after = visit.request.query_params.get("after")
    browsed = await browse_mailboxes(
        visit.deps.db,
        tenant_id=visit.person.tenant_id,
        q=wanted.q or None,
        order=wanted.order,
        descending=wanted.descending,
        limit=_SHOWN,
        after=None if after is None else _position(wanted.order, after),
        member=visit.member,
    )
    page = browsed.page
    return visit.page(
        "mailboxes.html",
        section="mailboxes",
        mailboxes=page.items,
        managed={number for number, rights in browsed.rights.items() if Right.MANAGE in rights},
        wanted=wanted,
        orders={order.value: order for order in MailboxOrder},
        following=_cursor(page.items[-1]) if page.more else None,
        later=after is not None,
        now=visit.deps.clock(),
    )


@router.get(f"{MAILBOXES}/selected")
async def open_selected(visit: Anybody) -> Response:
    """Open the mailbox that was selected in the list, with what was pressed."""
    asked = visit.request.query_params
    number, page = asked.get("number", ""), _OPENED.get(asked.get("open", ""), "")
    if not number:
        return visit.go(f"/mailboxes{_Wanted.of(visit).query()}", notice="mailbox-not-selected")
    return visit.go(f"/mailboxes/{quote(number, safe='')}{page}")


def _sort(order: MailboxOrder, *, descending: bool) -> str:
    return "" if order is MailboxOrder.NUMBER and not descending else f"{'-' * descending}{order.value}"


def _cursor(last: OrderedMailbox) -> str:
    key = last.key.isoformat() if isinstance(last.key, datetime) else str(last.key)
    return cursor(quote(key, safe=":+") if isinstance(last.key, str) else key, last.number)


def _position(order: MailboxOrder, text: str) -> tuple[OrderKey, str]:
    """Return where a page begins; raises InvalidValue for what is no cursor of this order."""
    key, number = read_cursor(text, parts=2)
    try:
        value = _KEYS[order](key)
    except ValueError as error:
        raise invalid_cursor() from error
    unfit = isinstance(value, datetime) and value.tzinfo is None
    too_many = isinstance(value, int) and abs(value) >= _MOST
    if unfit or too_many or "\0" in f"{value}":
        raise invalid_cursor()
    return value, number
