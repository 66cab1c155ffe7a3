"""What stands in for the images: the programs that a container would have, from this machine.

Our own image is this checkout; a switch's is the found or unpacked one, started by the image's own
entry script; the database's is the embedded PostgreSQL, and the mail catcher's a real SMTP server.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from controlplane.supervisor.asterisk_tree import cache_folder, find_or_unpack
from controlplane.supervisor.freeswitch_tree import find_freeswitch
from tests.support.compose_file import ROOT

_SYSTEM = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """How a container of an image begins: its entry point, its PATH and what else it sets.

    Paths in `environment` are those of the container, unless the file exists here alone.
    """

    entry_point: tuple[str, ...]
    programs: Path
    environment: Mapping[str, str]

    def program(self, words: list[str]) -> list[str]:
        """Return a command with its program where it is here."""
        found = shutil.which(Path(words[0]).name, path=f"{self.programs}:{_SYSTEM}")
        assert found is not None, f"{words[0]} is in no image"
        return [found, *words[1:]]

    @property
    def path(self) -> str:
        """What PATH is in it."""
        return f"{self.programs}:{_SYSTEM}"


def images(folder: Path, switch: str, *, postgres_port: int, mails: Path) -> dict[str, Image]:
    """Make the programs of each image in `folder`; return the images by their names in the file."""
    return {
        "shared-voicemail": _ours(folder / "ours"),
        "postgres": _stand_in(
            folder / "postgres", "tests.support.stand_in_postgres", postgres_port, "docker-entrypoint.sh"
        ),
        "axllent/mailpit": _stand_in(folder / "mail", "tests.support.stand_in_mail", mails, "mailpit"),
        f"shared-voicemail-{switch}": (_freeswitch if switch == "freeswitch" else _asterisk)(folder / switch),
    }


def declared(context: str, directive: str) -> str:
    """Return what the Dockerfile of a context says last for a directive."""
    text = (ROOT / context / "Dockerfile").read_text().replace("\\\n", " ")
    return re.findall(rf"^{directive} (.*)$", text, re.MULTILINE)[-1]


def _variables(context: str) -> dict[str, str]:
    return dict(pair.split("=", 1) for pair in shlex.split(declared(context, "ENV")))


def _ours(folder: Path) -> Image:
    _script(folder / "controlplane", f'{_python("controlplane.entrypoints.cli")} "$@"')
    return Image(entry_point=("controlplane",), programs=folder, environment={"HOME": "/tmp"})


def _stand_in(folder: Path, module: str, fact: object, name: str) -> Image:
    program = _python(module, str(fact))
    _script(folder / name, f'{program} "$@"')
    if name == "docker-entrypoint.sh":
        _script(folder / "pg_isready", f'{program} pg_isready "$@"')
    return Image(entry_point=(name,), programs=folder, environment={})


def _freeswitch(folder: Path) -> Image:
    tree = find_freeswitch(os.environ, progress=lambda _: None)
    folder.mkdir(parents=True)
    for name in ("freeswitch", "fs_cli"):
        (folder / name).symlink_to(tree.program.parent / name)
    _scripts_of("freeswitch", folder)
    ours = {"FREESWITCH_MODULES": str(tree.modules), "LD_LIBRARY_PATH": str(tree.libraries)}
    return Image(entry_point=("entry",), programs=folder, environment=_variables("freeswitch") | ours)


def _asterisk(folder: Path) -> Image:
    tree = find_or_unpack(cache_folder(os.environ), progress=lambda _: None)
    _script(folder / "asterisk", f'exec {shlex.join(tree.command)} "$@"')
    _scripts_of("asterisk", folder)
    ours = {
        "ASTERISK_FIXED": str(ROOT / "asterisk"),
        "ASTERISK_MODULES": str(tree.modules),
        "ASTERISK_DATA": str(tree.data),
    }
    return Image(entry_point=("entry",), programs=folder, environment=_variables("asterisk") | ours)


def _scripts_of(context: str, folder: Path) -> None:
    for name in ("entry", "healthy"):
        (folder / name).symlink_to(ROOT / context / name)


def _python(*words: str) -> str:
    return f"PYTHONPATH={shlex.quote(str(ROOT))} exec {shlex.join([sys.executable, '-m', *words])}"


def _script(path: Path, line: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{line}\n")
    path.chmod(0o755)
