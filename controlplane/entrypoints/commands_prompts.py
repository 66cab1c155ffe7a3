"""`controlplane prompts`: speak them, list them for whoever reads them aloud, check what was recorded."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from controlplane.entrypoints.exits import fail, or_exit

prompts = typer.Typer(invoke_without_command=True)

_FEW = 5
_Language = Annotated[str, typer.Argument(help="A language that has a catalogue, such as fr.")]


@prompts.callback()
def speak(context: typer.Context) -> None:
    """Speak the prompts that are missing into their folder; recordings in `<folder>/<language>` win."""

    def run() -> None:
        from controlplane.entrypoints.prefetch import say, step  # noqa: PLC0415 (only for this command)
        from controlplane.settings import load  # noqa: PLC0415 (only for this command)
        from controlplane.speech.prepare import prepare  # noqa: PLC0415 (only for this command)

        settings = load()
        with step("Preparing the prompts"):
            prepare(settings.paths.prompts, warn=say)

    if context.invoked_subcommand is None:
        or_exit(run)


@prompts.command()
def export(
    language: _Language,
    *,
    output: Annotated[Path | None, typer.Option(help="A file; the standard output without it.")] = None,
) -> None:
    """List the sentences of a language to be read aloud, as CSV: the file of each, and its words."""

    def run() -> None:
        from controlplane.speech.recordings import write_list  # noqa: PLC0415 (only for this command)

        spoken = _known(language)
        if output is None:
            write_list(spoken, sys.stdout)
            return
        try:
            # With a mark at its beginning, by which spreadsheets know that it is UTF-8.
            with output.open("w", encoding="utf-8-sig", newline="") as file:
                write_list(spoken, file)
        except OSError as error:
            fail(f"{output} cannot be written: {error.strerror}.")

    or_exit(run)


@prompts.command()
def check(
    language: _Language,
    *,
    folder: Annotated[
        Path | None,
        typer.Option(help="The folder of prompts with <language>/ in it; the configured one without it."),
    ] = None,
) -> None:
    """Say what is wrong with recordings, and which are missing; the exit code is 1 if one cannot be used."""

    def run() -> None:
        from controlplane.speech.recordings import (  # noqa: PLC0415 (only for this command)
            check_recordings,
            nowhere,
            recordings_of,
        )

        spoken = _known(language)
        root = _configured() if folder is None else folder
        if why := nowhere(root, spoken):
            fail(why)
        wrong, missing = check_recordings(root, spoken)
        if not wrong and not recordings_of(root, spoken):
            fail(f"There are no recordings in {root / spoken}. Put them there as <name>.wav.")
        for sentence in wrong:
            print(sentence)
        if missing:
            few = ", ".join(f"{name}.wav" for name in missing[:_FEW])
            print(f"{len(missing)} are missing, such as {few}. The voice speaks these.")
        if not wrong:
            print("All recordings that are there can be used.")
        if wrong:
            raise typer.Exit(1)

    or_exit(run)


def _configured() -> Path:
    """Return the folder of prompts; raises SettingsError, which says that it may be named instead."""
    from controlplane.settings import SettingsError, load  # noqa: PLC0415 (only for this command)

    try:
        return load().paths.prompts
    except SettingsError as error:
        raise SettingsError(
            f"{error}\nTo check without an installation, name the folder: --folder FOLDER"
        ) from error


def _known(language: str) -> str:
    """Return an available language; raises InvalidValue."""
    from controlplane.domain.language import resolve  # noqa: PLC0415 (only for these commands)
    from controlplane.speech.catalogue import available_languages  # noqa: PLC0415 (only for these commands)

    return resolve(language, available_languages())
