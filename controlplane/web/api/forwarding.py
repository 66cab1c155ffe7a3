"""`/messages/{id}/forward` and `/messages/{id}/mail`: passing a message on, as key 8 does by phone."""

from __future__ import annotations

from uuid import uuid4

from fastapi import APIRouter, Request, Response

from controlplane.services import forwarding
from controlplane.services.forwarding import Asked
from controlplane.web.api.mailboxes import Deps
from controlplane.web.api.messages import MessageId
from controlplane.web.api.responses import body_problems, problems, with_etag
from controlplane.web.api.schemas_messages import ForwardedOut, ForwardTo, MessageOut
from controlplane.web.etag import resource
from controlplane.web.idempotency import Done, Repeating
from controlplane.web.paths import API
from controlplane.web.security import AnyAsking

router = APIRouter(prefix=f"{API}/messages/{{message_id}}", tags=["messages"])


@router.post(
    "/forward",
    status_code=201,
    response_model=ForwardedOut,
    responses=body_problems(),
)
async def forward_message(
    message_id: MessageId, body: ForwardTo, deps: Deps, asking: AnyAsking, repeating: Repeating
) -> Response:
    """Put a copy of a message into another mailbox; the original stays as it is."""

    async def work() -> Done:
        copy = await forwarding.forward_message(
            deps.db,
            deps.jobs,
            deps.recordings,
            asked=Asked(
                tenant_id=asking.tenant_id,
                message_id=message_id,
                to=body.to,
                # Whoever dies between the copy and the answer makes no second copy afterwards.
                once=f"{asking.token_id} {repeating.key}" if repeating.key else str(uuid4()),
                member=asking.member,
            ),
            at=deps.clock(),
            by=asking.label,
        )
        answer = ForwardedOut.of(copy).model_dump_json()
        return Done(response=Response(answer, status_code=201, media_type="application/json"))

    return await repeating.once(work)


@router.post(
    "/mail",
    response_model=MessageOut,
    responses={**with_etag(), **problems(400, 409)},
)
async def mail_message(
    request: Request, message_id: MessageId, deps: Deps, asking: AnyAsking, repeating: Repeating
) -> Response:
    """Mail a message to all recipients of its mailbox, again where it was mailed, and answer with it."""

    async def work() -> Done:
        view = await forwarding.mail_message(
            deps.db,
            deps.jobs,
            tenant_id=asking.tenant_id,
            message_id=message_id,
            by=asking.label,
            member=asking.member,
        )
        return Done(response=resource(request, MessageOut.of(view), view.message.version))

    return await repeating.once(work)
