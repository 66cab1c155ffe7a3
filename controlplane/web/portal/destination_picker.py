"""Choosing a number: a list of all that calls can go to, by type and search, as a page and in a dialog."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from fastapi import Response

from controlplane.domain.numbers import NumberKind
from controlplane.services.numbers import list_numbers
from controlplane.web.paging import cursor, position
from controlplane.web.portal.access import Inside
from controlplane.web.portal.addresses import PREFIX
from controlplane.web.portal.forms import Fault, Faults
from controlplane.web.portal.routes import page_router
from controlplane.web.portal.visits import Visit

router = page_router()

_SHOWN: Final = 25
_MAX_SEARCH: Final = 64
_WRONG: Final = 422


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is looked for: `wanted` is the only kind that fits, `kind` the one that was chosen."""

    field: str
    wanted: NumberKind | None
    kind: NumberKind | None
    q: str
    after: str
    many: bool

    @classmethod
    def of(
        cls, text: Callable[[str], str], *, field: str, wanted: NumberKind | None, many: bool, after: str
    ) -> Asked:
        """Read what the fields of the search say; a kind that there is not is every kind."""
        return cls(
            field=field,
            wanted=wanted,
            kind=wanted or _kind(text("pick-kind")),
            q=text("pick-q").replace("\0", "")[:_MAX_SEARCH].strip(),
            after=after,
            many=many,
        )


@router.get(f"{PREFIX}/destinations")
async def destinations(visit: Inside) -> Response:
    """List what calls can go to; script shows it in a dialog."""
    query = visit.request.query_params
    asked = Asked.of(
        lambda name: query.get(name, ""),
        field=query.get("field", "")[:_MAX_SEARCH],
        wanted=_kind(query.get("wanted", "")),
        many=query.get("many") == "yes",
        after=query.get("after", ""),
    )
    return await _shown(visit, "destinations.html", asked)


async def picker_page(
    visit: Visit,
    asked: Asked,
    *,
    here: str,
    section: str,
    kept: Mapping[str, str],
    nothing_picked: bool,
) -> Response:
    """Answer with the page on which a number is chosen; it sends `kept` back to `here`."""
    fault = Fault(field="choices", text=visit.words("picker.nothing-picked"))
    return await _shown(
        visit,
        "picker.html",
        asked,
        here=here,
        section=section,
        kept=kept,
        faults=Faults([fault] if nothing_picked else []),
        status=_WRONG if nothing_picked else 200,
    )


async def _shown(
    visit: Visit,
    template: str,
    asked: Asked,
    *,
    section: str = "",
    faults: Faults | None = None,
    status: int = 200,
    **values: Any,
) -> Response:
    found = await list_numbers(
        visit.deps.db,
        tenant_id=visit.person.tenant_id,
        kind=asked.kind,
        q=asked.q or None,
        limit=_SHOWN,
        after=position(asked.after or None),
    )
    return visit.page(
        template,
        section=section,
        faults=faults,
        status=status,
        asked=asked,
        choices=found.items,
        kinds=[kind.value for kind in NumberKind],
        following=cursor(found.items[-1].number) if found.more else "",
        part=visit.by_htmx,
        **values,
    )


def _kind(text: str) -> NumberKind | None:
    return NumberKind(text) if text in {kind.value for kind in NumberKind} else None
