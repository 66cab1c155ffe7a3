"""The Features port: what feature codes switch.

Each method is one short transaction, and raises Unavailable when the database does not answer within
its limit.
"""

from __future__ import annotations

from typing import Protocol
from uuid import UUID


class Features(Protocol):
    """Switch what a feature code stands for."""

    async def language(self, tenant_id: UUID) -> str:
        """Return what is spoken to a tenant's callers; one with prompts."""
        ...

    async def toggle_closed_now(self, tenant_id: UUID, *, by: str) -> bool:
        """Close the tenant's office hours, or take that back; True if they are closed now."""
        ...

    async def set_do_not_disturb(self, tenant_id: UUID, extension: str, *, on: bool) -> bool:
        """Switch do not disturb of an extension; False if there is no such extension any more."""
        ...

    async def set_logged_in(self, tenant_id: UUID, queue: str, extension: str, *, on: bool) -> bool:
        """Log an agent in or out of the queue with a number; False if it has no such agent."""
        ...
