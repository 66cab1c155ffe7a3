"""Who asks: bearer tokens, and the tenant that a system token names.

A call is for admins and programs of a tenant (`Asking`), unless it says that the tokens of members of
mailboxes are let in too (`AnyAsking`): such a call gives their rights to the services.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Header, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from controlplane.services.tokens import Principal, authenticate
from controlplane.web.deps import deps_of
from controlplane.web.errors import Forbidden, Unauthorized, UnsupportedMediaType

_bearer = HTTPBearer(
    auto_error=False,
    scheme_name="token",
    description="Made by `controlplane create-token`; of one tenant, of a user, or a system token.",
)

TenantHeader = Annotated[
    str | None,
    Header(
        alias="X-Tenant",
        description="The name of a tenant; only a system token may name any. Default: `default`.",
    ),
]


async def principal_of(
    request: Request,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
    tenant: TenantHeader = None,
) -> Principal:
    """Return who asks; raises Unauthorized, or NotFound for a tenant that is not theirs."""
    if credentials is None:
        raise Unauthorized("Send a token: Authorization: Bearer svm_…")
    deps = deps_of(request)
    principal = await authenticate(deps.db, credentials.credentials, tenant=tenant, now=deps.clock())
    if principal is None:
        raise Unauthorized("This token is unknown, has expired, or was revoked.", error_id="invalid-token")
    request.state.principal = principal
    return principal


AnyAsking = Annotated[Principal, Depends(principal_of)]


async def admin_of(principal: AnyAsking) -> Principal:
    """Return who asks, if everything of the tenant is theirs; raises Forbidden."""
    if principal.member is not None:
        raise Forbidden("This needs a token of an admin of the tenant.", error_id="admin-needed")
    return principal


Asking = Annotated[Principal, Depends(admin_of)]


async def system_only(principal: Asking) -> None:
    """Let system tokens through; raises Forbidden."""
    if not principal.system:
        raise Forbidden("This needs a system token.", error_id="system-token-needed")


async def json_only(request: Request) -> None:
    """Let bodies of JSON through, and requests without a body; raises UnsupportedMediaType."""
    has_body = request.headers.get("content-length", "0") != "0" or "transfer-encoding" in request.headers
    if request.method not in {"POST", "PATCH", "PUT"} or not has_body:
        return
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type not in {"application/json", "application/merge-patch+json"}:
        raise UnsupportedMediaType("The body must be JSON (Content-Type: application/json).")
