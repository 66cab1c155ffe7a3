"""The key map of a virtual receptionist: a telephone's keypad, each key with where it leads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from controlplane.domain.routing.destination import ByHours, Destination, DestinationAction
from controlplane.services.numbers import NumberOwner, owners_of
from controlplane.web.api.schemas_virtual_receptionists import KeyRuleBody
from controlplane.web.portal.destination_fields import destination_in_words
from controlplane.web.portal.visits import Visit
from controlplane.web.portal.words import Words

PAD: Final = ("1", "2", "3", "4", "5", "6", "7", "8", "9", "*", "0", "#")


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A key, or several, and where they lead in words; `others` are the ways outside office hours."""

    keys: str
    path: str
    used: bool
    kind: str = ""
    text: str = ""
    number: str = ""
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyMap:
    """The twelve keys of a telephone, and rules of several keys."""

    pad: Sequence[Key]
    longer: Sequence[Key]


async def key_map(visit: Visit, rules: Sequence[Mapping[str, Any]]) -> KeyMap:
    """Return the key map of rules in JSON."""
    read = [KeyRuleBody.model_validate(rule).value() for rule in rules]
    named = {one.number for rule in read for one in rule.destination.each if one.number is not None}
    owners = await owners_of(visit.deps.db, tenant_id=visit.person.tenant_id, wanted=named)
    shown = {rule.keys: _key(rule.keys, rule.destination, visit.words, owners) for rule in read}
    return KeyMap(
        pad=[shown.get(keys) or Key(keys=keys, path=path_of(keys), used=False) for keys in PAD],
        longer=[shown[keys] for keys in sorted(shown) if keys not in PAD],
    )


def path_of(keys: str) -> str:
    """Return the end of the address of the page of a key, below its receptionist's."""
    return f"/keys/{quote(keys, safe='')}"


def _key(keys: str, rule: ByHours, words: Words, owners: Mapping[str, NumberOwner]) -> Key:
    owner = owners.get(rule.office_hours.number or "")
    others = [
        words(f"receptionist-keys.{name}", to=destination_in_words(one, words, owners))
        for name, one in rule.named()
        if name != "office_hours" and one != rule.office_hours
    ]
    return Key(
        keys=keys,
        path=path_of(keys),
        used=True,
        kind="" if owner is None else words(f"kinds.{owner.kind.value}"),
        text=_text(rule.office_hours, owner, words, owners),
        number=rule.office_hours.number or "",
        others=tuple(others),
    )


def _text(
    one: Destination, owner: NumberOwner | None, words: Words, owners: Mapping[str, NumberOwner]
) -> str:
    """Say where a key leads without its number, which stands below."""
    if owner is None or one.action is not DestinationAction.FORWARD_TO_NUMBER:
        return destination_in_words(one, words, owners)
    return owner.display_name
