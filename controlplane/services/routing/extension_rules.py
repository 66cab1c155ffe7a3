"""The call forward rules of extensions: reading and setting them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.configuration import Action, ObjectChange, ObjectKind
from controlplane.domain.errors import NotFound, PreconditionFailed
from controlplane.domain.numbers import NumberKind
from controlplane.domain.routing.extension_rules import ExtensionRules
from controlplane.services.lamps import defer_lamp_of
from controlplane.services.publishing_jobs import defer_change
from controlplane.services.routing.loops import check_loops
from controlplane.services.routing.naming import check_names
from controlplane.services.routing.owned_mailboxes import (
    check_lengths,
    check_voicemails,
    is_rendered,
    owned_of,
    owners_in,
    still_forwarded,
    voicemail_users,
)
from controlplane.services.routing.pointing import note_pointers
from controlplane.storage import extensions
from controlplane.storage.database import Database
from controlplane.storage.queue import Jobs
from controlplane.storage.routing.documents import rules_from, to_document
from controlplane.storage.routing.pointers import PointingObject
from controlplane.storage.tables import ExtensionRow


async def get_rules(db: Database, *, tenant_id: UUID, number: str) -> tuple[ExtensionRules, int]:
    """Return the rules of an extension, and the extension's version; raises NotFound."""
    async with db.transaction() as session:
        row = _found(await extensions.by_number(session, tenant_id, number))
        return rules_from(row.rules), row.version


async def put_rules(
    db: Database,
    jobs: Jobs,
    *,
    tenant_id: UUID,
    number: str,
    rules: ExtensionRules,
    by: str,
    expected_version: int | None = None,
) -> tuple[ExtensionRules, int]:
    """Set all rules of an extension; return them and its version, which is a new one if they changed.

    The route file is reconciled, without a revision; so are those of whatever forwards to its voicemail when
    it owns another mailbox. Raises NotFound, PreconditionFailed when the version is not the expected one,
    InvalidValue naming the field, Conflict `voicemail-in-use` when it is to own no mailbox any more and
    something else forwards to it.
    """
    rules.check()
    async with db.transaction() as session:
        locked = await extensions.by_numbers(session, tenant_id, {number, *owners_in(rules)}, lock=True)
        row = _found(locked.get(number))
        if expected_version is not None and row.version != expected_version:
            raise PreconditionFailed("The extension was changed by somebody else since it was read.")
        before = rules_from(row.rules)
        if rules == before:
            return rules, row.version
        await _check(session, row, rules, owned_of(locked))
        row = await extensions.update_values(session, row.id, {"rules": to_document(rules)})
        users: list[PointingObject] = []
        if rules.mailbox != before.mailbox:
            users = await voicemail_users(session, tenant_id=tenant_id, number=number)
            if users and rules.mailbox is None:
                raise still_forwarded(number, users)
            await check_lengths(session, users, tenant_id=tenant_id)
        rendered = any(is_rendered(one) for one in users)
        change = ObjectChange(
            kind=ObjectKind.EXTENSION,
            name=number,
            action=Action.CHANGED,
            by=by,
            fields=tuple(
                one.name for one in fields(rules) if getattr(rules, one.name) != getattr(before, one.name)
            ),
        )
        await defer_change(
            session,
            jobs,
            tenant_id=tenant_id,
            numbers=[number, *(one.number for one in users if one.number is not None)],
            change=change,
            rendered=rendered,
        )
        if (rules.mailbox, rules.mwi_mailboxes) != (before.mailbox, before.mwi_mailboxes):
            await defer_lamp_of(session, jobs, tenant_id=tenant_id, number=number)
        version = row.version
    structlog.get_logger().info("extension.rules_changed", tenant_id=str(tenant_id), number=number)
    return rules, version


async def _check(
    session: AsyncSession, row: ExtensionRow, rules: ExtensionRules, owned: Mapping[str, str | None]
) -> None:
    await note_pointers(session, tenant_id=row.tenant_id, object_id=row.id, pointers=rules.pointers())
    check_voicemails(rules, owned, own_number=row.number, own_mailbox=rules.mailbox)
    rules.check_length({**owned, row.number: rules.mailbox})
    await check_names(session, row.tenant_id, rules)
    await check_loops(
        session, tenant_id=row.tenant_id, number=row.number, kind=NumberKind.EXTENSION, settings=rules
    )


def _found(row: ExtensionRow | None) -> ExtensionRow:
    if row is None:
        raise NotFound("There is no extension with this number.", error_id="no-such-extension")
    return row
