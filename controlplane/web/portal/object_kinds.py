"""What the pages of one kind of object are made of: its fields, its words, and how it lives."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from controlplane.domain.routing.kinds import RoutingKind
from controlplane.services.numbers import NumberOwner
from controlplane.services.routing.object_lists import OrderedObject
from controlplane.web.portal.addresses import PREFIX
from controlplane.web.portal.form_fields import FormField, Line
from controlplane.web.portal.visits import Visit
from controlplane.web.portal.words import Words
from controlplane.web.portal.wrongs import Wrong

Owners = Mapping[str, NumberOwner]
Cell = Callable[[Any, Words, Owners], str]
"""Says in a list what an object's settings are."""
_LINE = {"autocomplete": "off", "maxlength": "64", "aria-required": "true"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Details:
    """An object as it is stored; `values` are its fields in JSON. `secret` is what is shown this once."""

    key: str
    name: str
    version: int
    updated_at: datetime
    values: Mapping[str, Any]
    secret: str | None = None


class Life(Protocol):
    """What the services do with objects of a kind; they raise the errors of the services."""

    @property
    def kind(self) -> RoutingKind | None:
        """The kind in lists; None for extensions."""
        ...

    def check(self, body: Mapping[str, Any]) -> list[Wrong]:
        """Say all that is wrong with an object as a whole, by the schema and the rules of its kind."""
        ...

    async def get(self, visit: Visit, key: str) -> Details:
        """Return an object."""
        ...

    async def create(self, visit: Visit, body: Mapping[str, Any]) -> Details:
        """Make one."""
        ...

    async def update(
        self, visit: Visit, key: str, changes: Mapping[str, Any], *, whole: Mapping[str, Any], version: int
    ) -> Details:
        """Change the fields that are another ones; `whole` is the object with all of them."""
        ...

    async def delete(self, visit: Visit, key: str) -> None:
        """Delete it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectPages:
    """The pages of a kind: a list, one to add, one to change, one to delete.

    `plural` is the end of their address, their entry in the menu and the section of the words of the list;
    `word` is the kind, and the section of the words of the form. `known` are the fields that are seen at
    once, the others are under More. `columns` say more of each object in the list.
    """

    plural: str
    word: str
    life: Life
    fields: Mapping[str, FormField]
    known: Sequence[str]
    columns: Mapping[str, Cell] = field(default_factory=dict)
    new: Mapping[str, Any] = field(default_factory=dict)
    """The values of a new object, in JSON."""
    template: str = "object.html"
    symbol: str = "inbox"
    only_new: frozenset[str] = frozenset()
    """Fields that are asked for when one is made, and never again."""
    only_later: frozenset[str] = frozenset()
    """Fields that there are as soon as it is made."""
    begin: Callable[[Visit], Awaitable[Mapping[str, Any]]] | None = None
    """Returns the values of a new object where they depend on who asks, and for what."""
    more_columns: Sequence[str] = ()
    more_cells: Callable[[Visit, Sequence[OrderedObject]], Awaitable[Mapping[str, Sequence[str]]]] | None = (
        None
    )
    """Returns the cells of further columns by the keys of the objects."""
    live: bool = False
    """Whether an open list asks for the cells of these columns again and again."""
    ordered_by: str = ""
    """The column of the order that a list has at first; empty if that is the order of the keys."""
    system_only: bool = False
    """Whether system admins alone change them; the life refuses others."""
    opens: bool = False
    """Whether the page of a new object is opened, where there is more to be done."""
    more: Callable[[Visit, Details | None], Any] | None = None
    """Returns (awaited) what else its template needs, as a mapping."""

    @property
    def has_number(self) -> bool:
        """Whether its objects have a number; others have a name by which they are known."""
        return self.life.kind is None or self.life.kind.number_kind is not None

    @property
    def key(self) -> str:
        """The field by which an object is found, which never changes."""
        return "number" if self.has_number else "name"

    def fields_of(self, details: Details | None) -> Mapping[str, FormField]:
        """Return all fields of the form, those of every kind first; None: of an object to be made."""
        number = Line(more={**_LINE, "inputmode": "numeric"})
        own: dict[str, FormField] = (
            {"number": number, "display_name": Line(more=_LINE)}
            if self.has_number
            else {"name": Line(more={**_LINE, "autocapitalize": "none", "spellcheck": "false"})}
        )
        left_out = self.only_later if details is None else self.only_new
        return {**own, **{name: kind for name, kind in self.fields.items() if name not in left_out}}

    @property
    def path(self) -> str:
        """Where its list is, in the portal."""
        return f"/{self.plural}"

    @property
    def route(self) -> str:
        """The same for the app."""
        return f"{PREFIX}/{self.plural}"

    def inner(self, page: str) -> str:
        """Return the end of the address of a page that is not an object's: no name begins so."""
        return page if self.has_number else f"_{page}"
