"""The page of one object, with its settings; and the page on which one is made."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import quote

from fastapi import APIRouter, Response

from controlplane.domain.errors import Conflict, DomainError, InvalidValue, PreconditionFailed
from controlplane.domain.routing.kinds import RoutingKind
from controlplane.services.numbers import check_free
from controlplane.services.routing.objects import list_objects
from controlplane.web.errors import status_of
from controlplane.web.paging import MAX_LIMIT
from controlplane.web.portal import object_form
from controlplane.web.portal.access import Inside
from controlplane.web.portal.clashes import Clash, root_of
from controlplane.web.portal.deleting import PointerLine, pointing_lines
from controlplane.web.portal.form_buttons import SAVE, Pressed, press, verb_of
from controlplane.web.portal.form_fields import Entries, Named
from controlplane.web.portal.object_clash import clash_of
from controlplane.web.portal.object_kinds import Details, ObjectPages, Owners
from controlplane.web.portal.visits import Visit
from controlplane.web.portal.wrongs import Wrong, wrongs_of

_OK: Final = 200
_WRONG: Final = 422
_POINTERS: Final = 10
_CARRIED: Final = ("version", "seen")


def add_form(router: APIRouter, pages: ObjectPages) -> None:
    """Add the pages on which an object of a kind is made and changed."""
    adding = f"{pages.route}/{pages.inner('add')}"

    @router.get(adding, name=f"{pages.plural}-add-page")
    async def add_page(visit: Inside) -> Response:
        values = pages.new if pages.begin is None else await pages.begin(visit)
        return await show(visit, pages, None, object_form.entries_of(pages.fields_of(None), values))

    @router.post(adding, name=f"{pages.plural}-add")
    async def add(visit: Inside) -> Response:
        return await _add(visit, pages)

    @router.get(f"{pages.route}/{{key}}", name=f"{pages.plural}-page")
    async def page(visit: Inside, key: str) -> Response:
        details = await pages.life.get(visit, key.replace("\0", "\ufffd"))
        entries = object_form.entries_of(pages.fields_of(details), details.values)
        return await show(visit, pages, details, entries)

    @router.post(f"{pages.route}/{{key}}", name=f"{pages.plural}-change")
    async def change(visit: Inside, key: str) -> Response:
        return await _change(visit, pages, await pages.life.get(visit, key.replace("\0", "\ufffd")))


async def _add(visit: Visit, pages: ObjectPages) -> Response:
    fields, words = pages.fields_of(None), visit.words
    entries = object_form.entries_sent(fields, visit.form)
    pressed = await _pressed(visit, pages, None, entries)
    if isinstance(pressed, Response):
        return pressed
    if pressed is not None:
        return await show(visit, pages, None, pressed.entries, pressed=pressed)
    body = object_form.body_of(fields, entries)
    wrongs, owners = await _wrongs(visit, pages, None, entries)
    if wrongs or verb_of(visit) not in SAVE:
        return await show(visit, pages, None, entries, wrongs=wrongs, owners=owners)
    try:
        made = await pages.life.create(visit, body)
    except (InvalidValue, Conflict) as error:
        return await _refused(visit, pages, None, entries, error)
    told = {"kind": words(f"kinds.{pages.word}"), "key": made.key, "name": made.name}
    if made.secret is not None:
        return secret_page(visit, pages, made)
    path = f"{pages.path}/{quote(made.key, safe='')}" if pages.opens else pages.path
    return visit.go(path, notice="object-added" if pages.has_number else "named-added", **told)


async def _change(visit: Visit, pages: ObjectPages, details: Details) -> Response:
    fields, form = pages.fields_of(details), visit.form
    entries = {**object_form.entries_sent(fields, form), pages.key: details.key}
    pressed = await _pressed(visit, pages, details, entries)
    if isinstance(pressed, Response):
        return pressed
    if pressed is not None:
        return await show(visit, pages, details, pressed.entries, pressed=pressed)
    seen = object_form.unpacked(form.text("seen"))
    wrongs, owners = await _wrongs(visit, pages, details, entries)
    if wrongs or verb_of(visit) not in SAVE:
        return await show(visit, pages, details, entries, wrongs=wrongs, owners=owners)
    changes = object_form.changes_of(fields, entries, seen)
    changes.pop(pages.key, None)
    try:
        after = await pages.life.update(
            visit,
            details.key,
            changes,
            whole=object_form.body_of(fields, entries),
            version=object_form.version_of(form),
        )
    except PreconditionFailed as error:
        now = await pages.life.get(visit, details.key)
        clash = await clash_of(visit, pages, now, entries, seen)
        return await show(visit, pages, now, clash.entries, clash=clash, status=status_of(error))
    except (InvalidValue, Conflict) as error:
        return await _refused(visit, pages, details, entries, error)
    return visit.go(f"{pages.path}/{quote(details.key, safe='')}", notice="object-saved", name=after.name)


async def _pressed(
    visit: Visit, pages: ObjectPages, details: Details | None, entries: Entries
) -> Pressed | Response | None:
    """Do what a button asks for but to save or check."""
    if verb_of(visit) in SAVE | {"check"}:
        return None
    return await press(
        visit,
        fields=pages.fields_of(details),
        entries=entries,
        here=_here(visit, pages, details),
        section=pages.plural,
        carried=_CARRIED if details is not None else (),
    )


async def _wrongs(
    visit: Visit, pages: ObjectPages, details: Details | None, entries: Entries
) -> tuple[list[Wrong], Owners]:
    """Return all that is wrong with a form, and who has the numbers in it."""
    fields = pages.fields_of(details)
    wrongs = pages.life.check(object_form.body_of(fields, entries))
    if details is None and pages.has_number and not any(wrong.field == "number" for wrong in wrongs):
        try:
            await check_free(visit.deps.db, tenant_id=visit.person.tenant_id, number=entries["number"])
        except Conflict as error:
            wrongs += wrongs_of(error)
    owners = await object_form.owners_in(visit, fields, entries)
    return [*wrongs, *object_form.wrong_numbers(fields, entries, owners)], owners


async def _refused(
    visit: Visit, pages: ObjectPages, details: Details | None, entries: Entries, error: DomainError
) -> Response:
    wrongs = wrongs_of(error)
    return await show(visit, pages, details, entries, wrongs=wrongs, status=status_of(error))


async def show(
    visit: Visit,
    pages: ObjectPages,
    details: Details | None,
    entries: Entries,
    *,
    wrongs: list[Wrong] | None = None,
    owners: Owners | None = None,
    clash: Clash | None = None,
    pressed: Pressed | None = None,
    status: int = _OK,
) -> Response:
    """Show the form as it stands, with all that is wrong in it."""
    words, fields = visit.words, pages.fields_of(details)
    checking = verb_of(visit) == "check"
    if wrongs and status == _OK and not checking:
        status = _WRONG
    faults = object_form.in_words(fields, wrongs or [], words, entries)
    if owners is None:
        owners = await object_form.owners_in(visit, fields, entries)
    began = visit.form.text("seen") if clash is None else ""
    values: dict[str, Any] = {"version": 0, "seen": ""}
    if details is not None:
        # What the person saw when they began, as long as they go on with the same form.
        values = {
            "version": object_form.version_of(visit.form) if began else details.version,
            "seen": began or object_form.packed(object_form.entries_of(fields, details.values)),
        }
    pointers: list[PointerLine] = []
    more_pointers = False
    if details is not None and pages.has_number:
        pointers, more_pointers = await pointing_lines(visit, details.key, limit=_POINTERS)
    return visit.page(
        pages.template,
        section=pages.plural,
        status=status,
        faults=faults,
        here=_here(visit, pages, details),
        pages=pages,
        word=pages.word,
        fields=fields,
        details=details,
        entries=entries,
        owners=owners,
        pointers=pointers,
        more_pointers=more_pointers,
        remarks=_remarks(visit, pages, details, entries, faults) if checking else {},
        named=await _named(visit, fields),
        clash=clash,
        focus="" if pressed is None else pressed.focus,
        more=_is_under_more(visit, pages, faults, pressed),
        **values,
        **({} if pages.more is None else await pages.more(visit, details)),
    )


def secret_page(visit: Visit, pages: ObjectPages, details: Details) -> Response:
    """Answer with what is shown this once: in an address it would stay in the browser's history."""
    return visit.page("object_secret.html", section=pages.plural, pages=pages, details=details)


def _here(visit: Visit, pages: ObjectPages, details: Details | None) -> str:
    end = pages.inner("add") if details is None else quote(details.key, safe="")
    return f"{visit.portal.base}{pages.path}/{end}"


def _remarks(
    visit: Visit, pages: ObjectPages, details: Details | None, entries: Entries, faults: Any
) -> dict[str, str]:
    """Say what is right about a key that is being chosen."""
    key = entries.get(pages.key, "")
    if details is not None or not key or faults.of(pages.key) or not pages.has_number:
        return {}
    return {"number": visit.words("mailbox.number-free", number=key)}


async def _named(visit: Visit, fields: Any) -> dict[str, list[str]]:
    """Return the names of the objects that fields of the form may name, by their kind."""
    wanted = {kind.kind for kind in fields.values() if isinstance(kind, Named)}
    return {kind.value: await _names_of(visit, kind) for kind in sorted(wanted)}


async def _names_of(visit: Visit, kind: RoutingKind) -> list[str]:
    found = await list_objects(
        visit.deps.db,
        tenant_id=visit.person.tenant_id,
        kind=kind,
        q=None,
        limit=MAX_LIMIT,
        after=None,
    )
    return [one.name for one in found.items]


def _is_under_more(visit: Visit, pages: ObjectPages, faults: Any, pressed: Pressed | None) -> bool:
    """Say whether the fields under More are to be seen: one is wrong, or was worked at."""
    at_once = {pages.key, "display_name", *pages.known}
    names = [fault.field for fault in faults]
    if pressed is not None and pressed.focus:
        names.append(pressed.focus)
    if visit.form.text("do").partition(" ")[2]:
        names.append(visit.form.text("do").split(" ")[1])
    return any(root_of(name) not in at_once for name in names if name)
