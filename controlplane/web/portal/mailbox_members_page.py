"""Who may do what with a mailbox: its members, people and teams, and their rights."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from fastapi import Response

from controlplane.domain.errors import Conflict, DomainError, InvalidValue, NotFound, PreconditionFailed
from controlplane.domain.rights import Right, parse_rights
from controlplane.services.mailboxes import get_mailbox
from controlplane.services.members import (
    AtMailbox,
    add_member,
    change_member,
    list_members,
    list_people,
    remove_member,
)
from controlplane.web.errors import status_of
from controlplane.web.portal.access import Anybody
from controlplane.web.portal.forms import Faults, faults_of
from controlplane.web.portal.mailboxes_page import MAILBOXES
from controlplane.web.portal.people_choice import SHOWN, Choice, finds, sought
from controlplane.web.portal.routes import page_router
from controlplane.web.portal.visits import Visit

router = page_router()
_ADDRESS = MAILBOXES + "/{number}/members"
_SHOWN = 100
_USER, _TEAM = "user:", "team:"


@router.get(_ADDRESS)
async def members_page(visit: Anybody, number: str) -> Response:
    """Show the members of a mailbox to who may manage it."""
    return await _page(visit, number)


@router.post(_ADDRESS)
async def change_members(visit: Anybody, number: str) -> Response:
    """Add a member, give one other rights, or take one out."""
    form = visit.form
    await list_members(visit.deps.db, _at(visit, number), limit=1, after=None)
    if finds(visit):
        return await _page(visit, number)
    try:
        match form.text("do"):
            case "add":
                notice, name = await _add(visit, number)
            case "remove":
                notice, name = await _remove(visit, number)
            case _:
                notice, name = await _change(visit, number)
    except (InvalidValue, Conflict, PreconditionFailed) as error:
        return await _page(visit, number, error=error)
    if notice == "member-removed-own":
        return visit.go("/mailboxes", notice=notice, name=name)
    return visit.go(f"/mailboxes/{number}/members", notice=notice, name=name)


async def _add(visit: Visit, number: str) -> tuple[str, str]:
    form, at = visit.form, _at(visit, number)
    first = not (await list_members(visit.deps.db, at, limit=1, after=None)).items
    who = form.text("who")
    made = await add_member(
        visit.deps.db,
        at,
        user_name=who.removeprefix(_USER) if who.startswith(_USER) else None,
        team_id=_uuid(who.removeprefix(_TEAM)) if who.startswith(_TEAM) else None,
        rights=parse_rights(form.all("rights")),
    )
    return ("member-added-first" if first else "member-added"), made.name


async def _change(visit: Visit, number: str) -> tuple[str, str]:
    form = visit.form
    changed = await change_member(
        visit.deps.db,
        _at(visit, number),
        _uuid(form.text("member")),
        rights=parse_rights(form.all("rights")),
        expected_version=_version(form.text("version")),
    )
    return "member-changed", changed.name


async def _remove(visit: Visit, number: str) -> tuple[str, str]:
    db, at = visit.deps.db, _at(visit, number)
    gone = await remove_member(
        db,
        at,
        _uuid(visit.form.text("member")),
        expected_version=_version(visit.form.text("version")),
    )
    try:
        left = (await list_members(db, at, limit=1, after=None)).items
    except DomainError:
        # It was by this membership that they saw the page.
        return "member-removed-own", gone.name
    return ("member-removed" if left else "member-removed-last"), gone.name


def _at(visit: Visit, number: str) -> AtMailbox:
    by = visit.person
    return AtMailbox(
        tenant_id=by.tenant_id, number=number.replace("\0", "\ufffd"), member=visit.member, by=by.label
    )


def _uuid(text: str) -> UUID:
    """Return what a button or a choice of ours named; raises NotFound for anything else."""
    try:
        return UUID(text)
    except ValueError as error:
        raise NotFound("There is no such member of this mailbox.", error_id="no-such-member") from error


def _version(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None  # noqa: PLR2004


async def _page(visit: Visit, number: str, *, error: DomainError | None = None) -> Response:
    db, at, words = visit.deps.db, _at(visit, number), visit.words
    asked = visit.request.query_params.get("after")
    details = await get_mailbox(
        db, tenant_id=at.tenant_id, number=at.number, member=at.member, right=Right.MANAGE
    )
    page = await list_members(db, at, limit=_SHOWN, after=None if asked is None else _uuid(asked))
    known = {(each.user_name, each.team_id) for each in page.items}
    adding = finds(visit) or (error is not None and visit.form.text("do") == "add")
    return visit.page(
        "mailbox_members.html",
        section="mailboxes",
        status=200 if error is None else status_of(error),
        faults=Faults() if error is None else faults_of(error, words),
        number=details.mailbox.number,
        name=details.mailbox.display_name,
        members=page.items,
        following=page.items[-1].id if page.more else None,
        rights=[right.value for right in Right],
        people=await _to_choose(visit, at, known),
        chosen=visit.form.text("who") if adding else "",
        given=visit.form.all("rights") if adding else (Right.LISTEN.value,),
    )


async def _to_choose(
    visit: Visit, at: AtMailbox, known: Collection[tuple[str | None, UUID | None]]
) -> Choice:
    """Return who may become a member and fits what is looked for; who is one already is left out."""
    find = sought(visit)
    page = await list_people(visit.deps.db, at, q=find or None, limit=SHOWN + len(known))
    others = [one for one in page.items if (one.user_name, one.team_id) not in known]
    return Choice(
        find=find,
        more=page.more,
        options=[
            (f"{_USER}{one.user_name}", f"{one.name} ({one.user_name})")
            if one.team_id is None
            else (f"{_TEAM}{one.team_id}", visit.words("members.team-option", name=one.name))
            for one in others
        ],
    )
