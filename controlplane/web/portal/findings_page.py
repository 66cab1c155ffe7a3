"""Check-up: what is allowed and yet makes no sense, as a list, and beside the object that it is about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from fastapi import Response

from controlplane.domain.routing.findings import Finding, Severity
from controlplane.services.routing.linting import lint_tenant, takes_long
from controlplane.web.portal.access import Inside
from controlplane.web.portal.addresses import PREFIX
from controlplane.web.portal.change_words import field_label
from controlplane.web.portal.object_pages import page_of
from controlplane.web.portal.routes import page_router
from controlplane.web.portal.visits import Visit
from controlplane.web.portal.words import Words

router = page_router()
FINDINGS: Final = f"{PREFIX}/findings"
_SHOWN: Final = 100
_SECTION: Final = "findings"


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldFinding:
    """A finding in the words of the person; `path` is the page of the object, if its kind has one."""

    severity: str
    kind: str
    name: str
    number: str | None
    path: str | None
    field: str | None
    sentence: str
    remedy: str


@router.get(FINDINGS)
async def findings_page(visit: Inside) -> Response:
    """List what was found, the worst first; of one severity if the address says so."""
    found = await _all(visit)
    asked = visit.request.query_params.get("severity", "")
    chosen = asked if asked in set(Severity) else ""
    shown = [one for one in found if not chosen or one.severity == chosen]
    return visit.page(
        "findings.html",
        section=_SECTION,
        findings=[told_finding(one, visit.words) for one in shown[:_SHOWN]],
        left_out=max(0, len(shown) - _SHOWN),
        counts=[("", len(found)), *((one.value, sum(f.severity is one for f in found)) for one in Severity)],
        chosen=chosen,
    )


@router.get(f"{FINDINGS}/beside")
async def findings_beside(visit: Inside) -> Response:
    """Show what was found about one object; a page of that object puts it beside its form.

    There a large tenant is not looked over by itself: a link asks for it.
    """
    asked = visit.request.query_params
    kind, key = asked.get("kind", ""), asked.get("key", "")
    waits = visit.by_htmx and await takes_long(visit.deps.db, visit.person.tenant_id)
    found = [] if waits else await findings_of(visit, kind, key)
    key_words = f"kinds.{kind}"
    return visit.page(
        "findings_beside.html",
        section=_SECTION,
        findings=found,
        about=f"{visit.words(key_words) if visit.words.has(key_words) else kind} {key}",
        path=page_of(kind, key),
        look=f"{visit.portal.base}/findings/beside?{urlencode({'kind': kind, 'key': key})}"
        if waits
        else None,
    )


async def findings_of(visit: Visit, kind: str, key: str) -> Sequence[ToldFinding]:
    """Return what was found about the object of this kind with this number, or name where it has none."""
    return [
        told_finding(one, visit.words)
        for one in await _all(visit)
        if one.kind == kind and key == (one.number or one.name)
    ]


async def _all(visit: Visit) -> Sequence[Finding]:
    return await lint_tenant(visit.deps.db, tenant_id=visit.person.tenant_id, now=visit.deps.clock())


def told_finding(one: Finding, words: Words) -> ToldFinding:
    """Return a finding as a page shows it; one that nobody wrote words for says its own."""
    key = f"{one.finding.value}{'-trunk' if 'trunk' in one.details else ''}"
    known = words.has(f"finding-sentences.{key}")
    return ToldFinding(
        severity=one.severity.value,
        kind=words(f"kinds.{one.kind}") if words.has(f"kinds.{one.kind}") else one.kind,
        name=one.name,
        number=one.number,
        path=page_of(one.kind, one.number or one.name),
        field=None if one.field is None else field_label(one.field.split("."), words),
        sentence=words(f"finding-sentences.{key}", **one.details) if known else one.sentence,
        remedy=words(f"finding-remedies.{key}", **one.details) if known else one.remedy,
    )
