"""How the images of the switches start: the same as a private switch, and again when it ends."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from controlplane.supervisor.asterisk import PrivateAsterisk
from controlplane.supervisor.asterisk_tree import AsteriskTree
from controlplane.supervisor.freeswitch import PrivateFreeswitch
from controlplane.supervisor.freeswitch_tree import FreeswitchTree

_FIRST_FILE = {"asterisk": "extensions.conf", "freeswitch": "freeswitch.xml"}


class Container:
    """The entry script of an image with a program in the switch's place that notes how it was called."""

    def __init__(self, root: Path, folder: Path, switch: str) -> None:
        self.switch = switch
        self.home = folder / "home"
        self.configuration = folder / "configuration"
        self.calls = folder / "calls"
        self._entry = root / switch / "entry"
        programs = folder / "bin"
        programs.mkdir()
        program = programs / switch
        program.write_text(f'#!/bin/sh\necho "$$ $*" >> {shlex.quote(str(self.calls))}\nexec sleep 1000\n')
        program.chmod(0o755)
        (folder / "password").write_text("a password\n")
        self.environment = {
            "PATH": f"{programs}:{os.defpath}",
            "HOME": str(self.home),
            "FREESWITCH_MODULES": "/modules",
            "ASTERISK_FIXED": str(root / "asterisk"),
            "ASTERISK_MODULES": "/modules",
            "ASTERISK_DATA": "/data",
            "CONTROLPLANE_PATHS__CONFIGURATION": str(self.configuration),
            "CONTROLPLANE_EVENT_SOCKET__PORT": "8021",
            "CONTROLPLANE_EVENT_SOCKET__PASSWORD_FILE": str(folder / "password"),
        }

    def publish(self) -> Path:
        """Write what the switch reads first."""
        live = self.configuration / "live" / self.switch
        live.mkdir(parents=True)
        (live / _FIRST_FILE[self.switch]).touch()
        return live

    @contextmanager
    def started(self) -> Iterator[subprocess.Popen[str]]:
        """Start the script; what is left of it is ended."""
        process = subprocess.Popen(
            [str(self._entry)],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()

    def starts(self, count: int) -> list[list[str]]:
        """Wait until the switch was started `count` times; return its process ids and arguments."""
        deadline = time.monotonic() + 20
        while True:
            lines = self.calls.read_text().splitlines() if self.calls.exists() else []
            if len(lines) >= count:
                return [line.split() for line in lines]
            assert time.monotonic() < deadline, f"started {len(lines)} times"
            time.sleep(0.05)


@pytest.fixture(params=sorted(_FIRST_FILE))
def container(request: pytest.FixtureRequest, root: Path, tmp_path: Path) -> Container:
    """Return the container of each switch, not started."""
    return Container(root, tmp_path, request.param)


def test_a_switch_that_ends_is_started_again(container: Container) -> None:
    """The container goes on, and with it the network in which `calls` listens; SIGTERM ends both."""
    container.publish()
    with container.started() as process:
        ((first, *_),) = container.starts(1)
        os.kill(int(first), signal.SIGKILL)
        (_, (second, *_)) = container.starts(2)
        process.terminate()
        code = process.wait(20)

        assert (0, False) == (code, Path(f"/proc/{second}").exists())


def test_without_a_published_configuration_the_remedy_is_said(container: Container) -> None:
    """Nothing is started on an empty folder."""
    with container.started() as process:
        said, _ = process.communicate(timeout=20)

    assert (2, False) == (process.returncode, container.calls.exists())
    assert "controlplane publish --before-start" in said


def test_asterisk_gets_the_files_of_a_private_one(root: Path, tmp_path: Path) -> None:
    """File by file what `up` would write, in other places; and the same command."""
    container = Container(root, tmp_path, "asterisk")
    live = container.publish()
    tree = AsteriskTree(
        command=("asterisk",), version="20", modules=Path("/modules"), data=Path("/data"), installed=True
    )
    ours = tmp_path / "up"
    private = PrivateAsterisk(tree, home=ours, run_folder=ours / "run", live=live)
    private.configure()
    with container.started():
        ((_, *arguments),) = container.starts(1)

    def files(home: Path) -> dict[str, str]:
        return {path.name: path.read_text().replace(str(home), "HOME") for path in (home / "etc").iterdir()}

    assert files(ours) == files(container.home)
    assert [word.replace(str(ours), "HOME") for word in private.command[1:]] == [
        word.replace(str(container.home), "HOME") for word in arguments
    ]


def test_freeswitch_gets_the_command_of_a_private_one(root: Path, tmp_path: Path) -> None:
    """The same options and folders, and a log-in for `fs_cli` that only its user reads."""
    container = Container(root, tmp_path, "freeswitch")
    live = container.publish()
    tree = FreeswitchTree(
        program=Path("/usr/bin/freeswitch"),
        libraries=Path("/lib"),
        modules=Path("/modules"),
        version=(1, 10, 12),
    )
    private = PrivateFreeswitch(tree, home=tmp_path / "up", live=live, password="")
    with container.started():
        ((_, *arguments),) = container.starts(1)
    told = container.home / ".fs_cli_conf"

    def options(words: list[str], home: Path) -> set[str]:
        text = " ".join(word.replace(str(home), "HOME") for word in words)
        return set(re.split(r" (?=-)", text))

    assert options(list(private.command[1:]), tmp_path / "up") == options(arguments, container.home)
    assert "a password" in told.read_text()
    assert 0o600 == told.stat().st_mode & 0o777
