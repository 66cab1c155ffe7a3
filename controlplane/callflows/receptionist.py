"""A virtual receptionist: say the greeting, take keys, and let the dialplan send the call on.

Only the keys of a rule and the number of an extension go back to the switch. Until the call is routed the
stage stays empty, so that whatever becomes of us the dialplan goes to the receptionist's fall-back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from controlplane.callflows.call import Call, Onward
from controlplane.callflows.ending import Ending, Outcome, end_call
from controlplane.callflows.prompts import AudioFile, Prompt, Utterance
from controlplane.callflows.reception import NOBODY, Dialled, Reception, Receptionists
from controlplane.domain.errors import CallerHungUp, CallLost, Unavailable
from controlplane.domain.message import ReachedReason
from controlplane.domain.routing.destination import DestinationAction
from controlplane.domain.routing.limits import MOST_GREETINGS

_HANGUP: Final = DestinationAction.HANGUP.value
_REPEAT: Final = DestinationAction.REPEAT.value
_END_OF_NUMBER: Final = "#"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Choice:
    """Where the call goes, and the rule's keys that said so, if it was a rule."""

    token: str
    reason: ReachedReason = ReachedReason.DIRECT
    keys: str = ""


async def receive_caller(
    call: Call, *, receptionists: Receptionists, clock: Callable[[], datetime]
) -> Ending:
    """Let a caller choose at the receptionist that the dialplan named.

    `clock` gives UTC. Returns how it ended: neither a hangup, nor a lost link, nor a database that fails
    raises; but for a hangup, the dialplan then goes to the fall-back.
    """
    facts = call.facts
    began = clock()
    try:
        found = None
        if facts.receptionist_id is not None:
            found = await receptionists.reception(facts.receptionist_id, at=began)
        if found is None or found.tenant_id != facts.tenant_id:
            return Ending(outcome=Outcome.RECEPTIONIST_UNKNOWN)
        call.speak(found.language)
        await call.answer()
        choice = await _Receiving(call, found, receptionists).choice()
        if choice.token == _HANGUP:
            await end_call(call, Prompt.GOODBYE)
            return Ending(outcome=Outcome.FINISHED)
        chosen = choice.reason is ReachedReason.DIRECT
        await call.route(
            Onward(
                number=choice.token,
                reason=choice.reason,
                key=choice.keys,
                seconds=int((clock() - began).total_seconds()),
                failed=found.call_failed if chosen else "",
            )
        )
    except CallerHungUp:
        return Ending(outcome=Outcome.HUNG_UP)
    except CallLost as error:
        return Ending(outcome=Outcome.CALL_LOST, error=error)
    except Unavailable as error:
        return Ending(outcome=Outcome.UNAVAILABLE, error=error)
    return Ending(outcome=Outcome.ROUTED)


class _Receiving:
    """One caller at a receptionist."""

    def __init__(self, call: Call, reception: Reception, receptionists: Receptionists) -> None:
        self._call = call
        self._reception = reception
        self._receptionists = receptionists
        greeting = reception.greeting
        self._greeting: Utterance = (
            Prompt.RECEPTIONIST_STANDARD if greeting is None else AudioFile(path=greeting)
        )

    async def choice(self) -> _Choice:
        """Say the greeting until something is chosen, or nothing for too long."""
        reception = self._reception
        repeats = 0
        sorry: tuple[Utterance, ...] = ()
        for _ in range(MOST_GREETINGS):
            keys, dialled = await self._keys(*sorry)
            sorry = ()
            token = reception.keys.get(keys)
            if not keys:
                if repeats >= reception.timeout_repeats:
                    break
                repeats += 1
            elif token is None and dialled.is_extension:
                return _Choice(token=keys)
            elif token is None:
                sorry = (Prompt.INVALID_CHOICE,)
            elif token != _REPEAT:
                return _Choice(token=token, keys=keys)
        return _Choice(token=reception.timeout, reason=ReachedReason.TIMEOUT)

    async def _keys(self, *sorry: Utterance) -> tuple[str, Dialled]:
        """Say the greeting and take keys as long as they may become something longer that we know.

        Pressed during the words they count and cut them short. `#` ends a number that is dialled.
        """
        reception = self._reception
        keys = await self._key(*sorry, self._greeting, seconds=reception.timeout_seconds)
        if not keys:
            return "", NOBODY
        dialled = await self._dialled(keys)
        while dialled.may_go_on or self._begins_rule(keys):
            key = await self._key(seconds=reception.digit_gap_seconds)
            if not key or (key == _END_OF_NUMBER and dialled.is_extension and not self._is_rule(keys + key)):
                break
            keys += key
            dialled = await self._dialled(keys)
        return keys, dialled

    async def _key(self, *said: Utterance, seconds: float) -> str:
        return await self._call.read_digits(
            *said, max_digits=1, terminator="", first_timeout=seconds, digit_timeout=seconds
        )

    async def _dialled(self, keys: str) -> Dialled:
        if not self._reception.dial_extensions or not keys.isdecimal():
            return NOBODY
        return await self._receptionists.dialled(self._reception.tenant_id, keys)

    def _begins_rule(self, keys: str) -> bool:
        return any(len(rule) > len(keys) and rule.startswith(keys) for rule in self._reception.keys)

    def _is_rule(self, keys: str) -> bool:
        return keys in self._reception.keys or self._begins_rule(keys)
