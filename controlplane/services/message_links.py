"""Signed links to one message, as they stand in mails; nothing is stored for them."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

from itsdangerous import BadData, SignatureExpired, TimestampSigner, URLSafeTimedSerializer

from controlplane.domain.errors import NotFound


class MessageLinks:
    """Makes and reads the token of `<public URL>/m/<token>`; it names a message and expires after `days`.

    `clock` returns seconds since the epoch.
    """

    __slots__ = ("_serializer", "_valid", "days")

    def __init__(self, key: str, days: int, *, clock: Callable[[], float] = time.time) -> None:
        class Signer(TimestampSigner):
            def get_timestamp(self) -> int:
                return int(clock())

        self.days = days
        self._valid = round(timedelta(days=days).total_seconds())
        self._serializer = URLSafeTimedSerializer(key, salt="message-link", signer=Signer)

    def make(self, message_id: UUID) -> str:
        """Return a token that is safe in a URL."""
        return str(self._serializer.dumps(message_id.hex))

    def read(self, token: str) -> UUID:
        """Return the message's id; raises NotFound, `link-expired` or `link-invalid`."""
        try:
            return UUID(hex=str(self._serializer.loads(token, max_age=self._valid)))
        except SignatureExpired as error:
            raise NotFound(
                f"This link has expired: links in mails are valid for {self.days} days.",
                error_id="link-expired",
            ) from error
        except (BadData, ValueError) as error:
            raise NotFound("This link is not valid.", error_id="link-invalid") from error
