"""`/audit`: who heard, downloaded, deleted and changed what."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query

from controlplane.services.audit import AuditPage, AuditPosition, list_audit
from controlplane.web.api.mailboxes import Deps
from controlplane.web.api.responses import problems
from controlplane.web.api.schemas_audit import AuditEntryOut, AuditPageOut, AuditPaging
from controlplane.web.paging import cursor, invalid_cursor, read_cursor
from controlplane.web.paths import API
from controlplane.web.security import Asking

router = APIRouter(prefix=f"{API}/audit", tags=["audit"])
_LARGEST = 2**63 - 1


@router.get("", response_model=AuditPageOut, responses=problems())
async def get_audit(deps: Deps, asking: Asking, paging: Annotated[AuditPaging, Query()]) -> AuditPageOut:
    """List who did what in the tenant, newest first."""
    page = await list_audit(
        deps.db,
        asking.tenant_id,
        paging.wanted(),
        limit=paging.limit,
        after=position_of(paging.after),
    )
    return AuditPageOut(items=[AuditEntryOut.of(entry) for entry in page.items], next=cursor_of(page))


def cursor_of(page: AuditPage) -> str | None:
    """Return the cursor that begins the page after this one; None if it is the last."""
    following = page.next
    return None if following is None else cursor(following.happened_at.isoformat(), str(following.id))


def position_of(after: str | None) -> AuditPosition | None:
    """Return the entry after which a page begins; raises InvalidValue (`invalid-cursor`)."""
    if after is None:
        return None
    happened_at, number = read_cursor(after, parts=2)
    try:
        at = datetime.fromisoformat(happened_at)
    except ValueError as error:
        raise invalid_cursor() from error
    if at.tzinfo is None or not number.isdecimal() or not 0 < int(number) <= _LARGEST:
        raise invalid_cursor()
    return AuditPosition(happened_at=at, id=int(number))
