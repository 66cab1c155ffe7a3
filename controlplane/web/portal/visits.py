"""What a page works with: who visits it, in which language, and how it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit
from uuid import UUID

from fastapi import Request, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from controlplane.services.configuration_state import Brief
from controlplane.services.user_sessions import LONGEST, SignedIn
from controlplane.web.deps import WebDeps, deps_of
from controlplane.web.pages import preferred
from controlplane.web.portal.addresses import base_of
from controlplane.web.portal.forms import Faults, Form
from controlplane.web.portal.navigation import groups_for
from controlplane.web.portal.notices import COOKIE as NOTICE_COOKIE
from controlplane.web.portal.notices import Notice, packed, unpacked
from controlplane.web.portal.object_pages import page_of
from controlplane.web.portal.static_files import StaticFiles
from controlplane.web.portal.words import Catalogues, Words

_SEE_OTHER = 303
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src 'self'; "
        "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    # With `no-referrer`, as elsewhere, browsers would not say where a form comes from.
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}


@cache
def _templates() -> Environment:
    """Return the templates, which are compiled once: they know nothing of an installation."""
    return Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


class Portal:
    """What all pages share: templates, words, files, and where the portal is."""

    def __init__(self, public_url: str) -> None:
        self.public_url = public_url
        self.base = base_of(public_url)
        self.https = public_url.startswith("https:")
        port = urlsplit(public_url).port
        # Browsers keep cookies by host and not by port: several instances on one machine have one each.
        self.cookie = "__Host-shared-voicemail" if self.https else f"shared-voicemail-{port or 80}"
        self.catalogues = Catalogues()
        self.files = StaticFiles(self.base)

    def render(self, template: str, values: Mapping[str, Any]) -> str:
        """Return a page as text."""
        page = _templates().get_template(template)
        return page.render({**values, "base": self.base, "asset": self.files.address, "page_of": page_of})


def portal_of(request: Request) -> Portal:
    """Return the portal of the app of this request."""
    return cast("Portal", request.app.state.portal)


@dataclass(slots=True, kw_only=True)
class Visit:
    """A request for a page; `by` is who is signed in, `csrf` what their forms must send.

    `brief` is what the frame tells of publishing, None on a part of a page.
    """

    request: Request
    deps: WebDeps
    portal: Portal
    words: Words
    by: SignedIn | None = None
    csrf: str | None = None
    form: Form = field(default_factory=Form)
    brief: Brief | None = None

    @classmethod
    def of(cls, request: Request, *, by: SignedIn | None = None, csrf: str | None = None) -> Visit:
        """Make the visit of a request: the user's language, else what the browser prefers."""
        portal = portal_of(request)
        language = None if by is None else by.user.language
        browser = preferred(request.headers.get("accept-language", ""))
        return cls(
            request=request,
            deps=deps_of(request),
            portal=portal,
            words=portal.catalogues.of(language, *browser),
            by=by,
            csrf=csrf,
        )

    @property
    def person(self) -> SignedIn:
        """Who is signed in, on a page that nobody else gets."""
        assert self.by is not None
        return self.by

    @property
    def scope(self) -> UUID | None:
        """The tenant whose users may be managed; None for everybody's."""
        return None if self.person.system else self.person.tenant_id

    @property
    def by_htmx(self) -> bool:
        """Whether a part of a page is asked for by script."""
        return self.request.headers.get("hx-request") == "true"

    def page(
        self,
        template: str,
        *,
        section: str = "",
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        faults: Faults | None = None,
        **values: object,
    ) -> Response:
        """Answer with a page; `section` is its entry in the menu. A notice is shown, once."""
        kept = self.request.cookies.get(NOTICE_COOKIE)
        notice = None if kept is None else unpacked(kept)
        text = self.portal.render(
            template,
            {
                "t": self.words,
                "by": self.by,
                "csrf": self.csrf,
                "groups": [] if self.by is None else groups_for(self.by),
                "section": section,
                "brief": self.brief,
                "notice": None if notice is None else notice.in_words(self.words),
                "faults": faults or Faults(),
                "form": self.form,
                **values,
            },
        )
        response = Response(
            text, int(status), media_type="text/html", headers={**_HEADERS, **(headers or {})}
        )
        if kept is not None:
            response.delete_cookie(NOTICE_COOKIE, path="/", httponly=True, samesite="strict")
        return response

    def go(self, path: str, *, notice: str | None = None, **values: str) -> Response:
        """Answer a form by sending the browser to a page of the portal, which tells the notice.

        `path` begins with `/` and is below the portal.
        """
        return self.go_to(f"{self.portal.base}{path}", notice=notice, **values)

    def go_to(self, address: str, *, notice: str | None = None, **values: str) -> Response:
        """Do the same for a whole address of ours."""
        # Script follows a redirect by itself and would put a whole page into a part of one.
        response = (
            Response(headers={**_HEADERS, "HX-Redirect": address})
            if self.by_htmx
            else Response(status_code=_SEE_OTHER, headers={**_HEADERS, "Location": address})
        )
        if notice is not None:
            response.set_cookie(
                NOTICE_COOKIE,
                packed(Notice(key=notice, values=values)),
                max_age=60,
                path="/",
                secure=self.portal.https,
                httponly=True,
                samesite="strict",
            )
        return response

    def signed_in(self, response: Response, clear: str) -> Response:
        """Give the browser the secret of its session with an answer."""
        response.set_cookie(
            self.portal.cookie,
            clear,
            max_age=round(LONGEST.total_seconds()),
            path="/",
            secure=self.portal.https,
            httponly=True,
            samesite="lax",
        )
        return response

    def signed_out(self, response: Response) -> Response:
        """Take it away."""
        response.delete_cookie(
            self.portal.cookie, path="/", secure=self.portal.https, httponly=True, samesite="lax"
        )
        return response
