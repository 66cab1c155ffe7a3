"""The jobs that tell a mailbox's recipients about a PIN that was tried too often."""

from __future__ import annotations

from uuid import UUID

from procrastinate import App, RetryStrategy

from controlplane.services.pin_alarm import PIN_ALARM, TELL, PinAlarms, announce, tell

# From a minute to 18 hours between tries, a day in all.
_RETRY = RetryStrategy(max_attempts=8, wait=60, exponential_wait=4)


def register(app: App, alarms: PinAlarms) -> None:
    """Define `mail.pin_alarm`, and `mail.pin_alarm_to` for each recipient."""

    @app.task(name=PIN_ALARM, retry=_RETRY)
    async def pin_alarm(mailbox_id: str, *, outside: bool = False) -> None:
        await announce(alarms, UUID(mailbox_id), outside=outside)

    @app.task(name=TELL, retry=_RETRY)
    async def pin_alarm_to(mailbox_id: str, recipient: str, *, outside: bool = False) -> None:
        await tell(alarms, UUID(mailbox_id), recipient, outside=outside)
