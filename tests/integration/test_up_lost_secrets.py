"""What `up` does about files of its secrets that were deleted or emptied."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from controlplane.domain.extension import a1_hash
from controlplane.entrypoints import bootstrap
from controlplane.settings import Settings, load
from controlplane.supervisor.faults import CannotStart
from controlplane.supervisor.instance import Instance
from controlplane.supervisor.state import StateFolder
from tests.support.processes import open_folder, processes_of

KEY = "1:a2V5IG9mIHNpeHRlZW4gYnl0ZXM="


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    """Return the settings of an `up` on the database."""
    return load(
        {
            "CONTROLPLANE_DATABASE_URL": database_url,
            "CONTROLPLANE_PRIVATE": "true",
            "CONTROLPLANE_PINS__KEYS": KEY,
            **{
                f"CONTROLPLANE_PATHS__{name}": str(tmp_path / name.lower())
                for name in ("RECORDINGS", "SPOOL", "PROMPTS", "CONFIGURATION")
            },
        }
    )


@pytest.fixture
def state(tmp_path: Path) -> Iterator[StateFolder]:
    """Hold a state folder."""
    held = StateFolder(tmp_path / "state")
    yield held
    held.release()


async def test_lost_sip_password_is_refused(settings: Settings, state: StateFolder) -> None:
    """The sentence names the file, and how to get a new one."""
    await bootstrap.install(settings, state)
    path = state.secrets / "extension-101"
    path.write_text("")
    with pytest.raises(CannotStart) as refused:
        await bootstrap.install(settings, state)

    assert str(refused.value) == (
        f"The SIP password of extension 101 is missing ({path}): put the file back,"
        " or start once with --new-sip-passwords to make a new one."
    )


async def test_lost_sip_password_is_made_anew_when_asked(
    settings: Settings, state: StateFolder, database_url: str
) -> None:
    """The one that is told and kept is the one that the switch checks; the other stays."""
    first = await bootstrap.install(settings, state)
    (state.secrets / "extension-101").unlink()
    second = await bootstrap.install(settings, state, new_sip_passwords=True)
    password = second.extensions[0].sip_password
    with psycopg.connect(database_url) as connection:
        row = connection.execute("SELECT sip_a1_hash FROM extensions WHERE number = '101'").fetchone()

    assert password is not None
    assert password == state.kept("extension-101") != first.extensions[0].sip_password
    assert first.extensions[1] == second.extensions[1]
    assert row == (a1_hash(number="101", realm=settings.sip.realm, password=password),)


async def test_lost_pin_is_not_told(settings: Settings, state: StateFolder) -> None:
    """The mailbox keeps it: another one that opens nothing is neither told nor written."""
    await bootstrap.install(settings, state)
    (state.secrets / "mailbox-pin").write_text("")
    again = await bootstrap.install(settings, state)

    assert (None, None) == (again.pin, state.kept("mailbox-pin"))


async def test_lost_token_is_made_anew(settings: Settings, state: StateFolder) -> None:
    """Its file is what programs on this machine read."""
    await bootstrap.install(settings, state)
    (state.secrets / "token").write_text("\n")
    await bootstrap.install(settings, state)

    assert (state.kept("token") or "").startswith("svm_")


def test_after_the_refusal_nothing_runs() -> None:
    """Exit code 2; the database that was started for the look is stopped again."""
    with open_folder() as folder:
        instance = Instance(folder / "state")
        instance.start("--switch", "none")
        instance.stop()
        (folder / "state" / "secrets" / "extension-102").unlink()
        with pytest.raises(CannotStart, match="The SIP password of extension 102 is missing"):
            instance.start("--switch", "none")
        code, left = instance.stop(), processes_of(folder)

    assert (2, []) == (code, left)
