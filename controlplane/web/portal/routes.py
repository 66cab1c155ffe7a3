"""Routes of pages: an error of a page is a page too, in the words of whoever sees it."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import structlog
from fastapi import APIRouter, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from controlplane.domain.errors import ControlPlaneError, DomainError, NotFound, Unavailable
from controlplane.web.errors import RETRY_SECONDS, TooLarge, request_id_of, status_of
from controlplane.web.portal.access import SignInNeeded, csrf_of, note_who_is_there, session_secret
from controlplane.web.portal.addresses import PREFIX, safe_next, sign_in_address
from controlplane.web.portal.visits import Visit

_NOT_THEIRS = frozenset({"not-allowed", "admins-only", "right-needed"})
"""What is refused because of who asks, and not because of where a form came from."""
Handler = Callable[[Request], Coroutine[Any, Any, Response]]
_TITLES = {403: "forbidden", 404: "not-found", 410: "not-found", 413: "too-large", 503: "unavailable"}


class PageRoute(APIRoute):
    """A route whose errors are pages."""

    def get_route_handler(self) -> Handler:
        """Return what answers a request."""
        handler = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                return await handler(request)
            except SignInNeeded:
                return _sign_in(request)
            except RequestValidationError:
                # An address or a query that no page of ours leads to.
                return sorry(request, NotFound("There is no such page.", error_id="no-such-page"))
            except ControlPlaneError as error:
                return sorry(request, error)
            except HTTPException as error:
                if error.status_code != HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
                    raise
                return sorry(request, TooLarge("This is larger than what is taken here."))
            except Exception:
                log = structlog.get_logger()
                log.exception("http.failed", request_id=str(request_id_of(request)))
                return sorry(request, None)

        return answer


def page_router() -> APIRouter:
    """Return a router of pages; each names its whole path, which begins with the portal's."""
    return APIRouter(include_in_schema=False, route_class=PageRoute)


def sorry(request: Request, error: ControlPlaneError | None) -> Response:
    """Answer with a page about an error; None for one that nobody expected."""
    by = getattr(request.state, "signed_in", None)
    clear = session_secret(request)
    visit = Visit.of(request, by=by, csrf=None if clear is None else csrf_of(clear))
    status = 500 if error is None else status_of(error)
    kind = _TITLES.get(status, "failed" if error is None else "refused")
    if isinstance(error, DomainError) and error.error_id in _NOT_THEIRS:
        kind = "not-theirs"
    words = visit.words
    text = words(f"problems.{kind}.text")
    if isinstance(error, DomainError) and words.has(f"errors.{error.error_id}"):
        text = words.error(error)
    remedy = f"problems.{kind}.remedy"
    fails = status >= HTTPStatus.INTERNAL_SERVER_ERROR and request.method == "GET"
    return visit.page(
        "sorry.html",
        status=status,
        headers={"Retry-After": RETRY_SECONDS} if isinstance(error, Unavailable) else None,
        title=words(f"problems.{kind}.title"),
        text=text,
        remedy=words(remedy) if by is not None and words.has(remedy) else None,
        again=_here(visit) if fails else None,
        back=None if by is None else _page_before(visit),
        request_id=str(request_id_of(request)) if error is None else None,
    )


def nothing_here() -> APIRouter:
    """Return the route of every address of the portal that has no page; the last one to include."""
    router = page_router()

    @router.api_route(PREFIX + "/{_rest:path}", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
    async def no_such_page(request: Request, _rest: str) -> Response:
        await note_who_is_there(request)
        raise NotFound("There is no such page.", error_id="no-such-page")

    return router


def _sign_in(request: Request) -> Response:
    visit = Visit.of(request)
    wanted = _here(visit) if request.method == "GET" and not visit.by_htmx else None
    return visit.go_to(sign_in_address(visit.portal.base, wanted))


def _here(visit: Visit) -> str | None:
    """Return the address that was asked for, as a browser has it."""
    url = visit.request.url
    query = f"?{url.query}" if url.query else ""
    return safe_next(visit.portal.base, f"{visit.portal.base}{url.path.removeprefix(PREFIX)}{query}")


def _page_before(visit: Visit) -> str | None:
    """Return the page of ours that led here, if it is another one."""
    try:
        came = urlsplit(visit.request.headers.get("referer", ""))
    except ValueError:
        return None
    if came.netloc not in {visit.request.headers.get("host"), urlsplit(visit.portal.public_url).netloc}:
        return None
    address = safe_next(visit.portal.base, came.path + (f"?{came.query}" if came.query else ""))
    return None if visit.request.method == "GET" and address == _here(visit) else address
