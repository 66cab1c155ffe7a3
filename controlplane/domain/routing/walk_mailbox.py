"""A mailbox, as a call meets it: the greeting, and the keys that lead away from it before the tone."""

from __future__ import annotations

import dataclasses
from typing import Final

from controlplane.domain.message import ReachedReason
from controlplane.domain.routing.simulation import Line, Result, Step
from controlplane.domain.routing.walk import Ended, Walk

OPERATOR: Final = "0"
LOG_IN: Final = "*"
SKIP: Final = "#"


def through_mailbox(walk: Walk, step: Step, line: Line) -> str:
    """Return the number of the operator if the caller asks for it; raises Ended.

    Keys that mean nothing at this mailbox are passed over. After the tone all of them are past.
    """
    number = step.number or ""
    if not line.enabled:
        walk.steps.append(step)
        raise Ended(Result.MAILBOX_DISABLED, number)
    while key := walk.keys.after_a_wait():
        if key == OPERATOR and line.operator:
            # What a receptionist says of calls that fail is over: the caller chose again.
            walk.failed = ""
            return walk.go(dataclasses.replace(step, next=line.operator), ReachedReason.EXIT_KEY, key=key)
        if key == LOG_IN and line.log_in:
            walk.steps.append(dataclasses.replace(step, key=key))
            raise Ended(Result.LOG_IN, number)
        if key == SKIP:
            break
    walk.steps.append(step)
    raise Ended(Result.MAILBOX, number)
