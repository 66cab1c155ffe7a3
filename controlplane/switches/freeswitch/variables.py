"""The names of the channel and global variables that the dialplan and we share.

Before each `socket HOST:PORT full` the dialplan sets SECRET, ENTRY, TENANT, OBJECT, DIALLED,
FEATURE, EXTENSION and REACHED_BY (those that it has no value for to the empty text, or not at all), and
clears STAGE, RECORDING and CAUSE. It reads these after it:

- STAGE empty or `greeting`: nothing is recorded yet, greet and record.
- `recording` or `review`: is there audio under RECORDING? Thank and end, else record under it.
- `done`: end the call with `hangup ${cp_cause}`; an empty CAUSE is a normal clearing.

A transfer sets stage `done` too, but the channel then goes on in the tenant's context, and the
action after `socket` is never reached.
"""

from __future__ import annotations

from typing import Final

from controlplane.callflows.call import HangupCause
from controlplane.switches.call import DialplanWords

SECRET: Final = "cp_secret"  # noqa: S105 (the name of a variable)
"""What the rendered dialplan knows and strangers do not. We unset it as soon as it was read."""

ENTRY: Final = "cp_entry"
"""Which flow: `leave`, `check` or `feature` (callflows.call.Entry)."""

TENANT: Final = "cp_tenant"
"""The tenant's UUID."""

OBJECT: Final = "cp_object"
"""The mailbox's UUID, for `leave`."""

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

DIGITS: Final = "cp_digits"
"""Digits that a caller pressed, from the end of `read` to our look at them."""

REVISION: Final = "cp_revision"
"""Global: the digest of the published revision that the dialplan was loaded from."""

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
)
