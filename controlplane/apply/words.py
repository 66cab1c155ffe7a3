"""A plan in words, for a terminal: nothing in it can be anything else than text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from controlplane.apply.plan import Plan, Planned
from controlplane.domain.configuration import Action

_SIGNS: Final = {Action.ADDED: "+", Action.CHANGED: "~", Action.REMOVED: "-"}
_SHOWN: Final = 10


def plan_in_words(plan: Plan) -> str:
    """Return the plan, a line for each object and each field."""
    lines = [f"Tenant {plan.tenant}"]
    if plan.objects:
        lines += ["", *(line for one in plan.objects for line in _object(one)), ""]
    lines.append(_summary(plan))
    if plan.left:
        shown = ", ".join(f"{words} {key}" for words, key in plan.left[:_SHOWN])
        more = len(plan.left) - _SHOWN
        lines.append(
            f"Not in the file, and left as they are: {shown}{f' and {more} more' if more > 0 else ''}"
            " (--prune removes them)."
        )
    return "\n".join(printable(line) for line in lines)


def printable(text: str) -> str:
    """Return text that no terminal takes for a command."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


def _object(one: Planned) -> Iterator[str]:
    name = f" “{one.name}”" if one.name else ""
    note = f" ({one.note})" if one.note else ""
    yield f"{_SIGNS[one.action]} {one.words} {one.key}{name}{note}"
    for change in one.changes:
        yield f"    {change.field}: {change.old} → {change.new}"


def _summary(plan: Plan) -> str:
    if not plan.objects:
        return f"Nothing to change; {plan.unchanged} as the file says."
    return (
        f"{plan.count(Action.ADDED)} to create, {plan.count(Action.CHANGED)} to change, "
        f"{plan.count(Action.REMOVED)} to remove, {plan.unchanged} unchanged."
    )
