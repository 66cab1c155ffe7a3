"""Extensions: making, reading, changing and removing the accounts of SIP phones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypedDict
from uuid import UUID, uuid4

import structlog

from controlplane.domain.configuration import Action, ObjectChange, ObjectKind
from controlplane.domain.errors import NotFound, PreconditionFailed
from controlplane.domain.extension import Extension, a1_hash, generate_sip_password, parse_sip_password
from controlplane.domain.numbers import Number, NumberKind
from controlplane.domain.text import parse_display_name
from controlplane.services.lamps import defer_lamp_of
from controlplane.services.numbers import take_number
from controlplane.services.publishing_jobs import defer_publishing
from controlplane.services.routing.pointing import free_number
from controlplane.storage import extensions
from controlplane.storage.database import Database
from controlplane.storage.extensions import extension_values
from controlplane.storage.paging import Page
from controlplane.storage.queue import Jobs
from controlplane.storage.tables import ExtensionRow

# What people call a column.
_FIELD = {"sip_a1_hash": "sip_password"}


class ExtensionChanges(TypedDict, total=False):
    """What is to change; `sip_password` None makes a new one."""

    display_name: str
    sip_password: str | None


async def create_extension(
    db: Database,
    jobs: Jobs,
    *,
    tenant_id: UUID,
    number: str,
    display_name: str,
    sip_password: str | None,
    realm: str,
    by: str,
) -> tuple[Extension, str]:
    """Make an extension; return it and its password, which is generated when None is given.

    Only the password's digest is stored: it cannot be shown again. `by` names who did it. Raises
    InvalidValue for a field that breaks its rule, Conflict `number-taken`.
    """
    checked = Number.parse(number)
    name = parse_display_name(display_name)
    password = (
        generate_sip_password() if sip_password is None else parse_sip_password(sip_password, number=checked)
    )
    row = ExtensionRow(
        id=uuid4(),
        tenant_id=tenant_id,
        number=checked,
        display_name=name,
        sip_a1_hash=a1_hash(number=checked, realm=realm, password=password),
    )
    async with db.transaction() as session:
        await take_number(
            session, tenant_id=tenant_id, number=checked, kind=NumberKind.EXTENSION, object_id=row.id
        )
        await extensions.insert(session, row)
        await defer_publishing(
            session,
            jobs,
            tenant_id=tenant_id,
            numbers=[checked],
            revision=True,
            change=_change(Action.ADDED, checked, by),
        )
    structlog.get_logger().info("extension.created", tenant_id=str(tenant_id), number=checked)
    return extension_values(row), password


async def get_extension(db: Database, *, tenant_id: UUID, number: str) -> Extension:
    """Return an extension; raises NotFound."""
    async with db.transaction() as session:
        row = await extensions.by_number(session, tenant_id, number)
    return extension_values(_found(row))


async def list_extensions(
    db: Database, *, tenant_id: UUID, q: str | None, limit: int, after: str | None
) -> Page[Extension]:
    """List extensions in the order of their digits, after a number."""
    async with db.transaction() as session:
        return await extensions.page(session, tenant_id=tenant_id, q=q, limit=limit, after=after)


async def update_extension(
    db: Database,
    jobs: Jobs,
    *,
    tenant_id: UUID,
    number: str,
    changes: ExtensionChanges,
    realm: str,
    by: str,
    expected_version: int | None = None,
) -> tuple[Extension, str | None]:
    """Change an extension; return it and its new password, None if that stays.

    Raises NotFound, PreconditionFailed when the version is not the expected one, InvalidValue.
    """
    values: dict[str, Any] = {}
    password: str | None = None
    if "display_name" in changes:
        values["display_name"] = parse_display_name(changes["display_name"])
    if "sip_password" in changes:
        wanted = changes["sip_password"]
        password = generate_sip_password() if wanted is None else parse_sip_password(wanted, number=number)
        values["sip_a1_hash"] = a1_hash(number=number, realm=realm, password=password)
    async with db.transaction() as session:
        row = _found(await extensions.by_number(session, tenant_id, number, lock=True))
        _check_version(row, expected_version)
        values = {key: value for key, value in values.items() if getattr(row, key) != value}
        if values:
            row = await extensions.update_values(session, row.id, values)
            await defer_publishing(
                session,
                jobs,
                tenant_id=tenant_id,
                revision=True,
                change=_change(
                    Action.CHANGED, number, by, fields=sorted(_FIELD.get(key, key) for key in values)
                ),
            )
    structlog.get_logger().info(
        "extension.changed", tenant_id=str(tenant_id), number=number, fields=sorted(changes)
    )
    return extension_values(row), password


async def delete_extension(
    db: Database, jobs: Jobs, *, tenant_id: UUID, number: str, by: str, expected_version: int | None = None
) -> None:
    """Remove an extension and free its number.

    Raises NotFound, PreconditionFailed, Conflict `number-in-use` while something points at it.
    """
    async with db.transaction() as session:
        row = _found(await extensions.by_number(session, tenant_id, number, lock=True))
        _check_version(row, expected_version)
        await free_number(session, tenant_id=tenant_id, number=number, object_id=row.id)
        await extensions.remove(session, row.id)
        await defer_publishing(
            session,
            jobs,
            tenant_id=tenant_id,
            numbers=[number],
            revision=True,
            change=_change(Action.REMOVED, number, by),
        )
        # A switch that keeps lamps would show it to the phones of the next one with this number.
        await defer_lamp_of(session, jobs, tenant_id=tenant_id, number=number)
    structlog.get_logger().info("extension.deleted", tenant_id=str(tenant_id), number=number)


def _change(action: Action, number: str, by: str, *, fields: Sequence[str] = ()) -> ObjectChange:
    return ObjectChange(kind=ObjectKind.EXTENSION, name=number, action=action, by=by, fields=tuple(fields))


def _found(row: ExtensionRow | None) -> ExtensionRow:
    if row is None:
        raise NotFound("There is no extension with this number.", error_id="no-such-extension")
    return row


def _check_version(row: ExtensionRow, expected: int | None) -> None:
    if expected is not None and row.version != expected:
        raise PreconditionFailed("The extension was changed by somebody else since it was read.")
