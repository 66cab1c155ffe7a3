"""`/numbers`: which numbers are in use, and by what."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query

from controlplane.services import numbers
from controlplane.web.api.mailboxes import Deps
from controlplane.web.api.responses import problems
from controlplane.web.api.schemas import NumberOut, NumberPage
from controlplane.web.paging import Paging, cursor, position
from controlplane.web.paths import API
from controlplane.web.security import Asking

router = APIRouter(prefix=f"{API}/numbers", tags=["numbers"])


@router.get("", response_model=NumberPage, responses=problems())
async def list_numbers(deps: Deps, asking: Asking, paging: Annotated[Paging, Query()]) -> NumberPage:
    """List the numbers in use."""
    page = await numbers.list_numbers(
        deps.db,
        tenant_id=asking.tenant_id,
        q=paging.q,
        limit=paging.limit,
        after=position(paging.after),
    )
    return NumberPage(
        items=[NumberOut.of(owner) for owner in page.items],
        next=cursor(page.items[-1].number) if page.more else None,
    )


@router.get("/{number}", response_model=NumberOut, responses=problems())
async def get_number(
    number: Annotated[str, Path(description="Any number.", examples=["8001"])], deps: Deps, asking: Asking
) -> NumberOut:
    """Say who owns a number; 404 (`number-free`) if nobody does."""
    return NumberOut.of(await numbers.get_owner(deps.db, tenant_id=asking.tenant_id, number=number))
