"""Puts the portal together: its pages, its files, and the way to it."""

from __future__ import annotations

from fastapi import APIRouter, FastAPI, Request, Response

from controlplane.web.portal import (
    account_page,
    events,
    greeting_try_page,
    greetings_page,
    link_page,
    mailbox_delete_page,
    mailbox_settings_page,
    mailboxes_page,
    message_page,
    sign_in_page,
    tenants_page,
    users_page,
    voicemail_page,
)
from controlplane.web.portal.access import Inside
from controlplane.web.portal.addresses import PREFIX
from controlplane.web.portal.routes import nothing_here, page_router
from controlplane.web.portal.together import Together
from controlplane.web.portal.visits import Portal, Visit


def add_portal(app: FastAPI, public_url: str) -> None:
    """Add the portal to the app; the root leads to it."""
    portal = Portal(public_url)
    app.state.portal = portal
    app.state.together = Together()
    app.include_router(_ways())
    app.include_router(portal.files.routes(PREFIX))
    for page in (
        sign_in_page,
        link_page,
        mailboxes_page,
        mailbox_settings_page,
        mailbox_delete_page,
        account_page,
        users_page,
        tenants_page,
    ):
        app.include_router(page.router)
    for page in (voicemail_page, message_page, events, greetings_page, greeting_try_page):
        app.include_router(page.router)
    app.include_router(nothing_here())


def _ways() -> APIRouter:
    router = page_router()

    @router.get("/")
    @router.get(PREFIX)
    async def to_the_portal(request: Request) -> Response:
        return Visit.of(request).go("/")

    @router.get(f"{PREFIX}/")
    async def home(visit: Inside) -> Response:
        return visit.go("/mailboxes")

    return router
