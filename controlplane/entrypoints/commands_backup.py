"""The commands that write an installation into a file, and back; each imports what it needs when called."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from controlplane.entrypoints.exits import or_exit

_StateDir = Annotated[
    Path | None,
    typer.Option(help="The folder of a `controlplane up`, running or not, instead of the settings."),
]


def backup(
    target: Annotated[
        Path,
        typer.Argument(
            metavar="FILE|FOLDER",
            help="A new file, or a folder for one named by the time; - is the standard output.",
            show_default=False,
        ),
    ],
    *,
    state_dir: _StateDir = None,
    with_secrets: Annotated[
        bool,
        typer.Option(help="With --state-dir: the folder's secrets too, without which it does not start."),
    ] = True,
) -> None:
    """Write database, recordings and what is on its way into one file, while everything runs."""

    def run() -> None:
        from controlplane.entrypoints import backup as entrypoint  # noqa: PLC0415 (see the module)

        entrypoint.back_up(target, state_dir=state_dir, with_secrets=with_secrets)

    or_exit(run)


def restore(
    file: Annotated[Path, typer.Argument(help="What `backup` wrote.", show_default=False)],
    *,
    state_dir: Annotated[
        Path | None, typer.Option(help="A new folder for `controlplane up`, instead of the settings.")
    ] = None,
    without_pin_keys: Annotated[
        bool,
        typer.Option("--without-pin-keys", help="Restore although every PIN must be set anew then."),
    ] = False,
) -> None:
    """Put a backup back into an empty installation: a database without tables, folders without recordings."""

    def run() -> None:
        from controlplane.entrypoints import backup as entrypoint  # noqa: PLC0415 (see the module)

        entrypoint.restore(file, state_dir=state_dir, without_pin_keys=without_pin_keys)

    or_exit(run)
