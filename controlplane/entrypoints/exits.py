"""How a command ends: 0 done, 1 failed, 2 wrong use or wrong settings; an error is one sentence on stderr.

Nothing is imported before it is needed: each child process of `up` starts through here.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from typing import NoReturn

PROCESSES = ("web", "calls", "events", "jobs")
FAILED, WRONG_USE = 1, 2


def run_process(name: str) -> None:
    """Run one process of the product until it is told to stop (SIGTERM)."""

    def run() -> None:
        from controlplane.entrypoints import logs  # noqa: PLC0415 (see the module)
        from controlplane.settings import load  # noqa: PLC0415 (see the module)

        settings = load()
        logs.configure(settings.log_format, settings.log_level)
        if (settings.paths.recordings / ".restoring").exists():
            from controlplane.entrypoints.half_restored import refuse_half_restored  # noqa: PLC0415 (see the module)

            refuse_half_restored(settings)
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
