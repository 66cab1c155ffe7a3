"""Who comes first on a busy machine: calls, before what nobody waits for."""

from __future__ import annotations

import gc
import os
from contextlib import suppress
from pathlib import Path

_NICE = 10
_GROUP = Path("/proc/self/autogroup")


def step_back() -> None:
    """Let other processes go first, those of other sessions too.

    Where Linux shares the processor out by session (`sched_autogroup_enabled`), as desktops and many
    servers do, a nice value counts within its own session only. The session steps back as a whole if it
    is this process's own, as below `up` and systemd; in another's, such as a terminal's, are others too.
    """
    os.nice(_NICE)
    if os.getsid(0) == os.getpid():
        with suppress(OSError):
            _GROUP.write_text(str(_NICE))


def keep_what_is_loaded() -> None:
    """Spare the collector of garbage all that exists now: a look through it stops every call for 0.1 s."""
    gc.collect()
    gc.freeze()
