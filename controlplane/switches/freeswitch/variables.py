"""The names of the channel and global variables that the dialplan and we share.

Before each `socket HOST:PORT full` the dialplan sets SECRET, ENTRY, TENANT, OBJECT, DIALLED,
FEATURE, EXTENSION and REACHED_BY (those that it has no value for to the empty text, or not at all), and
clears STAGE, RECORDING and CAUSE. It reads these after it:

- STAGE empty or `greeting`: nothing is recorded yet, greet and record.
- `recording` or `review`: is there audio under RECORDING? Thank and end, else record under it.
- `done`: end the call with `hangup ${cp_cause}`; an empty CAUSE is a normal clearing.

A transfer sets stage `done` too, but the channel then goes on in the tenant's context, and the
action after `socket` is never reached.

For a virtual receptionist, stage `routed` says that NEXT, REASON, KEY, WAITED and FAILED are those of
`routing.go`; any other stage but `done` leads to its fall-back.
"""

from __future__ import annotations

from typing import Final

from controlplane.callflows.call import HangupCause
from controlplane.switches.call import DialplanWords

SECRET: Final = "cp_secret"  # noqa: S105 (the name of a variable)
"""What the rendered dialplan knows and strangers do not. We unset it as soon as it was read."""

ENTRY: Final = "cp_entry"
"""Which flow (callflows.call.Entry)."""

TENANT: Final = "cp_tenant"
"""The tenant's UUID."""

OBJECT: Final = "cp_object"
"""The UUID of the mailbox or the virtual receptionist, for `leave` and `receptionist`."""

DIALLED: Final = "cp_dialled"
"""The digits behind the feature code, for `check` and `feature`; maybe empty."""

FEATURE: Final = "cp_feature"
"""What the feature code stands for (domain.numbers.Feature), for `feature`."""

EXTENSION: Final = "cp_extension"
"""The number of the authenticated extension; empty for a caller from outside."""

REACHED_BY: Final = "cp_reached_by"
"""How the call got here: empty (directly), or its way (`domain.routing.way`)."""

STAGE: Final = "cp_stage"
"""How far the leaving of a message has come (callflows.call.Stage)."""

RECORDING: Final = "cp_recording"
"""The recording id of the take that is being recorded, a UUID."""

CAUSE: Final = "cp_cause"
"""The cause, in FreeSWITCH's words, with which the dialplan ends a call whose stage is `done`."""

NEXT: Final = "cp_next"
"""The number to which the dialplan sends a call whose stage is `routed`."""

REASON: Final = "cp_reason"
"""Why it goes there (domain.message.ReachedReason)."""

KEY: Final = "cp_key"
"""The keys that led there, as in a way: `s` is `*`, `h` is `#`; maybe empty."""

WAITED: Final = "cp_waited"
"""How many seconds the call was here."""

FAILED: Final = "cp_failed"
"""What follows if nobody takes the call there: a number, `hangup`, `repeat`, or empty. The dialplan keeps
beside it, in cp_failed_number, whose rule it is."""

DIGITS: Final = "cp_digits"
"""Digits that a caller pressed, from the end of `read` to our look at them."""

REVISION: Final = "cp_revision"
"""Global: the digest of the published revision that the dialplan was loaded from."""

GATEWAYS: Final = "cp_gateways"
"""Global: `ours` and the names of the gateways of the SIP profile; unset where that is not ours."""

WORDS: Final = DialplanWords(
    stage=STAGE,
    recording=RECORDING,
    cause=CAUSE,
    causes={
        HangupCause.NORMAL: "NORMAL_CLEARING",
        HangupCause.UNALLOCATED: "UNALLOCATED_NUMBER",
        HangupCause.BUSY: "USER_BUSY",
        HangupCause.FAILURE: "NORMAL_TEMPORARY_FAILURE",
    },
    next=NEXT,
    reason=REASON,
    key=KEY,
    waited=WAITED,
    failed=FAILED,
)
