"""The Receptionists port in memory: one receptionist, and extensions by their numbers."""

from __future__ import annotations

import dataclasses
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from controlplane.callflows.reception import Dialled, Reception
from controlplane.domain.errors import Unavailable
from tests.support.fake_voicemail import TENANT

RECEPTIONIST = UUID(int=6000)


class FakeReceptionists:
    """A receptionist 6000 that a test changes; `broken` is a database that does not answer."""

    def __init__(self) -> None:
        self.reception_now: Reception | None = Reception(
            tenant_id=TENANT,
            number="6000",
            language="en",
            greeting=Path("/greetings/6000.wav"),
            keys={"1": "6100", "5": "8001"},
            dial_extensions=True,
            digit_gap_seconds=2,
            timeout_seconds=30,
            timeout_repeats=3,
            timeout="8009",
            call_failed="repeat",
        )
        self.extensions: set[str] = set()
        self.broken = False
        self.asked: list[datetime] = []

    def change(self, **changes: Any) -> None:
        """Give the receptionist other settings."""
        assert self.reception_now is not None
        self.reception_now = dataclasses.replace(self.reception_now, **changes)

    async def reception(self, receptionist_id: UUID, *, at: datetime) -> Reception | None:
        """Return it."""
        self._check()
        self.asked.append(at)
        return self.reception_now if receptionist_id == RECEPTIONIST else None

    async def dialled(self, tenant_id: UUID, digits: str) -> Dialled:
        """Look among the extensions."""
        self._check()
        longer = {one for one in self.extensions if one.startswith(digits) and one != digits}
        return Dialled(is_extension=digits in self.extensions, may_go_on=bool(longer))

    def _check(self) -> None:
        if self.broken:
            raise Unavailable("The database does not answer.")
