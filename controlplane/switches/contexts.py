"""The contexts of the dialplan that numbers of a tenant are dialled in; named alike on every switch."""

from __future__ import annotations

import re
from typing import Final
from uuid import UUID

OURS: Final = "cp-"
"""How the name of each context of ours begins."""

_DIALLING: Final = re.compile(r"cp-(extension|outside)-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")


def dialling_context(tenant_id: UUID, *, extension: str | None) -> str:
    """Return where an authenticated extension of a tenant dials, or a caller from outside without one.

    The latter reaches numbers of the tenant and nothing else.
    """
    return f"cp-outside-{tenant_id}" if extension is None else f"cp-extension-{tenant_id}"


def tenant_of(context: str) -> tuple[str, UUID] | None:
    """Return who dials in a context (`extension` or `outside`) and the tenant; None if numbers are not."""
    found = _DIALLING.fullmatch(context)
    return None if found is None else (found[1], UUID(found[2]))
