"""Lists in pages: `?limit=&after=&q=`, and the opaque cursor that begins the next one."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from controlplane.domain.errors import InvalidValue

MAX_LIMIT = 200
_MAX_CURSOR = 512


class OnlyPages(BaseModel):
    """How a list is read that cannot be searched."""

    model_config = ConfigDict(extra="forbid")

    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT, description="How many items.")] = 50
    after: Annotated[str | None, Field(max_length=_MAX_CURSOR, description="`next` of the page before.")] = (
        None
    )


class Paging(OnlyPages):
    """How a list is read."""

    q: Annotated[
        str | None,
        Field(max_length=64, pattern=r"^[^\x00]*$", description="A part of the number or of the name."),
    ] = None


def cursor(*parts: str) -> str:
    """Return an opaque cursor that holds `parts`."""
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


def read_cursor(text: str, *, parts: int) -> list[str]:
    """Return what a cursor holds; raises InvalidValue (`invalid-cursor`)."""
    try:
        padded = text + "=" * (-len(text) % 4)
        held = json.loads(base64.b64decode(padded.encode(), altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, RecursionError) as error:
        raise invalid_cursor() from error
    fits = isinstance(held, list) and len(held) == parts
    if not fits or not all(isinstance(part, str) and part.isascii() and part.isprintable() for part in held):
        raise invalid_cursor()
    return [str(part) for part in held]


def position(after: str | None) -> str | None:
    """Return the key after which a list sorted by one key goes on; raises InvalidValue."""
    return None if after is None else read_cursor(after, parts=1)[0]


def invalid_cursor() -> InvalidValue:
    """Make the error for what is no cursor of this list."""
    return InvalidValue(
        "This is no cursor of this list; take `next` of the page before.",
        error_id="invalid-cursor",
        field="after",
    )
