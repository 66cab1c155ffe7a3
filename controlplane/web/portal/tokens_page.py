"""API tokens: the list, making one, which is shown once, and revoking one."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import Response

from controlplane.domain.errors import InvalidValue
from controlplane.services.tokens import create_token, get_token, list_tokens, revoke_token
from controlplane.web.errors import status_of
from controlplane.web.portal.access import Inside
from controlplane.web.portal.addresses import PREFIX
from controlplane.web.portal.forms import Fault, Faults, faults_of
from controlplane.web.portal.routes import page_router
from controlplane.web.portal.values import typed_day

router = page_router()
_TOKENS = f"{PREFIX}/tokens"
_SYSTEM = "system"


@router.get(_TOKENS)
async def tokens_page(visit: Inside) -> Response:
    """List the tokens in force that this person manages."""
    tokens = await list_tokens(visit.deps.db, scope=visit.scope)
    return visit.page("tokens.html", section="tokens", tokens=tokens)


@router.get(f"{_TOKENS}/add")
async def add_token_page(visit: Inside) -> Response:
    """Show the form for a new token."""
    return visit.page("token_add.html", section="tokens")


@router.post(f"{_TOKENS}/add")
async def add_token(visit: Inside) -> Response:
    """Make a token and show it, once."""
    form, by = visit.form, visit.person
    for_all = by.system and form.text("for") == _SYSTEM
    typed = form.text("expires_at").strip()
    day = typed_day(typed)
    if typed and day is None:
        faults = Faults([Fault(field="expires_at", text=visit.words("tokens.no-such-day"))])
        return visit.page("token_add.html", section="tokens", faults=faults, status=422)
    # The token works on the day that is named.
    ends = None if day is None else datetime.combine(day + timedelta(days=1), time(), ZoneInfo(by.time_zone))
    try:
        _, clear = await create_token(
            visit.deps.db,
            name=form.text("name"),
            tenant=None if for_all else by.tenant_name,
            expires_at=ends,
            by=by.label,
        )
    except InvalidValue as error:
        faults = faults_of(error, visit.words)
        return visit.page("token_add.html", section="tokens", faults=faults, status=status_of(error))
    return visit.page(
        "token_made.html",
        section="tokens",
        name=form.text("name").strip(),
        clear=clear,
        public_url=visit.portal.public_url,
    )


@router.post(_TOKENS + "/{token_id}/revoke")
async def revoke(visit: Inside, token_id: UUID) -> Response:
    """Ask once, then end a token."""
    token = await get_token(visit.deps.db, token_id=token_id, scope=visit.scope)
    if not visit.form.ticked("sure"):
        return visit.page(
            "question.html",
            section="tokens",
            title=visit.words("tokens.revoke-title", name=token.name),
            text=visit.words("tokens.revoke-text"),
            button=visit.words("tokens.revoke"),
            back="/tokens",
            kept={},
        )
    await revoke_token(visit.deps.db, token_id=token_id, by=visit.person.label)
    return visit.go("/tokens", notice="token-revoked", name=token.name)
