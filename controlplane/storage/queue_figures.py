"""Queries of how much waits: jobs by task and state, how long the oldest has, and mails that are not sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.storage.tables import MessageMailRow

_STATES: Final = text("""
    SELECT task_name, state, count(*) AS jobs FROM (
        SELECT task_name, CASE
            WHEN status = 'failed' THEN 'failed'
            WHEN status = 'doing' THEN 'running'
            WHEN scheduled_at > now() THEN 'later'
            ELSE 'waiting'
        END AS state
        FROM procrastinate_jobs WHERE status IN ('todo', 'doing', 'failed')
    ) AS found GROUP BY task_name, state
""")
# Of each task that job which was deferred first: the id says the order.
_OLDEST: Final = text("""
    SELECT first.task_name, extract(epoch FROM now() - greatest(jobs.scheduled_at, (
        SELECT max(at) FROM procrastinate_events
        WHERE job_id = jobs.id AND type IN ('deferred', 'deferred_for_retry')
    )))
    FROM (
        SELECT task_name, min(id) AS id FROM procrastinate_jobs
        WHERE status = 'todo' AND (scheduled_at IS NULL OR scheduled_at <= now()) GROUP BY task_name
    ) AS first JOIN procrastinate_jobs AS jobs ON jobs.id = first.id
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueFigures:
    """Jobs by task and state, the seconds that the oldest waiting one of a task waits, mails by status."""

    jobs: dict[tuple[str, str], int]
    oldest_seconds: dict[str, float]
    mails: dict[str, int]


async def read(session: AsyncSession) -> QueueFigures:
    """Return them as they are now."""
    jobs = {(row[0], row[1]): row[2] for row in await session.execute(_STATES)}
    oldest = {row[0]: float(row[1] or 0) for row in await session.execute(_OLDEST)}
    mails = await session.execute(
        select(MessageMailRow.status, func.count())
        .where(MessageMailRow.status.in_(["queued", "failed"]))
        .group_by(MessageMailRow.status)
    )
    return QueueFigures(jobs=jobs, oldest_seconds=oldest, mails={row[0]: row[1] for row in mails})
