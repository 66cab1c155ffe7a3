"""The contexts of the dialplan that numbers of a tenant are dialled in; named alike on every switch."""

from __future__ import annotations

from uuid import UUID


def dialling_context(tenant_id: UUID, *, extension: str | None) -> str:
    """Return where an authenticated extension of a tenant dials, or a caller from outside without one.

    The latter reaches numbers of the tenant and nothing else.
    """
    return f"cp-outside-{tenant_id}" if extension is None else f"cp-extension-{tenant_id}"
