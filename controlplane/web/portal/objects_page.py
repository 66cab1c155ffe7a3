"""The list of the objects of a kind: searched, sorted, page by page; from it one is opened."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, unquote, urlencode

from fastapi import APIRouter, Response

from controlplane.domain.routing.destination import Pointer
from controlplane.domain.routing.hours import OfficeHours
from controlplane.services.numbers import owners_of
from controlplane.services.routing.object_lists import OrderedObject, browse_objects
from controlplane.web.paging import cursor, invalid_cursor, read_cursor
from controlplane.web.portal.access import Inside
from controlplane.web.portal.object_kinds import ObjectPages
from controlplane.web.portal.visits import Visit

_SHOWN: Final = 50
_MAX_SEARCH: Final = 64
_OPENED: Final = {"settings": "", "delete": "/delete"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the address of the list asks for: `sort` is `name` or empty, with `-` before it if it falls."""

    q: str
    by_name: bool
    descending: bool

    @classmethod
    def of(cls, visit: Visit) -> Wanted:
        """Read the address; an order that there is not is that of the keys."""
        asked = visit.request.query_params
        sort = asked.get("sort", "")
        return cls(
            q=asked.get("q", "").replace("\0", "")[:_MAX_SEARCH].strip(),
            by_name=sort.removeprefix("-") == "name",
            descending=sort in {"-name", "-key"},
        )

    @property
    def sort(self) -> str:
        """What the address says of the order; empty for the one that needs no saying."""
        return _sort(by_name=self.by_name, descending=self.descending)

    def turned(self, *, by_name: bool) -> str:
        """Return the order that the heading of a column leads to: the other way if it is sorted so now."""
        return _sort(by_name=by_name, descending=self.by_name is by_name and not self.descending)

    def query(self, **values: str) -> str:
        """Return the end of an address of this list, with what is to be another one."""
        asked = {name: value for name, value in {"q": self.q, "sort": self.sort, **values}.items() if value}
        return f"?{urlencode(asked)}" if asked else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A row of the list; `cells` are those of the kind's own columns."""

    key: str
    number: str | None
    name: str
    address: str
    cells: tuple[str, ...]


def add_list(router: APIRouter, pages: ObjectPages) -> None:
    """Add the list of a kind."""

    @router.get(pages.route, name=f"{pages.plural}-list")
    async def objects_page(visit: Inside) -> Response:
        wanted = Wanted.of(visit)
        after = visit.request.query_params.get("after")
        found = await browse_objects(
            visit.deps.db,
            tenant_id=visit.person.tenant_id,
            kind=pages.life.kind,
            q=wanted.q or None,
            by_name=wanted.by_name,
            descending=wanted.descending,
            limit=_SHOWN,
            after=None if after is None else _position(after),
        )
        return visit.page(
            "objects.html",
            section=pages.plural,
            pages=pages,
            lines=await _lines(visit, pages, found.items),
            wanted=wanted,
            following=_cursor(found.items[-1]) if found.more else None,
            after=after,
            later=after is not None,
        )

    @router.get(f"{pages.route}/{pages.inner('selected')}", name=f"{pages.plural}-selected")
    async def open_selected(visit: Inside) -> Response:
        asked = visit.request.query_params
        key, page = asked.get("key", ""), _OPENED.get(asked.get("open", ""), "")
        if not key:
            return visit.go(f"{pages.path}{Wanted.of(visit).query()}", notice="object-not-selected")
        return visit.go(f"{pages.path}/{quote(key, safe='')}{page}")


async def _lines(visit: Visit, pages: ObjectPages, found: Sequence[OrderedObject]) -> list[Line]:
    named = {pointer.number for one in found for pointer in _pointers(one)} if pages.columns else set()
    owners = await owners_of(visit.deps.db, tenant_id=visit.person.tenant_id, wanted=named)
    more = {} if pages.more_cells is None else await pages.more_cells(visit, found)
    return [
        Line(
            key=one.key,
            number=one.number,
            name=one.name,
            address=f"{visit.portal.base}{pages.path}/{quote(one.key, safe='')}",
            cells=(
                *(cell(one.settings, visit.words, owners) for cell in pages.columns.values()),
                *more.get(one.key, ()),
            ),
        )
        for one in found
    ]


def _pointers(one: OrderedObject) -> Iterator[Pointer]:
    if not isinstance(one.settings, OfficeHours):
        yield from one.settings.pointers()


def _sort(*, by_name: bool, descending: bool) -> str:
    return "name" * by_name if not descending else "-name" if by_name else "-key"


def _cursor(last: OrderedObject) -> str:
    return cursor(quote(last.sorted_by), last.key)


def _position(text: str) -> tuple[str, str]:
    """Return where a page begins; raises InvalidValue for what is no cursor of this list."""
    place, key = read_cursor(text, parts=2)
    place = unquote(place)
    if "\0" in place:
        raise invalid_cursor()
    return place, key
