"""Feature codes: what `*56` and the others do, all on one page that is saved at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from fastapi import Response
from pydantic import ValidationError

from controlplane.domain.errors import Conflict, PreconditionFailed
from controlplane.domain.feature_code import FeatureCode
from controlplane.domain.numbers import Feature, codes_clash
from controlplane.services.feature_codes import list_feature_codes, set_feature_codes
from controlplane.web.api.schemas_feature_codes import FeatureCodeIn
from controlplane.web.errors import status_of
from controlplane.web.portal.access import Inside
from controlplane.web.portal.addresses import PREFIX
from controlplane.web.portal.forms import Fault, Faults, Form
from controlplane.web.portal.last_change import LastChange, last_change
from controlplane.web.portal.routes import page_router
from controlplane.web.portal.visits import Visit
from controlplane.web.portal.words import Words

router = page_router()

_ADDRESS: Final = f"{PREFIX}/feature-codes"
_WRONG: Final = 422


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A feature as it stands in the form; `seen` is what was stored when the form was made."""

    feature: Feature
    code: str
    enabled: bool
    seen: str

    @property
    def changed(self) -> bool:
        """Whether the person changed it; a code that cannot be dialled need not be there."""
        return _packed(self.code, enabled=self.enabled) != self.seen


@router.get(_ADDRESS)
async def feature_codes_page(visit: Inside) -> Response:
    """Show all features with their codes."""
    return _page(visit, await _stored(visit))


@router.post(_ADDRESS)
async def change_feature_codes(visit: Inside) -> Response:
    """Give those that were changed their new codes, all of them or none."""
    sent = [_row_sent(visit.form, feature) for feature in Feature]
    changed = [row for row in sent if row.changed]
    wanted, faults = _checked(changed, visit.words)
    if faults:
        return _page(visit, sent, faults=Faults(faults), status=_WRONG)
    stored = {row.feature: row for row in await _stored(visit)}
    theirs = [stored[row.feature] for row in changed if stored[row.feature].seen != row.seen]
    if theirs:
        merged = [_over(row, stored[row.feature]) if row.changed else stored[row.feature] for row in sent]
        status = status_of(PreconditionFailed("Changed meanwhile."))
        last = await last_change(visit, "feature-code")
        return _page(visit, merged, clash=theirs, last=last, status=status)
    try:
        await set_feature_codes(
            visit.deps.db,
            visit.deps.jobs,
            tenant_id=visit.person.tenant_id,
            wanted={feature: (body.code, body.enabled) for feature, body in wanted.items()},
            by=visit.person.label,
        )
    except Conflict as error:
        return _page(visit, sent, faults=_taken(error, sent, visit.words), status=status_of(error))
    return visit.go("/feature-codes", notice="feature-codes-saved")


async def _stored(visit: Visit) -> list[Row]:
    found = await list_feature_codes(visit.deps.db, tenant_id=visit.person.tenant_id)
    codes = {one.feature: one for one in found}
    return [_row_of(codes[feature]) for feature in Feature]


def _row_of(one: FeatureCode) -> Row:
    code = one.code or ""
    return Row(feature=one.feature, code=code, enabled=one.enabled, seen=_packed(code, enabled=one.enabled))


def _row_sent(form: Form, feature: Feature) -> Row:
    return Row(
        feature=feature,
        code=form.text(f"code-{feature}").strip(),
        enabled=form.ticked(f"enabled-{feature}"),
        seen=form.text(f"seen-{feature}"),
    )


def _over(sent: Row, stored: Row) -> Row:
    """Return what the person entered, over what is stored now."""
    return Row(feature=sent.feature, code=sent.code, enabled=sent.enabled, seen=stored.seen)


def _packed(code: str, *, enabled: bool) -> str:
    return f"{code} {'yes' if enabled else 'no'}"


def _checked(rows: Sequence[Row], words: Words) -> tuple[dict[Feature, FeatureCodeIn], list[Fault]]:
    wanted: dict[Feature, FeatureCodeIn] = {}
    faults: list[Fault] = []
    for row in rows:
        try:
            wanted[row.feature] = FeatureCodeIn(code=row.code, enabled=row.enabled)
        except ValidationError:
            key = "wrong" if row.code else "missing"
            text = words(f"feature-codes.code-{key}", feature=words(f"features.{row.feature}"))
            faults.append(Fault(field=f"code-{row.feature}", text=text))
    return wanted, faults


def _taken(error: Conflict, rows: Sequence[Row], words: Words) -> Faults:
    """Say it beside the codes that cannot be told apart from the one that the error names."""
    code, other = str(error.details["code"]), str(error.details["feature"])
    text = words("feature-codes.code-taken", code=code, feature=words(f"features.{other}"))
    return Faults(
        [
            Fault(field=f"code-{row.feature}", text=text)
            for row in rows
            if row.changed and row.feature != other and codes_clash(row.code, code)
        ]
        or [Fault(field="", text=text)]
    )


def _page(
    visit: Visit,
    rows: Sequence[Row],
    *,
    faults: Faults | None = None,
    clash: Sequence[Row] = (),
    last: LastChange | None = None,
    status: int = 200,
) -> Response:
    return visit.page(
        "feature_codes.html",
        section="feature-codes",
        status=status,
        faults=faults,
        rows=rows,
        clash=clash,
        last=last,
    )
