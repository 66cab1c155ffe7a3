"""The units for systemd: they are well formed, name what exists, and give each process what it needs."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from controlplane.entrypoints import secret_files
from controlplane.entrypoints.commands import app
from controlplane.settings import Settings, load
from controlplane.supervisor.processes import WATCHED
from tests.support.write_settings_table import names

FOLDER = Path(__file__).parents[2] / "systemd"
UNITS = sorted(path.name for path in FOLDER.glob("*.service"))
PROGRAM = "/opt/shared-voicemail/.venv/bin/controlplane"


def lines(name: str, key: str) -> list[str]:
    """Return each value of a key in a unit and in what all units share."""
    texts = [(FOLDER / name).read_text(), (FOLDER / "shared-voicemail-.service.d/shared.conf").read_text()]
    return [
        line.partition("=")[2] for text in texts for line in text.splitlines() if line.startswith(f"{key}=")
    ]


def settings(name: str, secrets: Path) -> Settings:
    """Read the settings as the unit's process would, with the example's environment."""
    example = (FOLDER / "environment.example").read_text().splitlines()
    pairs = [line for line in example if line and not line.startswith("#")] + lines(name, "Environment")
    read = dict(pair.split("=", 1) for pair in pairs)
    return load({key: value.replace("%d", str(secrets)) for key, value in read.items()})


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the secrets as the page of operations says."""
    folder = tmp_path_factory.mktemp("secrets")
    secret_files.main(folder, database="localhost:5432", group=None)
    return folder


@pytest.mark.parametrize("name", UNITS)
def test_each_command_is_one_of_ours(name: str) -> None:
    """What a unit starts is a command of `controlplane`, without options that it does not have."""
    commands = {
        command.name or (command.callback.__name__ if command.callback else "")
        for command in app.registered_commands
    } | {group.name for group in app.registered_groups}
    started = [line.split() for line in lines(name, "ExecStart")]

    assert started
    assert [] == [words for words in started if words[0] != PROGRAM or {*words[1:]} - commands]


@pytest.mark.parametrize("name", UNITS)
def test_each_process_finds_its_settings(name: str, secrets: Path) -> None:
    """With the example and the secrets as they are made, each starts: every default secret is replaced."""
    read = settings(name, secrets)

    assert ("freeswitch", None, False) == (read.switch, read.smtp.username, read.sip.phones)


@pytest.mark.parametrize("name", UNITS)
def test_each_variable_is_a_setting(name: str) -> None:
    """No unit sets what nobody reads, and no secret is given to nobody."""
    known = {setting for setting, _, _ in names()}
    variables = dict(pair.split("=", 1) for pair in lines(name, "Environment"))
    credentials = dict(pair.split(":", 1) for pair in lines(name, "LoadCredential"))
    made = {f"/etc/shared-voicemail/secrets/{each}" for each in credentials}

    assert set() == {variable.removesuffix("_FILE") for variable in variables} - known
    assert {f"%d/{each}" for each in credentials} == {
        value for variable, value in variables.items() if variable.endswith("_FILE")
    }
    assert made == set(credentials.values())


def test_the_folders_are_those_of_the_settings(secrets: Path) -> None:
    """What systemd-tmpfiles makes, what the services may write, and what the settings name is one."""
    paths = settings("shared-voicemail-jobs.service", secrets).paths
    made = dict(
        re.findall(r"^d (\S+) +(\d+) ", (FOLDER / "shared-voicemail.tmpfiles").read_text(), re.MULTILINE)
    )

    assert {str(paths.spool), str(paths.recordings), str(paths.prompts), str(paths.configuration)} < set(made)
    assert "2770" == made[str(paths.spool)]
    assert ["/var/lib/shared-voicemail"] == lines("shared-voicemail-jobs.service", "ReadWritePaths")


def test_calls_has_the_time_that_its_calls_have(secrets: Path) -> None:
    """The service manager waits longer than `calls` does after SIGTERM, and kills it when it hangs."""
    name = "shared-voicemail-calls.service"
    (seconds,) = lines(name, "TimeoutStopSec")

    assert float(seconds) > settings(name, secrets).calls.drain_seconds
    assert (["5"], ["notify"], ["main"]) == tuple(
        lines(name, key) for key in ("WatchdogSec", "Type", "NotifyAccess")
    )


def test_the_target_wants_all_of_them() -> None:
    """One target starts everything."""
    wanted = " ".join(
        line.partition("=")[2]
        for line in (FOLDER / "shared-voicemail.target").read_text().splitlines()
        if line.startswith("Wants=")
    )

    assert UNITS == sorted(wanted.split())


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed here")
def test_systemd_finds_no_fault(tmp_path: Path) -> None:
    """The service manager itself reads them without a complaint; the program is another one here."""
    shutil.copytree(FOLDER, tmp_path / "units")
    for unit in (tmp_path / "units").glob("*.service"):
        unit.write_text(unit.read_text().replace(PROGRAM, "/bin/true"))
    units = [str(path) for path in sorted((tmp_path / "units").glob("shared-voicemail*.[st]*[et]"))]
    units = [unit for unit in units if unit.endswith((".service", ".target"))]
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *units], capture_output=True, text=True, check=False
    )

    assert (0, "") == (done.returncode, done.stderr)


@pytest.mark.parametrize("process", sorted(WATCHED))
def test_systemd_is_as_patient_as_up(process: str) -> None:
    """A process that lets others go first is not taken for one that hangs, below either of the two."""
    assert [f"{WATCHED[process]:.0f}"] == lines(f"shared-voicemail-{process}.service", "WatchdogSec")
