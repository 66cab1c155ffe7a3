"""Moments in queries: years whose clocks can be known, each with its offset."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from pydantic import Field

from controlplane.domain.errors import InvalidValue

_FIRST_YEAR, _LAST_YEAR = 2000, 2200

MomentField = Annotated[
    str | None,
    Field(
        pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2})?(Z|[+-][0-9]{2}:[0-9]{2})$",
        description="A moment with its offset, such as `2026-12-24T12:00:00Z`; left out, it is now.",
        examples=["2026-12-24T12:00:00Z"],
    ),
]


def moment_of(text: str | None, *, now: datetime, field: str = "at") -> datetime:
    """Return the moment in UTC, `now` for None; raises InvalidValue for one that no calendar has."""
    if text is None:
        return now
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
        raise InvalidValue(
            f"No calendar has this moment in the years {_FIRST_YEAR} to {_LAST_YEAR}.",
            error_id="invalid-value",
            field=field,
        )
    return moment.astimezone(UTC)
