"""Signing in with user name and password, and signing out."""

from __future__ import annotations

from fastapi import Response

from controlplane.domain.errors import DomainError
from controlplane.services.sign_in import TooManyTries, WrongPassword, sign_in
from controlplane.services.user_sessions import read_session, sign_out
from controlplane.web.errors import status_of
from controlplane.web.portal.access import Anybody, Outside, session_secret
from controlplane.web.portal.addresses import PREFIX, safe_next
from controlplane.web.portal.forms import Fault, Faults
from controlplane.web.portal.routes import page_router
from controlplane.web.portal.visits import Visit

router = page_router()


@router.get(f"{PREFIX}/sign-in")
async def sign_in_page(visit: Outside) -> Response:
    """Show the form; who is signed in goes on at once."""
    wanted = visit.request.query_params.get("next", "")
    clear = session_secret(visit.request)
    if clear is not None and await read_session(visit.deps.db, clear, now=visit.deps.clock()):
        return _on(visit, wanted)
    return _form(visit, wanted)


@router.post(f"{PREFIX}/sign-in")
async def sign_in_by_password(visit: Outside) -> Response:
    """Sign in and go on to the page that was wanted."""
    form, deps = visit.form, visit.deps
    client = visit.request.client
    try:
        clear = await sign_in(
            deps.db,
            deps.passwords,
            user_name=form.text("user_name"),
            password=form.password("password"),
            address=None if client is None else client.host,
            replaces=session_secret(visit.request),
            now=deps.clock(),
        )
    except (WrongPassword, TooManyTries) as error:
        return _refused(visit, error)
    return visit.signed_in(_on(visit, form.text("next")), clear)


@router.post(f"{PREFIX}/sign-out")
async def sign_out_here(visit: Anybody) -> Response:
    """End this session."""
    clear = session_secret(visit.request)
    assert clear is not None
    await sign_out(visit.deps.db, clear)
    return visit.signed_out(visit.go("/sign-in", notice="signed-out"))


def _on(visit: Visit, wanted: str) -> Response:
    return visit.go_to(safe_next(visit.portal.base, wanted) or f"{visit.portal.base}/")


def _refused(visit: Visit, error: DomainError) -> Response:
    headers = {}
    text = visit.words.error(error)
    if isinstance(error, TooManyTries):
        seconds = int(str(error.details["seconds"]))
        headers["Retry-After"] = str(seconds)
        text = visit.words("sign-in.wait", time=visit.words.waiting(seconds))
    faults = Faults([Fault(field="", text=text)])
    return _form(visit, visit.form.text("next"), faults=faults, status=status_of(error), headers=headers)


def _form(
    visit: Visit,
    wanted: str,
    *,
    faults: Faults | None = None,
    status: int = 200,
    headers: dict[str, str] | None = None,
) -> Response:
    return visit.page(
        "sign_in.html",
        status=status,
        headers=headers,
        faults=faults,
        wanted=safe_next(visit.portal.base, wanted) or "",
    )
