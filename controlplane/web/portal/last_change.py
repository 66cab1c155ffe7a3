"""Who changed an object last, and when, by the audit log: for the second of two who change it at once."""

from __future__ import annotations

from dataclasses import dataclass

from controlplane.domain.audit import AuditAction
from controlplane.services.audit import AuditFilter, list_audit
from controlplane.web.portal.mailbox_words import author
from controlplane.web.portal.visits import Visit
from controlplane.web.portal.words import Words

_DEEDS = (AuditAction.ADDED, AuditAction.CHANGED)


@dataclass(frozen=True, slots=True, kw_only=True)
class LastChange:
    """Who it was and when, in the words of the person; without an entry somebody, at a time unknown."""

    who: str
    at: str | None


async def last_change(visit: Visit, kind: str, key: str | None = None) -> LastChange:
    """Return who changed the object of a kind with a number or name last; without one, any of the kind."""
    wanted = AuditFilter(kind=kind, object_key=key, actions=_DEEDS)
    page = await list_audit(visit.deps.db, visit.person.tenant_id, wanted, limit=1, after=None)
    if not page.items:
        return LastChange(who=author(None, visit.words), at=None)
    (entry,) = page.items
    at = visit.words.moment(entry.happened_at, visit.person.time_zone)
    return LastChange(who=author(entry.author, visit.words), at=at)


def in_words(last: LastChange, text: str, words: Words) -> str:
    """Say in one line who was first, and what to do now."""
    at = "" if last.at is None else f"{words('frame.changed-at', at=last.at)} "
    return f"{words('mailbox-clash.title', who=last.who)}. {at}{text}"
