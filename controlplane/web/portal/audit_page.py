"""The audit log: who heard, downloaded, deleted and changed what; filtered, page by page, and as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from typing import Any, Final
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

from fastapi import Response

from controlplane.domain.audit import AuditAction, AuditEntry, AuditWay
from controlplane.domain.errors import InvalidValue
from controlplane.services.audit import AuditFilter, AuditPosition, list_audit
from controlplane.web.api.audit import cursor_of, position_of
from controlplane.web.errors import Forbidden
from controlplane.web.portal.access import Inside
from controlplane.web.portal.addresses import PREFIX
from controlplane.web.portal.object_pages import page_of
from controlplane.web.portal.routes import page_router
from controlplane.web.portal.values import Change, changes_of, typed_day
from controlplane.web.portal.visits import Visit
from controlplane.web.portal.words import Words

router = page_router()
_PAGE: Final = 50
_MOST_EXPORTED: Final = 10_000
_MAX_SEARCH: Final = 128
_PASSED_ON: Final = frozenset({AuditAction.FORWARDED, AuditAction.CALLED_BACK})
"""What says of a message to whom; of all others their state says what was done."""
INSTALLATION: Final = "installation"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditQuery:
    """What the address asks for, as it was typed; `of` is empty for the tenant."""

    who: str = ""
    action: str = ""
    way: str = ""
    what: str = ""
    since: str = ""
    until: str = ""
    of: str = ""
    after: str = ""

    @classmethod
    def read(cls, parameters: Mapping[str, str]) -> AuditQuery:
        """Read the parameters of an address; what nobody can mean is left out."""
        values = {name: parameters.get(name, "").replace("\0", "").strip() for name in cls.__slots__}
        if values["action"] not in set(AuditAction):
            values["action"] = ""
        if values["way"] not in set(AuditWay):
            values["way"] = ""
        if values["of"] != INSTALLATION:
            values["of"] = ""
        return cls(**{name: value[: _MAX_SEARCH * 4] for name, value in values.items()})

    @property
    def narrowed(self) -> bool:
        """Whether only some of the entries are looked for."""
        return bool(self.who or self.action or self.way or self.what or self.since or self.until)

    def address(self, **changes: str) -> str:
        """Return the query of an address, with its question mark; empty for everything."""
        wanted = replace(self, **changes)
        said = {name: value for name in self.__slots__ if (value := getattr(wanted, name))}
        return f"?{urlencode(said)}" if said else ""

    def wanted(self, time_zone: str) -> AuditFilter:
        """Return what to look for, with whole days of a time zone; a day that is none counts for nothing."""
        zone, since, until = ZoneInfo(time_zone), typed_day(self.since), typed_day(self.until)
        return AuditFilter(
            author=self.who or None,
            actions=(AuditAction(self.action),) if self.action else (),
            subject=self.what or None,
            way=AuditWay(self.way) if self.way else None,
            since=None if since is None else datetime.combine(since, time(), zone),
            until=None if until is None else datetime.combine(until + timedelta(days=1), time(), zone),
        )

    def position(self) -> AuditPosition | None:
        """Return where the page begins; the first page for a cursor that is none."""
        try:
            return position_of(self.after or None)
        except InvalidValue:
            return None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRow:
    """An entry in the words of the person."""

    happened_at: datetime
    who: str
    way: str
    done: str
    kind: str
    name: str
    page: str | None
    caller: str | None
    changes: Sequence[Change]
    before_and_after: bool


def author_in_words(label: str, words: Words) -> str:
    """Say who did something: a user's name, `Token billing`, `Extension 101`."""
    kind, _, name = label.partition(" ")
    if kind == "user" and name:
        return name
    key = f"audit-authors.{label.replace(' ', '-')}"
    if words.has(key):
        return words(key)
    key = f"audit-authors.{kind}"
    return words(key, name=name) if name and words.has(key) else label


def row_of(entry: AuditEntry, words: Words) -> AuditRow:
    """Put an entry in words."""
    message = entry.kind == "message"
    kind = f"audit-kinds.{entry.kind}"
    return AuditRow(
        happened_at=entry.happened_at,
        who=author_in_words(entry.author, words),
        way=words(f"audit-ways.{entry.way}"),
        done=words(f"audit-actions.{entry.action}"),
        kind=words(kind) if words.has(kind) else entry.kind,
        name=entry.subject if message else entry.object_key,
        page=f"/messages/{quote(entry.object_key)}" if message else page_of(entry.kind, entry.object_key),
        caller=(entry.caller or words("audit.unknown-caller")) if entry.kind in {"message", "mail"} else None,
        changes=() if message and entry.action not in _PASSED_ON else changes_of(entry, words),
        before_and_after=entry.action is AuditAction.CHANGED,
    )


def _scope(visit: Visit, query: AuditQuery) -> Any:
    """Return the tenant, or None for the installation, which is for system admins; raises Forbidden."""
    if query.of != INSTALLATION:
        return visit.person.tenant_id
    if not visit.person.system:
        raise Forbidden("This is for system admins.", error_id="not-allowed")
    return None


@router.get(f"{PREFIX}/audit")
async def audit_page(visit: Inside) -> Response:
    """Show who did what, newest first."""
    query, by = AuditQuery.read(visit.request.query_params), visit.person
    page = await list_audit(
        visit.deps.db,
        _scope(visit, query),
        query.wanted(by.time_zone),
        limit=_PAGE,
        after=query.position(),
    )
    return visit.page(
        "audit.html",
        section="audit",
        query=query,
        rows=[row_of(entry, visit.words) for entry in page.items],
        actions=[(each.value, visit.words(f"audit-actions.{each}")) for each in AuditAction],
        ways=[(each.value, visit.words(f"audit-ways.{each}")) for each in AuditWay],
        following=cursor_of(page),
    )


@router.get(f"{PREFIX}/audit.csv")
async def audit_csv(visit: Inside) -> Response:
    """Answer with what the page shows, and the pages after it, as CSV."""
    query, by, words = AuditQuery.read(visit.request.query_params), visit.person, visit.words
    page = await list_audit(
        visit.deps.db,
        _scope(visit, query),
        query.wanted(by.time_zone),
        limit=_MOST_EXPORTED,
        after=None,
    )
    zone, text = ZoneInfo(by.time_zone), io.StringIO()
    writer = csv.writer(text)
    writer.writerow(
        [words(f"audit.{key}") for key in ("when", "who", "way", "done", "kind", "subject", "changes")]
    )
    for entry in page.items:
        row = row_of(entry, words)
        changed = "; ".join(f"{each.field}: {each.before} → {each.after}" for each in row.changes)
        cells = (entry.happened_at.astimezone(zone).isoformat(timespec="seconds"), row.who, row.way, row.done)
        told = "; ".join(filter(None, (row.caller, changed)))
        writer.writerow([_cell(cell) for cell in (*cells, row.kind, row.name, told)])
    return Response(
        "\ufeff" + text.getvalue(),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="audit.csv"', "Cache-Control": "no-store"},
    )


def _cell(text: str) -> str:
    """Keep a spreadsheet from taking a name for a formula."""
    return f"'{text}" if text[:1] in {"=", "+", "-", "@", "\t", "\r"} else text
