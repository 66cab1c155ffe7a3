"""Ask for one key, again and again within a limit."""

from __future__ import annotations

from controlplane.callflows.call import Call
from controlplane.callflows.keys import Action, State, action_of
from controlplane.callflows.options import FlowOptions
from controlplane.callflows.prompts import Prompt, Utterance


async def choose(
    call: Call,
    state: State,
    *before: Utterance,
    menu: Prompt,
    more: tuple[Prompt, ...] = (),
    options: FlowOptions,
    rounds: int,
) -> Action | None:
    """Say `before` and then `menu`, with `more` of its choices, until a key of `state` is pressed.

    None after `rounds` without one. A key that does nothing is answered with INVALID_KEY and uses up a round,
    so that a line which makes noises does not stay for ever. Keys pressed earlier count.
    """
    said = before
    for _ in range(rounds):
        key = await call.read_digits(
            *said,
            menu,
            *more,
            max_digits=1,
            terminator="",
            first_timeout=options.first_digit_seconds,
            digit_timeout=options.digit_seconds,
        )
        action = action_of(state, key)
        if action is not None:
            return action
        said = (Prompt.INVALID_KEY,) if key else ()
    return None
