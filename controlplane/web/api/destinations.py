"""`/destinations`: where a call can go; and what points at a number already."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response
from fastapi.responses import JSONResponse

from controlplane.services import numbers
from controlplane.services.routing import re_pointing
from controlplane.web.api.mailboxes import Deps
from controlplane.web.api.responses import body_problems, problems
from controlplane.web.api.schemas_numbers import (
    DestinationOut,
    DestinationPage,
    DestinationPaging,
    PointerOut,
    PointerPage,
    RePointedOut,
    RePointIn,
)
from controlplane.web.idempotency import Done, Repeating
from controlplane.web.paging import OnlyPages, cursor, position, read_cursor
from controlplane.web.paths import API
from controlplane.web.security import Asking

router = APIRouter(prefix=API, tags=["destinations"])

NumberPath = Annotated[str, Path(description="A number that something has.", examples=["8001"])]


@router.get("/destinations", response_model=DestinationPage, responses=problems())
async def list_destinations(
    deps: Deps, asking: Asking, paging: Annotated[DestinationPaging, Query()]
) -> DestinationPage:
    """List what a call can be sent to, of all kinds or of one: the data of a picker."""
    page = await numbers.list_numbers(
        deps.db,
        tenant_id=asking.tenant_id,
        kind=paging.kind,
        q=paging.q,
        limit=paging.limit,
        after=position(paging.after),
    )
    return DestinationPage(
        items=[DestinationOut.of(owner) for owner in page.items],
        next=cursor(page.items[-1].number) if page.more else None,
    )


@router.get("/numbers/{number}/pointers", response_model=PointerPage, responses=problems())
async def list_pointers(
    number: NumberPath, deps: Deps, asking: Asking, paging: Annotated[OnlyPages, Query()]
) -> PointerPage:
    """List what points at a number, and so keeps it from being deleted."""
    after = None
    if paging.after is not None:
        kind, key, slot = read_cursor(paging.after, parts=3)
        after = (kind, key, slot)
    page = await re_pointing.list_pointers(
        deps.db, tenant_id=asking.tenant_id, number=number, limit=paging.limit, after=after
    )
    last = page.items[-1] if page.more else None
    return PointerPage(
        items=[PointerOut.of(one) for one in page.items],
        next=None if last is None else cursor(last.kind, last.number or last.name, last.slot),
    )


@router.post("/numbers/{number}/re-point", response_model=RePointedOut, responses=body_problems())
async def re_point(
    number: NumberPath, body: RePointIn, deps: Deps, asking: Asking, repeating: Repeating
) -> Response:
    """Point all that points at a number elsewhere, all of it or nothing; 409 lists what cannot."""

    async def work() -> Done:
        found = await re_pointing.re_point(
            deps.db, deps.jobs, tenant_id=asking.tenant_id, number=number, to=body.to, by=asking.label
        )
        shown = RePointedOut(number=number, to=body.to, changed=[PointerOut.of(one) for one in found])
        return Done(response=JSONResponse(shown.model_dump(mode="json")))

    return await repeating.once(work)
