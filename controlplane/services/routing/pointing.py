"""What points at what: numbers that objects name must exist, and stay as long as they are named."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.errors import Conflict, InvalidValue
from controlplane.domain.numbers import NumberKind
from controlplane.domain.routing.destination import Pointer
from controlplane.storage import numbers
from controlplane.storage.routing import pointers as storage
from controlplane.storage.routing.pointers import PointingObject

# What must be of one kind; every other slot is a destination, and takes a number of any kind.
KINDS: Final = {
    "members": NumberKind.EXTENSION,
    "agents": NumberKind.EXTENSION,
    "mailbox": NumberKind.MAILBOX,
    "mwi_mailboxes": NumberKind.MAILBOX,
}


async def note_pointers(
    session: AsyncSession, *, tenant_id: UUID, object_id: UUID, pointers: Iterable[Pointer]
) -> None:
    """Note all that an object points at, in the transaction that stores it.

    Raises InvalidValue `no-such-number` or `wrong-kind-of-number`, naming the field.
    """
    wanted = list(pointers)
    kinds = await storage.kinds_of(session, tenant_id, {one.number for one in wanted}) if wanted else {}
    for one in wanted:
        kind = kinds.get(one.number)
        if kind is None:
            raise InvalidValue(
                f"Nothing has the number {one.number}.", error_id="no-such-number", field=field_of(one.slot)
            )
        needed = KINDS.get(one.slot.partition(".")[0])
        if needed is not None and kind != needed.value:
            raise InvalidValue(
                f"{one.number} belongs to a {words_of(kind)}; this takes the number of a "
                f"{words_of(needed.value)}.",
                error_id="wrong-kind-of-number",
                field=field_of(one.slot),
            )
    await storage.replace(session, tenant_id=tenant_id, object_id=object_id, pointers=wanted)


async def free_number(session: AsyncSession, *, tenant_id: UUID, number: str, object_id: UUID) -> None:
    """Take the number away from an object that is deleted, with what it points at itself.

    Raises Conflict `number-in-use`, whose details list what still points at it.
    """
    await storage.remove(session, object_id)
    await numbers.lock(session, tenant_id, number)
    found = await storage.pointing_at(session, tenant_id, number)
    if found:
        raise in_use(number, found)
    await numbers.free(session, object_id)


def in_use(number: str, found: Sequence[PointingObject]) -> Conflict:
    """Return the error that lists who points at a number."""
    first = found[0]
    others = len(found) - 1
    also = "" if not others else f" and {others} other place{'s' if others > 1 else ''}"
    return Conflict(
        f"{number} is still in use: the {words_of(first.kind)} {_named(first)} points at it{also}. "
        "Point them elsewhere first.",
        error_id="number-in-use",
        details={"pointers": [pointer_json(one) for one in found]},
    )


def pointer_json(one: PointingObject) -> dict[str, str | None]:
    """Return who points, as in all answers."""
    return {"kind": one.kind, "number": one.number, "name": one.name, "field": field_of(one.slot)}


def _named(one: PointingObject) -> str:
    return f"“{one.name}” ({one.number})" if one.number else f"“{one.name}”"


def words_of(kind: str) -> str:
    """Return the name of a kind in sentences."""
    return kind.replace("-", " ")


def field_of(slot: str) -> str:
    """Return the path of the field that names the number."""
    parts = slot.split(".")
    is_number_itself = parts[0] in {
        "members",
        "agents",
        "mailbox",
        "mwi_mailboxes",
        "fallback",
        "operator_number",
    }
    return slot if is_number_itself else f"{slot}.number"
