"""What the pictures show: the example company on a Monday morning, with messages in its shared mailbox."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import soundfile
from controlplane.domain.message import ReachedBy, ReachedReason, ReachedStep
from controlplane.entrypoints.demo_company import FILE
from controlplane.storage.database import Database
from controlplane.storage.queue import Jobs
from tests.support.api import Api
from tests.support.applying import applier
from tests.support.portal import make_user

NOW = datetime(2026, 3, 2, 9, 24, tzinfo=UTC)
SHARED = "8001"
MAIN_NUMBER = "+49 30 23125100"


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """A message: who left it how many minutes ago, what was said, and by which way the call came."""

    name: str
    number: str
    minutes: int
    text: str
    state: str = "new"
    reached_by: ReachedBy


_QUEUE = ReachedBy(
    did=MAIN_NUMBER,
    reason=ReachedReason.QUEUE_TIMEOUT,
    path=(
        ReachedStep(kind="virtual-receptionist", number="6000", key="3", reason=ReachedReason.EXIT_KEY),
        ReachedStep(kind="call-queue", number="6200", reason=ReachedReason.QUEUE_TIMEOUT, waited_seconds=60),
    ),
)
_DIRECT = ReachedBy(did=None, reason=ReachedReason.DIRECT, path=())
MESSAGES = (
    Left(
        name="Anna Berger",
        number="+49 30 5550147",
        minutes=6,
        text="Hello, Anna Berger from the workshop. The blue car is ready, please call us back before noon.",
        reached_by=_QUEUE,
    ),
    Left(
        name="",
        number="+49 171 5550162",
        minutes=31,
        text="Good morning. I cannot print since Friday. Could somebody have a look, please? Thank you.",
        reached_by=_QUEUE,
    ),
    Left(
        name="Carol",
        number="103",
        minutes=55,
        text="Hi all, I am at the dentist and will be in at eleven.",
        state="saved",
        reached_by=_DIRECT,
    ),
    Left(
        name="Northwind Logistics",
        number="+44 20 79460018",
        minutes=26 * 60,
        text="This is Northwind. Your delivery of four pallets will arrive on Tuesday between eight and ten.",
        state="saved",
        reached_by=_QUEUE,
    ),
    Left(
        name="Müller & Söhne Haustechnik GmbH",
        number="+49 89 5550120",
        minutes=3 * 24 * 60,
        text="Good afternoon, we would like an offer for the maintenance of twelve heating systems.",
        reached_by=_DIRECT,
    ),
)


async def furnish(
    api: Api, database: Database, jobs: Jobs, folder: Path, speak: Callable[[str], Path]
) -> None:
    """Make the company, a system admin called Alice, and the messages; the clock stands at `NOW`."""
    api.clock.ahead = NOW - datetime.now(UTC)
    with applier(database, jobs) as office:
        await office.apply(FILE.read_text(encoding="utf-8"), folder=folder)
    api.rows("UPDATE tenants SET time_zone = 'Europe/Berlin' RETURNING id")
    await make_user(api, "alice", display_name="Alice Adams")
    for left in MESSAGES:
        spoken = speak(left.text)
        seconds = soundfile.info(spoken).duration
        message = await api.message(
            SHARED, caller=left.number, name=left.name, received_at=NOW - timedelta(minutes=left.minutes)
        )
        path = api.store.path(message)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(spoken.read_bytes())
        api.rows(
            "UPDATE messages SET reached_by = %s::jsonb, duration_ms = %s, state = %s WHERE id = %s"
            " RETURNING id",
            json.dumps(left.reached_by.to_json()),
            round(seconds * 1000),
            left.state,
            message,
        )
