"""The jobs that send one mail each: about a message, and to try how mails are."""

from __future__ import annotations

from uuid import UUID

from procrastinate import App, RetryStrategy

from controlplane.services.mail_trials import TRY, send_trial
from controlplane.services.mailing import SEND, Mailing, send_message_mail


def register(app: App, mailing: Mailing) -> None:
    """Define `mail.send` and `mail.trial`.

    Refusals and waits are the service's business, which queues its next try itself; a retry of
    the job is for what it could not write down because the database was away.
    """

    @app.task(name=SEND, retry=RetryStrategy(max_attempts=20, wait=5, linear_wait=15))
    async def send(message_id: str, recipient: str) -> None:
        await send_message_mail(mailing, UUID(message_id), recipient)

    @app.task(name=TRY, retry=RetryStrategy(max_attempts=20, wait=5, linear_wait=15))
    async def trial(trial_id: str) -> None:
        await send_trial(mailing, UUID(trial_id))
