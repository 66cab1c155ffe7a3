"""What waits to be published, object by object: who changed what, and where it is known, from what to what.

It is known of tenants that publish by hand. Of the others only the newest state is kept, so that the names
of the fields are all that is known.
Digests and passwords are never told: only that there is another one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from controlplane.domain.configuration import Action, Mode, ObjectKind
from controlplane.storage import configuration_changes, published_objects, publishing_modes
from controlplane.storage.configuration_changes import NotedChange
from controlplane.storage.database import Database
from controlplane.storage.published_objects import StoredObject
from controlplane.storage.routing.documents import with_defaults

__all__ = ["ChangedField", "ChangedObject", "ChangedObjects", "by_object", "read_pending"]

_SECRET: Final = {"sip_a1_hash": "sip_password", "password": "password"}
"""Fields whose values nobody is shown, and what they are called."""
_AT_ONCE: Final = frozenset({"do_not_disturb", "closed_now", published_objects.LOGGED_OUT})
"""What follows without publishing, and so never waits."""
_SETTINGS_FOLLOW: Final = frozenset({ObjectKind.MAILBOX.value})
"""Kinds of which only waits whether they are there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedField:
    """A field by its path, `no_answer.number`; of a secret both values are None. None: it is not set."""

    path: tuple[str, ...]
    before: object = None
    after: object = None
    secret: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedObject:
    """What became of an object: `name` is its number, its name or its code, `label` what people call it.

    `fields` are the differences where they are known, else None; then `named` has the names of the fields.
    """

    kind: str
    name: str
    label: str | None
    action: Action
    authors: tuple[str, ...]
    changed_at: datetime
    named: tuple[str, ...]
    fields: tuple[ChangedField, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedObjects:
    """Objects in the order of their newest changes, newest first; older changes were left out."""

    items: tuple[ChangedObject, ...] = ()
    left_out: int = 0


async def read_pending(db: Database, tenant_id: UUID) -> ChangedObjects:
    """Return what waits of a tenant."""
    async with db.transaction() as session:
        noted = await configuration_changes.waiting(session, tenant_id)
        mode = await publishing_modes.of_tenant(session, tenant_id)
        if mode.mode is not Mode.MANUAL or not noted.items:
            return ChangedObjects(items=tuple(by_object(noted.items)), left_out=noted.left_out)
        names = {one.name for one in noted.items}
        before = await published_objects.published(session, tenant_id, names)
        now = await published_objects.now(session, tenant_id, names)
    items = [_compared(one, before, now) for one in by_object(noted.items)]
    return ChangedObjects(items=tuple(items), left_out=noted.left_out)


def by_object(noted: Sequence[NotedChange]) -> list[ChangedObject]:
    """Bring changes of the same object together, the newest first; `noted` has the newest last."""
    of_object: dict[tuple[str, str], list[NotedChange]] = {}
    for one in reversed(noted):
        of_object.setdefault((one.kind, one.name), []).append(one)
    return [_together(changes) for changes in of_object.values()]


def _together(changes: Sequence[NotedChange]) -> ChangedObject:
    newest, oldest = changes[0], changes[-1]
    action = Action(newest.action)
    if action is Action.CHANGED and oldest.action == Action.ADDED:
        action = Action.ADDED
    return ChangedObject(
        kind=newest.kind,
        name=newest.name,
        label=None,
        action=action,
        authors=tuple(dict.fromkeys(one.author for one in changes)),
        changed_at=newest.changed_at,
        named=tuple(dict.fromkeys(name for one in reversed(changes) for name in one.fields)),
        fields=None,
    )


def _compared(
    one: ChangedObject, before: Sequence[StoredObject], now: Sequence[StoredObject]
) -> ChangedObject:
    new = _find(now, one.kind, one.name)
    old = _find(before, one.kind, one.name if new is None else _key(new))
    if new is None and old is None:
        return _with(one, None, Action.REMOVED, ())
    if old is None or new is None:
        return _with(one, new or old, Action.ADDED if old is None else Action.REMOVED, ())
    return _with(one, new, Action.CHANGED, tuple(_differences(old, new)))


def _with(
    one: ChangedObject, stored: StoredObject | None, action: Action, fields: tuple[ChangedField, ...]
) -> ChangedObject:
    label = None if stored is None or stored.name == one.name else stored.name
    return ChangedObject(
        kind=one.kind,
        name=one.name,
        label=label,
        action=action,
        authors=one.authors,
        changed_at=one.changed_at,
        named=one.named,
        fields=fields,
    )


def _key(stored: StoredObject) -> str:
    """Return what an object is found by: a feature code by its feature, as its code may change."""
    return stored.number or stored.name


def _find(stored: Sequence[StoredObject], kind: str, name: str) -> StoredObject | None:
    return next(
        (
            one
            for one in stored
            if one.kind == kind and (name == _key(one) or (kind == "feature-code" and name == one.key))
        ),
        None,
    )


def _differences(old: StoredObject, new: StoredObject) -> Iterator[ChangedField]:
    if old.number is not None and old.name != new.name:
        yield ChangedField(path=("display_name",), before=old.name, after=new.name)
    if old.kind == ObjectKind.FEATURE_CODE and old.key != new.key:
        yield ChangedField(path=("code",), before=old.key, after=new.key)
    if old.kind in _SETTINGS_FOLLOW:
        return
    was, becomes = dict(_flat(_full(old))), dict(_flat(_full(new)))
    for path in dict.fromkeys([*was, *becomes]):
        if was.get(path) == becomes.get(path) or _AT_ONCE & set(path):
            continue
        if path[-1] in _SECRET:
            yield ChangedField(path=(*path[:-1], _SECRET[path[-1]]), secret=True)
        else:
            yield ChangedField(path=path, before=was.get(path), after=becomes.get(path))


def _full(stored: StoredObject) -> dict[str, Any]:
    settings = dict(stored.settings)
    if stored.kind in {ObjectKind.TENANT, ObjectKind.FEATURE_CODE}:
        return settings
    if stored.kind == ObjectKind.EXTENSION:
        return {"sip_a1_hash": settings["sip_a1_hash"], **with_defaults(stored.kind, settings["rules"] or {})}
    settings.pop(published_objects.LOGGED_OUT, None)
    return with_defaults(stored.kind, settings)


def _flat(value: object, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], object]]:
    """Give what a document says piece by piece; a destination, and a list of words, is one."""
    if isinstance(value, Mapping) and "action" not in value and not {"start", "end"} <= set(value):
        for name, one in value.items():
            yield from _flat(one, (*path, str(name)))
    elif isinstance(value, list) and any(isinstance(one, Mapping) and "start" not in one for one in value):
        for place, one in enumerate(value, start=1):
            yield from _flat(one, (*path, str(place)))
    elif value is not None and value != []:
        yield path, value
