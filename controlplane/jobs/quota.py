"""The jobs that tell a mailbox's recipients that it is almost full."""

from __future__ import annotations

from uuid import UUID

from procrastinate import App, RetryStrategy

from controlplane.services.quota import LOOK, TELL, QuotaMails, look, tell

# From a minute to 18 hours between tries, a day in all.
_RETRY = RetryStrategy(max_attempts=8, wait=60, exponential_wait=4)


def register(app: App, mails: QuotaMails) -> None:
    """Define `mail.quota`, and `mail.quota_to` for each recipient."""

    @app.task(name=LOOK, retry=_RETRY)
    async def quota(mailbox_id: str) -> None:
        await look(mails, UUID(mailbox_id))

    @app.task(name=TELL, retry=_RETRY)
    async def quota_to(mailbox_id: str, recipient: str) -> None:
        await tell(mails, UUID(mailbox_id), recipient)
