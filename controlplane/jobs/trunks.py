"""The jobs that keep what providers answer to the registrations of trunks."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID

import structlog
from procrastinate import App, RetryStrategy

from controlplane.domain.errors import Unavailable
from controlplane.domain.routing.trunk_state import Answer, Failure, HeardAnswer
from controlplane.services.trunk_states import HEARD, LOOK, TrunkRegistrations, look, note_heard
from controlplane.storage.database import Database

_RETRY = RetryStrategy(max_attempts=10, wait=2, linear_wait=2, retry_exceptions={Unavailable})


def register(
    app: App,
    database: Database,
    switch: TrunkRegistrations | None,
    *,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> None:
    """Define `trunks.heard` for an answer that the switch told of, and `trunks.look` for what was missed."""

    @app.task(name=HEARD, retry=_RETRY)
    async def heard(
        trunk_id: str, registered: bool, sip_code: int | None, failure: str | None, at: float
    ) -> None:
        answer = Answer(
            registered=registered, sip_code=sip_code, failure=None if failure is None else Failure(failure)
        )
        told = HeardAnswer(trunk_id=UUID(trunk_id), answer=answer)
        await note_heard(database, told, at=datetime.fromtimestamp(at, UTC))
        structlog.get_logger().info("trunks.heard", trunk_id=trunk_id, sip_code=sip_code, failure=failure)

    @app.task(name=LOOK, retry=_RETRY)
    async def look_now() -> None:
        await look(database, switch, at=clock())
