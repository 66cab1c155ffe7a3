"""The command `controlplane`.

Each child process of `up` is started through here too, so nothing is imported before it is needed.
"""

from __future__ import annotations

import sys
from typing import NoReturn

from controlplane.entrypoints.exits import PROCESSES, run_process


def main() -> NoReturn:
    """Run the command that the arguments name."""
    if len(sys.argv) == 2 and sys.argv[1] in PROCESSES:  # noqa: PLR2004 (program and command)
        run_process(sys.argv[1])
        sys.exit(0)
    from controlplane.entrypoints.commands import app  # noqa: PLC0415 (typer costs a child's start)

    app(prog_name="controlplane")
    sys.exit(0)


if __name__ == "__main__":
    main()
