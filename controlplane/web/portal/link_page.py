"""What a one-time link opens: the first admin's form, a sign-in by one button, or a form for a password.

Opening the page uses nothing up: previews of links in chats and mails open them too. Its form does.
"""

from __future__ import annotations

from fastapi import Response

from controlplane.domain.errors import Conflict, InvalidValue
from controlplane.services.sign_in_links import (
    LinkPurpose,
    SignInLink,
    first_admin_by_link,
    read_link,
    set_password_by_link,
    sign_in_by_link,
)
from controlplane.web.errors import status_of
from controlplane.web.portal.access import Outside, session_secret
from controlplane.web.portal.addresses import PREFIX
from controlplane.web.portal.forms import Fault, Faults, faults_of
from controlplane.web.portal.routes import page_router
from controlplane.web.portal.visits import Visit

router = page_router()

_TEMPLATES = {
    LinkPurpose.FIRST_ADMIN: "link_first_admin.html",
    LinkPurpose.SIGN_IN: "link_sign_in.html",
    LinkPurpose.PASSWORD: "link_password.html",
}


@router.get(PREFIX + "/link/{token}")
async def link_page(visit: Outside, token: str) -> Response:
    """Show what the link is for."""
    return _form(visit, await read_link(visit.deps.db, token, now=visit.deps.clock()))


@router.post(PREFIX + "/link/{token}")
async def use_link(visit: Outside, token: str) -> Response:
    """Use the link up and sign in."""
    link = await read_link(visit.deps.db, token, now=visit.deps.clock())
    form, words = visit.form, visit.words
    if link.purpose is not LinkPurpose.SIGN_IN and form.text("password") != form.text("password_again"):
        fault = Fault(field="password_again", text=words("errors.passwords-differ"))
        return _form(visit, link, faults=Faults([fault]), status=422)
    try:
        clear = await _use(visit, link)
    except (InvalidValue, Conflict) as error:
        return _form(visit, link, faults=faults_of(error, words), status=status_of(error))
    return visit.signed_in(visit.go("/"), clear)


async def _use(visit: Visit, link: SignInLink) -> str:
    deps, form = visit.deps, visit.form
    replaces, now = session_secret(visit.request), deps.clock()
    match link.purpose:
        case LinkPurpose.FIRST_ADMIN:
            return await first_admin_by_link(
                deps.db,
                deps.passwords,
                link,
                user_name=form.text("user_name"),
                display_name=form.text("display_name"),
                password=form.password("password"),
                replaces=replaces,
                now=now,
            )
        case LinkPurpose.SIGN_IN:
            return await sign_in_by_link(deps.db, link, replaces=replaces, now=now)
        case LinkPurpose.PASSWORD:
            return await set_password_by_link(
                deps.db, deps.passwords, link, password=form.password("password"), replaces=replaces, now=now
            )


def _form(visit: Visit, link: SignInLink, *, faults: Faults | None = None, status: int = 200) -> Response:
    return visit.page(_TEMPLATES[link.purpose], user=link.user, faults=faults, status=status)
