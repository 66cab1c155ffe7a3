"""Mailboxes as rows. The PIN is never written; a row without one keeps the present one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from enum import StrEnum
from typing import Any, Final, TypeVar, cast
from uuid import UUID

from controlplane.domain.errors import DomainError, InvalidValue, NotFound
from controlplane.domain.mailbox import AfterMail, AttachmentFormat, SayDatetime
from controlplane.domain.numbers import NumberKind
from controlplane.domain.pin import Pin, PinPolicy
from controlplane.services.mailbox_rules import check_changes, check_new
from controlplane.services.mailboxes import (
    MailboxChanges,
    MailboxDetails,
    NewMailbox,
    create_mailbox,
    get_mailbox,
    list_mailboxes,
    update_mailbox,
)
from controlplane.services.transfer.cells import read_integer, read_words, read_yes, write_words, write_yes
from controlplane.services.transfer.resource import Applied, Importing, Outcome, changed
from controlplane.storage import numbers
from controlplane.storage.database import Database

_PAGE: Final = 200
_YES_OR_NO: Final = ("pin_required", "enabled", "email_notification", "email_attachment", "review")
_FIGURES: Final = ("email_attachment_max_mb", "min_message_seconds", "max_message_seconds")
_ADDRESSES: Final = ("email_recipients", "email_notice_only")

Choice = TypeVar("Choice", bound=StrEnum)


class Mailboxes:
    """The rows of `mailboxes`."""

    columns = (
        "number",
        "display_name",
        "language",
        "pin",
        "pin_required",
        "enabled",
        "email_recipients",
        "email_notification",
        "email_attachment",
        "email_attachment_format",
        "email_attachment_max_mb",
        "email_notice_only",
        "after_mail",
        "say_datetime",
        "review",
        "min_message_seconds",
        "max_message_seconds",
    )
    key = "number"

    async def rows(self, db: Database, tenant_id: UUID) -> AsyncIterator[Mapping[str, str]]:
        """Yield the cells of all mailboxes, in pages."""
        after: str | None = None
        while True:
            page = await list_mailboxes(db, tenant_id=tenant_id, q=None, limit=_PAGE, after=after)
            for one in page.items:
                yield _cells(one)
            if not page.more:
                return
            after = page.items[-1].mailbox.number

    async def looks_good(self, into: Importing, rows: Sequence[Mapping[str, str]]) -> bool:
        """Say whether all rows keep the rules of their fields; hashing their PINs is slow."""
        async with into.db.transaction() as session:
            kinds = await numbers.kinds(session, into.tenant_id, [cells[self.key] for cells in rows])
        # Thousands of rows: not on the loop that serves everybody.
        return await asyncio.to_thread(_look_good, rows, kinds, into.pin_policy)

    async def make(self, into: Importing, cells: Mapping[str, str]) -> Applied:
        """Make or change the mailbox of a row."""
        values = _values(cells)
        number = cells[self.key]
        try:
            before = await get_mailbox(into.db, tenant_id=into.tenant_id, number=number)
        except NotFound:
            await create_mailbox(
                into.db,
                into.jobs,
                into.hasher,
                into.pin_policy,
                tenant_id=into.tenant_id,
                new=_new(number, values),
                by=into.by,
            )
            return Applied(outcome=Outcome.CREATED)
        after = await update_mailbox(
            into.db,
            into.jobs,
            into.hasher,
            into.pin_policy,
            tenant_id=into.tenant_id,
            number=number,
            changes=cast("MailboxChanges", values),
            by=into.by,
        )
        return Applied(outcome=changed(before.mailbox.version, after.mailbox.version))

    async def point(self, into: Importing, cells: Mapping[str, str]) -> bool:  # noqa: ARG002 (a mailbox points at nothing)
        """Do nothing: a mailbox points at nothing."""
        return False


def _look_good(rows: Sequence[Mapping[str, str]], kinds: Mapping[str, NumberKind], policy: PinPolicy) -> bool:
    try:
        return all(_looks_good(cells, kinds.get(cells[Mailboxes.key]), policy) for cells in rows)
    except DomainError:
        return False


def _looks_good(cells: Mapping[str, str], kind: NumberKind | None, policy: PinPolicy) -> bool:
    """Say whether a row can be taken, if its number belongs to this now; raises DomainError if not."""
    number, values = cells[Mailboxes.key], _values(cells)
    if kind is None:
        check_new(_new(number, values), policy)
    else:
        check_changes(cast("MailboxChanges", values), policy, number=number)
    return kind in (None, NumberKind.MAILBOX)


def _new(number: str, values: Mapping[str, Any]) -> NewMailbox:
    for name in ("display_name", "pin"):
        if name not in values:
            raise InvalidValue("A new mailbox needs this.", error_id="missing-field", field=name)
    return NewMailbox(number=number, **values)


def _cells(one: MailboxDetails) -> dict[str, str]:
    mailbox = one.mailbox
    return {
        "number": mailbox.number,
        "display_name": mailbox.display_name,
        "language": one.language or "",
        "pin": "",
        **{name: write_yes(getattr(mailbox, name)) for name in _YES_OR_NO},
        **{name: write_words(getattr(mailbox, name)) for name in _ADDRESSES},
        "email_attachment_format": mailbox.email_attachment_format.value,
        "after_mail": mailbox.after_mail.value,
        "say_datetime": mailbox.say_datetime.value,
        **{name: str(getattr(mailbox, name)) for name in _FIGURES},
    }


def _values(cells: Mapping[str, str]) -> dict[str, Any]:
    """Return what a row sets; an empty cell sets nothing, but unsets language and recipients."""
    values: dict[str, Any] = {}
    if "language" in cells:
        values["language"] = cells["language"] or None
    for name in _ADDRESSES:
        if name in cells:
            values[name] = read_words(cells[name])
    readers: dict[str, Callable[[str], Any]] = {
        "display_name": str,
        "pin": Pin,
        "email_attachment_format": lambda cell: _one_of(AttachmentFormat, cell, "email_attachment_format"),
        "after_mail": lambda cell: _one_of(AfterMail, cell, "after_mail"),
        "say_datetime": lambda cell: _one_of(SayDatetime, cell, "say_datetime"),
    }
    for name, read in readers.items():
        if cells.get(name):
            values[name] = read(cells[name])
    for name in _YES_OR_NO:
        if cells.get(name):
            values[name] = read_yes(cells[name], name)
    for name in _FIGURES:
        if cells.get(name):
            values[name] = read_integer(cells[name], name)
    return values


def _one_of(choices: type[Choice], cell: str, field: str) -> Choice:
    try:
        return choices(cell)
    except ValueError as error:
        raise InvalidValue(
            f"This is one of {', '.join(choices)}.",
            error_id="not-one-of",
            field=field,
            details={"choices": ", ".join(choices)},
        ) from error
