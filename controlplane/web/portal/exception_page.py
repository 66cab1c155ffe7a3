"""The page of one exception of an extension: which callers it means, where they go, and when."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from fastapi import Response
from pydantic import ValidationError

from controlplane.domain.errors import Conflict, DomainError, InvalidValue, NotFound, PreconditionFailed
from controlplane.domain.routing.extension_rules import When
from controlplane.domain.routing.masks import parse_mask
from controlplane.web.api.schemas_extension_rules import CallerExceptionBody
from controlplane.web.errors import status_of
from controlplane.web.portal import object_form
from controlplane.web.portal.access import Inside
from controlplane.web.portal.destination_fields import To
from controlplane.web.portal.exceptions_page import ADDRESS, details_of, path_of, place_of
from controlplane.web.portal.extensions_page import EXTENSIONS, LIFE, OR_RING
from controlplane.web.portal.form_buttons import SAVE, Pressed, press, verb_of
from controlplane.web.portal.form_fields import Choice, Entries, Figure, FormField, Line
from controlplane.web.portal.forms import Faults
from controlplane.web.portal.object_kinds import Details
from controlplane.web.portal.routes import page_router
from controlplane.web.portal.visits import Visit
from controlplane.web.portal.words import Words
from controlplane.web.portal.wrongs import Wrong, wrongs_of, wrongs_of_schema

router = page_router()

FIELDS: Final[Mapping[str, FormField]] = {
    "caller": Line(more={"inputmode": "tel", "autocomplete": "off", "maxlength": "40"}),
    "destination": To(allowed=OR_RING, own_voicemail=True),
    "when": Choice(values=tuple(one.value for one in When)),
    "place": Figure(),
}
_RULE: Final = {name: kind for name, kind in FIELDS.items() if name != "place"}
_ADD: Final = "add"
_OK: Final = 200
_WRONG: Final = 422
_OF_ONE = re.compile(r"^exceptions\.[0-9]+\.")


@router.get(ADDRESS + "/{place}")
async def exception_page(visit: Inside, key: str, place: str) -> Response:
    """Show one, or an empty one to be added at the end."""
    details = await details_of(visit, key)
    index = _asked(details, place)
    entries = _entries(details, index)
    return await _page(visit, details, index, entries, was=_rule_of(entries))


@router.post(ADDRESS + "/{place}")
async def change_exception(visit: Inside, key: str, place: str) -> Response:
    """Add or change one, or take it away."""
    details = await details_of(visit, key)
    entries = object_form.entries_sent(FIELDS, visit.form)
    was = object_form.unpacked(visit.form.text("was"))
    # It is found by what it was, so that whoever changes others meanwhile is in nobody's way.
    index = None if place == _ADD else _index_of(details, was)
    if visit.form.text("do") == "remove":
        return await _removed(visit, details, index, was)
    if verb_of(visit) not in SAVE | {"check"}:
        pressed = await press(
            visit,
            fields=FIELDS,
            entries=entries,
            here=_here(visit, details, place),
            section=EXTENSIONS.plural,
            carried=("was",),
        )
        if isinstance(pressed, Response):
            return pressed
        return await _page(visit, details, index, pressed.entries, was=was, pressed=pressed, place=place)
    most = len(details.values["exceptions"]) + (1 if index is None else 0)
    body, wrongs = _checked(entries, most)
    owners = await object_form.owners_in(visit, FIELDS, entries)
    wrongs += object_form.wrong_numbers(FIELDS, entries, owners)
    if wrongs or verb_of(visit) not in SAVE:
        return await _page(visit, details, index, entries, was=was, wrongs=wrongs, place=place)
    if index is None and place != _ADD:
        return await _page(visit, details, None, entries, was={}, clash=True)
    return await _saved(visit, details, index, entries, body)


async def _saved(
    visit: Visit, details: Details, index: int | None, entries: Entries, body: Mapping[str, Any]
) -> Response:
    rules = [one for at, one in enumerate(details.values["exceptions"]) if at != index]
    rules.insert(int(entries["place"]) - 1, body)
    try:
        await LIFE.set_exceptions(visit, details, rules)
    except (InvalidValue, Conflict) as error:
        was = _rule_of(_entries(details, index))
        return await _page(visit, details, index, entries, was=was, error=error)
    notice = "exception-added" if index is None else "exception-saved"
    return visit.go(f"{path_of(details)}/exceptions", notice=notice, caller=entries["caller"])


async def _removed(visit: Visit, details: Details, index: int | None, was: Entries) -> Response:
    """Take one away; who finds it gone already has what they want."""
    if index is not None:
        kept = [one for at, one in enumerate(details.values["exceptions"]) if at != index]
        await LIFE.set_exceptions(visit, details, kept)
    path = f"{path_of(details)}/exceptions"
    return visit.go(path, notice="exception-removed", caller=was.get("caller", ""))


def _checked(entries: Entries, most: int) -> tuple[dict[str, Any], list[Wrong]]:
    """Return an exception in JSON, and all that is wrong with it and its place."""
    body = object_form.body_of(FIELDS, entries)
    place = body.pop("place")
    wrongs: list[Wrong] = []
    try:
        one = CallerExceptionBody.model_validate(body).value()
        parse_mask(one.caller, field="caller")
        one.destination.check("destination", OR_RING)
    except ValidationError as error:
        wrongs = wrongs_of_schema(error, CallerExceptionBody)
    except InvalidValue as error:
        wrongs = wrongs_of(error)
    if not isinstance(place, int) or not 1 <= place <= most:
        bounds = {"ge": 1, "le": most}
        wrongs.append(
            Wrong(field="place", error_id="out-of-range", sentence="It has no such place.", details=bounds)
        )
    return body, wrongs


def _asked(details: Details, place: str) -> int | None:
    """Return which one an address means, counted from 1 there; None for a new one. Raises NotFound."""
    if place == _ADD:
        return None
    index = place_of(place, len(details.values["exceptions"]) + 1)
    if not index:
        raise NotFound("There is no such exception.", error_id="no-such-page")
    return index - 1


def _entries(details: Details, index: int | None) -> Entries:
    stored = details.values["exceptions"]
    if index is None:
        new = {"when": When.ALWAYS.value}
        return object_form.entries_of(FIELDS, {**new, "place": len(stored) + 1})
    return object_form.entries_of(FIELDS, {**stored[index], "place": index + 1})


def _rule_of(entries: Entries) -> Entries:
    return {name: text for name, text in entries.items() if name != "place"}


def _index_of(details: Details, was: Entries) -> int | None:
    stored = details.values["exceptions"]
    same = (at for at, one in enumerate(stored) if object_form.entries_of(_RULE, one) == was)
    return next(same, None)


def _here(visit: Visit, details: Details, place: str) -> str:
    return f"{visit.portal.base}{path_of(details)}/exceptions/{quote(place, safe='')}"


def _in_words(error: DomainError, words: Words, entries: Entries) -> Faults:
    """Say what the rules as a whole have against it; there is one exception in the form."""
    wrongs = [
        Wrong(
            field=_OF_ONE.sub("", wrong.field),
            error_id=wrong.error_id,
            sentence=wrong.sentence,
            details=wrong.details,
        )
        for wrong in wrongs_of(error)
    ]
    return object_form.in_words(FIELDS, wrongs, words, entries)


async def _page(
    visit: Visit,
    details: Details,
    index: int | None,
    entries: Entries,
    *,
    was: Entries,
    wrongs: list[Wrong] | None = None,
    error: DomainError | None = None,
    clash: bool = False,
    pressed: Pressed | None = None,
    place: str = "",
) -> Response:
    faults = object_form.in_words(FIELDS, wrongs or [], visit.words, entries)
    status = _WRONG if (faults and verb_of(visit) in SAVE) else _OK
    if error is not None:
        faults, status = _in_words(error, visit.words, entries), status_of(error)
    if clash:
        status = status_of(PreconditionFailed(""))
    own = place or (_ADD if index is None else str(index + 1))
    return visit.page(
        "exception.html",
        section=EXTENSIONS.plural,
        status=status,
        faults=faults,
        here=_here(visit, details, own),
        back=f"{visit.portal.base}{path_of(details)}/exceptions",
        details=details,
        is_new=own == _ADD,
        was=object_form.packed(was),
        clash=clash,
        word="exception",
        fields=FIELDS,
        entries=entries,
        owners=await object_form.owners_in(visit, FIELDS, entries),
        named={},
        remarks={},
        focus="" if pressed is None else pressed.focus,
    )
