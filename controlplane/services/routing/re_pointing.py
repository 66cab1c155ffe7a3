"""Pointing all that points at a number elsewhere, in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.configuration import Action, ObjectChange, ObjectKind
from controlplane.domain.errors import Conflict, DomainError, InvalidValue, NotFound
from controlplane.domain.numbers import NumberKind
from controlplane.domain.routing.call_queue import CallQueue
from controlplane.domain.routing.destination import Pointer
from controlplane.domain.routing.extension_rules import ExtensionRules
from controlplane.domain.routing.hours import OfficeHours
from controlplane.domain.routing.kinds import RoutingKind, Settings
from controlplane.domain.routing.re_pointing import re_pointed
from controlplane.services.lamps import defer_lamp_of
from controlplane.services.mailbox_rules import check_operator
from controlplane.services.publishing_jobs import defer_publishing
from controlplane.services.routing.loops import check_loops
from controlplane.services.routing.objects import RENDERED
from controlplane.services.routing.owned_mailboxes import (
    check_lengths,
    check_voicemails,
    is_rendered,
    lock_owners,
    owners_in,
    still_forwarded,
    voicemail_users,
)
from controlplane.services.routing.pointing import KINDS, field_of, note_pointers, pointer_json, words_of
from controlplane.storage import extensions, mailboxes, numbers
from controlplane.storage.database import Database
from controlplane.storage.paging import Page, cut
from controlplane.storage.queue import Jobs
from controlplane.storage.routing import objects, pointers, queue_agents, ways
from controlplane.storage.routing.documents import rules_from, settings_from, to_document
from controlplane.storage.routing.pointers import PointingObject
from controlplane.storage.tables import ExtensionRow, MailboxRow, RoutingObjectRow

__all__ = ["Page", "PointingObject", "field_of", "list_pointers", "re_point"]

_KINDS: Final = {ExtensionRow: NumberKind.EXTENSION, MailboxRow: NumberKind.MAILBOX}
_MOST_SECONDS: Final = 300
"""So long it lasts at most: a mailbox may be where thousands of extensions forward to, 10 ms each."""


@dataclass(slots=True, kw_only=True)
class _Changed:
    """What follows the changes: route files, objects that are rendered, and others, which wait too.

    `extensions` own another mailbox, `watching` show the lamps of others.
    """

    numbers: set[str]
    extensions: set[str]
    watching: set[str]
    rendered: list[ObjectChange]
    held: list[ObjectChange]
    followed: list[tuple[ExtensionRow | RoutingObjectRow, Settings | ExtensionRules]]
    """All of them, with what is set of each now."""


async def list_pointers(
    db: Database, *, tenant_id: UUID, number: str, limit: int, after: tuple[str, str, str] | None
) -> Page[PointingObject]:
    """List who points at a number, after one of them (kind, number or name, slot).

    Raises NotFound `number-free`.
    """
    async with db.transaction() as session:
        await _kind_of(session, tenant_id, number)
        found = await pointers.pointing_at(session, tenant_id, number, limit=limit + 1, after=after)
    return cut(found, limit)


async def re_point(
    db: Database, jobs: Jobs, *, tenant_id: UUID, number: str, to: str | None, by: str
) -> Sequence[PointingObject]:
    """Point all that points at a number at `to` instead; return what was changed, as it was before.

    Without `to` calls end where they went on to the number, and what listed or owned it does so no longer.
    Raises NotFound `number-free`, InvalidValue naming `to`, and Conflict `cannot-re-point`, whose
    details list the places that cannot take the new number: then nothing is changed.
    """
    async with db.transaction(seconds=_MOST_SECONDS) as session:
        await _kind_of(session, tenant_id, number)
        if to == number:
            raise InvalidValue(
                "This is the number itself; name another one.", error_id="invalid-value", field="to"
            )
        kind = await _new_kind(session, tenant_id, to)
        found = await _locked_pointers(session, tenant_id, number, to)
        _check_takes(found, to, kind)
        changed = _Changed(numbers=set(), extensions=set(), watching=set(), rendered=[], held=[], followed=[])
        rows = await pointers.rows_of(session, {one.object_id for one in found})
        for row in rows:
            try:
                await _change(session, row, number=number, to=to, kind=kind, by=by, changed=changed)
            except DomainError as error:
                raise _refused(row, error) from error
        for mailbox in await pointers.mailboxes_of(session, {one.object_id for one in found}):
            await _change_operator(session, mailbox, to=to, by=by)
        if to is not None:
            await _check_loops(session, tenant_id, to, changed)
        # Others lead into the voicemail of an extension, whose mailbox is another one now.
        for extension in changed.extensions:
            users = await voicemail_users(session, tenant_id=tenant_id, number=extension)
            if users and to is None:
                raise still_forwarded(extension, users)
            try:
                await check_lengths(session, users, tenant_id=tenant_id)
            except InvalidValue as error:
                raise Conflict(error.sentence, error_id="cannot-re-point", field="to") from error
            changed.numbers.update(one.number for one in users if one.number is not None)
            changed.rendered += [
                _noted(one.kind, one.number or one.name, by) for one in users if is_rendered(one)
            ]
        for change in dict.fromkeys(changed.rendered):
            await defer_publishing(session, jobs, tenant_id=tenant_id, change=change)
        for change in dict.fromkeys(changed.held):
            await defer_publishing(session, jobs, tenant_id=tenant_id, held=change)
        await defer_publishing(
            session, jobs, tenant_id=tenant_id, numbers=changed.numbers, revision=bool(changed.rendered)
        )
        for extension in sorted(changed.extensions | changed.watching):
            await defer_lamp_of(session, jobs, tenant_id=tenant_id, number=extension)
    structlog.get_logger().info(
        "routing.re_pointed", tenant_id=str(tenant_id), number=number, to=to, count=len(found)
    )
    return found


async def _kind_of(session: AsyncSession, tenant_id: UUID, number: str) -> NumberKind:
    owner = await numbers.owner(session, tenant_id, number)
    if owner is None:
        raise NotFound("Nothing has this number.", error_id="number-free")
    return owner.kind


async def _new_kind(session: AsyncSession, tenant_id: UUID, to: str | None) -> NumberKind | None:
    if to is None:
        return None
    owner = await numbers.owner(session, tenant_id, to)
    if owner is None:
        raise InvalidValue(f"Nothing has the number {to}.", error_id="no-such-number", field="to")
    return owner.kind


async def _locked_pointers(
    session: AsyncSession, tenant_id: UUID, number: str, to: str | None
) -> Sequence[PointingObject]:
    """Lock objects, extensions and the number, in the order of all who change them.

    Nobody points at the number afterwards.
    """
    before = await pointers.pointing_at(session, tenant_id, number, limit=None)
    ids = {one.object_id for one in before}
    await pointers.lock_objects(session, ids)
    named = {one.number for one in before if one.number is not None} | ({to} if to is not None else set())
    for settings in (await pointers.settings_of(session, ids)).values():
        named |= owners_in(settings)
    await extensions.by_numbers(session, tenant_id, named, lock=True)
    await numbers.lock(session, tenant_id, number)
    found = await pointers.pointing_at(session, tenant_id, number, limit=None)
    if {one.object_id for one in found} - {one.object_id for one in before}:
        raise Conflict(f"Something else was pointed at {number} meanwhile. Please try again.")
    return found


def _check_takes(found: Sequence[PointingObject], to: str | None, kind: NumberKind | None) -> None:
    if to is None or kind is None:
        return
    wrong = [one for one in found if KINDS.get(one.slot.partition(".")[0], kind) is not kind]
    if wrong:
        needed = KINDS[wrong[0].slot.partition(".")[0]]
        raise Conflict(
            f"{to} belongs to a {words_of(kind.value)}; {len(wrong)} of the {len(found)} places need another "
            f"kind of number (the first one a {words_of(needed.value)}). Change these by themselves first.",
            error_id="cannot-re-point",
            field="to",
            details={"pointers": [pointer_json(one) for one in wrong]},
        )


async def _change(
    session: AsyncSession,
    row: ExtensionRow | RoutingObjectRow,
    *,
    number: str,
    to: str | None,
    kind: NumberKind | None,
    by: str,
    changed: _Changed,
) -> None:
    if isinstance(row, ExtensionRow):
        rules = rules_from(row.rules)
        new_rules = re_pointed(rules, old=number, new=to, kind=kind)
        await extensions.update_values(session, row.id, {"rules": to_document(new_rules)})
        if rules.mailbox != new_rules.mailbox:
            changed.extensions.add(row.number)
        if rules.mwi_mailboxes != new_rules.mwi_mailboxes:
            changed.watching.add(row.number)
        changed.held.append(_noted(NumberKind.EXTENSION.value, row.number, by))
        await _follow(session, row, new_rules, changed)
        return
    routing_kind = RoutingKind(row.kind)
    settings = re_pointed(settings_from(routing_kind, row.settings), old=number, new=to, kind=kind)
    await objects.update_values(session, row.id, {"settings": to_document(settings)})
    if isinstance(settings, CallQueue):
        await queue_agents.forget_others(session, row.id, settings.agents)
    of_kind = changed.rendered if routing_kind in RENDERED else changed.held
    of_kind.append(_noted(row.kind, row.number or row.name, by))
    await _follow(session, row, settings, changed)


async def _change_operator(session: AsyncSession, row: MailboxRow, *, to: str | None, by: str) -> None:
    """Name another operator of a mailbox, or none."""
    try:
        check_operator(to, number=row.number)
    except InvalidValue as error:
        raise _refused(row, error) from error
    await mailboxes.update_values(
        session, row.id, expected_version=None, values={"operator_number": to, "updated_by": by}
    )
    pointer = [] if to is None else [Pointer(slot="operator_number", number=to)]
    await note_pointers(session, tenant_id=row.tenant_id, object_id=row.id, pointers=pointer)


def _noted(kind: str, key: str, by: str) -> ObjectChange:
    return ObjectChange(kind=ObjectKind(kind), name=key, action=Action.CHANGED, by=by)


async def _follow(
    session: AsyncSession,
    row: ExtensionRow | RoutingObjectRow,
    settings: Settings | ExtensionRules,
    changed: _Changed,
) -> None:
    settings.check()
    owned = await lock_owners(session, row.tenant_id, settings)
    if not isinstance(settings, OfficeHours):
        await note_pointers(session, tenant_id=row.tenant_id, object_id=row.id, pointers=settings.pointers())
    is_extension = isinstance(settings, ExtensionRules)
    check_voicemails(
        settings,
        owned,
        own_number=row.number if is_extension else None,
        own_mailbox=getattr(settings, "mailbox", None),
    )
    if isinstance(settings, ExtensionRules):
        settings.check_length({**owned, str(row.number): settings.mailbox})
    changed.followed.append((row, settings))
    if row.number is not None:
        changed.numbers.add(row.number)


async def _check_loops(session: AsyncSession, tenant_id: UUID, to: str, changed: _Changed) -> None:
    """Refuse a loop. It goes by `to`, so that only what a call reaches from there is looked at."""
    await ways.lock(session, tenant_id)
    reached = {one.number for one in await ways.reached_from(session, tenant_id, {to}, by_itself=True)}
    for row, settings in changed.followed:
        if row.number not in reached:
            continue
        kind = NumberKind.EXTENSION if isinstance(row, ExtensionRow) else RoutingKind(row.kind).number_kind
        try:
            await check_loops(session, tenant_id=tenant_id, number=row.number, kind=kind, settings=settings)
        except DomainError as error:
            raise _refused(row, error) from error


def _refused(row: ExtensionRow | RoutingObjectRow | MailboxRow, error: DomainError) -> Conflict:
    """Say which object cannot take it, and why."""
    name = row.number or getattr(row, "name", "")
    kind = row.kind if isinstance(row, RoutingObjectRow) else _KINDS[type(row)].value
    return Conflict(
        f"The {words_of(kind)} {name} cannot point there: {error.sentence}",
        error_id="cannot-re-point",
        field="to",
        details={
            **error.details,
            "object": {"kind": kind, "number": row.number, "field": error.field, "error_id": error.error_id},
        },
    )
