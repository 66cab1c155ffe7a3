"""Queries of the audit log: who did what. Changes are noted by triggers, hearing by `note_heard`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Text, cast, delete, func, insert, literal, or_, select, tuple_
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.audit import BEGINNINGS, AuditAction, AuditEntry, AuditWay
from controlplane.storage.tables import AuditEntryRow as Row
from controlplane.storage.tables import MailboxRow, MessageRow, TenantRow

_KINDS: Final = ("user", "token", "extension", "caller")
"""How the label of an author begins who has a name or a number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    """Which entries are asked for; what is empty asks for any. `until` is excluded.

    `author` is a whole label, or what stands in one: a user's name, a token's, the number of an extension.
    """

    author: str | None = None
    actions: tuple[AuditAction, ...] = ()
    kind: str | None = None
    object_key: str | None = None
    subject: str | None = None
    way: AuditWay | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditPosition:
    """An entry of the list, which goes on after it."""

    happened_at: datetime
    id: int


async def name_author(session: AsyncSession, by: str) -> None:
    """Say who makes the changes of this transaction, at any time before its end."""
    await session.execute(select(func.set_config("controlplane.author", by, True)))


async def note_heard(
    session: AsyncSession,
    message_ids: Collection[UUID],
    *,
    action: AuditAction,
    by: str,
    to: str | None = None,
) -> None:
    """Note that somebody heard, downloaded or passed on messages; those that are not there are left out.

    `to` is the mailbox that one was forwarded to, the addresses it was mailed to, or the number called back.
    """
    passed = _to(to)
    found = (
        select(
            MessageRow.tenant_id,
            literal(by),
            literal(action.value),
            literal("message"),
            cast(MessageRow.id, Text),
            MailboxRow.number,
            func.jsonb_build_object(
                "caller", MessageRow.caller_number, "received_at", MessageRow.received_at
            ).op("||")(literal(passed, JSONB)),
        )
        .join(MailboxRow, MailboxRow.id == MessageRow.mailbox_id)
        .where(MessageRow.id.in_(message_ids))
    )
    columns = ["tenant_id", "author", "action", "kind", "object_key", "subject", "details"]
    await session.execute(insert(Row).from_select(columns, found))


async def note_at_mailbox(
    session: AsyncSession, mailbox_id: UUID, *, action: AuditAction, by: str, to: str | None = None
) -> None:
    """Note what somebody did in a mailbox, or tried; nothing for one that is not there.

    `to` is the mailbox to which somebody went on.
    """
    found = select(
        MailboxRow.tenant_id,
        literal(by),
        literal(action.value),
        literal("mailbox"),
        MailboxRow.number,
        MailboxRow.number,
        literal(_to(to), JSONB),
    ).where(MailboxRow.id == mailbox_id)
    columns = ["tenant_id", "author", "action", "kind", "object_key", "subject", "details"]
    await session.execute(insert(Row).from_select(columns, found))


def _to(number: str | None) -> dict[str, Any]:
    return {} if number is None else {"after": {"to": number}}


async def note_done(
    session: AsyncSession, tenant_id: UUID | None, *, action: AuditAction, kind: str, key: str, by: str
) -> None:
    """Note what was done to something without a change of a row; `tenant_id` None: of no single tenant."""
    await session.execute(
        insert(Row).values(
            tenant_id=tenant_id, author=by, action=action.value, kind=kind, object_key=key, subject=key
        )
    )


async def purged_by(session: AsyncSession, message_id: UUID) -> str | None:
    """Return the label of who purged a message; None if nobody did, or that was forgotten."""
    # By the tenants, because entries are found by tenant and object.
    return await session.scalar(
        select(Row.author)
        .where(
            Row.tenant_id.in_(select(TenantRow.id)),
            Row.object_key == str(message_id),
            Row.kind == "message",
            Row.action == AuditAction.PURGED.value,
        )
        .limit(1)
    )


async def newest(
    session: AsyncSession,
    tenant_id: UUID | None,
    wanted: AuditFilter,
    *,
    limit: int,
    after: AuditPosition | None,
) -> list[AuditEntry]:
    """List entries of a tenant, or with None those of the whole installation, newest first."""
    query = select(Row).where(Row.tenant_id.is_(None) if tenant_id is None else Row.tenant_id == tenant_id)
    query = query.where(*_conditions(wanted))
    if wanted.author is not None:
        query = query.where(Row.author.in_(await _labels(session, tenant_id, wanted.author)))
    if after is not None:
        query = query.where(tuple_(Row.happened_at, Row.id) < tuple_(after.happened_at, after.id))
    rows: Sequence[Row] = (
        await session.scalars(query.order_by(Row.happened_at.desc(), Row.id.desc()).limit(limit))
    ).all()
    return [_entry(row) for row in rows]


async def _labels(session: AsyncSession, tenant_id: UUID | None, name: str) -> list[str]:
    """Return the labels of authors in which a name stands; asked of the index, a step for each author."""
    among = Row.tenant_id.is_(None) if tenant_id is None else Row.tenant_id == tenant_id
    first = select(Row.author).where(among).order_by(Row.author).limit(1)
    authors = select(first.scalar_subquery().label("author")).cte("authors", recursive=True)
    following = first.where(Row.author > authors.c.author).scalar_subquery()
    authors = authors.union_all(select(following).where(authors.c.author.is_not(None)))
    label = authors.c.author
    return list(
        await session.scalars(
            select(label).where(
                or_(
                    label.in_([name, *(f"{kind} {name}" for kind in _KINDS)]),
                    *(label.startswith(f"{kind} {name} (user ", autoescape=True) for kind in _KINDS),
                    label.endswith(f" (user {name})", autoescape=True),
                )
            )
        )
    )


def _conditions(wanted: AuditFilter) -> list[ColumnElement[bool]]:
    equal: Mapping[Any, Any] = {
        Row.kind: wanted.kind,
        Row.object_key: wanted.object_key,
        Row.subject: wanted.subject,
    }
    found = [column == value for column, value in equal.items() if value is not None]
    if wanted.actions:
        found.append(Row.action.in_([action.value for action in wanted.actions]))
    if wanted.way is AuditWay.COMMAND_LINE:
        found += [~_begins(beginnings) for beginnings in BEGINNINGS.values()]
    elif wanted.way is not None:
        found.append(_begins(BEGINNINGS[wanted.way]))
    if wanted.since is not None:
        found.append(Row.happened_at >= wanted.since)
    if wanted.until is not None:
        found.append(Row.happened_at < wanted.until)
    return found


def _begins(beginnings: Sequence[str]) -> ColumnElement[bool]:
    return or_(*(Row.author.startswith(each, autoescape=True) for each in beginnings))


async def purge(session: AsyncSession, *, before: datetime, limit: int) -> int:
    """Remove the oldest entries of before a time; return how many."""
    await session.execute(select(func.set_config("controlplane.retention", "on", True)))
    oldest = select(Row.id).where(Row.happened_at < before).order_by(Row.happened_at).limit(limit)
    removed = await session.execute(
        delete(Row).where(Row.id.in_(oldest)).returning(Row.id).execution_options(synchronize_session=False)
    )
    return len(removed.all())


def _entry(row: Row) -> AuditEntry:
    details = row.details
    received_at = details.get("received_at")
    return AuditEntry(
        id=row.id,
        happened_at=row.happened_at,
        author=row.author,
        action=AuditAction(row.action),
        kind=row.kind,
        object_key=row.object_key,
        subject=row.subject,
        before=details.get("before", {}),
        after=details.get("after", {}),
        secrets=tuple(details.get("secrets", ())),
        caller=details.get("caller"),
        received_at=None if received_at is None else datetime.fromisoformat(received_at),
    )
