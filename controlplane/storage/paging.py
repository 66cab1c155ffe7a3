"""A page of a list, and what its queries have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement
from sqlalchemy.orm import InstrumentedAttribute

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[Item]):
    """Some items in order; `more` says that others follow."""

    items: Sequence[Item]
    more: bool


def cut(items: Sequence[Item], limit: int) -> Page[Item]:
    """Make a page of `limit` items from a query that asked for one more."""
    return Page(items=items[:limit], more=len(items) > limit)


def contains(
    column: InstrumentedAttribute[str] | InstrumentedAttribute[str | None] | ColumnElement[str], text: str
) -> ColumnElement[Any]:
    """Return the condition that `column` contains `text`, whatever its case; wildcards are plain text."""
    return column.icontains(text, autoescape=True)
