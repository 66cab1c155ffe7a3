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
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Request

from controlplane.domain.errors import ControlPlaneError
from controlplane.services.user_sessions import read_session
from controlplane.web.deps import deps_of
from controlplane.web.errors import Forbidden
from controlplane.web.portal.forms import read_form
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


async def anybody(request: Request) -> Visit:
    """Return the visit of whoever is signed in, members too; raises SignInNeeded, Forbidden."""
    clear = session_secret(request)
    deps = deps_of(request)
    by = None if clear is None else await read_session(deps.db, clear, now=deps.clock())
    if clear is None or by is None:
        raise SignInNeeded
    request.state.signed_in = by
    visit = Visit.of(request, by=by, csrf=csrf_of(clear))
    if request.method not in _SAFE:
        _check_origin(request, visit.portal)
        visit.form = await read_form(request)
        given = request.headers.get(CSRF_HEADER) or visit.form.text(CSRF_FIELD)
        if not hmac.compare_digest(csrf_of(clear).encode(), given.encode("utf-8", "surrogatepass")):
            raise Forbidden("This form is of another session. Open the page again.", error_id="stale-form")
    return visit


async def inside(visit: Anybody) -> Visit:
    """Return the visit of an admin; raises Forbidden for members."""
    if not visit.person.admin:
        raise Forbidden("This is for admins.", error_id="admins-only")
    return visit


async def system_admin(visit: Inside) -> Visit:
    """Return the visit of a system admin; raises Forbidden."""
    if not visit.person.system:
        raise Forbidden("This is for system admins.", error_id="not-allowed")
    return visit


Outside = Annotated[Visit, Depends(outside)]
Anybody = Annotated[Visit, Depends(anybody)]
Inside = Annotated[Visit, Depends(inside)]
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
