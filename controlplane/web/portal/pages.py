"""Puts the portal together: its pages, its files, and the way to it."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, FastAPI, Request, Response

from controlplane.web.portal import (
    account_page,
    audit_page,
    call_queues_page,
    calls_page,
    destination_picker,
    events,
    exception_page,
    exceptions_page,
    extensions_page,
    feature_codes_page,
    findings_page,
    forward_page,
    greeting_effective_page,
    greeting_try_page,
    greetings_page,
    health_page,
    holidays_page,
    import_page,
    inbound_rules_page,
    link_page,
    mail_words_page,
    mailbox_delete_page,
    mailbox_members_page,
    mailbox_settings_page,
    mailboxes_page,
    mails_page,
    message_page,
    office_hours_page,
    phone_page,
    publishing_page,
    quarantine_page,
    receptionist_keys_page,
    ring_groups_page,
    settings_page,
    sign_in_page,
    simulator_page,
    spoken_name_page,
    teams_page,
    tenants_page,
    tokens_page,
    trunks_page,
    user_page,
    users_page,
    virtual_receptionists_page,
    voicemail_page,
    welcome_page,
)
from controlplane.web.portal.access import Anybody
from controlplane.web.portal.addresses import PREFIX
from controlplane.web.portal.routes import nothing_here, page_router
from controlplane.web.portal.together import Together
from controlplane.web.portal.visits import Portal, Visit

_PAGES: Final = (
    # First those with addresses that look like a number or an id, such as `/mailboxes/selected`.
    mailboxes_page,
    users_page,
    account_page,
    audit_page,
    call_queues_page,
    calls_page,
    destination_picker,
    events,
    exception_page,
    exceptions_page,
    extensions_page,
    feature_codes_page,
    findings_page,
    forward_page,
    greeting_effective_page,
    greeting_try_page,
    greetings_page,
    health_page,
    holidays_page,
    import_page,
    inbound_rules_page,
    link_page,
    mailbox_delete_page,
    mail_words_page,
    mailbox_members_page,
    mailbox_settings_page,
    mails_page,
    message_page,
    office_hours_page,
    phone_page,
    publishing_page,
    quarantine_page,
    receptionist_keys_page,
    ring_groups_page,
    settings_page,
    sign_in_page,
    simulator_page,
    spoken_name_page,
    teams_page,
    tenants_page,
    tokens_page,
    trunks_page,
    user_page,
    virtual_receptionists_page,
    voicemail_page,
    welcome_page,
)


def add_portal(app: FastAPI, public_url: str) -> None:
    """Add the portal to the app; the root leads to it."""
    portal = Portal(public_url)
    app.state.portal = portal
    app.state.together = Together[str]()
    app.include_router(_ways())
    app.include_router(portal.files.routes(PREFIX))
    for page in _PAGES:
        app.include_router(page.router)
    app.include_router(nothing_here())


def _ways() -> APIRouter:
    router = page_router()

    @router.get("/")
    @router.get(PREFIX)
    async def to_the_portal(request: Request) -> Response:
        return Visit.of(request).go("/")

    @router.get(f"{PREFIX}/")
    async def home(visit: Anybody) -> Response:
        return visit.go(await welcome_page.start_path(visit) if visit.person.admin else "/mailboxes")

    return router
