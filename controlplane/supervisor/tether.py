"""Run as a script: becomes another program that the kernel kills when its parent dies.

`python -I -S tether.py PARENT PROGRAM ARGUMENT…`. A program of its own, because Python's
`preexec_fn` runs Python code between fork and exec of a process with threads. The tie outlives
exec unless the program is set-user-ID. It holds to the thread that forked: start children from
the main thread.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1
_CANNOT_RUN = 127


def main(arguments: list[str]) -> None:
    """Tie this process to `arguments[0]`, its parent's id, and run the rest; returns only by an exception."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != int(arguments[0]):  # the parent died before the tie held
        sys.exit(_CANNOT_RUN)
    try:
        os.execvp(arguments[1], arguments[1:])  # noqa: S606 (no shell is wanted)
    except OSError as error:
        sys.stderr.write(f"cannot run {arguments[1]}: {error.strerror}\n")
        sys.exit(_CANNOT_RUN)


if __name__ == "__main__":
    main(sys.argv[1:])
