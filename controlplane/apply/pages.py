"""Reading all objects of a list that services give in pages."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Final, Protocol, TypeVar

from controlplane.storage.paging import Page

_PAGE: Final = 200

Item = TypeVar("Item")


class Pages(Protocol[Item]):
    """Gives a page of a list."""

    async def __call__(self, *, limit: int, after: str | None) -> Page[Item]:
        """Return what follows `after`, from the beginning without one."""
        ...


async def all_of(pages: Pages[Item], *, key: Callable[[Item], str]) -> AsyncIterator[Item]:
    """Yield every object; `key` is what a page begins after."""
    after: str | None = None
    while True:
        page = await pages(limit=_PAGE, after=after)
        for one in page.items:
            yield one
        if not page.more:
            return
        after = key(page.items[-1])
