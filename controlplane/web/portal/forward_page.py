"""Passing a message on, as key 8 does by phone: a copy in another mailbox, or mails to the recipients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID, uuid4

from fastapi import Response

from controlplane.domain.errors import Conflict, DomainError, InvalidValue
from controlplane.domain.mailbox import MailboxOrder
from controlplane.domain.numbers import NumberKind
from controlplane.services.forwarding import Asked, forward_message, mail_message, recipients_of
from controlplane.services.mailbox_lists import OrderedMailbox, browse_mailboxes
from controlplane.services.voicemail_page import read_shown_message
from controlplane.web.errors import status_of
from controlplane.web.portal import object_form
from controlplane.web.portal.access import Anybody
from controlplane.web.portal.addresses import PREFIX
from controlplane.web.portal.form_buttons import SAVE, press, verb_of
from controlplane.web.portal.form_fields import Entries, FormField, NumberOf
from controlplane.web.portal.forms import Fault, Faults
from controlplane.web.portal.routes import page_router
from controlplane.web.portal.visits import Visit
from controlplane.web.portal.voicemail_rows import Teller

router = page_router()

FIELDS: Final[Mapping[str, FormField]] = {"to": NumberOf(kind=NumberKind.MAILBOX)}
_FORWARD: Final = PREFIX + "/messages/{message_id}/forward"
_CARRIED: Final = ("once", "back")
_LIST: Final = "list"
_MOST_SUGGESTED: Final = 50
_LONGEST: Final = 64
_OK: Final = 200


@router.get(_FORWARD)
async def forward_page(visit: Anybody, message_id: UUID) -> Response:
    """Ask to which mailbox a message is to go, or whether it is to be mailed."""
    return await _page(visit, message_id, {"to": ""}, back=visit.request.query_params.get("back", ""))


@router.post(_FORWARD)
async def forward(visit: Anybody, message_id: UUID) -> Response:
    """Do what a button says, and go back to where the message is shown."""
    deps, by, form = visit.deps, visit.person, visit.form
    entries = {"to": form.text("to").strip()[:_LONGEST]}
    back, verb = form.text("back"), verb_of(visit)
    try:
        if verb == "mail":
            await mail_message(
                deps.db,
                deps.jobs,
                tenant_id=by.tenant_id,
                message_id=message_id,
                by=by.label,
                member=visit.member,
            )
            return visit.go(await _shown_at(visit, message_id, back), notice="message-mailed")
        if verb not in SAVE:
            return await _pressed(visit, message_id, entries, back)
        copy = await forward_message(
            deps.db,
            deps.jobs,
            deps.recordings,
            asked=Asked(
                tenant_id=by.tenant_id,
                message_id=message_id,
                to=entries["to"],
                # Who presses the button twice forwards once.
                once=form.text("once")[:_LONGEST] or str(uuid4()),
                member=visit.member,
            ),
            at=deps.clock(),
            by=by.label,
        )
    except (InvalidValue, Conflict) as error:
        return await _page(visit, message_id, entries, back=back, error=error)
    return visit.go(
        await _shown_at(visit, message_id, back),
        notice="message-forwarded",
        number=copy.mailbox_number,
        name=copy.mailbox_name,
    )


async def _pressed(visit: Visit, message_id: UUID, entries: Entries, back: str) -> Response:
    """Let an admin choose of the list, or tell who has the number that is being typed."""
    if not visit.person.admin or verb_of(visit) == "check":
        return await _page(visit, message_id, entries, back=back)
    pressed = await press(
        visit,
        fields=FIELDS,
        entries=entries,
        here=f"{visit.portal.base}/messages/{message_id}/forward",
        section="mailboxes",
        carried=_CARRIED,
    )
    if isinstance(pressed, Response):
        return pressed
    return await _page(visit, message_id, pressed.entries, back=back, focus=pressed.focus)


async def _shown_at(visit: Visit, message_id: UUID, back: str) -> str:
    """Return the page from which somebody came: the list of the mailbox, or that of the message."""
    if back != _LIST:
        return f"/messages/{message_id}"
    found = await read_shown_message(visit.deps.db, visit.person.tenant_id, message_id, member=visit.member)
    return _path_back(found.view.mailbox_number, deleted=found.view.mailbox_deleted)


def _path_back(number: str, *, deleted: bool) -> str:
    return "/mailboxes" if deleted else f"/mailboxes/{number}/voicemail"


async def _page(
    visit: Visit,
    message_id: UUID,
    entries: Entries,
    *,
    back: str,
    focus: str = "",
    error: DomainError | None = None,
) -> Response:
    deps, by, admin = visit.deps, visit.person, visit.person.admin
    found = await read_shown_message(deps.db, by.tenant_id, message_id, member=visit.member)
    recipients = await recipients_of(
        deps.db, tenant_id=by.tenant_id, message_id=message_id, member=visit.member
    )
    teller = Teller(words=visit.words, time_zone=by.time_zone, now=deps.clock())
    faults = []
    if error is not None:
        field = error.field if error.field in FIELDS else ""
        faults = [Fault(field=field or "", text=visit.words.error(error))]
    path = f"/messages/{message_id}"
    shown_at = path
    if back == _LIST:
        shown_at = _path_back(found.view.mailbox_number, deleted=found.view.mailbox_deleted)
    return visit.page(
        "message_forward.html",
        section="mailboxes",
        status=_OK if error is None else status_of(error),
        faults=Faults(faults),
        row=teller.row(found.view, found.names, ()),
        mailbox_name=found.mailbox_name,
        here=f"{visit.portal.base}{path}/forward",
        back=back if back == _LIST else "",
        shown_at=visit.portal.base + shown_at,
        recipients=recipients,
        may_manage="manage" in found.rights and not found.view.mailbox_deleted,
        once=visit.form.text("once")[:_LONGEST] or str(uuid4()),
        picks=admin,
        fields=FIELDS,
        entries=entries,
        owners=await object_form.owners_in(visit, FIELDS, entries) if admin else {},
        suggested=[] if admin else await _suggested(visit, found.view.mailbox_number),
        focus=focus,
    )


async def _suggested(visit: Visit, own: str) -> Sequence[OrderedMailbox]:
    """Return mailboxes that a member knows; by its number every other one can be named too, as by phone."""
    found = await browse_mailboxes(
        visit.deps.db,
        tenant_id=visit.person.tenant_id,
        q=None,
        order=MailboxOrder.NAME,
        descending=False,
        limit=_MOST_SUGGESTED,
        after=None,
        member=visit.member,
    )
    return [each for each in found.page.items if each.number != own]
