"""`/numbers/reserved`: numbers that something else than us answers."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response
from fastapi.responses import JSONResponse

from controlplane.services import reserved_numbers
from controlplane.web.api.mailboxes import Deps
from controlplane.web.api.responses import body_problems, problems
from controlplane.web.api.schemas_numbers import ReservedIn, ReservedOut, ReservedPage
from controlplane.web.idempotency import Done, Repeating
from controlplane.web.paging import OnlyPages, cursor, position
from controlplane.web.paths import API
from controlplane.web.security import Asking

router = APIRouter(prefix=f"{API}/numbers/reserved", tags=["numbers"])


@router.post("", status_code=201, response_model=ReservedOut, responses=body_problems())
async def reserve_numbers(body: ReservedIn, deps: Deps, asking: Asking, repeating: Repeating) -> Response:
    """Reserve a number or a range: no object can have one of them."""

    async def work() -> Done:
        reserved = body.value()
        await reserved_numbers.reserve_numbers(
            deps.db, tenant_id=asking.tenant_id, reserved=reserved, by=asking.label
        )
        return Done(response=JSONResponse(ReservedOut.of(reserved).model_dump(mode="json"), 201))

    return await repeating.once(work)


@router.get("", response_model=ReservedPage, responses=problems())
async def list_reserved_numbers(
    deps: Deps, asking: Asking, paging: Annotated[OnlyPages, Query()]
) -> ReservedPage:
    """List what is reserved."""
    page = await reserved_numbers.list_reserved(
        deps.db, tenant_id=asking.tenant_id, limit=paging.limit, after=position(paging.after)
    )
    return ReservedPage(
        items=[ReservedOut.of(one) for one in page.items],
        next=cursor(page.items[-1].first) if page.more else None,
    )


@router.delete("/{first}", status_code=204, responses=problems())
async def give_up_reserved_numbers(
    first: Annotated[str, Path(description="The first number of the range.", examples=["9000"])],
    deps: Deps,
    asking: Asking,
) -> None:
    """Reserve a range no longer."""
    await reserved_numbers.give_up_reserved(deps.db, tenant_id=asking.tenant_id, first=first, by=asking.label)
