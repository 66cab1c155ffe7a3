"""The jobs that tell phones what mailboxes hold."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

import structlog
from procrastinate import App, RetryStrategy

from controlplane.domain.errors import Unavailable
from controlplane.domain.lamp import LampQuery
from controlplane.services.lamps import ANSWER, INTRODUCE, REPLAY, SEND, Lamps, answer, replay, tell

# A lamp that is wrong stays so: it is told as soon as the switch is back.
_SEND_RETRY = RetryStrategy(wait=5, retry_exceptions={Unavailable})
# A phone that hears nothing asks again by itself.
_ANSWER_RETRY = RetryStrategy(max_attempts=3, wait=2, retry_exceptions={Unavailable})


def register(app: App, lamps: Lamps) -> None:
    """Define the jobs: of a number, of a new mailbox, for a phone that asked, and for all."""

    @app.task(name=SEND, retry=_SEND_RETRY)
    async def send(number: str, tenant: str | None = None) -> None:
        await tell(lamps, number, tenant=_tenant(tenant))

    @app.task(name=INTRODUCE, retry=_SEND_RETRY)
    async def introduce(number: str, tenant: str | None = None) -> None:
        await tell(lamps, number, tenant=_tenant(tenant))

    @app.task(name=ANSWER, retry=_ANSWER_RETRY)
    async def answer_phone(
        number: str,
        domain: str,
        reply_to: Mapping[str, str],
        tenant: str | None = None,
        key: str | None = None,
    ) -> None:
        query = LampQuery(
            number=number, domain=domain, reply_to=tuple(reply_to.items()), tenant=_tenant(tenant), key=key
        )
        await answer(lamps, query)

    @app.task(name=REPLAY, retry=_ANSWER_RETRY)
    async def tell_all() -> None:
        structlog.get_logger().info("mwi.replayed", mailboxes=await replay(lamps))


def _tenant(text: str | None) -> UUID | None:
    return None if text is None else UUID(text)
