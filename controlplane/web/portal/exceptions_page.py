"""The exceptions of an extension for certain callers: a list in the order in which they are asked.

They have pages of their own because an extension may have many, and each has a destination to choose.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from fastapi import Response

from controlplane.domain.errors import InvalidValue, PreconditionFailed
from controlplane.domain.routing.extension_rules import When
from controlplane.services.numbers import owners_of
from controlplane.web.api.schemas_extension_rules import CallerExceptionBody
from controlplane.web.errors import status_of
from controlplane.web.portal import object_form
from controlplane.web.portal.access import Inside
from controlplane.web.portal.destination_fields import destination_in_words
from controlplane.web.portal.extensions_page import EXTENSIONS, LIFE
from controlplane.web.portal.form_buttons import move
from controlplane.web.portal.forms import Fault, Faults
from controlplane.web.portal.object_kinds import Details
from controlplane.web.portal.routes import page_router
from controlplane.web.portal.visits import Visit
from controlplane.web.portal.wrongs import wrongs_of

router = page_router()

ADDRESS: Final = f"{EXTENSIONS.route}/{{key}}/exceptions"
_OK: Final = 200
_PLACE = re.compile(r"[0-9]{1,3}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExceptionLine:
    """An exception in the list, in words."""

    caller: str
    to: str
    when: str


@router.get(ADDRESS)
async def exceptions_page(visit: Inside, key: str) -> Response:
    """List them."""
    return await _list(visit, await details_of(visit, key))


@router.post(ADDRESS)
async def move_exception(visit: Inside, key: str) -> Response:
    """Move one up or down, or take it away."""
    details = await details_of(visit, key)
    stored = list(details.values["exceptions"])
    verb, _, text = visit.form.text("do").partition(" ")
    place = place_of(text, len(stored))
    if place is None or verb not in {"up", "down", "drop"}:
        return await _list(visit, details)
    if object_form.version_of(visit.form) != details.version:
        fault = Fault(field="", text=visit.words("exceptions.changed-meanwhile"))
        return await _list(visit, details, faults=[fault], status=status_of(PreconditionFailed("")))
    caller = stored[place]["caller"]
    move(stored, place, verb)
    try:
        await LIFE.set_exceptions(visit, details, stored)
    except InvalidValue as error:
        faults = object_form.in_words({}, wrongs_of(error), visit.words, {})
        return await _list(visit, details, faults=list(faults), status=status_of(error))
    if verb == "drop":
        return visit.go(f"{path_of(details)}/exceptions", notice="exception-removed", caller=caller)
    after = min(max(place + (-1 if verb == "up" else 1), 0), len(stored) - 1)
    # There one goes on by keys, and sees where it is now.
    return visit.go(f"{path_of(details)}/exceptions#exception-{after + 1}")


async def details_of(visit: Visit, key: str) -> Details:
    """Return an extension with its rules; raises NotFound."""
    return await LIFE.get(visit, key.replace("\0", "\ufffd"))


def place_of(text: str, count: int) -> int | None:
    """Return the place of a list that a text means, counted from 0."""
    place = int(text) if _PLACE.fullmatch(text) else count
    return place if place < count else None


def path_of(details: Details) -> str:
    """Return where the page of an extension is, below the portal."""
    return f"{EXTENSIONS.path}/{quote(details.key, safe='')}"


async def _list(
    visit: Visit, details: Details, *, faults: Sequence[Fault] = (), status: int = _OK
) -> Response:
    return visit.page(
        "exceptions.html",
        section=EXTENSIONS.plural,
        status=status,
        faults=Faults(faults),
        details=details,
        back=f"{visit.portal.base}{path_of(details)}",
        lines=await _lines(visit, details.values["exceptions"]),
    )


async def _lines(visit: Visit, stored: Sequence[Mapping[str, Any]]) -> list[ExceptionLine]:
    words = visit.words
    read = [CallerExceptionBody.model_validate(one).value() for one in stored]
    named = {one.destination.number for one in read if one.destination.number is not None}
    owners = await owners_of(visit.deps.db, tenant_id=visit.person.tenant_id, wanted=named)
    return [
        ExceptionLine(
            caller=one.caller,
            to=destination_in_words(one.destination, words, owners),
            when="" if one.when is When.ALWAYS else words(f"exception.when-{one.when.value}"),
        )
        for one in read
    ]
