"""The job that brings home what the switch's own voicemail took."""

from __future__ import annotations

from contextlib import suppress

from procrastinate import App
from procrastinate.exceptions import AlreadyEnqueued

from controlplane.services.native_voicemail import FETCH, NativeHome

_AGAIN_SECONDS = 5


def register(app: App, home: NativeHome) -> None:
    """Define `voicemail.fetch`: each minute, and whenever `events` hears of a message.

    A message whose call goes on is looked after again within seconds.
    """

    @app.periodic(cron="* * * * *", lock=FETCH, queueing_lock=FETCH)
    @app.task(name=FETCH)
    async def fetch(timestamp: int | None = None) -> None:  # noqa: ARG001 (the minute, given by the queue)
        if await home.fetch():
            again = app.configure_task(
                FETCH, lock=FETCH, queueing_lock=FETCH, schedule_in={"seconds": _AGAIN_SECONDS}
            )
            with suppress(AlreadyEnqueued):
                await again.defer_async()
