"""Ring groups, call queues, receptionists, inbound rules, trunks and office hours: one life for all."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Final, cast
from uuid import UUID, uuid4

import structlog
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.configuration import Action, ObjectChange, ObjectKind
from controlplane.domain.errors import Conflict, NotFound, PreconditionFailed
from controlplane.domain.numbers import Number
from controlplane.domain.routing.call_queue import CallQueue
from controlplane.domain.routing.hours import OfficeHours
from controlplane.domain.routing.kinds import RoutingKind, RoutingObject, Settings
from controlplane.domain.routing.trunk import Trunk
from controlplane.domain.text import parse_display_name, parse_key_name
from controlplane.services.numbers import take_number
from controlplane.services.publishing_jobs import defer_change
from controlplane.services.receptionist_greetings import defer_greeting
from controlplane.services.routing.loops import check_loops
from controlplane.services.routing.naming import check_names, check_unnamed
from controlplane.services.routing.office_hours import in_a_time_zone, publish_office_hours
from controlplane.services.routing.owned_mailboxes import check_voicemails, lock_owners
from controlplane.services.routing.pointing import free_number, note_pointers
from controlplane.services.routing.trunk_addresses import check_addresses
from controlplane.speech.choice import choose_language
from controlplane.storage.constraints import constraint_of
from controlplane.storage.database import Database
from controlplane.storage.paging import Page
from controlplane.storage.queue import Jobs
from controlplane.storage.routing import objects, queue_agents
from controlplane.storage.routing.documents import to_document
from controlplane.storage.routing.objects import object_values
from controlplane.storage.tables import RoutingObjectRow

RENDERED: Final = frozenset({RoutingKind.CALL_QUEUE, RoutingKind.INBOUND_RULE, RoutingKind.TRUNK})
"""Those that are a part of a revision; the others are read at each call, or belong to the files of hours."""


async def create_object(
    db: Database,
    jobs: Jobs,
    *,
    tenant_id: UUID,
    kind: RoutingKind,
    number: str | None,
    name: str,
    settings: Settings,
    by: str,
) -> RoutingObject:
    """Make an object and publish it; `number` for kinds that have one. `by` names who did it.

    Raises InvalidValue naming the field, Conflict `number-taken` or `name-taken`.
    """
    if isinstance(settings, OfficeHours):
        settings = await in_a_time_zone(db, tenant_id, settings)
    row = RoutingObjectRow(
        id=uuid4(),
        tenant_id=tenant_id,
        kind=kind.value,
        number=None if number is None else Number.parse(number),
        name=parse_display_name(name, field="display_name") if kind.number_kind else parse_key_name(name),
        settings=to_document(settings),
    )
    settings.check()
    try:
        async with db.transaction() as session:
            if kind.number_kind is not None and row.number is not None:
                await take_number(
                    session,
                    tenant_id=tenant_id,
                    number=row.number,
                    kind=kind.number_kind,
                    object_id=row.id,
                )
            await objects.insert(session, row)
            await _point(session, row, settings)
            await _publish(session, jobs, row, Action.ADDED, by)
    except IntegrityError as error:
        raise _clash(error, kind) from error
    structlog.get_logger().info("routing.created", kind=kind.value, tenant_id=str(tenant_id), key=_key(row))
    return object_values(row)


async def get_object(db: Database, *, tenant_id: UUID, kind: RoutingKind, key: str) -> RoutingObject:
    """Return the object of this number or name; raises NotFound."""
    async with db.transaction() as session:
        return object_values(_found(await objects.find(session, tenant_id, kind, key), kind))


async def list_objects(
    db: Database, *, tenant_id: UUID, kind: RoutingKind, q: str | None, limit: int, after: str | None
) -> Page[RoutingObject]:
    """List the objects of a kind in the order of their digits or names, after one."""
    async with db.transaction() as session:
        return await objects.page(session, tenant_id=tenant_id, kind=kind, q=q, limit=limit, after=after)


async def update_object(
    db: Database,
    jobs: Jobs,
    *,
    tenant_id: UUID,
    kind: RoutingKind,
    key: str,
    name: str | None,
    changes: Mapping[str, Any],
    by: str,
    expected_version: int | None = None,
) -> RoutingObject:
    """Change settings by the names of their fields, and the name if it is one for people; return the object.

    The number, and the name of what has none, never change. Raises NotFound, PreconditionFailed when the
    version is not the expected one, InvalidValue naming the field.
    """
    async with db.transaction() as session:
        row = await _held(session, tenant_id, kind, key, expected_version)
        before = object_values(row)
        settings = dataclasses.replace(before.settings, **changes)
        settings.check()
        if isinstance(settings, Trunk) and "password" not in changes:
            settings.check_provider_of(cast("Trunk", before.settings))
        values: dict[str, Any] = {}
        if settings != before.settings:
            values["settings"] = to_document(settings)
        if name is not None and kind.number_kind is not None:
            label = parse_display_name(name, field=_name_field(kind))
            if label != row.name:
                values["name"] = label
        if values:
            row = await objects.update_values(session, row.id, values)
            await _point(session, row, settings)
            changed = [field for field in changes if getattr(before.settings, field) != changes[field]]
            if "name" in values:
                changed.append(_name_field(kind))
            await _publish(session, jobs, row, Action.CHANGED, by, fields=sorted(changed))
        result = object_values(row)
    structlog.get_logger().info("routing.changed", kind=kind.value, tenant_id=str(tenant_id), key=key)
    return result


async def delete_object(
    db: Database,
    jobs: Jobs,
    *,
    tenant_id: UUID,
    kind: RoutingKind,
    key: str,
    by: str,
    expected_version: int | None = None,
) -> None:
    """Remove an object; raises NotFound, PreconditionFailed, Conflict `number-in-use` or `name-in-use`."""
    async with db.transaction() as session:
        row = await _held(session, tenant_id, kind, key, expected_version)
        if row.number is not None:
            await free_number(session, tenant_id=tenant_id, number=row.number, object_id=row.id)
        else:
            await check_unnamed(session, row)
            await _forget_pointers(session, row)
        await objects.remove(session, row.id)
        await _publish(session, jobs, row, Action.REMOVED, by)
    structlog.get_logger().info("routing.deleted", kind=kind.value, tenant_id=str(tenant_id), key=key)


async def _point(session: AsyncSession, row: RoutingObjectRow, settings: Settings) -> None:
    owned = await lock_owners(session, row.tenant_id, settings)
    pointers = () if isinstance(settings, OfficeHours) else settings.pointers()
    await note_pointers(session, tenant_id=row.tenant_id, object_id=row.id, pointers=pointers)
    check_voicemails(settings, owned)
    await check_names(session, row.tenant_id, settings)
    language = getattr(settings, "language", None)
    if language is not None:
        choose_language(language)
    if isinstance(settings, Trunk):
        await check_addresses(session, tenant_id=row.tenant_id, trunk_id=row.id, trunk=settings)
    if isinstance(settings, CallQueue):
        await queue_agents.forget_others(session, row.id, settings.agents)
    await check_loops(
        session,
        tenant_id=row.tenant_id,
        number=row.number,
        kind=RoutingKind(row.kind).number_kind,
        settings=settings,
    )


async def _forget_pointers(session: AsyncSession, row: RoutingObjectRow) -> None:
    await note_pointers(session, tenant_id=row.tenant_id, object_id=row.id, pointers=())


async def _publish(
    session: AsyncSession,
    jobs: Jobs,
    row: RoutingObjectRow,
    action: Action,
    by: str,
    *,
    fields: Sequence[str] = (),
) -> None:
    kind = RoutingKind(row.kind)
    if kind is RoutingKind.OFFICE_HOURS:
        await publish_office_hours(session, jobs, row, action, by=by)
        return
    change = ObjectChange(
        kind=ObjectKind(row.kind), name=_key(row), action=action, by=by, fields=tuple(fields)
    )
    if kind is RoutingKind.VIRTUAL_RECEPTIONIST:
        await defer_greeting(session, jobs, row.id)
    rendered = kind in RENDERED
    await defer_change(
        session,
        jobs,
        tenant_id=row.tenant_id,
        numbers=[] if row.number is None else [row.number],
        change=change,
        rendered=rendered,
    )


def _key(row: RoutingObjectRow) -> str:
    return row.number or row.name


def _name_field(kind: RoutingKind) -> str:
    return "name" if kind.number_kind is None else "display_name"


async def _held(
    session: AsyncSession, tenant_id: UUID, kind: RoutingKind, key: str, expected_version: int | None
) -> RoutingObjectRow:
    """Return an object that nobody else changes until the commit; raises NotFound, PreconditionFailed."""
    row = _found(await objects.find(session, tenant_id, kind, key, lock=True), kind)
    if expected_version is not None and row.version != expected_version:
        raise PreconditionFailed(f"The {kind.words} was changed by somebody else since it was read.")
    return row


def _found(row: RoutingObjectRow | None, kind: RoutingKind) -> RoutingObjectRow:
    if row is None:
        key = "number" if kind.number_kind else "name"
        raise NotFound(f"There is no {kind.words} with this {key}.", error_id=f"no-such-{kind.value}")
    return row


def _clash(error: IntegrityError, kind: RoutingKind) -> Exception:
    if constraint_of(error) == "ix_routing_objects_named":
        return Conflict(
            f"Another {kind.words} has this name: choose another `name`, or change that one.",
            error_id="name-taken",
            field="name",
        )
    return error
