"""Simulating a call: what of a tenant it may meet is read at once, then walked without the database."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.errors import InvalidValue
from controlplane.domain.routing.hours import OfficeHours
from controlplane.domain.routing.inbound_rule import InboundRule
from controlplane.domain.routing.kinds import RoutingKind
from controlplane.domain.routing.plan import (
    FIELDS,
    PlanContext,
    Routed,
    destination_token,
    plan_of,
    rule_tokens,
)
from controlplane.domain.routing.receptionist import VirtualReceptionist
from controlplane.domain.routing.simulate import simulate
from controlplane.domain.routing.simulation import (
    Line,
    Reception,
    Routing,
    RuleLine,
    SimulatedCall,
    Simulation,
)
from controlplane.storage.database import Database
from controlplane.storage.routing import objects, plans, ways
from controlplane.storage.routing.ways import Reached


async def simulate_call(db: Database, *, tenant_id: UUID, call: SimulatedCall) -> Simulation:
    """Say what a caller would meet; raises InvalidValue unless the call has one of `did` and `to`."""
    if (call.did is None) == (call.to is None):
        raise InvalidValue(
            "Name the number that is dialled: `did` from outside, or `to` by a phone of the tenant.",
            error_id="missing-field" if call.did is None else "named-twice",
            field="did",
        )
    async with db.transaction() as session:
        return simulate(await _routing(session, tenant_id, call), call)


async def _routing(session: AsyncSession, tenant_id: UUID, call: SimulatedCall) -> Routing:
    context = await plans.plan_context(session, tenant_id)
    rules: list[RuleLine] = []
    hours: dict[str, OfficeHours] = {}
    for one in await objects.all_of(session, tenant_id, {RoutingKind.INBOUND_RULE, RoutingKind.OFFICE_HOURS}):
        if isinstance(one.settings, OfficeHours):
            hours[str(one.id)] = one.settings
        elif call.did is not None:
            rules.append(_rule(one.name, cast("InboundRule", one.settings), context))
    starts = {call.to or "", (call.did or "").removeprefix("+")}
    starts.update(token for rule in rules for token in rule.tokens)
    extensions: frozenset[str] = frozenset()
    if call.keys:
        extensions = await ways.extension_numbers(session, tenant_id)
        pressed = "".join(call.keys)
        starts.update(number for number in extensions if number in pressed)
    reached = await ways.reached_from(session, tenant_id, starts, by_itself=False)
    return Routing(
        lines={one.number: _line(one, context) for one in reached},
        rules=rules,
        receptions=dict(_receptions(reached, context)),
        hours=hours,
        extensions=extensions,
    )


def _rule(name: str, rule: InboundRule, context: PlanContext) -> RuleLine:
    schedule = context.hours(rule.office_hours)
    return RuleLine(
        name=name,
        rule=rule,
        hours="" if schedule is None else str(schedule),
        tokens=rule_tokens(rule.destination, context),
    )


def _line(one: Reached, context: PlanContext) -> Line:
    plan: dict[str, str] = {}
    if one.settings is not None:
        lines = plan_of(cast("Routed", one.settings), context, number=one.number)
        plan = dict(zip(FIELDS[one.kind], lines, strict=False))
    return Line(
        kind=one.kind,
        name=one.name,
        plan=plan,
        enabled=one.enabled,
        operator=one.operator or "",
        log_in=one.log_in,
    )


def _receptions(reached: Iterable[Reached], context: PlanContext) -> Iterable[tuple[str, Reception]]:
    for one in reached:
        if isinstance(one.settings, VirtualReceptionist):
            settings = one.settings
            yield (
                one.number,
                Reception(
                    keys={
                        rule.keys: rule_tokens(rule.destination, context, number=one.number)
                        for rule in settings.keys
                    },
                    dial_extensions=settings.dial_extensions,
                    timeout_seconds=settings.timeout_seconds,
                    timeout_repeats=settings.timeout_repeats,
                    timeout=destination_token(settings.timeout, context, number=one.number),
                ),
            )
