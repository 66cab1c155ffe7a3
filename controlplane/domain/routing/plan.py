"""What a switch reads of an object at each call: the lines of a route file after the kind and the id.

A line is a value alone; its place says what it is (`FIELDS`). Both switches and the simulation read the
same lines, so that what a call meets has one description. A destination is a token: a number of the
tenant, `hangup`, `repeat`, `ring`, or nothing where there is no rule. Lines that are missing are empty.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from controlplane.domain.numbers import NumberKind
from controlplane.domain.routing.call_queue import CallQueue
from controlplane.domain.routing.destination import ByHours, Destination, DestinationAction
from controlplane.domain.routing.extension_rules import NO_RULES, ExtensionRules, When
from controlplane.domain.routing.receptionist import VirtualReceptionist
from controlplane.domain.routing.ring_group import RingGroup


def _by_hours(name: str) -> tuple[str, str, str]:
    return (f"{name}.0", f"{name}.1", f"{name}.2")


FIELDS: Final[dict[NumberKind, tuple[str, ...]]] = {
    NumberKind.MAILBOX: (),
    NumberKind.EXTENSION: (
        "hours",
        "exceptions",
        "always.0",
        "always.1",
        "always.2",
        "do_not_disturb",
        *_by_hours("disturbed"),
        *_by_hours("busy"),
        *_by_hours("no_answer"),
        *_by_hours("not_registered"),
        "seconds",
    ),
    NumberKind.RING_GROUP: (
        "hours",
        "closed",
        "strategy",
        "members",
        "ring_seconds",
        "total_seconds",
        "skip_busy",
        "no_answer",
    ),
    NumberKind.CALL_QUEUE: (
        "hours",
        "closed",
        "max_wait_seconds",
        "no_answer",
        "wait_without_agents",
        "no_agents",
        "max_callers",
        "full",
        "exit_key",
        "exit",
        "agents",
    ),
    NumberKind.VIRTUAL_RECEPTIONIST: ("hours", "closed", "fallback", "call_failed"),
}
"""The names of the lines of each kind, in their order; the first one is line 3 of the file.

`x.0` to `x.2` are the destinations in office hours, outside, and on holidays. `exceptions` is
`<mask>><when>><destination>` joined by `|`, `when` being `a`, `o` (office hours) or `c` (closed).
`members` and `agents`, those who are logged in, are numbers joined by `&`. `hours` is the UUID of a schedule.
Yes is `1`, no is empty.
"""

_WHEN = {When.ALWAYS: "a", When.OFFICE_HOURS: "o", When.OUTSIDE_HOURS: "c"}

Routed = ExtensionRules | RingGroup | CallQueue | VirtualReceptionist


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanContext:
    """What a plan needs besides the object: schedules by name, and the mailboxes that extensions own.

    `hours` returns the id of a schedule (None: the tenant's), or None where there is none.
    `voicemail_of` returns the number of the mailbox of an extension, or None. `logged_out` returns the
    agents of the call queue with a number who are not logged in.
    """

    hours: Callable[[str | None], UUID | None]
    voicemail_of: Callable[[str], str | None]
    logged_out: Callable[[str], Collection[str]] = lambda _: ()


def plan_of(routed: Routed, context: PlanContext, *, number: str) -> tuple[str, ...]:
    """Return the lines of the object that has `number`, as in FIELDS; () for an extension without rules."""
    match routed:
        case ExtensionRules():
            return () if routed == NO_RULES else _extension(routed, context, number)
        case RingGroup():
            return (
                _hours(routed.office_hours, context),
                _token(routed.closed, context, number),
                routed.strategy.value,
                "&".join(routed.members),
                str(routed.ring_seconds),
                str(routed.total_seconds),
                _yes(routed.skip_busy),
                _token(routed.no_answer, context, number),
            )
        case CallQueue():
            return (
                _hours(routed.office_hours, context),
                _token(routed.closed, context, number),
                str(routed.max_wait_seconds),
                _token(routed.no_answer, context, number),
                _yes(routed.wait_without_agents),
                _token(routed.no_agents or routed.no_answer, context, number),
                str(routed.max_callers),
                _token(routed.full or routed.no_answer, context, number),
                routed.exit_key or "",
                _token(routed.exit, context, number),
                "&".join(agent for agent in routed.agents if agent not in context.logged_out(number)),
            )
        case VirtualReceptionist():
            return (
                _hours(routed.office_hours, context),
                _token(routed.closed, context, number),
                routed.fallback or "",
                _token(routed.call_failed, context, number),
            )


def _extension(rules: ExtensionRules, context: PlanContext, number: str) -> tuple[str, ...]:
    exceptions = "|".join(
        f"{one.caller.removeprefix('+')}>{_WHEN[one.when]}>{_token(one.destination, context, number)}"
        for one in rules.exceptions
    )
    return (
        _hours(rules.office_hours, context),
        exceptions,
        *_tokens(rules.always, context, number),
        _yes(rules.do_not_disturb),
        *_tokens(rules.do_not_disturb_destination or rules.busy, context, number),
        *_tokens(rules.busy, context, number),
        *_tokens(rules.no_answer, context, number),
        *_tokens(rules.not_registered, context, number),
        str(rules.no_answer_seconds),
    )


def _hours(name: str | None, context: PlanContext) -> str:
    found = context.hours(name)
    return "" if found is None else str(found)


def _yes(value: bool) -> str:
    return "1" if value else ""


def _tokens(rule: ByHours | None, context: PlanContext, number: str) -> Sequence[str]:
    if rule is None:
        return ("", "", "")
    return [_token(destination, context, number) for destination in rule.each]


def destination_token(destination: Destination, context: PlanContext, *, number: str) -> str:
    """Return a destination of the object that has `number` as it stands in a plan."""
    return _token(destination, context, number)


def rule_tokens(rule: ByHours, context: PlanContext, *, number: str = "") -> tuple[str, str, str]:
    """Return the tokens in office hours, outside, and on holidays of a rule of the object that has `number`.

    An inbound rule is of none.
    """
    office, outside, holiday = _tokens(rule, context, number)
    return (office, outside, holiday)


def _token(destination: Destination | None, context: PlanContext, number: str) -> str:
    """Return the token; `forward_to_voicemail` of an extension that owns no mailbox ends the call."""
    if destination is None:
        return ""
    match destination.action:
        case DestinationAction.FORWARD_TO_NUMBER:
            return destination.number or ""
        case DestinationAction.FORWARD_TO_VOICEMAIL:
            return context.voicemail_of(destination.number or number) or DestinationAction.HANGUP.value
        case other:
            return other.value
