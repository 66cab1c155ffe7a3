"""A mailbox's own page, with its settings; and the page on which one is made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import quote

from fastapi import Response

from controlplane.domain.errors import Conflict, DomainError, InvalidValue, PreconditionFailed
from controlplane.domain.rights import Right
from controlplane.services.mailboxes import MailboxDetails, create_mailbox, get_mailbox, update_mailbox
from controlplane.services.numbers import NumberOwner, check_free, list_numbers
from controlplane.web.errors import status_of
from controlplane.web.paging import MAX_LIMIT
from controlplane.web.portal import mailbox_form
from controlplane.web.portal.access import Anybody, Inside
from controlplane.web.portal.clashes import Clash
from controlplane.web.portal.form_fields import Entries
from controlplane.web.portal.forms import Faults, Form
from controlplane.web.portal.mailbox_clash import clash_of
from controlplane.web.portal.mailbox_words import language_options
from controlplane.web.portal.mailboxes_page import MAILBOXES
from controlplane.web.portal.routes import page_router
from controlplane.web.portal.visits import Visit
from controlplane.web.portal.wrongs import Wrong, wrongs_of

router = page_router()

_OK: Final = 200
_WRONG: Final = 422
_GREETINGS: Final = "source_greetings-"
_WITH_REMARKS: Final = frozenset({"check", "generate"})
_NOT_SAVED: Final = frozenset({"check", "generate", "row"})
"""What buttons of the form ask for but to save it: to look at it, a PIN, a row for a greeting."""


@router.get(f"{MAILBOXES}/add")
async def add_mailbox_page(visit: Inside) -> Response:
    """Show the form for a new mailbox."""
    return await _page(visit, None, mailbox_form.new_entries())


@router.post(f"{MAILBOXES}/add")
async def add_mailbox(visit: Inside) -> Response:
    """Make a mailbox, or do what another button of the form asks for."""
    deps, entries = visit.deps, mailbox_form.entries_sent(visit.form)
    if visit.form.text("do") == "generate":
        entries["pin"] = deps.pin_policy.generate(number=entries["number"]).reveal()
    body, wrongs = mailbox_form.check_new(mailbox_form.body_of(entries), deps.pin_policy)
    wrongs += await _number_wrongs(visit, entries["number"], wrongs)
    if visit.form.text("do") in _NOT_SAVED:
        return await _looked_at(visit, None, entries, wrongs)
    if body is None or wrongs:
        return await _page(visit, None, entries, wrongs=wrongs, status=_WRONG)
    try:
        mailbox = await create_mailbox(
            deps.db,
            deps.jobs,
            deps.hasher,
            deps.pin_policy,
            tenant_id=visit.person.tenant_id,
            new=body.new_mailbox(),
            by=visit.person.label,
        )
    except (InvalidValue, Conflict) as error:
        return await _refused(visit, None, entries, error)
    return visit.go("/mailboxes", notice="mailbox-added", number=mailbox.number, name=mailbox.display_name)


@router.get(MAILBOXES + "/{number}")
async def mailbox_page(visit: Anybody, number: str) -> Response:
    """Show the settings of a mailbox."""
    details = await _details(visit, number)
    return await _page(visit, details, mailbox_form.entries_of(details))


@router.post(MAILBOXES + "/{number}")
async def change_mailbox(visit: Anybody, number: str) -> Response:
    """Change what was changed in the form, unless somebody else was first."""
    deps, form = visit.deps, visit.form
    details = await _details(visit, number)
    entries = mailbox_form.entries_sent(form)
    if form.text("do") == "generate":
        entries["pin"] = deps.pin_policy.generate(number=number).reveal()
    seen = mailbox_form.unpacked(form.text("seen"))
    wanted = mailbox_form.changes_of(entries, seen)
    body, wrongs = mailbox_form.check_changed(wanted, deps.pin_policy, number=number)
    if form.text("do") in _NOT_SAVED:
        return await _looked_at(visit, details, entries, wrongs)
    if body is None or wrongs:
        return await _page(visit, details, entries, wrongs=wrongs, status=_WRONG)
    try:
        after = await update_mailbox(
            deps.db,
            deps.jobs,
            deps.hasher,
            deps.pin_policy,
            tenant_id=visit.person.tenant_id,
            number=number,
            changes=body.changes(),
            by=visit.person.label,
            expected_version=mailbox_form.version_of(form),
            member=visit.member,
        )
    except PreconditionFailed as error:
        now = await _details(visit, number)
        clash = clash_of(now, entries, seen, words=visit.words, time_zone=visit.person.time_zone)
        return await _page(visit, now, clash.entries, clash=clash, status=status_of(error))
    except (InvalidValue, Conflict) as error:
        return await _refused(visit, details, entries, error)
    return visit.go(f"/mailboxes/{number}", notice="mailbox-saved", name=after.mailbox.display_name)


async def _details(visit: Visit, number: str) -> MailboxDetails:
    return await get_mailbox(
        visit.deps.db,
        tenant_id=visit.person.tenant_id,
        number=number.replace("\0", "\ufffd"),
        member=visit.member,
        right=Right.MANAGE,
    )


async def _number_wrongs(visit: Visit, number: str, wrongs: list[Wrong]) -> list[Wrong]:
    """Say who has the number of a mailbox to be made, if it is one."""
    if any(wrong.field == "number" for wrong in wrongs):
        return []
    try:
        await check_free(visit.deps.db, tenant_id=visit.person.tenant_id, number=number)
    except Conflict as error:
        return wrongs_of(error)
    return []


async def _looked_at(
    visit: Visit, details: MailboxDetails | None, entries: Entries, wrongs: list[Wrong]
) -> Response:
    """Show the form as it stands; a check says what is wrong, and what is right about number and PIN."""
    asked, words = visit.form.text("do"), visit.words
    remarks: dict[str, str] = {}
    if asked in _WITH_REMARKS:
        bad = {wrong.field for wrong in wrongs}
        if entries["number"] and details is None and "number" not in bad:
            remarks["number"] = words("mailbox.number-free", number=entries["number"])
        if entries["pin"] and "pin" not in bad:
            remarks["pin"] = words("mailbox.pin-made" if asked == "generate" else "mailbox.pin-good")
        if entries["email_notification"] and not entries["email_recipients"]:
            remarks["email_recipients"] = words("mailbox.nobody-mailed")
    told = wrongs if asked == "check" else []
    return await _page(visit, details, entries, wrongs=told, remarks=remarks, blank_row=asked == "row")


async def _refused(
    visit: Visit, details: MailboxDetails | None, entries: Entries, error: DomainError
) -> Response:
    wrongs = wrongs_of(error)
    return await _page(visit, details, entries, wrongs=wrongs, status=status_of(error))


async def _page(
    visit: Visit,
    details: MailboxDetails | None,
    entries: Entries,
    *,
    wrongs: list[Wrong] | None = None,
    remarks: dict[str, str] | None = None,
    clash: Clash | None = None,
    blank_row: bool = False,
    status: int = _OK,
) -> Response:
    words, policy = visit.words, visit.deps.pin_policy
    faults: Faults = mailbox_form.in_words(wrongs or [], words, entries, policy)
    values: dict[str, Any] = {"version": 0, "seen": ""}
    path = "/mailboxes/add"
    if details is not None:
        number = details.mailbox.number
        path = f"/mailboxes/{quote(number, safe='')}"
        entries = {**entries, "number": number}
        # What the person saw when they began, as long as they go on with the same form.
        began = visit.form.text("seen") if clash is None else ""
        values = {
            "version": mailbox_form.version_of(visit.form) if began else details.mailbox.version,
            "seen": began or mailbox_form.packed(mailbox_form.entries_of(details)),
        }
    numbers: Sequence[NumberOwner] = ()
    if visit.member is None:
        owners = await list_numbers(
            visit.deps.db, tenant_id=visit.person.tenant_id, q=None, limit=MAX_LIMIT, after=None
        )
        numbers = [one for one in owners.items if one.number != entries.get("number")]
    rows = mailbox_form.sources_in(entries)
    return visit.page(
        "mailbox.html",
        section="mailboxes",
        status=status,
        faults=faults,
        here=f"{visit.portal.base}{path}",
        details=details,
        entries=entries,
        remarks=remarks or {},
        clash=clash,
        languages=language_options(words, entries.get("language", "")),
        source_languages=[
            language_options(words, entries.get(f"source_greetings-{row}-language", ""), key="of-mailbox")
            for row in range(rows + blank_row)
        ],
        rows=rows,
        numbers=numbers,
        blank_row=blank_row,
        more=blank_row or _is_under_more(visit.form, faults),
        pin_least=policy.min_length,
        pin_most=policy.max_length,
        **values,
    )


def _is_under_more(form: Form, faults: Faults) -> bool:
    """Say whether the fields under More are to be seen: one is wrong, or greetings are being entered."""
    names = [*(fault.field for fault in faults), *(name for name in form.names() if _GREETINGS in name)]
    return any(name.partition("-")[0] not in mailbox_form.KNOWN for name in names)
