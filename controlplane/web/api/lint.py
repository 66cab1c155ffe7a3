"""`/lint`: what is allowed and yet makes no sense."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from controlplane.domain.routing.findings import Finding, FindingId, Severity
from controlplane.domain.routing.lint import totals
from controlplane.services.routing.linting import lint_tenant
from controlplane.web.api.fields import Output, example
from controlplane.web.api.mailboxes import Deps
from controlplane.web.api.responses import problems
from controlplane.web.paths import API
from controlplane.web.security import Asking

router = APIRouter(prefix=API, tags=["lint"])

_FINDING: dict[str, Any] = {
    "severity": "warning",
    "finding": "nobody-rings",
    "kind": "ring-group",
    "number": "6100",
    "name": "Sales",
    "field": "members",
    "sentence": "It has no members, so that nobody can take a call.",
    "remedy": "Give it members, or send callers elsewhere.",
}


class LintQuery(BaseModel):
    """Which findings are shown."""

    model_config = ConfigDict(extra="forbid")

    severity: Annotated[Severity | None, Field(description="Of one severity alone.")] = None
    finding: Annotated[FindingId | None, Field(description="Of one finding alone.")] = None
    limit: Annotated[int, Field(ge=1, le=1000, description="How many are shown.")] = 200


class FindingOut(Output):
    """A finding."""

    model_config = example(_FINDING)

    severity: Severity
    finding: FindingId
    kind: str = Field(description="The kind of the object.")
    number: str | None = Field(description="Its number; `null` for what has a name only.")
    name: str
    field: str | None = Field(description="The path of its field, if it is one.")
    sentence: str
    remedy: str

    @classmethod
    def of(cls, found: Finding) -> FindingOut:
        """Make it from the domain's value."""
        return cls(
            severity=found.severity,
            finding=found.finding,
            kind=found.kind,
            number=found.number,
            name=found.name,
            field=found.field,
            sentence=found.sentence,
            remedy=found.remedy,
        )


class LintOut(Output):
    """What was found."""

    model_config = example({"items": [_FINDING], "totals": {"nobody-rings": 1}})

    items: list[FindingOut] = Field(description="The worst first; `limit` of them at most.")
    totals: dict[FindingId, int] = Field(description="How many there are of each.")


@router.get("/lint", response_model=LintOut, responses=problems())
async def lint(deps: Deps, asking: Asking, query: Annotated[LintQuery, Query()]) -> LintOut:
    """Look over everything for what makes no sense: loops, rules that never match, mailboxes nobody reads."""
    found = [
        one
        for one in await lint_tenant(deps.db, tenant_id=asking.tenant_id, now=deps.clock())
        if query.severity in (None, one.severity) and query.finding in (None, one.finding)
    ]
    return LintOut(items=[FindingOut.of(one) for one in found[: query.limit]], totals=dict(totals(found)))
