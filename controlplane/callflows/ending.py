"""How a flow ends: the last words to a caller, and the outcome for the closing line in the log."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from controlplane.callflows.call import Call, HangupCause
from controlplane.callflows.prompts import Tone, Utterance


class Outcome(StrEnum):
    """How a flow ended."""

    # Both flows.
    HUNG_UP = "hung_up"
    """The caller left; in the leaving of a message: before anything long enough was recorded."""
    CALL_LOST = "call_lost"
    """The link to the switch is gone: the dialplan has the call, the scanner what was recorded."""
    UNAVAILABLE = "unavailable"
    """The database did not answer; the call is left to the dialplan."""
    MAILBOX_UNKNOWN = "mailbox_unknown"
    """Leaving: there is no such mailbox. Checking: no number of a mailbox was entered."""
    # Leaving a message.
    DEPOSITED = "deposited"
    LEFT_IN_SPOOL = "left_in_spool"
    """The deposit failed; the recording is in the spool and the scanner takes it over."""
    TOO_SHORT = "too_short"
    MAILBOX_DISABLED = "mailbox_disabled"
    MAILBOX_FULL = "mailbox_full"
    """It holds as many messages as it may; the caller was told."""
    SPOOL_UNAVAILABLE = "spool_unavailable"
    """Nothing could be recorded (a full disk, a permission); the caller was told."""
    # At a virtual receptionist.
    ROUTED = "routed"
    """The dialplan sends the call on, to what was chosen or to the destination of the timeout."""
    RECEPTIONIST_UNKNOWN = "receptionist_unknown"
    """There is no such receptionist any more; the dialplan goes to its fall-back."""
    # Checking messages.
    FINISHED = "finished"
    """The listener left by a key, or did not answer the menu any more; at a receptionist, it ends calls."""
    OUTSIDE_REFUSED = "outside_refused"
    NO_OWN_MAILBOX = "no_own_mailbox"
    """The extension that called owns no mailbox; it was told."""
    NO_MEMBER = "no_member"
    """The mailbox has members, and the extension is of none of them; the caller was told."""
    GONE_ON = "gone_on"
    """The listener called back, or went on to leave a message in another mailbox."""
    NO_PIN = "no_pin"
    """Nothing was entered when the PIN was asked for."""
    TOO_MANY_TRIES = "too_many_tries"
    BROKEN_OFF = "broken_off"
    """The database failed after the PIN; the listener was told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """An outcome with what the log wants beside it; `error` is what a flow dealt with."""

    outcome: Outcome
    mailbox_number: str = ""
    recording_id: UUID | None = None
    error: Exception | None = None


async def end_call(call: Call, *words: Utterance, cause: HangupCause = HangupCause.NORMAL) -> None:
    """Say the last words and hang up when they were heard.

    A phone drops what its jitter buffer still holds when the call ends, a quarter of a second and
    more; the silence behind the words lets them out first.
    """
    await call.play(*words, Tone.SILENCE)
    await call.hangup(cause)
