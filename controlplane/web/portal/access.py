"""Who may open a page, and that a form was sent from one of ours.

A page is for admins (`Inside`), unless it says that members of mailboxes get it too (`Anybody`): such a page
gives their rights to the services that it calls.

Every form is sent by a page of this origin, which the browser says (`Sec-Fetch-Site`, `Origin`), and
holds a token that belongs to the session. Where nobody is signed in yet there is no session to
misuse, and the origin decides.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Request

from controlplane.domain.errors import ControlPlaneError, Unavailable
from controlplane.services.configuration_state import read_brief
from controlplane.services.user_sessions import read_session
from controlplane.web.deps import deps_of
from controlplane.web.errors import Forbidden
from controlplane.web.portal.forms import read_form, reading_files
from controlplane.web.portal.visits import Portal, Visit, portal_of

CSRF_FIELD, CSRF_HEADER = "csrf", "x-csrf-token"
_SAFE = frozenset({"GET", "HEAD"})


class SignInNeeded(ControlPlaneError):
    """Nobody is signed in; the sign-in page is the answer."""


def csrf_of(clear: str) -> str:
    """Return the token of the forms of a session."""
    return hmac.digest(clear.encode("utf-8", "surrogatepass"), b"csrf", hashlib.sha256).hex()


def session_secret(request: Request) -> str | None:
    """Return what the browser holds; it may be anything."""
    return request.cookies.get(portal_of(request).cookie)


async def outside(request: Request) -> Visit:
    """Return the visit of a page for which nobody needs to be signed in; raises Forbidden."""
    visit = Visit.of(request)
    if request.method not in _SAFE:
        _check_origin(request, visit.portal)
        visit.form = await read_form(request)
    return visit


async def note_who_is_there(request: Request) -> None:
    """Look who is signed in, if anybody is, for a page that everybody gets: its menu is theirs."""
    with suppress(SignInNeeded, Unavailable):
        await _signed_in(request)


async def anybody(request: Request) -> Visit:
    """Return the visit of whoever is signed in, members too; raises SignInNeeded, Forbidden."""
    visit = await _signed_in(request)
    if request.method not in _SAFE:
        _check_origin(request, visit.portal)
        visit.form = await read_form(request)
        _check_token(visit)
    return visit


async def anybody_with_files(request: Request) -> AsyncIterator[Visit]:
    """Give the visit of whoever is signed in, and may send a form with files, which are gone after it.

    Raises SignInNeeded, Forbidden; no byte of a body is read before it is known who sends it.
    """
    visit = await _signed_in(request)
    if request.method in _SAFE:
        yield visit
        return
    _check_origin(request, visit.portal)
    async with reading_files(request) as visit.form:
        _check_token(visit)
        yield visit


def _by_itself(request: Request) -> bool:
    """Say whether an open page asks that nobody need look at: its stream, or what brings it up to date."""
    streams = request.headers.get("accept", "").startswith("text/event-stream")
    return request.method in _SAFE and (streams or "x-live" in request.headers)


async def _signed_in(request: Request) -> Visit:
    clear = session_secret(request)
    deps = deps_of(request)
    by = (
        None
        if clear is None
        else await read_session(deps.db, clear, now=deps.clock(), in_use=not _by_itself(request))
    )
    if clear is None or by is None:
        raise SignInNeeded
    request.state.signed_in = by
    visit = Visit.of(request, by=by, csrf=csrf_of(clear))
    if by.admin and not visit.by_htmx and "text/html" in request.headers.get("accept", ""):
        # A whole page, and no part, stream or file.
        visit.brief = await read_brief(deps.db, by.tenant_id)
    return visit


async def inside(visit: Anybody) -> Visit:
    """Return the visit of an admin; raises Forbidden for members."""
    return _admins(visit)


async def inside_with_files(visit: AnybodyWithFiles) -> Visit:
    """Return the visit of an admin who may send a form with files; raises Forbidden for members."""
    return _admins(visit)


async def system_admin(visit: Inside) -> Visit:
    """Return the visit of a system admin; raises Forbidden."""
    if not visit.person.system:
        raise Forbidden("This is for system admins.", error_id="not-allowed")
    return visit


def _admins(visit: Visit) -> Visit:
    if not visit.person.admin:
        raise Forbidden("This is for admins.", error_id="admins-only")
    return visit


def _check_token(visit: Visit) -> None:
    """Let through a form of this session; raises Forbidden."""
    assert visit.csrf is not None
    given = visit.request.headers.get(CSRF_HEADER) or visit.form.text(CSRF_FIELD)
    if not hmac.compare_digest(visit.csrf.encode(), given.encode("utf-8", "surrogatepass")):
        raise Forbidden("This form is of another session. Open the page again.", error_id="stale-form")


Outside = Annotated[Visit, Depends(outside)]
Anybody = Annotated[Visit, Depends(anybody)]
AnybodyWithFiles = Annotated[Visit, Depends(anybody_with_files)]
Inside = Annotated[Visit, Depends(inside)]
InsideWithFiles = Annotated[Visit, Depends(inside_with_files)]
SystemAdmin = Annotated[Visit, Depends(system_admin)]


def _check_origin(request: Request, portal: Portal) -> None:
    """Let through what a page of this origin sent; raises Forbidden."""
    fetched = request.headers.get("sec-fetch-site")
    if fetched is not None:
        ours = fetched in {"same-origin", "none"}
    else:
        # Browsers say no more over plain HTTP. A proxy may change the host, but not the public address.
        origin = urlsplit(request.headers.get("origin", ""))
        ours = bool(origin.netloc) and origin.netloc in {
            request.headers.get("host"),
            urlsplit(portal.public_url).netloc,
        }
    if not ours:
        raise Forbidden("This form was sent from another site.", error_id="foreign-form")
