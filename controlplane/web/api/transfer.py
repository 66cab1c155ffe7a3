"""`/export` and `/import`: objects as CSV."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from controlplane.services.transfer.moving import ResourceName, RowOutcome, export_csv, import_csv
from controlplane.services.transfer.resource import Importing, Outcome
from controlplane.web.api.fields import Output, example
from controlplane.web.api.mailboxes import Deps
from controlplane.web.api.responses import problems
from controlplane.web.errors import FieldProblem, UnsupportedMediaType
from controlplane.web.idempotency import Done, Repeating
from controlplane.web.paths import API
from controlplane.web.security import Asking

router = APIRouter(prefix=API, tags=["import and export"])

ResourcePath = Annotated[ResourceName, Path(description="Which objects.", examples=["mailboxes"])]

_CSV = "text/csv"
_EXAMPLE = "number,display_name,pin\r\n8100,Support,290174\r\n"
_ROW: dict[str, Any] = {
    "row": 2,
    "key": "8100",
    "outcome": "created",
    "errors": [],
    "sip_password": None,
}
_FILE: dict[str, Any] = {"schema": {"type": "string", "examples": [_EXAMPLE]}}


class ImportQuery(BaseModel):
    """How a file is imported."""

    model_config = ConfigDict(extra="forbid")

    dry_run: Annotated[bool, Field(description="Say what would become of each row, and change nothing.")] = (
        False
    )


class ImportedRow(Output):
    """What became, or would become, of a row."""

    model_config = example(_ROW)

    row: int = Field(description="Its place in the file; the header is row 1.")
    key: str = Field(description="The number or name in it.")
    outcome: Outcome
    errors: list[FieldProblem] = Field(description="Why it would be refused; in a dry run only.")
    sip_password: str | None = Field(description="Of a new extension that came without one; shown this once.")

    @classmethod
    def of(cls, one: RowOutcome) -> ImportedRow:
        """Make it from the service's value."""
        return cls(
            row=one.place,
            key=one.key,
            outcome=one.outcome,
            errors=[
                FieldProblem(field=error.field or "", error_id=error.error_id, detail=error.sentence)
                for error in one.errors
            ],
            sip_password=one.sip_password,
        )


class ImportOut(Output):
    """What became, or would become, of a file."""

    model_config = example({"dry_run": False, "totals": {"created": 1}, "rows": [_ROW]})

    dry_run: bool
    totals: dict[Outcome, int]
    rows: list[ImportedRow]


async def csv_only(request: Request) -> None:
    """Let bodies of CSV through; raises UnsupportedMediaType."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if request.method == "POST" and media_type != _CSV:
        raise UnsupportedMediaType("The body must be CSV (Content-Type: text/csv).")


@router.get(
    "/export/{resource}",
    response_class=Response,
    responses={
        200: {"description": "A file of CSV, without PINs and passwords.", "content": {_CSV: _FILE}},
        **problems(),
    },
)
async def export_objects(resource: ResourcePath, deps: Deps, asking: Asking) -> Response:
    """Write all objects of a kind as CSV; importing it again changes nothing."""
    return StreamingResponse(
        await export_csv(deps.db, tenant_id=asking.tenant_id, name=resource),
        media_type=f"{_CSV}; charset=utf-8; header=present",
        headers={"Content-Disposition": f'attachment; filename="{resource.value}.csv"'},
    )


@router.post(
    "/import/{resource}",
    response_model=ImportOut,
    responses=problems(400, 409, 413, 415),
    dependencies=[Depends(csv_only)],
    openapi_extra={"requestBody": {"required": True, "content": {_CSV: _FILE}}},
)
async def import_objects(
    request: Request,
    *,
    resource: ResourcePath,
    deps: Deps,
    asking: Asking,
    query: Annotated[ImportQuery, Query()],
    repeating: Repeating,
) -> Response:
    """Make and change objects as a file of CSV says, all rows or none; nothing is deleted."""
    into = Importing(
        db=deps.db,
        jobs=deps.jobs,
        hasher=deps.hasher,
        pin_policy=deps.pin_policy,
        tenant_id=asking.tenant_id,
        realm=deps.realm,
        by=asking.label,
    )

    async def work() -> Done:
        outcomes = await import_csv(into, name=resource, data=await request.body(), dry_run=query.dry_run)
        # The stored answer goes without passwords: nothing that opens a phone is kept in clear.
        kept = _shown([dataclasses.replace(one, sip_password=None) for one in outcomes], query)
        return Done(
            response=JSONResponse(_shown(outcomes, query).model_dump(mode="json")),
            kept_body=kept.model_dump_json().encode(),
        )

    if query.dry_run:
        return (await work()).response
    return await repeating.once(work)


def _shown(outcomes: Sequence[RowOutcome], query: ImportQuery) -> ImportOut:
    totals: dict[Outcome, int] = {}
    for one in outcomes:
        totals[one.outcome] = totals.get(one.outcome, 0) + 1
    return ImportOut(dry_run=query.dry_run, totals=totals, rows=[ImportedRow.of(one) for one in outcomes])
