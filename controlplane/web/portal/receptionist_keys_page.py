"""The page of one key of a virtual receptionist: where it leads in office hours, outside, and on holidays."""

from __future__ import annotations

import re
from typing import Any, Final
from urllib.parse import quote

from fastapi import Response
from pydantic import ValidationError

from controlplane.domain.errors import Conflict, InvalidValue, NotFound, PreconditionFailed
from controlplane.web.api.schemas_virtual_receptionists import KeyRuleBody
from controlplane.web.errors import status_of
from controlplane.web.portal import object_form
from controlplane.web.portal.access import Inside
from controlplane.web.portal.destination_fields import ToByHours
from controlplane.web.portal.form_buttons import SAVE, Pressed, press, verb_of
from controlplane.web.portal.form_fields import Entries
from controlplane.web.portal.forms import Fault, Faults
from controlplane.web.portal.last_change import LastChange, last_change
from controlplane.web.portal.object_kinds import Details
from controlplane.web.portal.receptionist_keys import path_of
from controlplane.web.portal.routes import page_router
from controlplane.web.portal.virtual_receptionists_page import LIFE, OR_REPEAT, RECEPTIONISTS
from controlplane.web.portal.visits import Visit
from controlplane.web.portal.wrongs import Wrong, wrongs_of, wrongs_of_schema

router = page_router()

_ADDRESS: Final = f"{RECEPTIONISTS.route}/{{key}}/keys"
_FIELDS: Final = {"destination": ToByHours(allowed=OR_REPEAT)}
_OK: Final = 200
_WRONG: Final = 422
_OF_A_RULE = re.compile(r"^keys[.\[][0-9]+\]?\.")


@router.get(_ADDRESS)
async def choose_keys(visit: Inside, key: str) -> Response:
    """Ask which keys, and go on to their page."""
    details = await LIFE.get(visit, key.replace("\0", "\ufffd"))
    keys = visit.request.query_params.get("keys")
    if keys is not None and _are_keys(keys.strip()):
        return visit.go(f"{_path(details)}{path_of(keys.strip())}")
    faults = Faults(
        [] if keys is None else [Fault(field="keys", text=visit.words("receptionist-keys.wrong"))]
    )
    return visit.page(
        "receptionist_other_keys.html",
        section=RECEPTIONISTS.plural,
        status=_WRONG if faults else 200,
        faults=faults,
        details=details,
        keys=keys or "",
    )


@router.get(_ADDRESS + "/{keys}")
async def key_page(visit: Inside, key: str, keys: str) -> Response:
    """Show where a key leads."""
    details = await _details(visit, key, keys)
    return await _page(visit, details, keys, _stored(details, keys))


@router.post(_ADDRESS + "/{keys}")
async def change_key(visit: Inside, key: str, keys: str) -> Response:
    """Let a key lead elsewhere, or nowhere."""
    details = await _details(visit, key, keys)
    entries = object_form.entries_sent(_FIELDS, visit.form)
    if visit.form.text("do") == "remove":
        return await _saved(visit, details, keys, None, entries)
    if verb_of(visit) not in SAVE | {"check"}:
        pressed = await press(
            visit,
            fields=_FIELDS,
            entries=entries,
            here=f"{visit.portal.base}{_path(details)}{path_of(keys)}",
            section=RECEPTIONISTS.plural,
            carried=("version",),
        )
        if isinstance(pressed, Response):
            return pressed
        return await _page(visit, details, keys, pressed.entries, pressed=pressed)
    rule: KeyRuleBody | None = None
    wrongs: list[Wrong] = []
    destination = object_form.body_of(_FIELDS, entries)["destination"]
    if destination is not None:
        rule, wrongs = _checked(keys, destination)
    owners = await object_form.owners_in(visit, _FIELDS, entries)
    wrongs += object_form.wrong_numbers(_FIELDS, entries, owners)
    if wrongs or verb_of(visit) not in SAVE:
        return await _page(visit, details, keys, entries, wrongs=wrongs)
    return await _saved(visit, details, keys, rule, entries)


async def _saved(
    visit: Visit, details: Details, keys: str, rule: KeyRuleBody | None, entries: Entries
) -> Response:
    """Put a rule in the place of the one of these keys, at the end if there is none; None takes it away."""
    others = [one for one in details.values["keys"] if one["keys"] != keys]
    rules = others
    if rule is not None:
        new = rule.model_dump(mode="json")
        rules = [new if one["keys"] == keys else one for one in details.values["keys"]]
        rules += [new] if len(others) == len(rules) else []
    try:
        await LIFE.update(
            visit,
            details.key,
            {"keys": rules},
            whole=details.values,
            version=object_form.version_of(visit.form),
        )
    except PreconditionFailed as error:
        now = await LIFE.get(visit, details.key)
        return await _page(
            visit,
            now,
            keys,
            entries,
            clash=await last_change(visit, RECEPTIONISTS.word, now.key),
            status=status_of(error),
        )
    except ValidationError as error:
        return await _page(
            visit, details, keys, entries, wrongs=_of_rule(wrongs_of_schema(error, LIFE.patch))
        )
    except (InvalidValue, Conflict) as error:
        wrongs = _of_rule(wrongs_of(error))
        return await _page(visit, details, keys, entries, wrongs=wrongs, status=status_of(error))
    notice = "key-removed" if rule is None else "key-saved"
    return visit.go(_path(details), notice=notice, keys=keys, name=details.name)


def _checked(keys: str, destination: Any) -> tuple[KeyRuleBody | None, list[Wrong]]:
    try:
        rule = KeyRuleBody.model_validate({"keys": keys, "destination": destination})
        rule.value().destination.check("destination", OR_REPEAT)
    except ValidationError as error:
        return None, wrongs_of_schema(error, KeyRuleBody)
    except InvalidValue as error:
        return None, wrongs_of(error)
    return rule, []


def _of_rule(wrongs: list[Wrong]) -> list[Wrong]:
    """Return the same with the fields of the form: there is one rule in it."""
    return [
        Wrong(
            field=_OF_A_RULE.sub("", wrong.field),
            error_id=wrong.error_id,
            sentence=wrong.sentence,
            details=wrong.details,
        )
        for wrong in wrongs
    ]


async def _details(visit: Visit, key: str, keys: str) -> Details:
    if not _are_keys(keys):
        raise NotFound("There are no such keys.", error_id="no-such-page")
    return await LIFE.get(visit, key.replace("\0", "\ufffd"))


def _are_keys(keys: str) -> bool:
    return not _checked(keys, {"office_hours": {"action": "hangup"}})[1]


def _stored(details: Details, keys: str) -> Entries:
    rules: list[dict[str, Any]] = details.values["keys"]
    rule: dict[str, Any] = next((one for one in rules if one["keys"] == keys), {})
    return object_form.entries_of(_FIELDS, rule)


def _path(details: Details) -> str:
    return f"{RECEPTIONISTS.path}/{quote(details.key, safe='')}"


async def _page(
    visit: Visit,
    details: Details,
    keys: str,
    entries: Entries,
    *,
    wrongs: list[Wrong] | None = None,
    clash: LastChange | None = None,
    pressed: Pressed | None = None,
    status: int = _OK,
) -> Response:
    faults = object_form.in_words(_FIELDS, wrongs or [], visit.words, entries)
    began = object_form.version_of(visit.form) if not clash else 0
    return visit.page(
        "receptionist_key.html",
        section=RECEPTIONISTS.plural,
        status=_WRONG if faults and status == _OK and verb_of(visit) in SAVE else status,
        faults=faults,
        here=f"{visit.portal.base}{_path(details)}{path_of(keys)}",
        back=f"{visit.portal.base}{_path(details)}",
        details=details,
        version=began or details.version,
        keys=keys,
        used=any(one["keys"] == keys for one in details.values["keys"]),
        clash=clash,
        word=RECEPTIONISTS.word,
        fields=_FIELDS,
        entries=entries,
        owners=await object_form.owners_in(visit, _FIELDS, entries),
        named={},
        remarks={},
        focus="" if pressed is None else pressed.focus,
    )
