"""The command `controlplane`.

Exit codes: 0 done, 1 failed, 2 wrong use or wrong settings. An error is one sentence on stderr.
Each child process of `up` is started through here too, so nothing is imported before it is needed.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from typing import NoReturn

PROCESSES = ("web", "calls", "events", "jobs")
FAILED, WRONG_USE = 1, 2


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


def run_process(name: str) -> None:
    """Run one process of the product until it is told to stop (SIGTERM)."""

    def run() -> None:
        from controlplane.entrypoints import logs  # noqa: PLC0415 (see the module)
        from controlplane.settings import load  # noqa: PLC0415 (see the module)

        settings = load()
        logs.configure(settings.log_format, settings.log_level)
        importlib.import_module(f"controlplane.entrypoints.{name}").main(settings)

    or_exit(run)


def or_exit(run: Callable[[], None]) -> None:
    """Run it; an error that was foreseen ends the program with its sentence and no traceback."""
    from controlplane.domain.errors import ControlPlaneError  # noqa: PLC0415 (see the module)
    from controlplane.settings import SettingsError  # noqa: PLC0415 (see the module)
    from controlplane.supervisor.faults import CannotStart  # noqa: PLC0415 (see the module)

    try:
        run()
    except (SettingsError, CannotStart) as error:
        fail(str(error), code=WRONG_USE)
    except ControlPlaneError as error:
        fail(str(error), code=FAILED)
    except KeyboardInterrupt:
        sys.exit(130)


def fail(sentence: str, *, code: int = FAILED) -> NoReturn:
    """Say why on stderr and exit."""
    sys.stderr.write(f"controlplane: {sentence}\n")
    sys.exit(code)


if __name__ == "__main__":
    main()
