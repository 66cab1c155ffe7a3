"""Names that are alike on every switch: contexts in which numbers of a tenant are dialled, and trunks."""

from __future__ import annotations

import re
from typing import Final
from uuid import UUID

OURS: Final = "cp-"
"""How the name of each context of ours begins."""

_UUID: Final = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_DIALLING: Final = re.compile(f"cp-(extension|outside)-({_UUID})")
_TRUNK: Final = re.compile(f"cp-trunk-({_UUID})(?:-[0-9a-f]{{32}})?")


def dialling_context(tenant_id: UUID, *, extension: str | None) -> str:
    """Return where an authenticated extension of a tenant dials, or a caller from outside without one.

    The latter reaches numbers of the tenant and nothing else.
    """
    return f"cp-outside-{tenant_id}" if extension is None else f"cp-extension-{tenant_id}"


def tenant_of(context: str) -> tuple[str, UUID] | None:
    """Return who dials in a context (`extension` or `outside`) and the tenant; None if numbers are not."""
    found = _DIALLING.fullmatch(context)
    return None if found is None else (found[1], UUID(found[2]))


def trunk_of(name: str) -> UUID | None:
    """Return whose endpoint, registration or gateway has a name; None if it is none of a trunk."""
    found = _TRUNK.fullmatch(name)
    return None if found is None else UUID(found[1])
