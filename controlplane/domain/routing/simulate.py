"""What a caller would meet: the walk of a call over the plans that the switches read, as data.

Nothing is asked, rung or waited for: the phones' states, the keys that the caller presses and the time are
given. What a switch does with the lines of a plan is done here in the same order.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Final, assert_never

from controlplane.domain.message import ReachedBy, ReachedReason, ReachedStep
from controlplane.domain.numbers import NumberKind
from controlplane.domain.routing.destination import DestinationAction
from controlplane.domain.routing.hours import Hours
from controlplane.domain.routing.limits import MAX_HOPS, MOST_GREETINGS, RING_SECONDS
from controlplane.domain.routing.masks import matches
from controlplane.domain.routing.simulation import (
    PhoneState,
    Reception,
    Result,
    Routing,
    SimulatedCall,
    Simulation,
    Step,
)

_REPEAT_PAUSE: Final = 5
_INBOUND_RULE: Final = "inbound-rule"
_HANGUP: Final = DestinationAction.HANGUP.value
_REPEAT: Final = DestinationAction.REPEAT.value
_RING: Final = DestinationAction.RING.value


def simulate(routing: Routing, call: SimulatedCall) -> Simulation:
    """Walk the way of a call; it is cut after MAX_HOPS numbers at the latest."""
    return _Walk(routing, call).walk()


_CAUSES: Final = {ReachedReason.BUSY, ReachedReason.NO_ANSWER, ReachedReason.NOT_REGISTERED}
_STRENGTH: Final = {ReachedReason.NOT_REGISTERED: 0, ReachedReason.BUSY: 1, ReachedReason.NO_ANSWER: 2}


class _Ended(Exception):
    """The walk is over."""

    def __init__(self, result: Result, number: str | None = None, cause: str | None = None) -> None:
        super().__init__(result)
        self.result = result
        self.number = number
        self.cause = cause


class _Keys:
    """The keys that a caller presses; between two entries is a pause."""

    def __init__(self, entries: Sequence[str]) -> None:
        self._entries = [list(entry) for entry in entries if entry]

    def after_a_wait(self) -> str:
        """Return the next key, however long it takes; empty if no other comes."""
        while self._entries and not self._entries[0]:
            self._entries.pop(0)
        return self._entries[0].pop(0) if self._entries else ""

    def at_once(self) -> str:
        """Return the key that comes without a pause; empty after the last one of an entry."""
        return self._entries[0].pop(0) if self._entries and self._entries[0] else ""

    def take(self, key: str) -> bool:
        """Take the next key if it is this one."""
        while self._entries and not self._entries[0]:
            self._entries.pop(0)
        if self._entries and self._entries[0][0] == key:
            self._entries[0].pop(0)
            return True
        return False


class _Walk:
    """One call on its way."""

    def __init__(self, routing: Routing, call: SimulatedCall) -> None:
        self._routing = routing
        self._call = call
        self._keys = _Keys(call.keys)
        self._steps: list[Step] = []
        self._path: list[ReachedStep] = []
        self._hops = 0
        self._seconds = 0
        self._failed = ""
        self._failed_number = ""
        self._by_chance = False

    def walk(self) -> Simulation:
        try:
            at = self._begin()
            while True:
                at = self._number(at)
        except _Ended as end:
            return Simulation(
                steps=tuple(self._steps),
                result=end.result,
                number=end.number,
                cause=end.cause,
                seconds=self._seconds,
                reached_by=ReachedBy(
                    did=self._call.did,
                    reason=self._path[-1].reason if self._path else ReachedReason.DIRECT,
                    path=tuple(self._path),
                ),
                by_chance=self._by_chance,
            )

    def _begin(self) -> str:
        """Return the first number: the one that was dialled, or where the first rule that matches leads."""
        call = self._call
        if call.did is None:
            return call.to or ""
        did = call.did.removeprefix("+")
        for line in sorted(self._routing.rules, key=lambda one: (one.rule.priority, one.name)):
            if line.rule.matches(did=did, caller=call.caller, trunk=call.trunk):
                hours = self._hours(line.hours)
                token = line.tokens[hours]
                step = Step(kind=_INBOUND_RULE, number=None, name=line.name, hours=hours, next=token)
                if token != line.tokens[Hours.OPEN]:
                    return self._go(step, ReachedReason.CLOSED)
                self._steps.append(step)
                if token.isdecimal():
                    return token
                raise _Ended(Result.HUNG_UP, cause="normal")
        return did

    def _number(self, number: str) -> str:
        """Do what the object of a number does, and return the next number."""
        self._hops += 1
        if self._hops > MAX_HOPS:
            raise _Ended(Result.CUT, number)
        line = self._routing.lines.get(number)
        if line is None:
            raise _Ended(Result.UNKNOWN_NUMBER, number)
        hours = self._hours(line.plan.get("hours", ""))
        step = Step(kind=line.kind.value, number=number, name=line.name, hours=hours)
        match line.kind:
            case NumberKind.MAILBOX:
                self._steps.append(dataclasses.replace(step, hours=None))
                raise _Ended(Result.MAILBOX if line.enabled else Result.MAILBOX_DISABLED, number)
            case NumberKind.EXTENSION:
                return self._extension(step, line.plan, hours)
            case NumberKind.RING_GROUP:
                return self._closed(step, line.plan, hours) or self._ring_group(step, line.plan, number)
            case NumberKind.CALL_QUEUE:
                return self._closed(step, line.plan, hours) or self._call_queue(step, line.plan, number)
            case NumberKind.VIRTUAL_RECEPTIONIST:
                return self._closed(step, line.plan, hours) or self._receptionist(step, line.plan, hours)
        assert_never(line.kind)

    # Where a call goes on to.

    def _go(
        self, step: Step, reason: ReachedReason, *, key: str | None = None, seconds: int | None = None
    ) -> str:
        """Leave an object for its next token, as `cp-go` does; returns the number."""
        self._steps.append(dataclasses.replace(step, reason=reason, key=key, seconds=seconds))
        self._path.append(
            ReachedStep(
                kind=step.kind, number=step.number or "", key=key, reason=reason, waited_seconds=seconds
            )
        )
        self._seconds += seconds or 0
        token = step.next or ""
        if token.isdecimal():
            return token
        if token == _HANGUP:
            raise _Ended(Result.HUNG_UP, cause=_cause(reason))
        return self._nobody(reason)

    def _nobody(self, reason: ReachedReason) -> str:
        """Tell the receptionist that chose this way, if there is one, or end the call."""
        if not self._failed:
            raise _Ended(Result.HUNG_UP, cause=_cause(reason))
        token, number = self._failed, self._failed_number
        self._failed = ""
        step = Step(
            kind=NumberKind.VIRTUAL_RECEPTIONIST.value,
            number=number,
            name=self._routing.lines[number].name,
            next=number if token == _REPEAT else token,
        )
        return self._go(step, ReachedReason.CALL_FAILED)

    def _closed(self, step: Step, plan: Mapping[str, str], hours: Hours) -> str:
        """Go on to where closed doors lead; empty if they are open, or lead nowhere."""
        token = plan.get("closed", "")
        if hours is Hours.OPEN or not token:
            return ""
        return self._go(dataclasses.replace(step, next=token), ReachedReason.CLOSED)

    # Extensions.

    def _extension(self, step: Step, plan: Mapping[str, str], hours: Hours) -> str:
        number = step.number or ""
        exception = self._exception(plan, hours)
        always = plan.get(f"always.{hours.value}", "")
        if exception not in {"", _RING}:
            return self._go(dataclasses.replace(step, next=exception), ReachedReason.ALWAYS)
        if not exception:
            if always not in {"", _RING}:
                return self._go(dataclasses.replace(step, next=always), ReachedReason.ALWAYS)
            if plan.get("do_not_disturb") == "1":
                return self._ruled(step, plan, "disturbed", ReachedReason.BUSY)
        match self._state(number):
            case PhoneState.ANSWERED:
                raise self._answered(step, number)
            case PhoneState.UNREGISTERED:
                return self._ruled(step, plan, "not_registered", ReachedReason.NOT_REGISTERED)
            case PhoneState.BUSY | PhoneState.DECLINED:
                return self._ruled(step, plan, "busy", ReachedReason.BUSY, rang=number, seconds=0)
            case PhoneState.UNANSWERED:
                seconds = int(plan.get("seconds") or RING_SECONDS)
                reason = ReachedReason.NO_ANSWER
                return self._ruled(step, plan, "no_answer", reason, rang=number, seconds=seconds)

    def _ruled(
        self,
        step: Step,
        plan: Mapping[str, str],
        rule: str,
        reason: ReachedReason,
        *,
        rang: str | None = None,
        seconds: int | None = None,
    ) -> str:
        token = plan.get(f"{rule}.{(step.hours or Hours.OPEN).value}", "")
        rung = () if rang is None else (rang,)
        return self._go(dataclasses.replace(step, next=token, rang=rung), reason, seconds=seconds)

    def _exception(self, plan: Mapping[str, str], hours: Hours) -> str:
        for one in filter(None, plan.get("exceptions", "").split("|")):
            mask, when, token = one.split(">")
            fits = when == "a" or (when == "o") == (hours is Hours.OPEN)
            if fits and matches(mask, self._call.caller):
                return token
        return ""

    # Ring groups.

    def _ring_group(self, step: Step, plan: Mapping[str, str], number: str) -> str:
        members = [one for one in plan.get("members", "").split("&") if one]
        turn, total = int(plan.get("ring_seconds") or 0), int(plan.get("total_seconds") or 0)
        together = plan.get("strategy") == "simultaneous"
        reason = ReachedReason.NOT_REGISTERED
        rung: list[str] = []
        spent = 0
        for member in members:
            if not together and spent >= total:
                break
            found = self._not_taken(member)
            if found is not None:
                reason = max(reason, found, key=_STRENGTH.__getitem__)
            if self._rings(member, plan):
                rung.append(member)
                if found is None and not together:
                    self._chance(plan, members)
                    self._seconds += spent
                    raise self._answered(dataclasses.replace(step, rang=tuple(rung)), member)
                if found is ReachedReason.NO_ANSWER and not together:
                    spent += min(turn, total - spent)
        answering = [one for one in rung if self._state(one) is PhoneState.ANSWERED]
        if answering:
            raise self._answered(dataclasses.replace(step, rang=tuple(rung)), answering[0])
        if together and reason is ReachedReason.NO_ANSWER:
            spent = min(turn, total)
        if not together and spent >= total and len(rung) < len(members):
            self._chance(plan, members)
        token = plan.get("no_answer", "")
        if token == _REPEAT:
            token = number
            spent = max(spent, min(turn, _REPEAT_PAUSE))
        return self._go(dataclasses.replace(step, next=token, rang=tuple(rung)), reason, seconds=spent)

    def _rings(self, member: str, plan: Mapping[str, str]) -> bool:
        """Say whether a member's phone is rung."""
        line = self._routing.lines.get(member)
        if line is None or line.kind is not NumberKind.EXTENSION or line.plan.get("do_not_disturb") == "1":
            return False
        state = self._state(member)
        on_a_call = state is PhoneState.BUSY and plan.get("skip_busy") == "1"
        return state is not PhoneState.UNREGISTERED and not on_a_call

    def _not_taken(self, member: str) -> ReachedReason | None:
        """Return why a member does not take the call, whether or not he is rung; None if he does."""
        line = self._routing.lines.get(member)
        if line is None or line.kind is not NumberKind.EXTENSION:
            return ReachedReason.NOT_REGISTERED
        if line.plan.get("do_not_disturb") == "1":
            return ReachedReason.BUSY
        match self._state(member):
            case PhoneState.ANSWERED:
                return None
            case PhoneState.BUSY | PhoneState.DECLINED:
                return ReachedReason.BUSY
            case PhoneState.UNANSWERED:
                return ReachedReason.NO_ANSWER
            case PhoneState.UNREGISTERED:
                return ReachedReason.NOT_REGISTERED

    def _chance(self, plan: Mapping[str, str], members: Sequence[str]) -> None:
        if plan.get("strategy") == "random" and len(members) > 1:
            self._by_chance = True

    # Call queues.

    def _call_queue(self, step: Step, plan: Mapping[str, str], number: str) -> str:
        agents = [one for one in plan.get("agents", "").split("&") if one]
        ready = [one for one in agents if self._rings(one, {})]
        if not ready and plan.get("wait_without_agents") != "1":
            return self._go(
                dataclasses.replace(step, next=plan.get("no_agents", "")), ReachedReason.NO_AGENTS
            )
        if number in self._call.full and int(plan.get("max_callers") or 0) > 0:
            return self._go(dataclasses.replace(step, next=plan.get("full", "")), ReachedReason.QUEUE_FULL)
        # An agent who is on a call is left alone, as one of a group that skips the busy.
        rung = tuple(one for one in ready if self._rings(one, {"skip_busy": "1"}))
        step = dataclasses.replace(step, rang=rung)
        for agent in rung:
            if self._state(agent) is PhoneState.ANSWERED:
                raise self._answered(step, agent)
        exit_key = plan.get("exit_key", "")
        if exit_key and self._keys.take(exit_key):
            gone = dataclasses.replace(step, next=plan.get("exit", ""))
            return self._go(gone, ReachedReason.EXIT_KEY, key=exit_key)
        return self._go(
            dataclasses.replace(step, next=plan.get("no_answer", "")),
            ReachedReason.QUEUE_TIMEOUT,
            seconds=int(plan.get("max_wait_seconds") or 0),
        )

    # Virtual receptionists.

    def _receptionist(self, step: Step, plan: Mapping[str, str], hours: Hours) -> str:
        reception = self._routing.receptions[step.number or ""]
        waited = repeats = 0
        for _ in range(MOST_GREETINGS):
            keys, is_extension = self._pressed(reception)
            if not keys:
                waited += reception.timeout_seconds
                if repeats >= reception.timeout_repeats:
                    break
                repeats += 1
                continue
            rule = reception.keys.get(keys)
            if rule is None and is_extension:
                return self._chosen(step, plan, keys, key=None, waited=waited)
            if rule is not None and rule[hours] != _REPEAT:
                return self._chosen(step, plan, rule[hours], key=keys, waited=waited)
        return self._onward(step, reception.timeout, ReachedReason.TIMEOUT, key=None, waited=waited)

    def _chosen(
        self, step: Step, plan: Mapping[str, str], token: str, *, key: str | None, waited: int
    ) -> str:
        self._failed = plan.get("call_failed", "")
        self._failed_number = step.number or ""
        return self._onward(step, token, ReachedReason.DIRECT, key=key, waited=waited)

    def _onward(self, step: Step, token: str, reason: ReachedReason, *, key: str | None, waited: int) -> str:
        if reason is not ReachedReason.DIRECT:
            self._failed = ""
        if token == _HANGUP:
            # The flow says goodbye and ends the call itself.
            self._steps.append(dataclasses.replace(step, next=token, reason=reason, key=key, seconds=waited))
            self._seconds += waited
            raise _Ended(Result.HUNG_UP, cause="normal")
        return self._go(dataclasses.replace(step, next=token), reason, key=key, seconds=waited)

    def _pressed(self, reception: Reception) -> tuple[str, bool]:
        """Take keys as long as they may become more that is known; say whether they are an extension."""
        keys = self._keys.after_a_wait()
        while keys and (self._may_go_on(reception, keys) or _begins(reception.keys, keys)):
            key = self._keys.at_once()
            longer = keys + key
            is_rule = longer in reception.keys or _begins(reception.keys, longer)
            if not key or (key == "#" and self._is_extension(reception, keys) and not is_rule):
                break
            keys = longer
        return keys, self._is_extension(reception, keys)

    def _is_extension(self, reception: Reception, keys: str) -> bool:
        return reception.dial_extensions and keys in self._routing.extensions

    def _may_go_on(self, reception: Reception, keys: str) -> bool:
        return reception.dial_extensions and _begins(self._routing.extensions, keys)

    # Phones and clocks.

    def _answered(self, step: Step, number: str) -> _Ended:
        rang = step.rang or (number,)
        self._steps.append(dataclasses.replace(step, rang=rang))
        return _Ended(Result.ANSWERED, number)

    def _state(self, number: str) -> PhoneState:
        return self._call.states.get(number, self._call.others)

    def _hours(self, schedule: str) -> Hours:
        found = self._routing.hours.get(schedule)
        return Hours.OPEN if found is None else found.at(self._call.at)


def _begins(known: Mapping[str, object] | frozenset[str], keys: str) -> bool:
    return any(len(one) > len(keys) and one.startswith(keys) for one in known)


def _cause(reason: ReachedReason) -> str:
    return reason.value if reason in _CAUSES else "normal"
