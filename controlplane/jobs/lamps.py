"""The jobs that tell phones what mailboxes hold."""

from __future__ import annotations

from collections.abc import Mapping

import structlog
from procrastinate import App, RetryStrategy

from controlplane.domain.errors import Unavailable
from controlplane.domain.lamp import LampQuery
from controlplane.services.lamps import ANSWER, REPLAY, SEND, Lamps, replay, tell

# A lamp that is wrong stays so: it is told as soon as the switch is back.
_SEND_RETRY = RetryStrategy(wait=5, retry_exceptions={Unavailable})
# A phone that hears nothing asks again by itself.
_ANSWER_RETRY = RetryStrategy(max_attempts=3, wait=2, retry_exceptions={Unavailable})


def register(app: App, lamps: Lamps) -> None:
    """Define `mwi.send` for a number, `mwi.answer` for a phone that asked, `mwi.replay` for all."""

    @app.task(name=SEND, retry=_SEND_RETRY)
    async def send(number: str) -> None:
        await tell(lamps, number)

    @app.task(name=ANSWER, retry=_ANSWER_RETRY)
    async def answer(number: str, domain: str, reply_to: Mapping[str, str]) -> None:
        query = LampQuery(number=number, domain=domain, reply_to=tuple(reply_to.items()))
        await tell(lamps, number, query=query)

    @app.task(name=REPLAY, retry=_ANSWER_RETRY)
    async def tell_all() -> None:
        structlog.get_logger().info("mwi.replayed", lamps=await replay(lamps))
