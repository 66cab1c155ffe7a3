"""`/mailboxes/{number}/listeners`: who listens to which message of a mailbox now."""

from __future__ import annotations

from fastapi import APIRouter

from controlplane.services.colleagues import listeners_of_mailbox
from controlplane.web.api.mailboxes import Deps, NumberPath
from controlplane.web.api.responses import problems
from controlplane.web.api.schemas_listeners import ListenerList, ListenerOut
from controlplane.web.paths import API
from controlplane.web.security import AnyAsking

router = APIRouter(prefix=f"{API}/mailboxes/{{number}}/listeners", tags=["messages"])


@router.get("", response_model=ListenerList, responses=problems(404))
async def list_listeners(number: NumberPath, deps: Deps, asking: AnyAsking) -> ListenerList:
    """List who listens to which message now, by phone or in the portal; who began first is first."""
    found = await listeners_of_mailbox(deps.db, asking.tenant_id, number, member=asking.member)
    return ListenerList(items=[ListenerOut.of(one) for one in found])
