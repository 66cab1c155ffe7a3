"""API tokens: the list, making one for a program or for a user, which is shown once, and revoking one."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import Response

from controlplane.domain.errors import InvalidValue, NotFound
from controlplane.services.tokens import KnownToken, create_token, get_token, list_tokens, revoke_token
from controlplane.web.errors import status_of
from controlplane.web.portal.access import Inside
from controlplane.web.portal.addresses import PREFIX
from controlplane.web.portal.forms import Faults, faults_of
from controlplane.web.portal.people_choice import finds, users_to_choose
from controlplane.web.portal.routes import page_router
from controlplane.web.portal.values import typed_day
from controlplane.web.portal.visits import Visit

router = page_router()
_TOKENS: Final = f"{PREFIX}/tokens"
_SYSTEM: Final = "system"


@router.get(_TOKENS)
async def tokens_page(visit: Inside) -> Response:
    """List the tokens in force that this person manages."""
    tokens = await list_tokens(visit.deps.db, scope=visit.scope)
    return visit.page("tokens.html", section="tokens", tokens=tokens)


@router.get(f"{_TOKENS}/add")
async def add_token_page(visit: Inside) -> Response:
    """Show the form for a new token."""
    return await _form(visit)


@router.post(f"{_TOKENS}/add")
async def add_token(visit: Inside) -> Response:
    """Make a token and show it, once; or look for a user that it may be for."""
    form, by = visit.form, visit.person
    if finds(visit):
        return await _form(visit)
    user = form.text("user").strip() or None
    # Who chose a user too meant no more than that user may do.
    for_all = by.system and form.text("for") == _SYSTEM and user is None
    try:
        clear = await make_token(visit, tenant=None if for_all else by.tenant_name, user=user)
    except (InvalidValue, NotFound) as error:
        return await _form(visit, faults=faults_of(error, visit.words), status=status_of(error))
    return token_made(visit, clear, section="tokens", back="/tokens")


@router.post(_TOKENS + "/{token_id}/revoke")
async def revoke(visit: Inside, token_id: UUID) -> Response:
    """Ask once, then end a token."""
    token = await get_token(visit.deps.db, token_id=token_id, scope=visit.scope)
    return await revoke_asked(visit, token, section="tokens", back="/tokens")


async def make_token(visit: Visit, *, tenant: str | None, user: str | None) -> str:
    """Make the token of a form and return it in clear; raises InvalidValue, NotFound."""
    day = typed_day(wanted) if (wanted := visit.form.text("expires_at").strip()) else None
    if wanted and day is None:
        raise InvalidValue("This is no day.", error_id="no-such-day", field="expires_at")
    # The token works on the day that is named.
    zone = ZoneInfo(visit.person.time_zone)
    ends = None if day is None else datetime.combine(day + timedelta(days=1), time(), zone)
    _, clear = await create_token(
        visit.deps.db,
        name=visit.form.text("name"),
        tenant=tenant,
        user=user,
        expires_at=ends,
        by=visit.person.label,
    )
    return clear


def token_made(visit: Visit, clear: str, *, section: str, back: str) -> Response:
    """Show a new token; it is in no address, and never shown again."""
    return visit.page(
        "token_made.html",
        section=section,
        name=visit.form.text("name").strip(),
        clear=clear,
        back=back,
        public_url=visit.portal.public_url,
    )


async def revoke_asked(visit: Visit, token: KnownToken, *, section: str, back: str) -> Response:
    """Ask once, then end a token."""
    if not visit.form.ticked("sure"):
        return visit.page(
            "question.html",
            section=section,
            title=visit.words("tokens.revoke-title", name=token.name),
            text=visit.words("tokens.revoke-text"),
            button=visit.words("tokens.revoke"),
            back=back,
            kept={},
        )
    await revoke_token(visit.deps.db, token_id=token.id, by=visit.person.label)
    return visit.go(back, notice="token-revoked", name=token.name)


async def _form(visit: Visit, *, faults: Faults | None = None, status: int = 200) -> Response:
    return visit.page(
        "token_add.html",
        section="tokens",
        faults=faults,
        status=status,
        people=await users_to_choose(visit, [visit.form.text("user")]),
    )
