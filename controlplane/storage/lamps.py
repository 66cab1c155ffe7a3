"""Queries about lamps: whose lamps a change concerns, and what they show now."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final, NamedTuple
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.lamp import Lamp
from controlplane.domain.numbers import Feature
from controlplane.domain.tenant import DEFAULT_TENANT
from controlplane.storage.tables import FeatureCodeRow, MailboxRow, TenantRow

# The slots of an extension's pointers that are mailboxes which it watches.
_WATCHES: Final = r"(pointers.slot = 'mailbox' OR pointers.slot LIKE 'mwi\_mailboxes.%')"
# What a lamp shows is a set: a mailbox that an extension owns and names counts once.
_COUNTED: Final = text(
    f"""
WITH shown AS (
    SELECT number AS lamp, number AS mailbox FROM mailboxes
     WHERE tenant_id = :tenant_id AND number = ANY(:numbers) AND deleted_at IS NULL
    UNION
    SELECT extensions.number, pointers.number
      FROM extensions JOIN pointers ON pointers.object_id = extensions.id AND {_WATCHES}
     WHERE extensions.tenant_id = :tenant_id AND extensions.number = ANY(:numbers)
)
SELECT shown.lamp,
       count(*) FILTER (WHERE messages.state = 'new'), count(*) FILTER (WHERE messages.state = 'saved'),
       count(*) FILTER (WHERE messages.state = 'new' AND messages.urgent),
       count(*) FILTER (WHERE messages.state = 'saved' AND messages.urgent)
  FROM shown
  JOIN mailboxes ON mailboxes.tenant_id = :tenant_id AND mailboxes.number = shown.mailbox
                AND mailboxes.deleted_at IS NULL
  JOIN messages ON messages.mailbox_id = mailboxes.id AND messages.state IN ('new', 'saved')
 GROUP BY shown.lamp
"""  # noqa: S608 (of constants)
)
_WATCHING: Final = text(
    f"""
SELECT DISTINCT extensions.number
  FROM pointers JOIN extensions ON extensions.id = pointers.object_id
 WHERE pointers.tenant_id = :tenant_id AND pointers.number = ANY(:numbers) AND {_WATCHES}
 ORDER BY extensions.number
"""  # noqa: S608 (of constants)
)
_MAILBOXES: Final = text(
    """
SELECT number FROM mailboxes
 WHERE tenant_id = :tenant_id AND deleted_at IS NULL AND number > :after
   AND EXISTS (SELECT FROM messages WHERE messages.mailbox_id = mailboxes.id) = :used
 ORDER BY number LIMIT :limit
"""
)
# Who holds the lock is the only one of it that runs: all others wait, and say what is told now.
_JOINED: Final = text(
    "DELETE FROM procrastinate_jobs WHERE status = 'todo' AND lock = :lock AND task_name = :task"
)


class _Counts(NamedTuple):
    """What a lamp counts, in the order of the query."""

    new: int = 0
    saved: int = 0
    new_urgent: int = 0
    saved_urgent: int = 0


async def tenants(session: AsyncSession) -> list[UUID | None]:
    """Return all tenants; None is the default one."""
    rows = await session.execute(select(TenantRow.id, TenantRow.name).order_by(TenantRow.created_at))
    return [None if name == DEFAULT_TENANT else tenant_id for tenant_id, name in rows]


async def numbers(session: AsyncSession, mailbox_ids: Collection[UUID]) -> list[tuple[str, UUID | None]]:
    """Return the numbers of these mailboxes, deleted or not, in order, each with its tenant."""
    found = await session.execute(
        select(MailboxRow.number, TenantRow.id, TenantRow.name)
        .join(TenantRow, TenantRow.id == MailboxRow.tenant_id)
        .where(MailboxRow.id.in_(mailbox_ids))
        .distinct()
        .order_by(MailboxRow.number)
    )
    return [(number, None if name == DEFAULT_TENANT else tenant_id) for number, tenant_id, name in found]


async def tenant_of(session: AsyncSession, tenant_id: UUID) -> UUID | None:
    """Return a tenant as lamps have it: None for the default one."""
    name = await session.scalar(select(TenantRow.name).where(TenantRow.id == tenant_id))
    return None if name == DEFAULT_TENANT else tenant_id


async def lamp(session: AsyncSession, number: str, tenant: UUID | None) -> Lamp:
    """Return what the lamp of a number shows; nothing, if nobody has it."""
    (found,) = await lamps(session, [number], tenant)
    return found


async def lamps(session: AsyncSession, wanted: Sequence[str], tenant: UUID | None) -> list[Lamp]:
    """Return what the lamps of these numbers show, in their order."""
    tenant_id = await _id_of(session, tenant)
    rows = await session.execute(_COUNTED, {"tenant_id": tenant_id, "numbers": list(wanted)})
    counts = {number: _Counts(*counted) for number, *counted in rows}
    codes = await _codes(session, tenant_id)
    mailboxes = await _mailboxes_among(session, tenant_id, wanted)
    return [_lamp(number, tenant, counts, codes if number in mailboxes else ()) for number in wanted]


async def with_watching(session: AsyncSession, wanted: Sequence[str], tenant: UUID | None) -> list[str]:
    """Return these numbers, and those of the extensions that watch one of them."""
    tenant_id = await _id_of(session, tenant)
    watching = await session.scalars(_WATCHING, {"tenant_id": tenant_id, "numbers": list(wanted)})
    return list(dict.fromkeys([*wanted, *watching]))


async def mailboxes(
    session: AsyncSession, tenant: UUID | None, *, used: bool, after: str, limit: int
) -> list[str]:
    """Return numbers of mailboxes, as text from behind `after` on.

    With `used` those that have messages, be it in the trash, else those that have none.
    """
    tenant_id = await _id_of(session, tenant)
    asked = {"tenant_id": tenant_id, "after": after, "used": used, "limit": limit}
    return list(await session.scalars(_MAILBOXES, asked))


async def dialled_by(session: AsyncSession, key: str, tenant: UUID | None) -> str | None:
    """Return the number of the mailbox that a BLF key dials; None for a key that dials none."""
    codes = await _codes(session, await _id_of(session, tenant))
    rests = (key.removeprefix(code) for code in codes if key.startswith(code))
    return next((rest for rest in rests if rest.isascii() and rest.isdecimal()), None)


async def join_waiting(session: AsyncSession, task: str, lock: str) -> None:
    """Forget the jobs that wait to tell what the running one is about to tell."""
    await session.execute(_JOINED, {"lock": lock, "task": task})


async def _id_of(session: AsyncSession, tenant: UUID | None) -> UUID | None:
    if tenant is not None:
        return tenant
    return await session.scalar(select(TenantRow.id).where(TenantRow.name == DEFAULT_TENANT))


async def _codes(session: AsyncSession, tenant_id: UUID | None) -> tuple[str, ...]:
    """Return the feature codes that hear a mailbox, the longest first."""
    found = await session.scalars(
        select(FeatureCodeRow.code).where(
            FeatureCodeRow.tenant_id == tenant_id,
            FeatureCodeRow.feature == Feature.CHECK_MESSAGES.value,
            FeatureCodeRow.enabled,
        )
    )
    return tuple(sorted(found, key=lambda code: (-len(code), code)))


async def _mailboxes_among(
    session: AsyncSession, tenant_id: UUID | None, wanted: Iterable[str]
) -> frozenset[str]:
    # A deleted one too: its keys go dark.
    found = await session.scalars(
        select(MailboxRow.number).where(
            MailboxRow.tenant_id == tenant_id, MailboxRow.number.in_(list(wanted))
        )
    )
    return frozenset(found)


def _lamp(number: str, tenant: UUID | None, counts: Mapping[str, _Counts], codes: tuple[str, ...]) -> Lamp:
    counted = counts.get(number, _Counts())
    return Lamp(
        number=number,
        tenant=tenant,
        new=counted.new,
        saved=counted.saved,
        new_urgent=counted.new_urgent,
        saved_urgent=counted.saved_urgent,
        keys=tuple(f"{code}{number}" for code in codes),
    )
