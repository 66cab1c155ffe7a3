"""Asking a listener for another mailbox, until one is named that takes messages."""

from __future__ import annotations

from controlplane.callflows.call import Call
from controlplane.callflows.options import FlowOptions
from controlplane.callflows.prompts import Prompt, Utterance
from controlplane.callflows.voicemail import Voicemail
from controlplane.domain.mailbox import Mailbox

_MAX_DIGITS = 64


async def ask_other_mailbox(
    call: Call, own: Mailbox, *, voicemail: Voicemail, options: FlowOptions
) -> Mailbox | None:
    """Return a mailbox of the tenant other than `own` that takes messages; None if none was named.

    What is entered is checked at once, and the listener is told what is wrong with it. Raises Unavailable.
    """
    sorry: tuple[Utterance, ...] = ()
    for _ in range(options.menu_rounds):
        number = await call.read_digits(
            *sorry,
            Prompt.ENTER_MAILBOX,
            max_digits=_MAX_DIGITS,
            first_timeout=options.first_digit_seconds,
            digit_timeout=options.digit_seconds,
        )
        sorry = ()
        if not number:
            continue
        found = await voicemail.mailbox_by_number(own.tenant_id, number)
        refusal = Prompt.SAME_MAILBOX if found and found.id == own.id else await refused_by(found, voicemail)
        if found is not None and refusal is None:
            return found
        sorry = () if refusal is None else (refusal,)
    await call.play(*sorry)
    return None


async def refused_by(mailbox: Mailbox | None, voicemail: Voicemail) -> Prompt | None:
    """Return why a mailbox takes no messages, in words; None if it does. Raises Unavailable."""
    if mailbox is None:
        return Prompt.NO_SUCH_MAILBOX
    if not mailbox.enabled:
        return Prompt.OTHER_DISABLED
    return Prompt.OTHER_FULL if await voicemail.is_full(mailbox) else None
