"""Who may listen: ask for the mailbox where it was not dialled, and for its PIN."""

from __future__ import annotations

from dataclasses import dataclass, replace

from controlplane.callflows.call import Call
from controlplane.callflows.ending import Outcome
from controlplane.callflows.options import FlowOptions
from controlplane.callflows.prompts import Prompt, Utterance
from controlplane.callflows.voicemail import PinSource, Voicemail
from controlplane.domain.mailbox import Mailbox
from controlplane.domain.pin import Pin
from controlplane.domain.rights import Right, Rights

_MAX_NUMBER_DIGITS = 64
_MAX_PIN_DIGITS = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Admitted:
    """A mailbox whose messages may be heard, what else may be done with it, and by whom, if that is known."""

    mailbox: Mailbox
    rights: Rights
    by: str
    """Names them for the record, e.g. `extension 101`, or `extension 101 (user alice)`."""
    pin_entered: bool = False


async def authenticate(
    call: Call, known_number: str, *, voicemail: Voicemail, options: FlowOptions, language: str
) -> Admitted | Outcome:
    """Return the mailbox whose messages may be heard, or why there is none; then goodbye was said.

    `known_number` is that of the mailbox; it is asked for if it is empty.
    A mailbox that does not exist is asked for its PIN like any other one and costs the same work.
    After a wrong PIN the mailbox is asked again where it was entered by hand, because it may have
    been mistyped. Sets the language of the call: the mailbox's, or `language` if there is none.
    A mailbox that has members lets in nobody else, who is told so before any PIN is asked for. A caller from
    outside is always asked for the PIN.
    Raises Unavailable.
    """
    facts = call.facts
    source = PinSource(tenant_id=facts.tenant_id, extension=facts.extension)
    sorry: tuple[Utterance, ...] = ()
    for tries_left in reversed(range(options.pin_tries)):
        number = known_number
        if not number:
            number = await _ask(call, *sorry, question=Prompt.ENTER_MAILBOX, options=options)
            sorry = ()
        if not number:
            await call.play(Prompt.GOODBYE)
            return Outcome.MAILBOX_UNKNOWN
        mailbox, by = await voicemail.mailbox_by_number(facts.tenant_id, number), _label(call, None)
        call.speak(mailbox.language if mailbox else language)
        admitted = None
        if mailbox is not None:
            admission = await voicemail.admission(mailbox.id, source)
            if Right.LISTEN not in admission.rights:
                await voicemail.note_refused(mailbox.id, by=by)
                if known_number:
                    await call.play(Prompt.MEMBERS_ONLY, Prompt.GOODBYE)
                    return Outcome.NO_MEMBER
                sorry = (Prompt.MEMBERS_ONLY,)
                continue
            by = _label(call, admission.user_name)
            admitted = Admitted(mailbox=mailbox, rights=admission.rights, by=by)
            if facts.extension is not None and (admission.pin_spared or not mailbox.pin_required):
                return admitted
        # Digits typed before the question are dropped: they would be a second guess after a wrong one.
        digits = await _ask(call, *sorry, question=Prompt.ENTER_PIN, options=options, fresh=True)
        if not digits:
            await call.play(Prompt.GOODBYE)
            return Outcome.NO_PIN
        right = await voicemail.try_pin(mailbox.id if mailbox else None, source, Pin(digits))
        if right and admitted is not None:
            return replace(admitted, pin_entered=True)
        await voicemail.note_refused(mailbox.id if mailbox else None, by=by)
        if tries_left:
            sorry = (Prompt.PIN_INCORRECT,)
    await call.play(Prompt.TOO_MANY_TRIES)
    return Outcome.TOO_MANY_TRIES


def _label(call: Call, user_name: str | None) -> str:
    """Name the listener for the record; a caller from outside by the number that they show."""
    facts = call.facts
    if facts.extension is None:
        return f"caller {facts.caller.number}".strip()
    extension = f"extension {facts.extension}"
    return extension if user_name is None else f"{extension} (user {user_name})"


async def _ask(
    call: Call, *before: Utterance, question: Prompt, options: FlowOptions, fresh: bool = False
) -> str:
    """Ask until there are digits, `menu_rounds` times; no digits at all are not a guess."""
    said = before
    for _ in range(options.menu_rounds):
        digits = await call.read_digits(
            *said,
            question,
            max_digits=_MAX_PIN_DIGITS if fresh else _MAX_NUMBER_DIGITS,
            first_timeout=options.first_digit_seconds,
            digit_timeout=options.digit_seconds,
            fresh=fresh,
        )
        if digits:
            return digits
        said = ()
    return ""
