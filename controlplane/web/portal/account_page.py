"""One's own account: name, language, password, where one is signed in, and one's own tokens."""

from __future__ import annotations

from uuid import UUID

from fastapi import Response

from controlplane.domain.errors import InvalidValue
from controlplane.domain.password import MIN_LENGTH
from controlplane.services.tokens import get_token, list_tokens
from controlplane.services.user_sessions import count_sessions, sign_out_elsewhere
from controlplane.services.users import change_own_password, update_user
from controlplane.web.errors import status_of
from controlplane.web.portal.access import Anybody
from controlplane.web.portal.addresses import PREFIX
from controlplane.web.portal.forms import Fault, Faults, faults_of
from controlplane.web.portal.routes import page_router
from controlplane.web.portal.tokens_page import make_token, revoke_asked, token_made
from controlplane.web.portal.visits import Visit

router = page_router()


@router.get(f"{PREFIX}/account")
async def account_page(visit: Anybody) -> Response:
    """Show the account."""
    return await _page(visit)


@router.post(f"{PREFIX}/account")
async def change_account(visit: Anybody) -> Response:
    """Change name, language and what playing does."""
    form, by = visit.form, visit.person
    try:
        await update_user(
            visit.deps.db,
            by.user.id,
            changes={
                "display_name": form.text("display_name"),
                "language": form.text("language") or None,
                "played_is_read": form.ticked("played_is_read"),
            },
            scope=None,
            by=by.label,
        )
    except InvalidValue as error:
        return await _page(visit, faults=faults_of(error, visit.words), status=status_of(error))
    return visit.go("/account", notice="account-saved")


@router.post(f"{PREFIX}/account/password")
async def change_password(visit: Anybody) -> Response:
    """Set another password; every other browser is signed out."""
    form, words = visit.form, visit.words
    if form.text("new_password") != form.text("password_again"):
        fault = Fault(field="password_again", text=words("errors.passwords-differ"))
        return await _page(visit, password_faults=Faults([fault]), status=422)
    try:
        await change_own_password(
            visit.deps.db,
            visit.deps.passwords,
            old=form.password("old_password"),
            new=form.password("new_password"),
            by=visit.person,
        )
    except InvalidValue as error:
        return await _page(visit, password_faults=faults_of(error, words), status=status_of(error))
    return visit.go("/account", notice="password-changed")


@router.post(f"{PREFIX}/account/sign-out-elsewhere")
async def end_other_sessions(visit: Anybody) -> Response:
    """Sign out in every other browser."""
    await sign_out_elsewhere(visit.deps.db, visit.person)
    return visit.go("/account", notice="signed-out-elsewhere")


@router.post(f"{PREFIX}/account/tokens")
async def add_own_token(visit: Anybody) -> Response:
    """Make a token with one's own rights and show it, once."""
    try:
        clear = await make_token(visit, tenant=None, user=visit.person.user.user_name)
    except InvalidValue as error:
        return await _page(visit, token_faults=faults_of(error, visit.words), status=status_of(error))
    return token_made(visit, clear, section="account", back="/account")


@router.post(PREFIX + "/account/tokens/{token_id}/revoke")
async def revoke_own_token(visit: Anybody, token_id: UUID) -> Response:
    """Ask once, then end a token of one's own."""
    own = visit.person.user.id
    token = await get_token(visit.deps.db, token_id=token_id, scope=None, user_id=own)
    return await revoke_asked(visit, token, section="account", back="/account")


async def _page(
    visit: Visit,
    *,
    faults: Faults | None = None,
    password_faults: Faults | None = None,
    token_faults: Faults | None = None,
    status: int = 200,
) -> Response:
    by = visit.person
    sent = visit.form if faults is not None else None
    return visit.page(
        "account.html",
        section="account",
        status=status,
        faults=faults,
        password_faults=password_faults or Faults(),
        token_faults=token_faults or Faults(),
        tokens=await list_tokens(visit.deps.db, user_id=by.user.id),
        display_name=by.user.display_name if sent is None else sent.text("display_name"),
        language=(by.user.language or "") if sent is None else sent.text("language"),
        languages=visit.portal.catalogues.languages,
        played_is_read=by.user.played_is_read if sent is None else sent.ticked("played_is_read"),
        others=await count_sessions(visit.deps.db, by, now=visit.deps.clock()) - 1,
        least=MIN_LENGTH,
    )
