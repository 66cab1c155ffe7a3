"""A team: people of a tenant who get rights at mailboxes together. No calls ring at it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """Some people with a name; `people` are user names, in their order."""

    id: UUID
    tenant_id: UUID
    name: str
    people: tuple[str, ...]
    version: int
    created_at: datetime
    updated_at: datetime
