"""In what order objects come to be that point at each other.

Each step is a savepoint. Those that fail are tried again once others were done: what they point at may be
there then. When none of them gets on, they point at each other, and are made so that they point at nothing
first.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from controlplane.apply.declaration import Path
from controlplane.apply.resource import Applying
from controlplane.domain.errors import DomainError

Work = Callable[[], Awaitable[None]]


@dataclass(slots=True, kw_only=True)
class Step:
    """One thing to do. `path` is its place in the file; `key` the object's, if others may wait for it.

    `needs` are the keys of others that should be there first. `removes` is the object in words where it
    removes one, which has no place in the file. `unstick` does what makes it possible where nothing else
    does, once: it returns what is left to do.
    """

    path: Path
    run: Work
    key: str | None = None
    unstick: Callable[[], Awaitable[Work]] | None = None
    needs: Sequence[str] = ()
    removes: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """A step that could not be done."""

    step: Step
    error: DomainError


async def settle(into: Applying, steps: Sequence[Step]) -> list[Failed]:
    """Do all steps; return those that cannot be done."""
    pending = _ordered(steps)
    while pending:
        failed = [one for one in [await _tried(into, step) for step in pending] if one is not None]
        if len(failed) == len(pending) and not [one for one in failed if await _unstuck(into, one.step)]:
            return failed
        pending = [one.step for one in failed]
    return []


async def _tried(into: Applying, step: Step) -> Failed | None:
    try:
        async with into.db.transaction():
            await step.run()
    except DomainError as error:
        return Failed(step=step, error=error)
    return None


async def _unstuck(into: Applying, step: Step) -> bool:
    if step.unstick is None:
        return False
    unstick, step.unstick = step.unstick, None
    try:
        async with into.db.transaction():
            step.run = await unstick()
    except DomainError:
        return False
    return True


def _ordered(steps: Sequence[Step]) -> list[Step]:
    """Put what is needed before what needs it, as far as there is an order."""
    by_key = {step.key: step for step in steps if step.key is not None}
    ordered: dict[int, Step] = {}
    entered: set[int] = set()
    for first in steps:
        # A stack of our own: chains may be longer than the interpreter's.
        stack = [first]
        while stack:
            step = stack[-1]
            waiting = []
            if id(step) not in entered:
                entered.add(id(step))
                waiting = [by_key[key] for key in step.needs if key in by_key]
                waiting = [one for one in waiting if id(one) not in entered]
            stack += waiting
            if not waiting:
                ordered.setdefault(id(step), stack.pop())
    return list(ordered.values())
