"""Queries of the revisions: how the publishing of each went, what it changed, and what is queued."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import delete, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.configuration import SYSTEM, Action, FileDifference
from controlplane.storage.paging import Page, cut
from controlplane.storage.tables import ConfigurationChangeRow, ConfigurationRevisionChangeRow
from controlplane.storage.tables import ConfigurationRevisionRow as Row

_KEPT: Final = 1000
# procrastinate's own table; its states are those of its version 3.
_QUEUED = text(
    "SELECT EXISTS (SELECT FROM procrastinate_jobs WHERE status IN ('todo', 'doing')"
    " AND (task_name IN ('configuration.publish', 'configuration.publish_by_hand', 'configuration.mailboxes')"
    " OR (task_name = 'configuration.routes' AND args->>'tenant_id' = :tenant_id)))"
)
_LATER = text(
    "SELECT EXISTS (SELECT FROM procrastinate_jobs WHERE status = 'todo' AND id > :job_id"
    " AND task_name = 'configuration.publish' AND (scheduled_at IS NULL OR scheduled_at <= now()))"
)
_ASKED = text(
    "SELECT EXISTS (SELECT FROM procrastinate_jobs WHERE status IN ('todo', 'doing')"
    " AND task_name = 'configuration.publish_by_hand'"
    " AND coalesce(args->'tenant_ids' @> to_jsonb(CAST(:tenant_id AS text)), true))"
)
_SUMMARY: Final = (
    Row.id,
    Row.digest,
    Row.state,
    Row.error,
    Row.author,
    Row.put_back,
    Row.edited_copy,
    Row.created_at,
    Row.live_at,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """How the publishing of a revision went; `digest` is empty if it could not be rendered.

    Of one that failed, `put_back` says whether the switch was seen to run the last good one again.
    `edited_copy` is where files are kept that were edited by hand and that it replaced.
    """

    id: int
    digest: str
    state: str
    error: str | None
    author: str
    put_back: bool | None
    edited_copy: str | None
    created_at: datetime
    live_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRevision:
    """What is noted of a revision before it is linked; `files` None: not known what it changes."""

    digest: str
    author: str = SYSTEM
    files: Sequence[FileDifference] | None = None
    edited_copy: str | None = None


async def latest(session: AsyncSession) -> Revision | None:
    """Return the revision that was published or tried last."""
    return next(iter(await newest(session, limit=1)), None)


async def newest(session: AsyncSession, *, limit: int) -> list[Revision]:
    """Return the newest revisions, newest first."""
    return [_revision(row) for row in await session.execute(_summaries().limit(limit))]


async def newest_that_counts(session: AsyncSession) -> Revision | None:
    """Return the newest revision that is not superseded."""
    row = (await session.execute(_summaries().where(Row.state != "superseded").limit(1))).first()
    return None if row is None else _revision(row)


async def page(session: AsyncSession, *, limit: int, before: int | None) -> Page[Revision]:
    """List revisions, newest first, those before a number."""
    query = _summaries().limit(limit + 1)
    if before is not None:
        query = query.where(Row.id < before)
    return cut([_revision(row) for row in await session.execute(query)], limit)


async def get(session: AsyncSession, number: int) -> Revision | None:
    """Return a revision."""
    row = (await session.execute(_summaries().where(Row.id == number))).first()
    return None if row is None else _revision(row)


async def files(session: AsyncSession, number: int) -> list[FileDifference] | None:
    """Return what a revision changes in each file; None where that is not known."""
    found = await session.scalar(select(Row.files).where(Row.id == number))
    if found is None:
        return None
    return [
        FileDifference(path=file["path"], change=Action(file["change"]), difference=file["difference"])
        for file in found
    ]


async def live_digest(session: AsyncSession) -> str | None:
    """Return the digest of the revision that the switch was last seen to run."""
    return await session.scalar(
        select(Row.digest).where(Row.state == "live").order_by(Row.id.desc()).limit(1)
    )


async def live_number(session: AsyncSession) -> int | None:
    """Return its number."""
    return await session.scalar(select(func.max(Row.id)).where(Row.state == "live"))


async def open_revision(session: AsyncSession, new: NewRevision) -> int:
    """Return the id of a pending row of this digest: the last one if it is not live, else a new one."""
    row = await session.scalar(select(Row).order_by(Row.id.desc()).limit(1).with_for_update())
    unsettled = row is not None and row.state in {"pending", "failed"}
    if row is None or not (unsettled and row.digest == new.digest):
        row = Row(digest=new.digest, state="pending", author=new.author)
        session.add(row)
    row.digest, row.state, row.error, row.put_back = new.digest, "pending", None, None
    if new.files is not None:
        row.author, row.files = new.author, [_stored(file) for file in new.files]
    if new.edited_copy is not None:
        row.edited_copy = new.edited_copy
    await session.flush()
    return row.id


async def mark_live(session: AsyncSession, revision_id: int) -> None:
    """Note that the switch runs this revision; the one before, and what was pending, are superseded."""
    await supersede_pending(session, but=revision_id, states=("live", "pending"))
    await session.execute(
        update(Row).where(Row.id == revision_id).values(state="live", live_at=func.now(), error=None)
    )


async def supersede_pending(
    session: AsyncSession, *, but: int = 0, states: Sequence[str] = ("pending",)
) -> None:
    """Note that nobody will publish what is pending any more."""
    await session.execute(update(Row).where(Row.state.in_(states), Row.id != but).values(state="superseded"))


async def mark_failed(session: AsyncSession, revision_id: int, error: str) -> None:
    """Note why the switch does not run this revision; the time of the try is kept as its creation."""
    await session.execute(
        update(Row).where(Row.id == revision_id).values(state="failed", error=error, created_at=func.now())
    )


async def mark_put_back(session: AsyncSession, revision_id: int, *, done: bool) -> None:
    """Note whether the switch was seen to run the last good revision again after this one failed."""
    await session.execute(update(Row).where(Row.id == revision_id).values(put_back=done))


async def forget_old(session: AsyncSession, *, kept: int = _KEPT) -> None:
    """Remove all but the newest revisions, and the changes that went live with those."""
    oldest = await session.scalar(select(Row.id).order_by(Row.id.desc()).offset(kept).limit(1))
    if oldest is None:
        return
    await session.execute(delete(Row).where(Row.id <= oldest, Row.state.in_(("failed", "superseded"))))
    first = await session.scalar(select(func.min(Row.created_at)))
    named = select(ConfigurationRevisionChangeRow.change_id)
    await session.execute(
        delete(ConfigurationChangeRow).where(
            ConfigurationChangeRow.live_at < first, ConfigurationChangeRow.id.not_in(named)
        )
    )


async def is_queued(session: AsyncSession, tenant_id: UUID) -> bool:
    """Say whether a job that publishes a change of this tenant has not ended yet."""
    return bool(await session.scalar(_QUEUED, {"tenant_id": str(tenant_id)}))


async def is_asked(session: AsyncSession, tenant_id: UUID) -> bool:
    """Say whether a job that a person asked for, and that publishes this tenant, has not ended."""
    return bool(await session.scalar(_ASKED, {"tenant_id": str(tenant_id)}))


async def is_queued_again(session: AsyncSession, job_id: int) -> bool:
    """Say whether a later job than this one waits to publish what has changed."""
    return bool(await session.scalar(_LATER, {"job_id": job_id}))


def _summaries() -> Any:
    return select(*_SUMMARY).order_by(Row.id.desc())


def _revision(row: Any) -> Revision:
    return Revision(**row._mapping)  # noqa: SLF001 (SQLAlchemy's public name for a row's values)


def _stored(file: FileDifference) -> dict[str, Any]:
    return {"path": file.path, "change": file.change.value, "difference": file.difference}
