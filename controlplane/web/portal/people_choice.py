"""The users that a form lets choose from: those who fit what is typed, and those who are chosen already.

A form shows a few at once. Of a long list it has a search: by script as somebody types, else by a button
(`do=find`), after which all that was typed before is still in the form.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from controlplane.domain.user import User
from controlplane.services.users import browse_users, find_users
from controlplane.web.portal.visits import Visit

FIND: Final = "find"
SHOWN: Final = 50
_MAX_SEARCH: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What a form offers: `more` fit than are shown, `find` is what is looked for."""

    find: str
    more: bool
    options: Sequence[tuple[str, str]]
    most: int = SHOWN

    @property
    def searched(self) -> bool:
        """Whether the list is long enough for a search."""
        return self.more or bool(self.find)


def finds(visit: Visit) -> bool:
    """Say whether somebody searches, by the button or by script."""
    return visit.form.text("do") == FIND


def sought(visit: Visit) -> str:
    """Return what is looked for."""
    return visit.form.text(FIND).strip()[:_MAX_SEARCH]


async def users_to_choose(visit: Visit, chosen: Sequence[str]) -> Choice:
    """Return the users of the tenant who fit what is looked for, after those who are chosen."""
    db, tenant_id, find = visit.deps.db, visit.person.tenant_id, sought(visit)
    kept = await find_users(db, [name.strip() for name in chosen], tenant_id=tenant_id)
    page = await browse_users(db, tenant_id=tenant_id, q=find or None, limit=SHOWN, after=None)
    known = {user.user_name for user in kept}
    users = [*kept, *(user for user in page.items if user.user_name not in known)]
    return Choice(find=find, more=page.more, options=[(user.user_name, user_label(user)) for user in users])


def user_label(user: User) -> str:
    """Return how a user is offered."""
    return f"{user.display_name} ({user.user_name})"
