"""Deleting an object: what points at it, and where that is to point instead."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Protocol

from fastapi import APIRouter, Response

from controlplane.domain.errors import Conflict, DomainError, InvalidValue
from controlplane.web.errors import status_of
from controlplane.web.portal.access import Inside
from controlplane.web.portal.deleting import point_elsewhere, pointing_values, why_not
from controlplane.web.portal.object_kinds import Details, ObjectPages
from controlplane.web.portal.visits import Visit


class Shows(Protocol):
    """Answers with the page that says what deleting does, and with the error why it was not done."""

    def __call__(
        self, visit: Visit, pages: ObjectPages, details: Details, error: DomainError | None = None
    ) -> Awaitable[Response]:
        """Answer."""
        ...


class Prepares(Protocol):
    """Lets what uses an object use another one, as the form says; raises InvalidValue, Conflict."""

    def __call__(self, visit: Visit, pages: ObjectPages, details: Details) -> Awaitable[None]:
        """Change what uses it."""
        ...


def add_delete(router: APIRouter, pages: ObjectPages) -> None:
    """Add the page on which an object of a kind is deleted."""
    add_delete_page(router, pages, show=_page, before=_point_elsewhere)


def add_delete_page(router: APIRouter, pages: ObjectPages, *, show: Shows, before: Prepares) -> None:
    """Add a page that deletes: it says what uses an object, which is changed first."""
    address = f"{pages.route}/{{key}}/delete"

    @router.get(address, name=f"{pages.plural}-delete-page")
    async def delete_page(visit: Inside, key: str) -> Response:
        return await show(visit, pages, await pages.life.get(visit, key.replace("\0", "\ufffd")))

    @router.post(address, name=f"{pages.plural}-delete")
    async def delete(visit: Inside, key: str) -> Response:
        details = await pages.life.get(visit, key.replace("\0", "\ufffd"))
        try:
            await before(visit, pages, details)
            await pages.life.delete(visit, details.key)
        except (InvalidValue, Conflict) as error:
            return await show(visit, pages, details, error)
        notice = "object-deleted" if pages.has_number else "named-deleted"
        kind = visit.words(f"kinds.{pages.word}")
        return visit.go(pages.path, notice=notice, kind=kind, key=details.key, name=details.name)


async def _point_elsewhere(visit: Visit, pages: ObjectPages, details: Details) -> None:
    if pages.has_number:
        await point_elsewhere(visit, details.key)


async def _page(
    visit: Visit, pages: ObjectPages, details: Details, error: DomainError | None = None
) -> Response:
    values = await pointing_values(visit, details.key) if pages.has_number else {"pointers": []}
    return visit.page(
        "object_delete.html",
        section=pages.plural,
        status=200 if error is None else status_of(error),
        faults=why_not(error, visit.words, details.key, section=f"{pages.word}-delete-errors"),
        pages=pages,
        details=details,
        **values,
    )
