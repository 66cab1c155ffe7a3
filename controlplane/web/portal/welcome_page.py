"""The start page until a first message was heard: each step ticks itself off by facts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from fastapi import Response

from controlplane.domain.first_steps import FirstSteps
from controlplane.services.first_steps import read_first_steps
from controlplane.web.portal.access import Inside
from controlplane.web.portal.addresses import PREFIX
from controlplane.web.portal.routes import page_router
from controlplane.web.portal.visits import Visit

router = page_router()
COOKIE: Final = "shared-voicemail-welcome"
_YEAR_SECONDS: Final = 365 * 24 * 60 * 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A step: whether it is done, the values of its words, and the page of its button, if it has one."""

    key: str
    done: bool
    path: str = ""


@router.get(f"{PREFIX}/welcome")
async def welcome_page(visit: Inside) -> Response:
    """Show the steps; the open page looks again by itself."""
    done = await read_first_steps(visit.deps.db, visit.person.tenant_id)
    steps = _steps(done, phones=visit.deps.phones is not None)
    return visit.page(
        "welcome.html",
        section="welcome",
        steps=steps,
        current=next((step.key for step in steps if not step.done), ""),
        first=done,
    )


@router.post(f"{PREFIX}/welcome/dismiss")
async def dismiss(visit: Inside) -> Response:
    """Begin with the mailboxes from now on, in this browser."""
    response = visit.go("/mailboxes")
    response.set_cookie(
        COOKIE,
        "seen",
        max_age=_YEAR_SECONDS,
        path="/",
        secure=visit.portal.https,
        httponly=True,
        samesite="lax",
    )
    return response


async def start_path(visit: Visit) -> str:
    """Return the page with which somebody begins: the steps while some are open and wanted."""
    if visit.request.cookies.get(COOKIE) is not None:
        return "/mailboxes"
    done = await read_first_steps(visit.deps.db, visit.person.tenant_id)
    return "/welcome" if done.open else "/mailboxes"


def _steps(done: FirstSteps, *, phones: bool) -> list[Step]:
    mailbox, extension = done.mailbox, done.extension
    phone = f"/extensions/{extension}/phone" if extension and phones else ""
    voicemail = f"/mailboxes/{mailbox}/voicemail" if mailbox else ""
    return [
        Step(key="mailbox", done=mailbox is not None, path="/mailboxes/add"),
        Step(key="extension", done=extension is not None, path="/extensions/add"),
        Step(key="phone", done=done.phone, path=phone),
        Step(key="message", done=done.message, path=voicemail),
        Step(key="heard", done=done.heard, path=voicemail),
    ]
