"""`controlplane backup` and `controlplane restore`: an installation as one file, and back."""

from __future__ import annotations

import os
import secrets
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from controlplane.entrypoints import migrate
from controlplane.entrypoints.private_settings import ENVIRONMENT_FILE, read_environment
from controlplane.services.backup import BackupFailed, Places, Progress, Written, write_backup
from controlplane.services.pin_hashing import MalformedPinKeys, key_marks
from controlplane.services.restore import Restored, read_backup
from controlplane.services.restore_files import RestoreRefused
from controlplane.settings import Settings, load
from controlplane.storage.archive import BackupDamaged
from controlplane.supervisor.faults import CannotStart
from controlplane.supervisor.postgres import EmbeddedPostgres, PostgresError
from controlplane.supervisor.state import (
    HALF_RESTORED,
    LOCK,
    StateFolder,
    about_half_restored,
    is_half_restored,
)

_FILE_MODE = 0o600
_STANDARD = Path("-")


def back_up(target: Path, *, state_dir: Path | None, with_secrets: bool) -> None:
    """Write a backup into a file, a new one in a folder, or the standard output.

    Raises BackupFailed, Unavailable, SettingsError or CannotStart, and then left no file.
    """
    if state_dir is None:
        _write(target, places_of(load()))
        return
    with _instance(state_dir) as settings:
        _write(target, places_of(settings, secret_files=state_dir / "secrets" if with_secrets else None))


def restore(
    file: Path,
    *,
    state_dir: Path | None,
    without_pin_keys: bool,
    reached: Callable[[str], None] = lambda _: None,
) -> None:
    """Put a backup back, and say what is to be done then.

    Raises RestoreRefused, BackupDamaged, Unavailable, SettingsError or CannotStart, and then changed nothing.
    """
    if not file.is_file():
        raise RestoreRefused(f"There is no file {file}.")
    if state_dir is None:
        restored = _read(file, places_of(load()), without_pin_keys=without_pin_keys, reached=reached)
        follow = "controlplane prompts, controlplane publish --before-start, and start everything"
    else:
        with _empty_instance(state_dir) as places:
            restored = _read(file, places, without_pin_keys=without_pin_keys, reached=reached)
        follow = f"controlplane up --state-dir {state_dir}"
    say(f"Restored what was there at {restored.made_at}: {restored.messages} messages, and on their way or")
    say(f"put aside {restored.in_spool} files.")
    _tell_lost(restored.lost)
    if restored.keys_missing:
        say("Every PIN must be set anew: the key that they were stored with is not there.")
    say(f"Next: {follow}")


def places_of(settings: Settings, *, secret_files: Path | None = None) -> Places:
    """Return where an installation keeps what a backup has; raises SettingsError."""
    return Places(
        database_url=settings.sqlalchemy_url.replace("postgresql+psycopg://", "postgresql://", 1),
        recordings=settings.paths.recordings,
        spool=settings.paths.spool,
        prompts=settings.paths.prompts,
        secrets=secret_files,
        key_marks=_marks(settings),
    )


def say(sentence: str) -> None:
    """Tell people what happens; the standard output may be the backup."""
    print(sentence, file=sys.stderr, flush=True)


def _write(target: Path, places: Places) -> None:
    if target == _STANDARD:
        if sys.stdout.isatty():
            raise BackupFailed("A terminal is no place for a backup: name a file, or a command after |.")
        _tell(write_backup(sys.stdout.buffer, places, say=say, progress=Progress(say)), places)
        return
    if target.is_dir():
        target /= f"shared-voicemail-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.tar"
    if target.exists():
        raise BackupFailed(f"{target} is there already: name another file, or a folder.")
    try:
        with _whole_or_none(target) as output:
            written = write_backup(output, places, say=say, progress=Progress(say))
    except OSError as error:
        raise BackupFailed(f"{error.filename or target}: {error.strerror or error}.") from error
    _tell(written, places)
    print(target)


@contextmanager
def _whole_or_none(target: Path) -> Iterator[BinaryIO]:
    """Open a file of nobody else's that gets its name once it is whole and on the disk."""
    half = target.with_name(f".{target.name}.{secrets.token_hex(6)}")
    descriptor = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _FILE_MODE)
    try:
        with os.fdopen(descriptor, "wb") as output:
            yield output
            output.flush()
            os.fsync(output.fileno())
        half.rename(target)
    except BaseException:
        half.unlink(missing_ok=True)
        raise


def _tell(written: Written, places: Places) -> None:
    say(f"{written.messages} messages, and on their way or put aside {written.in_spool} files.")
    if written.purged:
        say(f"{written.purged} more were purged meanwhile, and are left out.")
    _tell_lost(tuple(map(str, written.lost)))
    if places.secrets is not None:
        say("The secrets are in it: whoever has this file can do everything.")
    elif written.pin_keys:
        say(
            f"Not in it are the secrets. Keep CONTROLPLANE_PINS__KEYS (key {', '.join(written.pin_keys)})"
            " elsewhere: without it every PIN must be set anew."
        )


def _tell_lost(lost: tuple[str, ...]) -> None:
    if lost:
        say(f"Without a recording before the backup began: {len(lost)} messages ({', '.join(lost[:5])} …).")


def _read(file: Path, places: Places, *, without_pin_keys: bool, reached: Callable[[str], None]) -> Restored:
    try:
        return read_backup(
            file,
            places,
            migrate=migrate.bring,
            revisions=migrate.known_revisions(),
            without_pin_keys=without_pin_keys,
            say=say,
            progress=Progress(say),
            reached=reached,
        )
    except BackupDamaged as error:
        raise RestoreRefused(f"{file}: {error}") from error
    except OSError as error:
        raise RestoreRefused(f"{error.filename or file}: {error.strerror or error}.") from error


@contextmanager
def _instance(state_dir: Path) -> Iterator[Settings]:
    """Lend the settings of an `up`: of one that runs, or of one whose database is started for this."""
    if is_half_restored(state_dir):
        raise CannotStart(about_half_restored(state_dir))
    try:
        written = read_environment((state_dir / ENVIRONMENT_FILE).read_text())
    except OSError:
        raise CannotStart(f"There is no `controlplane up` in {state_dir}.") from None
    if (state_dir / "ready.json").exists():
        yield load({**os.environ, **written})
        return
    state = StateFolder(state_dir)
    try:
        with _database_of(state) as url:
            yield load({**os.environ, **written, "CONTROLPLANE_DATABASE_URL": url})
    finally:
        state.release()


@contextmanager
def _empty_instance(state_dir: Path) -> Iterator[Places]:
    """Lend a new state folder with a running database; what was made in it goes if the restore fails.

    What one that was killed left there goes first. Nothing is started on it until all is there.
    """
    if (
        state_dir.exists()
        and not is_half_restored(state_dir)
        and (not state_dir.is_dir() or {path.name for path in state_dir.iterdir()} - {LOCK})
    ):
        raise RestoreRefused(f"{state_dir} is not empty: name a new folder.")
    was_there = state_dir.exists()
    state = StateFolder(state_dir, restoring=True)
    try:
        _empty(state)
        state.make_folders()
        with _database_of(state) as url:
            yield replace(places_of(_settings_of_folder(state, url)), secrets=state.secrets)
        state.restored()
    except BaseException:
        _empty(state)
        for name in (HALF_RESTORED, LOCK):
            (state.root / name).unlink(missing_ok=True)
        if not was_there:
            state.root.rmdir()
        raise
    finally:
        state.release()


def _empty(state: StateFolder) -> None:
    """Remove what a restore made in a folder, but for what says that it is half of something."""
    with suppress(PostgresError):
        EmbeddedPostgres(_data_of(state)).remove()
    for path in state.root.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name not in {HALF_RESTORED, LOCK}:
            path.unlink()


@contextmanager
def _database_of(state: StateFolder) -> Iterator[str]:
    """Run the database of a state folder."""
    postgres = None
    try:
        postgres = EmbeddedPostgres(_data_of(state))
        yield postgres.start()
    except PostgresError as error:
        raise CannotStart(str(error)) from error
    finally:
        if postgres is not None:
            postgres.stop()


def _data_of(state: StateFolder) -> Path:
    return state.root / "postgres" / "data"


def _settings_of_folder(state: StateFolder, database_url: str) -> Settings:
    """Return what `up` would set of what a backup has; the user's own key of PINs counts there too."""
    ours = {"PRIVATE": "true", "SWITCH": "none", "DATABASE_URL": database_url}
    for name in ("recordings", "spool", "prompts", "configuration"):
        ours[f"PATHS__{name.upper()}"] = str(state.root / name)
    return load({**os.environ, **{f"CONTROLPLANE_{name}": value for name, value in ours.items()}})


def _marks(settings: Settings) -> dict[str, str]:
    try:
        return key_marks(settings.pins.keys.get_secret_value())
    except MalformedPinKeys:  # (as without any in the environment of `up`, which makes its own)
        return {}
