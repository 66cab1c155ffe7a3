"""`/extensions`: the accounts of SIP phones."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from controlplane.services import extensions
from controlplane.services.routing import extension_rules
from controlplane.web.api.mailboxes import Deps
from controlplane.web.api.responses import body_problems, not_modified, problems, with_etag
from controlplane.web.api.schemas import (
    ExtensionIn,
    ExtensionOut,
    ExtensionPage,
    ExtensionPatch,
    ExtensionWithPassword,
)
from controlplane.web.api.schemas_extension_rules import ExtensionRulesIn, ExtensionRulesOut
from controlplane.web.etag import IfMatch, IfNoneMatch, expected_version, resource
from controlplane.web.idempotency import Done, Repeating
from controlplane.web.paging import Paging, cursor, position
from controlplane.web.paths import API
from controlplane.web.security import Asking

router = APIRouter(prefix=f"{API}/extensions", tags=["extensions"])

NumberPath = Annotated[str, Path(description="The number of the extension.", examples=["101"])]


@router.post(
    "",
    status_code=201,
    response_model=ExtensionWithPassword,
    responses={**with_etag(201), **body_problems()},
)
async def create_extension(
    request: Request, body: ExtensionIn, deps: Deps, asking: Asking, repeating: Repeating
) -> Response:
    """Make an extension; its SIP password is shown this once, and not to a repeated request."""

    async def work() -> Done:
        wanted = body.sip_password
        extension, password = await extensions.create_extension(
            deps.db,
            deps.jobs,
            tenant_id=asking.tenant_id,
            number=body.number,
            display_name=body.display_name,
            sip_password=None if wanted is None else wanted.get_secret_value(),
            realm=deps.realm,
            by=asking.label,
        )
        shown = ExtensionWithPassword.with_password(extension, password)
        # The stored answer goes without the password: nothing that opens a phone is kept in clear.
        kept = ExtensionWithPassword.with_password(extension, None).model_dump_json().encode()
        response = resource(
            request,
            shown,
            extension.version,
            status=201,
            location=f"{API}/extensions/{extension.number}",
        )
        response.headers["Cache-Control"] = "no-store"
        return Done(response=response, kept_body=kept)

    return await repeating.once(work)


@router.get("", response_model=ExtensionPage, responses=problems())
async def list_extensions(deps: Deps, asking: Asking, paging: Annotated[Paging, Query()]) -> ExtensionPage:
    """List extensions."""
    page = await extensions.list_extensions(
        deps.db,
        tenant_id=asking.tenant_id,
        q=paging.q,
        limit=paging.limit,
        after=position(paging.after),
    )
    return ExtensionPage(
        items=[ExtensionOut.of(extension) for extension in page.items],
        next=cursor(page.items[-1].number) if page.more else None,
    )


@router.get(
    "/{number}", response_model=ExtensionOut, responses={**with_etag(), **not_modified(), **problems()}
)
async def get_extension(
    request: Request, number: NumberPath, deps: Deps, asking: Asking, _: IfNoneMatch = None
) -> Response:
    """Read an extension."""
    extension = await extensions.get_extension(deps.db, tenant_id=asking.tenant_id, number=number)
    return resource(request, ExtensionOut.of(extension), extension.version)


@router.patch(
    "/{number}", response_model=ExtensionWithPassword, responses={**with_etag(), **body_problems(412)}
)
async def change_extension(
    request: Request,
    *,
    number: NumberPath,
    body: ExtensionPatch,
    deps: Deps,
    asking: Asking,
    if_match: IfMatch = None,
) -> Response:
    """Change an extension; `"sip_password": null` makes a new password and shows it once."""
    extension, password = await extensions.update_extension(
        deps.db,
        deps.jobs,
        tenant_id=asking.tenant_id,
        number=number,
        changes=body.changes(),
        realm=deps.realm,
        by=asking.label,
        expected_version=expected_version(if_match),
    )
    shown = ExtensionWithPassword.with_password(extension, password)
    response = resource(request, shown, extension.version)
    response.headers["Cache-Control"] = "no-store"
    return response


@router.delete("/{number}", status_code=204, responses=problems(400, 412))
async def delete_extension(number: NumberPath, deps: Deps, asking: Asking, if_match: IfMatch = None) -> None:
    """Remove an extension; its number is free."""
    await extensions.delete_extension(
        deps.db,
        deps.jobs,
        tenant_id=asking.tenant_id,
        number=number,
        by=asking.label,
        expected_version=expected_version(if_match),
    )


@router.get(
    "/{number}/rules",
    response_model=ExtensionRulesOut,
    responses={**with_etag(), **not_modified(), **problems()},
)
async def get_extension_rules(
    request: Request, number: NumberPath, deps: Deps, asking: Asking, _: IfNoneMatch = None
) -> Response:
    """Read the call forward rules of an extension, in the order in which they are asked."""
    rules, version = await extension_rules.get_rules(deps.db, tenant_id=asking.tenant_id, number=number)
    return resource(request, ExtensionRulesOut.of(rules), version)


@router.put(
    "/{number}/rules",
    response_model=ExtensionRulesOut,
    responses={**with_etag(), **body_problems(412)},
)
async def put_extension_rules(
    request: Request,
    *,
    number: NumberPath,
    body: ExtensionRulesIn,
    deps: Deps,
    asking: Asking,
    if_match: IfMatch = None,
) -> Response:
    """Set all call forward rules of an extension; the next call meets them."""
    rules, version = await extension_rules.put_rules(
        deps.db,
        deps.jobs,
        tenant_id=asking.tenant_id,
        number=number,
        rules=body.value(),
        by=asking.label,
        expected_version=expected_version(if_match),
    )
    return resource(request, ExtensionRulesOut.of(rules), version)
