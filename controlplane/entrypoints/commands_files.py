"""The commands that read and write a tenant as a file; each imports what it needs when it is called."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from controlplane.entrypoints.exits import or_exit

if TYPE_CHECKING:
    from controlplane.entrypoints.apply import Consent
    from controlplane.settings import Settings

_StateDir = Annotated[
    Path | None, typer.Option(help="The folder of a running `controlplane up`, instead of the settings.")
]


def apply(
    file: Annotated[
        Path, typer.Argument(help="The YAML of a tenant (docs/apply.md); - is the standard input.")
    ],
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would change.")] = False,
    prune: Annotated[
        bool,
        typer.Option("--prune", help="Remove what the file's sections do not name; without it, that stays."),
    ] = False,
    state_dir: _StateDir = None,
) -> None:
    """Make a tenant what a file says: show what that changes, ask, and apply all of it at once."""
    consent = consent_of(yes=yes, dry_run=dry_run)

    def run() -> None:
        from controlplane.entrypoints import apply as entrypoint  # noqa: PLC0415 (see the module)

        entrypoint.main(_settings(state_dir), file, consent=consent, prune=prune)

    or_exit(run)


def export(
    *,
    tenant: Annotated[str, typer.Option(help="Its name.")] = "default",
    state_dir: _StateDir = None,
) -> None:
    """Write a tenant as a file for `apply`, without PINs and passwords."""

    def run() -> None:
        from controlplane.entrypoints import export as entrypoint  # noqa: PLC0415 (see the module)

        entrypoint.main(_settings(state_dir), tenant=tenant)

    or_exit(run)


def consent_of(*, yes: bool, dry_run: bool) -> Consent:
    """Return what follows a plan; raises BadParameter if both are said."""
    from controlplane.entrypoints.apply import Consent  # noqa: PLC0415 (see the module)

    if yes and dry_run:
        raise typer.BadParameter("--dry-run changes nothing: there is nothing to say yes to.")
    return Consent.DRY_RUN if dry_run else Consent.YES if yes else Consent.ASK


def _settings(state_dir: Path | None) -> Settings:
    from controlplane.entrypoints.doctor import settings_of  # noqa: PLC0415 (see the module)
    from controlplane.settings import load  # noqa: PLC0415 (see the module)

    return load() if state_dir is None else settings_of(state_dir)
