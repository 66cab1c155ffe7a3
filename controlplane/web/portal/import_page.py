"""Files: mailboxes, extensions and inbound rules as CSV, in and out, and the whole tenant as a file.

A file is looked over before it is imported: what would become of each row. Files hold PINs, so none is kept
in between: the browser sends it again, and must send the same one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from fastapi import Response
from fastapi.responses import StreamingResponse

from controlplane.domain.errors import InvalidValue, InvalidValues, NotFound
from controlplane.domain.pin import PinPolicy
from controlplane.services.transfer.moving import (
    ResourceName,
    RowOutcome,
    columns_of_resource,
    export_csv,
    import_csv,
)
from controlplane.services.transfer.resource import Importing, Outcome
from controlplane.services.transfer.table import write_row
from controlplane.web.portal.access import Inside, InsideWithFiles
from controlplane.web.portal.addresses import PREFIX
from controlplane.web.portal.forms import Fault, Faults
from controlplane.web.portal.import_words import file_fault, row_fault
from controlplane.web.portal.object_pages import page_of
from controlplane.web.portal.routes import page_router
from controlplane.web.portal.visits import Visit
from controlplane.web.portal.words import Words

router = page_router()
IMPORT: Final = f"{PREFIX}/import"
_SHOWN: Final = 150
_OK, _WRONG = 200, 422
_KINDS: Final = {
    ResourceName.MAILBOXES: "mailbox",
    ResourceName.EXTENSIONS: "extension",
    ResourceName.INBOUND_RULES: "inbound-rule",
}
_ORDER: Final = (Outcome.REFUSED, Outcome.CREATED, Outcome.CHANGED, Outcome.UNCHANGED)


@dataclass(frozen=True, slots=True, kw_only=True)
class _ToldRow:
    """A row with what becomes of it; `faults` say why not, and what to do."""

    place: int
    key: str
    path: str | None
    outcome: str
    faults: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Looked:
    """A file that was looked over, or imported: `checked` lets the same file be imported.

    `passwords` are those that were made for new extensions, as CSV; shown this once.
    """

    file: str
    done: bool
    rows: Sequence[_ToldRow]
    left_out: int
    totals: Sequence[tuple[str, int]]
    checked: str
    passwords: str

    @property
    def can_import(self) -> bool:
        """Whether the file can be imported as it is."""
        return bool(self.checked) and not self.done


@router.get(IMPORT)
async def import_page(visit: Inside) -> Response:
    """Show what can be imported and exported."""
    return _page(visit, _resource(visit.request.query_params.get("what", "")))


@router.post(IMPORT)
async def import_file(visit: InsideWithFiles) -> Response:
    """Look a file over, or import the one that was looked over: all rows, or none."""
    words, form = visit.words, visit.form
    name = _resource(form.text("what"))
    upload = form.upload("file")
    if upload is None:
        return _page(visit, name, faults=_faults("file", words("import.choose")))
    data = await upload.read()
    digest = hashlib.sha256(b"\0".join((name.value.encode(), data))).hexdigest()
    wanted = form.text("do") == "import"
    same = form.text("checked") == digest
    try:
        outcomes = await import_csv(_into(visit), name=name, data=data, dry_run=not (wanted and same))
    except InvalidValues:
        # Somebody was faster: what was good a moment ago is looked over again.
        outcomes = await import_csv(_into(visit), name=name, data=data, dry_run=True)
        wanted, same = True, False
    except InvalidValue as error:
        return _page(visit, name, faults=_faults("file", file_fault(error, words)))
    looked = _looked(
        outcomes, words, name, visit.deps.pin_policy, file=upload.name, digest=digest, done=wanted and same
    )
    another = wanted and not same and not looked.done
    return _page(visit, name, looked=looked, notice=words("import.another-file") if another else "")


@router.get(f"{PREFIX}/export/tenant.yaml")
async def export_tenant(visit: Inside) -> Response:
    """Download the whole tenant as a file for `controlplane apply`, without secrets."""
    write = visit.deps.tenant_file
    if write is None:
        raise NotFound("There is no such page.", error_id="no-such-page")
    text = await write(visit.deps.db, visit.person.tenant_name)
    return Response(text, media_type="application/yaml", headers=_download(visit.person.tenant_name, "yaml"))


@router.get(PREFIX + "/export/{resource}.csv")
async def export_file(visit: Inside, resource: ResourceName) -> Response:
    """Download all objects of a kind as CSV, without PINs and passwords."""
    lines = await export_csv(visit.deps.db, tenant_id=visit.person.tenant_id, name=resource)
    headers = _download(resource.value, "csv")
    return StreamingResponse(lines, media_type="text/csv; charset=utf-8; header=present", headers=headers)


def _download(name: str, ending: str) -> dict[str, str]:
    # Names of tenants and resources are a-z, 0-9 and hyphens.
    return {"Content-Disposition": f'attachment; filename="{name}.{ending}"', "Cache-Control": "no-store"}


def _resource(text: str) -> ResourceName:
    return ResourceName(text) if text in set(ResourceName) else ResourceName.MAILBOXES


def _into(visit: Visit) -> Importing:
    deps, by = visit.deps, visit.person
    return Importing(
        db=deps.db,
        jobs=deps.jobs,
        hasher=deps.hasher,
        pin_policy=deps.pin_policy,
        tenant_id=by.tenant_id,
        realm=deps.realm,
        by=by.label,
    )


def _faults(field: str, text: str) -> Faults:
    return Faults([Fault(field=field, text=text)])


def _looked(
    outcomes: Sequence[RowOutcome],
    words: Words,
    name: ResourceName,
    pins: PinPolicy,
    *,
    file: str,
    digest: str,
    done: bool,
) -> _Looked:
    totals = [(outcome, sum(one.outcome is outcome for one in outcomes)) for outcome in _ORDER]
    refused = dict(totals)[Outcome.REFUSED]
    # What is wrong first, and what stays as it is last.
    rows = sorted(outcomes, key=lambda one: (_ORDER.index(one.outcome), one.place))
    made = [(one.key, one.sip_password) for one in outcomes if one.sip_password is not None]
    return _Looked(
        file=file,
        done=done,
        rows=[_told(one, words, name, pins, done=done) for one in rows[:_SHOWN]],
        left_out=max(0, len(rows) - _SHOWN),
        totals=[(outcome.value, count) for outcome, count in totals if count],
        checked="" if refused or not outcomes else digest,
        passwords="".join(write_row(each) for each in (("number", "sip_password"), *made)) if made else "",
    )


def _told(one: RowOutcome, words: Words, name: ResourceName, pins: PinPolicy, *, done: bool) -> _ToldRow:
    is_there = done or one.outcome in {Outcome.CHANGED, Outcome.UNCHANGED}
    return _ToldRow(
        place=one.place,
        key=one.key[:80],
        path=page_of(_KINDS[name], one.key) if is_there else None,
        outcome=one.outcome.value,
        faults=[row_fault(error, words, name, key=one.key[:80], pins=pins) for error in one.errors],
    )


def _page(
    visit: Visit,
    name: ResourceName,
    *,
    looked: _Looked | None = None,
    faults: Faults | None = None,
    notice: str = "",
) -> Response:
    # Script puts no answer into the page that says it is an error.
    status = _WRONG if faults and not visit.by_htmx else _OK
    return visit.page(
        "import.html",
        section="import",
        status=status,
        faults=faults,
        what=name.value,
        resources=[(one.value, visit.words(f"import.{one.value}")) for one in ResourceName],
        columns={one.value: columns_of_resource(one) for one in ResourceName},
        looked=looked,
        another=notice,
        most_bytes=visit.deps.max_body_bytes,
        as_file=visit.deps.tenant_file is not None,
    )
