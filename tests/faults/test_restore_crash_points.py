"""A restore, killed at every step: nothing is started on half of it, and it is simply repeated."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from uuid import UUID

import psycopg
import pytest
from controlplane.domain.errors import Unavailable
from controlplane.entrypoints import doctor
from controlplane.entrypoints.backup import back_up
from controlplane.entrypoints.doctor import examine
from controlplane.entrypoints.half_restored import check_restore, refuse_half_restored
from controlplane.services.backup import STAGED, Places, Progress, write_backup
from controlplane.services.restore_files import Mark, Staging
from controlplane.settings import Settings, load
from controlplane.storage.database import Database
from controlplane.supervisor.faults import CannotStart
from controlplane.supervisor.postgres import EmbeddedPostgres
from tests.support.deposits import insert_mailbox
from tests.support.dying_restore import AFTER, BEFORE, restore_until
from tests.support.installation import content, files, new_database, places, record, tables
from tests.support.processes import open_folder, processes_of
from tests.support.rows import add_message
from tests.support.takes import facts_for, leave_take

KILLED = -9
BROKEN_OFF = "was broken off, or is under way"


def run(*arguments: str, environment: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command."""
    return subprocess.run(
        [sys.executable, "-m", "controlplane.entrypoints.cli", *arguments],
        env={**os.environ, **(environment or {})},
        text=True,
        capture_output=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
async def here(database: Database, database_url: str, default_tenant: UUID, tmp_path: Path) -> Places:
    """Return an installation with a message, one on its way, and a prompt that a person recorded."""
    made = places(database_url, tmp_path / "here")
    (made.prompts / "en").mkdir(parents=True)
    made.spool.mkdir(parents=True)
    mailbox_id = insert_mailbox(database_url, default_tenant)
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE mailboxes SET pin_hash = 'none'")
    for _ in range(2):
        record(made, await add_message(database, mailbox_id))
    leave_take(made.spool, facts_for(mailbox_id))
    (made.prompts / "en" / "goodbye.wav").write_bytes(b"by a person")
    return made


@pytest.fixture
def file(here: Places, tmp_path: Path) -> Path:
    """Return a backup of it."""
    path = tmp_path / "backup.tar"
    with path.open("wb") as output:
        write_backup(output, here, say=lambda _: None, progress=Progress(lambda _: None))
    return path


@pytest.fixture
def there(postgres: EmbeddedPostgres, tmp_path: Path) -> Iterator[Places]:
    """Return an empty installation."""
    with new_database(postgres, "restored_again") as url:
        yield places(url, tmp_path / "there")


def environment_of(at: Places) -> dict[str, str]:
    """Return the settings of an installation whose switch is somewhere else."""
    folder = at.recordings.parent
    paths = {"RECORDINGS": at.recordings, "SPOOL": at.spool, "PROMPTS": at.prompts}
    paths |= {name: folder / name.lower() for name in ("CONFIGURATION", "MAIL")}
    return {
        "CONTROLPLANE_PRIVATE": "true",
        "CONTROLPLANE_SWITCH": "none",
        "CONTROLPLANE_DATABASE_URL": at.database_url,
        **{f"CONTROLPLANE_PATHS__{name}": str(path) for name, path in paths.items()},
    }


def settings_of(at: Places) -> Settings:
    """Return them as a program has them."""
    return load(environment_of(at))


async def found_by_doctor(at: Places) -> list[str]:
    """Return what the doctor says of a restore."""
    return [each.found for each in await examine(settings_of(at), [check_restore])]


async def test_restore_killed_before_its_commit_is_repeated(here: Places, file: Path, there: Places) -> None:
    """At each step, one after the other: nothing is started on what it left, and the next one begins anew.

    That takes back first what the one before did, and is killed there, too.
    """
    ours = environment_of(there)
    for step in (*BEFORE, "clearing", BEFORE[-1]):
        killed = restore_until(step, file, environment=ours)

        assert KILLED == killed.returncode, killed.stderr
        assert step == BEFORE[0] or "A restore was broken off here: what it left is removed" in killed.stderr
        assert [True] == [BROKEN_OFF in each for each in await found_by_doctor(there)]
        assert 0 == tables(there.database_url)
        with pytest.raises(Unavailable, match=r"Repeat it \(controlplane restore FILE\)"):
            refuse_half_restored(settings_of(there))
    again = restore_until("never", file, environment=ours)

    assert (0, True) == (again.returncode, "2 messages, and on their way" in again.stderr), again.stderr
    assert content(here) == content(there)
    assert [] == list(there.recordings.parent.rglob(STAGED))
    assert [] == await found_by_doctor(there)


@pytest.mark.parametrize("step", AFTER)
async def test_restore_killed_after_its_commit_is_whole(
    here: Places, file: Path, there: Places, step: str
) -> None:
    """Nothing keeps it from being started; to repeat it only removes its remains."""
    ours = environment_of(there)
    killed = restore_until(step, file, environment=ours)
    found = await found_by_doctor(there)
    refuse_half_restored(settings_of(there))
    again = restore_until("never", file, environment=ours)

    assert KILLED == killed.returncode, killed.stderr
    assert ["one was killed once all was there"] == [each.split(";")[0] for each in found]
    assert (0, True) == (again.returncode, "killed just after that" in again.stderr), again.stderr
    assert "2 messages, and on their way" in again.stderr
    assert content(here) == content(there)
    assert [] == list(there.recordings.parent.rglob(STAGED))


@pytest.mark.parametrize("process", ["migrate", "web"])
def test_no_process_starts_on_half_of_it(there: Places, process: str) -> None:
    """Each says what was broken off, and what to do, and ends."""
    with Staging(there) as staging:
        staging.begin(Mark(id="one", made_at="2026-11-27T00:00:00+00:00", database="1/1"))
        staging.leave()
    started = run(process, environment=environment_of(there))

    assert (1, 0) == (started.returncode, tables(there.database_url))
    assert BROKEN_OFF in started.stderr


def test_what_came_meanwhile_is_never_taken_back(file: Path, there: Places) -> None:
    """A message that the dialplan recorded after the kill stays, and is in the way with words."""
    ours = environment_of(there)
    restore_until("placed", file, environment=ours)
    came = there.spool / "fb-17.1-1.wav"
    came.write_bytes(b"x")
    refused = restore_until("never", file, environment=ours)

    assert (1, ["spool/fb-17.1-1.wav"]) == (refused.returncode, list(files(there)))
    assert f"The folder of the spool is not empty ({came})" in refused.stderr


def test_another_database_is_no_reason_to_remove_recordings(
    postgres: EmbeddedPostgres, file: Path, there: Places
) -> None:
    """Killed when all was there, then repeated into a database of another name: that is refused."""
    restore_until("committed", file, environment=environment_of(there))
    before = files(there)
    with new_database(postgres, "yet_another") as url:
        other = restore_until(
            "never", file, environment=environment_of(there) | {"CONTROLPLANE_DATABASE_URL": url}
        )

    assert (1, before) == (other.returncode, files(there))
    assert "into another database than this one" in other.stderr


def test_another_backup_after_one_that_was_whole_is_refused(
    file: Path, there: Places, tmp_path: Path
) -> None:
    """Nothing is mixed, and what is there stays."""
    restore_until("committed", file, environment=environment_of(there))
    before = (tables(there.database_url), files(there))
    other = tmp_path / "other.tar"
    data = file.read_bytes()
    made_at = json.loads(data[512:].split(b"\0", 1)[0])["made_at"]
    changed = made_at.replace("T", " ").encode()
    other.write_bytes(data.replace(made_at.encode(), changed))
    refused = restore_until("never", other, environment=environment_of(there))

    assert (1, before) == (refused.returncode, (tables(there.database_url), files(there)))
    assert "Another backup was restored here" in refused.stderr


def test_two_at_once_are_one_too_many(file: Path, there: Places) -> None:
    """The second one is told."""
    there.recordings.joinpath(STAGED).mkdir(parents=True)
    held = os.open(there.recordings / STAGED, os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_EX)
    refused = restore_until("never", file, environment=environment_of(there))
    os.close(held)

    assert 1 == refused.returncode
    assert "is under way: wait for its end" in refused.stderr


def test_state_folder_of_a_killed_restore_is_never_started(file: Path) -> None:
    """`up`, `backup` and `doctor` refuse it with the remedy; the repeated restore begins anew."""
    with open_folder() as folder:
        state = folder / "state"
        killed = restore_until("placed", file, state_dir=state)
        up = run("up", "--switch", "none", "--state-dir", str(state))
        for others in (
            lambda: doctor.settings_of(state),
            lambda: back_up(folder, state_dir=state, with_secrets=True),
        ):
            with pytest.raises(CannotStart, match="was broken off, or is under way: repeat it"):
                others()
        again = restore_until("never", file, state_dir=state)
        left = sorted(path.name for path in state.iterdir())
        running = processes_of(folder)

    assert KILLED == killed.returncode, killed.stderr
    assert (2, True) == (up.returncode, f"controlplane restore FILE --state-dir {state}" in up.stderr)
    assert (0, []) == (again.returncode, running), again.stderr
    assert ["lock", "log", "postgres", "prompts", "recordings", "secrets", "spool"] == left
