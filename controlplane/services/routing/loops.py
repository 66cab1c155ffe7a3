"""Loops are found when something is saved."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.errors import InvalidValue
from controlplane.domain.numbers import NumberKind
from controlplane.domain.routing.extension_rules import ExtensionRules
from controlplane.domain.routing.kinds import Settings
from controlplane.domain.routing.loops import LoopStep, automatic_ways, loop_through
from controlplane.services.routing.pointing import field_of
from controlplane.storage.routing import ways


async def check_loops(
    session: AsyncSession,
    *,
    tenant_id: UUID,
    number: str | None,
    kind: NumberKind | None,
    settings: Settings | ExtensionRules,
) -> None:
    """Refuse settings of the object that has `number` if a call could come back to it by itself.

    Called after its pointers are stored, in the same transaction. Raises InvalidValue
    `forwarding-loop`, naming the field, whose details show the loop.
    """
    own = list(automatic_ways(settings))
    if number is None or kind is None or not own:
        return
    # Of two that would close a loop together, the second waits for the first to be stored.
    await ways.lock(session, tenant_id)
    reached = await ways.reached_from(session, tenant_id, {way.number for way in own}, by_itself=True)
    leads = {
        one.number: list(automatic_ways(one.settings))
        for one in reached
        if one.settings is not None and one.number != number
    }
    loop = loop_through(number, {**leads, number: own})
    if loop:
        kinds = {one.number: one.kind.value for one in reached}
        raise forwarding_loop(loop, {**kinds, number: kind.value})


def forwarding_loop(loop: Sequence[LoopStep], kinds: dict[str, str]) -> InvalidValue:
    """Return the error that shows a loop."""
    return InvalidValue(
        f"A call would go round in a circle: {loop_in_words(loop)}. Send it elsewhere, or end it.",
        error_id="forwarding-loop",
        field=field_of(loop[0].slot),
        details={
            "loop": [
                {"kind": kinds[step.number], "number": step.number, "field": field_of(step.slot)}
                for step in loop
            ]
        },
    )


def loop_in_words(loop: Sequence[LoopStep]) -> str:
    """Return the loop in one line: `6100 (no_answer) → 6200 (no_answer) → 6100`."""
    steps = [f"{step.number} ({step.slot.partition('.')[0]})" for step in loop]
    return " → ".join([*steps, loop[0].number])
