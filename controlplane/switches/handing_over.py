"""Whether a dialplan that is not ours hands numbers over to us: one walk for all switches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Protocol

from controlplane.domain.clashes import HandedOver
from controlplane.switches.contexts import OURS, tenant_of

_DEPTH: Final = 8


@dataclass(frozen=True, slots=True)
class Going:
    """Where a call is sent on: a context, None if it is the same one, and what is dialled there."""

    context: str | None
    dialled: str


class Contexts(Protocol):
    """The contexts of a switch."""

    def onward(self, name: str) -> Iterable[str]:
        """Return the contexts to which a context, if there is one of this name, sends what was dialled."""
        ...

    def taken(self, name: str, dialled: str) -> tuple[str, Iterable[Going]] | None:
        """Return where what takes a number of a context stands, and where that sends the call."""
        ...


def hands_over(
    contexts: Contexts, where: str, goings: Iterable[Going], *, here: str, dialled: str, depth: int = 0
) -> bool:
    """Say whether a number goes on to us as the number `dialled`; `here` is what it is by now."""
    if where.startswith(OURS):
        return here == dialled
    if depth == _DEPTH:
        return False
    for going in goings:
        context = going.context or where
        if context.startswith(OURS):
            # What stands in a variable may well be the number.
            if going.dialled == dialled or "${" in going.dialled:
                return True
            continue
        found = contexts.taken(context, going.dialled)
        if found is not None and hands_over(
            contexts, *found, here=going.dialled, dialled=dialled, depth=depth + 1
        ):
            return True
    return False


def handed_over(contexts: Contexts, name: str) -> Iterator[HandedOver]:
    """Yield whose numbers go on to us from a context, as they were dialled."""
    seen: set[str] = set()
    waiting = [name]
    while waiting:
        at = waiting.pop()
        tenant = tenant_of(at)
        if tenant is not None:
            yield HandedOver(tenant_id=tenant[1], codes=tenant[0] == "extension")
        elif at not in seen:
            seen.add(at)
            waiting += contexts.onward(at)
