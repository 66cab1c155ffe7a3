"""Deleting a mailbox: what points at it, where that is to point instead, and what becomes of its messages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from fastapi import Response
from pydantic import ValidationError

from controlplane.domain.errors import Conflict, DomainError, InvalidValue
from controlplane.services.mailboxes import MailboxDetails, delete_mailbox, get_mailbox
from controlplane.services.numbers import list_numbers
from controlplane.services.routing.re_pointing import PointingObject, list_pointers, re_point
from controlplane.web.api.schemas_numbers import RePointIn
from controlplane.web.errors import status_of
from controlplane.web.paging import MAX_LIMIT
from controlplane.web.portal.access import Inside
from controlplane.web.portal.forms import Fault, Faults
from controlplane.web.portal.mailbox_words import slot_in_words
from controlplane.web.portal.mailboxes_page import MAILBOXES
from controlplane.web.portal.object_pages import page_of
from controlplane.web.portal.routes import page_router
from controlplane.web.portal.visits import Visit
from controlplane.web.portal.words import Words

router = page_router()

_SHOWN: Final = 100
_WRONG: Final = 422
_ADDRESS: Final = MAILBOXES + "/{number}/delete"


@dataclass(frozen=True, slots=True, kw_only=True)
class PointerLine:
    """A place that points at the mailbox, in words; `path` is the page of its object, if that has one."""

    kind: str
    name: str
    number: str | None
    slot: str
    path: str | None


@router.get(_ADDRESS)
async def delete_page(visit: Inside, number: str) -> Response:
    """Explain what deleting a mailbox means, and ask."""
    return await _page(visit, await _details(visit, number))


@router.post(_ADDRESS)
async def delete(visit: Inside, number: str) -> Response:
    """Point elsewhere what points at the mailbox, as it was chosen, then delete it."""
    deps, by = visit.deps, visit.person
    details = await _details(visit, number)
    pointing = await list_pointers(deps.db, tenant_id=by.tenant_id, number=number, limit=1, after=None)
    if pointing.items:
        try:
            to = _chosen(visit)
            await re_point(deps.db, deps.jobs, tenant_id=by.tenant_id, number=number, to=to, by=by.label)
        except (InvalidValue, Conflict) as error:
            return await _page(visit, details, error=error)
    try:
        await delete_mailbox(deps.db, deps.jobs, tenant_id=by.tenant_id, number=number, by=by.label)
    except Conflict as error:
        return await _page(visit, details, error=error)
    return visit.go("/mailboxes", notice="mailbox-deleted", number=number, name=details.mailbox.display_name)


async def _details(visit: Visit, number: str) -> MailboxDetails:
    return await get_mailbox(
        visit.deps.db, tenant_id=visit.person.tenant_id, number=number.replace("\0", "\ufffd")
    )


def _chosen(visit: Visit) -> str | None:
    """Return where all is to point; None: calls end there. Raises InvalidValue."""
    chosen, to = visit.form.text("instead"), visit.form.text("to").strip()
    if chosen == "hangup":
        return None
    if chosen != "number":
        raise InvalidValue("Say what is to happen.", error_id="missing-field", field="instead")
    if not to:
        raise InvalidValue("A number is missing.", error_id="missing-field", field="to")
    try:
        return RePointIn(to=to).to
    except ValidationError as error:
        raise InvalidValue("This is no number.", error_id="invalid-number", field="to") from error


async def _page(visit: Visit, details: MailboxDetails, *, error: DomainError | None = None) -> Response:
    db, tenant_id, words = visit.deps.db, visit.person.tenant_id, visit.words
    number = details.mailbox.number
    pointing = await list_pointers(db, tenant_id=tenant_id, number=number, limit=_SHOWN, after=None)
    choices = await list_numbers(db, tenant_id=tenant_id, q=None, limit=MAX_LIMIT, after=None)
    return visit.page(
        "mailbox_delete.html",
        section="mailboxes",
        status=200 if error is None else status_of(error),
        faults=Faults() if error is None else _in_words(error, words, number),
        details=details,
        number=number,
        pointers=[_line(one, words) for one in pointing.items],
        more_pointers=pointing.more,
        most=_SHOWN,
        held=details.counts.new + details.counts.saved,
        instead=visit.form.text("instead"),
        to=visit.form.text("to"),
        choices=[one for one in choices.items if one.number != number],
    )


def _line(one: PointingObject, words: Words) -> PointerLine:
    return PointerLine(
        kind=words(f"kinds.{one.kind}"),
        name=one.name,
        number=one.number,
        slot=slot_in_words(one.slot, words),
        path=page_of(one.kind, one.number or one.name),
    )


def _in_words(error: DomainError, words: Words, number: str) -> Faults:
    """Say why it was refused; of what cannot be pointed elsewhere, which objects that are."""
    keys = [f"mailbox-delete-errors.{each}" for each in (f"{error.field}-{error.error_id}", error.error_id)]
    key = next((each for each in keys if words.has(each)), keys[-1])
    values = {"number": number, "objects": _objects(error, words)}
    text = words(key, **values) if words.has(key) else words.error(error)
    return Faults([Fault(field=error.field or "", text=text)])


def _objects(error: DomainError, words: Words) -> str:
    listed = error.details.get("pointers")
    found: Sequence[object] = listed if isinstance(listed, list) else [error.details.get("object")]
    names = [
        f"{words('kinds.' + str(one['kind']))} {one.get('number') or one.get('name') or ''}".strip()
        for one in found
        if isinstance(one, dict)
    ]
    return ", ".join(dict.fromkeys(names))
