"""Who comes first on a busy machine: calls, before what nobody waits for."""

from __future__ import annotations

import gc
import os
import sys
from contextlib import suppress
from pathlib import Path

# Its share is then four tenths of an equal one. With 10 it is a tenth: on a machine that others kept busy,
# what was published or mailed came a minute late, and the process seemed to hang.
_BACK = 4
_FIRST = -10
_GROUP = Path("/proc/self/autogroup")
# In the usual one, 5 ms, a thread waits for the others after each time that it asked the disk.
_TURN_SECONDS = 0.0005


def step_back() -> None:
    """Let other processes go first, those of other sessions too.

    Where Linux shares the processor out by session (`sched_autogroup_enabled`), as desktops and many
    servers do, a nice value counts within its own session only. The session steps back as a whole if it
    is this process's own, as below `up` and systemd; in another's, such as a terminal's, are others too.
    """
    os.nice(_BACK)
    _move_session(_BACK)


def come_first() -> None:
    """Go before other processes, the switch too, where that is allowed; the same with sessions.

    A flow needs a processor for a millisecond at a time, a dozen times between a hangup and a message. Behind
    the hundreds of threads of a busy switch it would wait for each.
    """
    sys.setswitchinterval(_TURN_SECONDS)
    with suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, _FIRST)
    _move_session(_FIRST)


def _move_session(nice: int) -> None:
    if os.getsid(0) == os.getpid():
        with suppress(OSError):
            _GROUP.write_text(str(nice))


def keep_what_is_loaded() -> None:
    """Spare the collector of garbage all that exists now: a look through it stops every call for 0.1 s."""
    gc.collect()
    gc.freeze()
