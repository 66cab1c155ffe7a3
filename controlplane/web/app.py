"""The web app: the REST API, its description, the page of a message, the portal, and health."""

from __future__ import annotations

from functools import partial
from importlib.metadata import version
from typing import Any

from fastapi import APIRouter, Depends, FastAPI, Response
from fastapi.openapi.utils import get_openapi
from fastapi.responses import JSONResponse
from prometheus_client import CollectorRegistry, ProcessCollector

from controlplane.storage.mailbox_changes import MailboxChanges
from controlplane.web.api import (
    audit,
    call_queues,
    configuration,
    destinations,
    effective_greeting,
    extensions,
    feature_codes,
    forwarding,
    inbound_rules,
    languages,
    lint,
    listeners,
    mail_words,
    mailbox_greetings,
    mailboxes,
    mails,
    members,
    messages,
    numbers,
    office_hours,
    reserved_numbers,
    ring_groups,
    simulate,
    teams,
    tenants,
    transfer,
    trunks,
    users,
    virtual_receptionists,
)
from controlplane.web.api.fields import examples_of_schemas
from controlplane.web.audio import AudioFiles
from controlplane.web.deps import WebDeps
from controlplane.web.docs_page import docs_routes
from controlplane.web.edge import Edge, HttpFigures
from controlplane.web.errors import Problem, add_error_handlers
from controlplane.web.health import health_routes
from controlplane.web.message_page import message_routes
from controlplane.web.pages import Pages, static_routes
from controlplane.web.paths import API
from controlplane.web.portal.pages import add_portal
from controlplane.web.portal.watchers import Watchers
from controlplane.web.security import json_only, principal_of

_DESCRIPTION = """\
Provisioning of shared voicemail boxes, and their messages.

Send `Authorization: Bearer <token>` with every call; `controlplane create-token` makes one. A token \
belongs to one tenant; a system token names the tenant in `X-Tenant`.

Errors are problem documents (RFC 9457) with an `error_id`, a sentence for people, and the path of each \
field that is wrong. Lists come in pages: pass `next` as `after`. Times are UTC."""

_SUCCESS = {"200": "As it is now.", "201": "It was made.", "204": "It is gone."}


def create_app(deps: WebDeps) -> FastAPI:
    """Make the app; it opens and closes nothing of what it was given."""
    app = FastAPI(
        title="Shared Voicemail",
        version=version("shared-voicemail"),
        description=_DESCRIPTION,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        separate_input_output_schemas=False,
        generate_unique_id_function=lambda route: route.name,
    )
    app.openapi = partial(openapi, app)  # type: ignore[method-assign]  # as FastAPI documents it
    give(app, deps)
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    add_error_handlers(app)
    api = APIRouter(dependencies=[Depends(principal_of), Depends(json_only)])
    for resource in (
        mailboxes,
        mailbox_greetings,
        effective_greeting,
        listeners,
        members,
        messages,
        forwarding,
        reserved_numbers,
        destinations,
        numbers,
        extensions,
        ring_groups,
        call_queues,
        office_hours,
        feature_codes,
        virtual_receptionists,
        simulate,
        lint,
        inbound_rules,
        trunks,
        users,
        teams,
        mail_words,
        mails,
        tenants,
        languages,
        configuration,
        audit,
    ):
        api.include_router(resource.router)
    app.include_router(api)
    # Their bodies are no JSON.
    for resource_router in (transfer.router, virtual_receptionists.recordings, mailbox_greetings.recordings):
        app.include_router(resource_router, dependencies=[Depends(principal_of)])
    pages = Pages()
    app.include_router(_description(app))
    app.include_router(docs_routes(pages, app.openapi, public_url=deps.public_url))
    app.include_router(message_routes(pages))
    app.include_router(static_routes())
    app.include_router(health_routes(registry))
    add_portal(app, deps.public_url)
    app.add_middleware(
        Edge,
        max_body_bytes=deps.max_body_bytes,
        https=deps.public_url.startswith("https:"),
        figures=HttpFigures(registry),
    )
    return app


def give(app: FastAPI, deps: WebDeps) -> None:
    """Let requests to an app have these parts, in the place of others with the same address and limit."""
    app.state.deps = deps
    app.state.audio_files = AudioFiles(deps.recordings)
    app.state.mailbox_changes = MailboxChanges(deps.db)
    app.state.watchers = Watchers(deps.db, deps.clock)


def _description(app: FastAPI) -> APIRouter:
    router = APIRouter(prefix=API, include_in_schema=False)

    @router.get("/openapi.json")
    async def description() -> Response:
        return JSONResponse(app.openapi(), headers={"Cache-Control": "no-cache"})

    return router


def openapi(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI document, made once."""
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title,
            version=app.version,
            description=app.description,
            routes=app.routes,
            servers=[{"url": "/"}],
        )
        for operations in document["paths"].values():
            for operation in operations.values():
                _describe(operation)
        schemas = document["components"]["schemas"]
        problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas.update(problem.pop("$defs"))
        schemas["Problem"] = problem
        for name, examples in examples_of_schemas().items():
            # The library drops what is null, and sorts the keys.
            if name in schemas:
                schemas[name]["examples"] = examples
        app.openapi_schema = document
    return app.openapi_schema


def _describe(operation: dict[str, Any]) -> None:
    """Put sentences of ours where the library has words made from names."""
    operation["summary"] = operation.pop("description")
    for status, answer in operation["responses"].items():
        if answer["description"] == "Successful Response":
            answer["description"] = _SUCCESS[status]
