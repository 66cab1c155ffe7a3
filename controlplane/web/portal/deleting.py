"""What pages that delete something with a number share: what points at it, and where that is to point."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError

from controlplane.domain.errors import DomainError, InvalidValue
from controlplane.services.numbers import list_numbers
from controlplane.services.routing.re_pointing import PointingObject, list_pointers, re_point
from controlplane.web.api.schemas_numbers import RePointIn
from controlplane.web.paging import MAX_LIMIT
from controlplane.web.portal.forms import Fault, Faults
from controlplane.web.portal.mailbox_words import slot_in_words
from controlplane.web.portal.object_pages import page_of
from controlplane.web.portal.visits import Visit
from controlplane.web.portal.words import Words

SHOWN: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class PointerLine:
    """A place that points here, in words; `path` is the page of its object, if that has one."""

    kind: str
    name: str
    number: str | None
    slot: str
    path: str | None


async def point_elsewhere(visit: Visit, number: str) -> None:
    """Point elsewhere what points at a number, as it was chosen in the form.

    Raises InvalidValue and Conflict, naming `instead` or `to`.
    """
    deps, by = visit.deps, visit.person
    pointing = await list_pointers(deps.db, tenant_id=by.tenant_id, number=number, limit=1, after=None)
    if pointing.items:
        to = _chosen(visit)
        await re_point(deps.db, deps.jobs, tenant_id=by.tenant_id, number=number, to=to, by=by.label)


async def pointing_lines(visit: Visit, number: str, *, limit: int = SHOWN) -> tuple[list[PointerLine], bool]:
    """Return what points at a number, and whether there is more of it."""
    found = await list_pointers(
        visit.deps.db, tenant_id=visit.person.tenant_id, number=number, limit=limit, after=None
    )
    return [_line(one, visit.words) for one in found.items], found.more


async def pointing_values(visit: Visit, number: str) -> dict[str, Any]:
    """Return what the template of such a page needs: what points here, and what the form says."""
    db, tenant_id = visit.deps.db, visit.person.tenant_id
    pointers, more = await pointing_lines(visit, number)
    choices = await list_numbers(db, tenant_id=tenant_id, q=None, limit=MAX_LIMIT, after=None)
    return {
        "number": number,
        "pointers": pointers,
        "more_pointers": more,
        "most": SHOWN,
        "instead": visit.form.text("instead"),
        "to": visit.form.text("to"),
        "choices": [one for one in choices.items if one.number != number],
    }


def why_not(error: DomainError | None, words: Words, number: str, *, section: str) -> Faults:
    """Say why it was refused, in the words of a section of the catalogue, else in those of all kinds."""
    if error is None:
        return Faults()
    keys = [
        f"{one}.{each}"
        for one in (section, "delete-errors")
        for each in (f"{error.field}-{error.error_id}", error.error_id)
    ]
    key = next((each for each in keys if words.has(each)), None)
    values = {"number": number, "objects": _objects(error, words)}
    text = words.error(error) if key is None else words(key, **values)
    return Faults([Fault(field=error.field or "", text=text)])


def _chosen(visit: Visit) -> str | None:
    """Return where all is to point; None: calls end there. Raises InvalidValue."""
    chosen, to = visit.form.text("instead"), visit.form.text("to").strip()
    if chosen == "hangup":
        return None
    if chosen != "number":
        raise InvalidValue("Say what is to happen.", error_id="missing-field", field="instead")
    if not to:
        raise InvalidValue("A number is missing.", error_id="missing-field", field="to")
    try:
        return RePointIn(to=to).to
    except ValidationError as error:
        raise InvalidValue("This is no number.", error_id="invalid-number", field="to") from error


def _line(one: PointingObject, words: Words) -> PointerLine:
    return PointerLine(
        kind=words(f"kinds.{one.kind}"),
        name=one.name,
        number=one.number,
        slot=slot_in_words(one.slot, words),
        path=page_of(one.kind, one.number or one.name),
    )


def _objects(error: DomainError, words: Words) -> str:
    listed = error.details.get("pointers")
    found: Sequence[object] = listed if isinstance(listed, list) else [error.details.get("object")]
    names = [
        f"{words('kinds.' + str(one['kind']))} {one.get('number') or one.get('name') or ''}".strip()
        for one in found
        if isinstance(one, dict)
    ]
    used_by = error.details.get("used_by")
    if isinstance(used_by, list):
        names += [str(one) for one in used_by]
    return ", ".join(dict.fromkeys(names))
