"""Deleting office hours or a trunk: what names it, and what that is to name instead."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, Response

from controlplane.domain.errors import DomainError, InvalidValue
from controlplane.domain.routing.kinds import TENANT_HOURS, RoutingKind
from controlplane.services.routing.naming_instead import NamingObject, list_namers, name_instead
from controlplane.services.routing.objects import list_objects
from controlplane.web.errors import status_of
from controlplane.web.paging import MAX_LIMIT
from controlplane.web.portal.deleting import SHOWN, PointerLine, why_not
from controlplane.web.portal.object_delete_page import add_delete_page
from controlplane.web.portal.object_kinds import Details, ObjectPages
from controlplane.web.portal.object_pages import page_of
from controlplane.web.portal.visits import Visit
from controlplane.web.portal.words import Words

_NOTHING: Final = "nothing"
_OTHER: Final = "other-"


def add_named_delete(router: APIRouter, pages: ObjectPages) -> None:
    """Add the page on which an object of a kind that others name is deleted."""
    add_delete_page(router, pages, show=_page, before=_name_others)


def _kind(pages: ObjectPages) -> RoutingKind:
    assert pages.life.kind is not None
    return pages.life.kind


async def _name_others(visit: Visit, pages: ObjectPages, details: Details) -> None:
    """Let what names it name another one, as it was chosen in the form; raises InvalidValue."""
    deps, by, kind = visit.deps, visit.person, _kind(pages)
    namers = await list_namers(deps.db, tenant_id=by.tenant_id, kind=kind, name=details.key, limit=1)
    if not namers.items:
        return
    chosen = visit.form.text("instead")
    if chosen != _NOTHING and not chosen.startswith(_OTHER):
        raise InvalidValue("Say what is to be named.", error_id="missing-field", field="instead")
    await name_instead(
        deps.db,
        deps.jobs,
        tenant_id=by.tenant_id,
        kind=kind,
        name=details.key,
        to=None if chosen == _NOTHING else chosen.removeprefix(_OTHER),
        by=by.label,
    )


async def _page(
    visit: Visit, pages: ObjectPages, details: Details, error: DomainError | None = None
) -> Response:
    db, tenant_id, kind = visit.deps.db, visit.person.tenant_id, _kind(pages)
    namers = await list_namers(db, tenant_id=tenant_id, kind=kind, name=details.key, limit=SHOWN)
    others = await list_objects(db, tenant_id=tenant_id, kind=kind, q=None, limit=MAX_LIMIT, after=None)
    return visit.page(
        "named_delete.html",
        section=pages.plural,
        status=200 if error is None else status_of(error),
        faults=why_not(error, visit.words, details.key, section=f"{pages.word}-delete-errors"),
        pages=pages,
        details=details,
        namers=[_line(one, visit.words) for one in namers.items],
        more_namers=namers.more,
        most=SHOWN,
        choices=[one.name for one in others.items if one.name not in {details.key, TENANT_HOURS}],
        tenants=kind is RoutingKind.OFFICE_HOURS and details.key == TENANT_HOURS,
        instead=visit.form.text("instead"),
    )


def _line(one: NamingObject, words: Words) -> PointerLine:
    return PointerLine(
        kind=words(f"kinds.{one.kind}"),
        name=one.name,
        number=one.number,
        slot="",
        path=page_of(one.kind, one.number or one.name),
    )
