"""A user: somebody who signs in to the portal."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from controlplane.domain.errors import InvalidValue

_USER_NAME = re.compile(r"[a-z0-9]([a-z0-9._@+-]{0,62}[a-z0-9])?", re.ASCII)


class Role(StrEnum):
    """What a user may do: everything, everything of one tenant, or what a member of a mailbox may."""

    SYSTEM_ADMIN = "system_admin"
    TENANT_ADMIN = "tenant_admin"
    MEMBER = "member"


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """Somebody who signs in. `tenant_id` None: a system admin; `language` None: as the browser says.

    Without a password only a one-time link lets them in. `played_is_read`: a message that they
    play to its end is marked read. `extension` is the number of theirs, by which the phone knows
    them; with `pin_spared` they are not asked for the PIN there of a mailbox that they are a member of.
    """

    id: UUID
    user_name: str
    display_name: str
    role: Role
    tenant_id: UUID | None
    language: str | None
    played_is_read: bool
    enabled: bool
    has_password: bool
    version: int
    created_at: datetime
    last_signed_in_at: datetime | None
    extension: str | None = None
    pin_spared: bool = False

    @property
    def member(self) -> UUID | None:
        """Whose rights at mailboxes count: their own; None for admins, who have all."""
        return self.id if self.role is Role.MEMBER else None


def parse_user_name(text: str, *, field: str = "user_name") -> str:
    """Return a user name as it is kept, in lower case; raise InvalidValue (`invalid-user-name`).

    ASCII alone: two names that look alike would be two users.
    """
    # Lower case makes an ASCII letter of some that are none, such as the sign of the unit kelvin.
    name = text.strip().lower()
    if not text.isascii() or not _USER_NAME.fullmatch(name):
        raise InvalidValue(
            "A user name has 1 to 64 of a-z, 0-9 and . _ @ + -,"
            " and begins and ends with a letter or a digit.",
            error_id="invalid-user-name",
            field=field,
        )
    return name
