"""The command `controlplane`.

Each child process of `up` is started through here too, so nothing is imported before it is needed.
"""

from __future__ import annotations

import sys
from typing import NoReturn

from controlplane.entrypoints.exits import PROCESSES, fail, run_process


def main() -> NoReturn:
    """Run the command that the arguments name."""
    if len(sys.argv) == 2 and sys.argv[1] in PROCESSES:  # noqa: PLR2004 (program and command)
        run_process(sys.argv[1])
        sys.exit(0)
    if sys.argv[1:3] == ["health", "--port"] and len(sys.argv) == 4:  # noqa: PLR2004 (as it is asked every few seconds)
        _ask_health(sys.argv[3])
    from controlplane.entrypoints.commands import app  # noqa: PLC0415 (typer costs a child's start)

    app(prog_name="controlplane")
    sys.exit(0)


def _ask_health(port: str) -> None:
    """Ask as `controlplane health --port` does, without the second that its other options cost."""
    from controlplane.domain.errors import ControlPlaneError  # noqa: PLC0415 (see the module)
    from controlplane.entrypoints import health  # noqa: PLC0415 (see the module)

    if not port.isdecimal():
        return
    try:
        health.main(port=int(port))
    except ControlPlaneError as error:
        fail(str(error))
    sys.exit(0)


if __name__ == "__main__":
    main()
