"""Feature codes that switch something: change it at once, and say in words how it is now."""

from __future__ import annotations

from controlplane.callflows.call import Call
from controlplane.callflows.ending import Ending, Outcome, end_call
from controlplane.callflows.features import Features
from controlplane.callflows.prompts import Prompt
from controlplane.domain.errors import CallerHungUp, CallLost, Unavailable
from controlplane.domain.numbers import Feature


async def use_feature(call: Call, *, features: Features) -> Ending:
    """Do what the call's feature code stands for, and say the new state.

    Returns how it ended: neither a hangup, nor a lost link, nor a database that fails raises. With a
    database that fails the call is left to the dialplan, which says that it does not work now.
    """
    facts = call.facts
    try:
        call.speak(await features.language(facts.tenant_id))
        if facts.extension is None:
            # The dialplan sends nobody from outside here; feature codes are for our extensions only.
            await call.answer()
            await end_call(call, Prompt.FEATURE_UNKNOWN)
            return Ending(outcome=Outcome.OUTSIDE_REFUSED)
        # Before the first word: whoever hangs up early has switched it all the same.
        said = await _switch(facts.feature, call, facts.extension, features)
        await call.answer()
        await end_call(call, said)
    except CallerHungUp:
        return Ending(outcome=Outcome.HUNG_UP)
    except CallLost as error:
        return Ending(outcome=Outcome.CALL_LOST, error=error)
    except Unavailable as error:
        return Ending(outcome=Outcome.UNAVAILABLE, error=error)
    return Ending(outcome=Outcome.FINISHED)


async def _switch(feature: Feature | None, call: Call, extension: str, features: Features) -> Prompt:
    tenant_id = call.facts.tenant_id
    match feature:
        case Feature.CLOSED_NOW:
            closed = await features.toggle_closed_now(tenant_id, by=f"extension {extension}")
            return Prompt.CLOSED_NOW if closed else Prompt.OPEN_AS_USUAL
        case Feature.DO_NOT_DISTURB_ON | Feature.DO_NOT_DISTURB_OFF:
            on = feature is Feature.DO_NOT_DISTURB_ON
            if not await features.set_do_not_disturb(tenant_id, extension, on=on):
                return Prompt.FEATURE_UNKNOWN
            return Prompt.DO_NOT_DISTURB_ON if on else Prompt.DO_NOT_DISTURB_OFF
        case Feature.QUEUE_LOG_IN | Feature.QUEUE_LOG_OUT:
            on = feature is Feature.QUEUE_LOG_IN
            if not await features.set_logged_in(tenant_id, call.facts.dialled, extension, on=on):
                return Prompt.QUEUE_UNKNOWN
            return Prompt.QUEUE_LOGGED_IN if on else Prompt.QUEUE_LOGGED_OUT
        case _:
            return Prompt.FEATURE_UNKNOWN
