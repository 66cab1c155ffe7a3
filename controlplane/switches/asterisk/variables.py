"""The names of the channel and global variables that the dialplan and we share.

The dialplan clears STAGE, RECORDING and CAUSE before each `AGI()`, and reads them after it:

- STAGE empty or `greeting`: nothing is recorded yet, greet and record.
- `recording` or `review`: is there audio under RECORDING? Thank and end, else record under it.
- `done`: end the call with `Hangup(${CP_CAUSE})`; an empty CAUSE is a normal clearing.

A transfer sets stage `done` too, but the channel then goes on in the tenant's context, and the
priority after `AGI()` is never reached.

For a virtual receptionist, stage `routed` says that NEXT, REASON, KEY, WAITED and FAILED are those of
`cp-go`; any other stage but `done` leads to its fall-back.
"""

from __future__ import annotations

from typing import Final

from controlplane.callflows.call import HangupCause
from controlplane.switches.call import DialplanWords

STAGE: Final = "CP_STAGE"
"""How far the leaving of a message has come (callflows.call.Stage)."""

RECORDING: Final = "CP_RECORDING"
"""The recording id of the take that is being recorded, a UUID."""

CAUSE: Final = "CP_CAUSE"
"""The Q.850 number with which the dialplan ends a call whose stage is `done`."""

NEXT: Final = "CP_NEXT"
"""The number to which the dialplan sends a call whose stage is `routed`."""

REASON: Final = "CP_REASON"
"""Why it goes there (domain.message.ReachedReason)."""

KEY: Final = "CP_KEY"
"""The keys that led there, as in a way: `s` is `*`, `h` is `#`; maybe empty."""

WAITED: Final = "CP_WAITED"
"""How many seconds the call was here."""

FAILED: Final = "CP_FAILED"
"""What follows if nobody takes the call there: a number, `hangup`, `repeat`, or empty. The dialplan keeps
beside it, in CP_FAILED_NUMBER, whose rule it is."""

REVISION: Final = "CP_REVISION"
"""Global: the digest of the published revision that the dialplan was loaded from."""

WORDS: Final = DialplanWords(
    stage=STAGE,
    recording=RECORDING,
    cause=CAUSE,
    causes={
        HangupCause.NORMAL: "16",
        HangupCause.UNALLOCATED: "1",
        HangupCause.BUSY: "17",
        HangupCause.FAILURE: "41",
    },
    next=NEXT,
    reason=REASON,
    key=KEY,
    waited=WAITED,
    failed=FAILED,
)
