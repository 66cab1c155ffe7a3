"""Repeated POST requests: with an `Idempotency-Key`, the first answer is given again."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated

import structlog
from fastapi import Depends, Header, Request, Response

from controlplane.domain.errors import Unavailable
from controlplane.services import idempotency
from controlplane.services.idempotency import Answer
from controlplane.services.tokens import Principal
from controlplane.storage.database import Database
from controlplane.web.deps import deps_of
from controlplane.web.security import AnyAsking

REPLAYED = "Idempotent-Replayed"
_KEPT_HEADERS = ("location", "etag", "content-type", "cache-control")

KeyHeader = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        pattern=r"^[\x20-\x7e]+$",
        description="Any text of yours; a request repeated with it within a day is not done twice.",
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """The answer to a request, and its body as it may be stored: without secrets."""

    response: Response
    kept_body: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeatable:
    """A request that may come again."""

    db: Database
    principal: Principal
    key: str | None
    request_sha256: bytes

    async def once(self, work: Callable[[], Awaitable[Done]]) -> Response:
        """Do `work`, or give the answer of the time before again.

        What fails is not kept: the same request may be sent again with the same key.
        """
        if self.key is None:
            return (await work()).response
        token_id = self.principal.token_id
        earlier = await idempotency.claim(
            self.db, token_id=token_id, key=self.key, request_sha256=self.request_sha256
        )
        if earlier is not None:
            return Response(earlier.body, earlier.status, headers={**earlier.headers, REPLAYED: "true"})
        try:
            done = await work()
        except Exception:
            await self._release(self.key)
            raise
        headers = {
            name: done.response.headers[name] for name in _KEPT_HEADERS if name in done.response.headers
        }
        body = bytes(done.response.body) if done.kept_body is None else done.kept_body
        answer = Answer(status=done.response.status_code, headers=headers, body=body)
        await idempotency.keep(self.db, token_id=token_id, key=self.key, answer=answer)
        return done.response

    async def _release(self, key: str) -> None:
        try:
            await idempotency.release(self.db, token_id=self.principal.token_id, key=key)
        except Unavailable:
            # The first error is the one to report; the claim is taken over after a minute.
            structlog.get_logger().warning("idempotency.not_released")


async def repeatable_request(
    request: Request, principal: AnyAsking, idempotency_key: KeyHeader = None
) -> Repeatable:
    """Return the request as one that may come again."""
    digest = hashlib.sha256()
    for part in (request.method, request.url.path, str(principal.tenant_id)):
        digest.update(part.encode() + b"\n")
    digest.update(await request.body())
    return Repeatable(
        db=deps_of(request).db,
        principal=principal,
        key=idempotency_key,
        request_sha256=digest.digest(),
    )


Repeating = Annotated[Repeatable, Depends(repeatable_request)]
