"""Find a FreeSWITCH on this machine that is new enough to be run privately."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from controlplane.supervisor.faults import CannotStart

OLDEST = (1, 10, 12)
# Until then a frame of the event socket could end the whole switch.
FIXED_ON = date(2026, 8, 8)
_USUAL_PREFIXES = ("/usr/local/freeswitch", "/opt/freeswitch", "/usr/local", "/usr")
_NEEDED_MODULES = (
    "mod_sofia",
    "mod_event_socket",
    "mod_lua",
    "mod_dialplan_xml",
    "mod_sndfile",
    "mod_dptools",
    "mod_commands",
    "mod_tone_stream",
    "mod_hash",
    "mod_callcenter",
    "mod_loopback",
)
NATIVE_MODULES = ("mod_voicemail",)
"""What `CONTROLPLANE_FALLBACK=native` needs besides."""

_VERSION = re.compile(r"version:? (\d+)\.(\d+)\.(\d+)\S*")
_BUILT_ON = re.compile(r"(\d{4})-(\d{2})-(\d{2}) \d{2}:\d{2}")

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class FreeswitchTree:
    """A FreeSWITCH that can be run: its program, where its libraries and modules are, its version."""

    program: Path
    libraries: Path
    modules: Path
    version: tuple[int, int, int]

    @property
    def described(self) -> str:
        """What it is, for people."""
        return f"FreeSWITCH {'.'.join(map(str, self.version))} ({self.program})"


def find_freeswitch(
    environment: Mapping[str, str], *, progress: Progress, also_needed: Sequence[str] = ()
) -> FreeswitchTree:
    """Return the FreeSWITCH of FREESWITCH_PREFIX, else of PATH, else of the usual prefixes.

    `also_needed` are modules that settings ask for. What is older or lacks a module is passed
    over and told to `progress`. Raises CannotStart.
    """
    refused: list[str] = []
    for program in _candidates(environment):
        found = _examine(program, (*_NEEDED_MODULES, *also_needed))
        if isinstance(found, FreeswitchTree):
            _warn(program, progress)
            return found
        refused.append(found)
        progress(f"{found}: not used")
    otherwise = ", or set CONTROLPLANE_FALLBACK=record" if also_needed else ""
    if given := environment.get("FREESWITCH_PREFIX"):
        raise CannotStart(
            f"{refused[0]}: install a newer one, or one with all modules{otherwise}."
            if refused
            else f"FREESWITCH_PREFIX={given} has no bin/freeswitch: name the folder it was installed into."
        )
    raise CannotStart(
        f"No usable FreeSWITCH {'.'.join(map(str, OLDEST))} or later"
        f"{''.join(f' with {name}' for name in also_needed)} was found: install one{otherwise},"
        " name its folder in FREESWITCH_PREFIX, or choose --switch asterisk."
    )


def _candidates(environment: Mapping[str, str]) -> Iterator[Path]:
    """Yield programs that exist; a prefix that was given is the only one."""
    if given := environment.get("FREESWITCH_PREFIX"):
        places = [Path(given) / "bin" / "freeswitch"]
    else:
        on_path = shutil.which("freeswitch", path=environment.get("PATH"))
        places = [Path(on_path)] if on_path else []
        places += [Path(prefix) / "bin" / "freeswitch" for prefix in _USUAL_PREFIXES]
    seen: set[Path] = set()
    for place in places:
        if place.exists() and place.resolve() not in seen:
            seen.add(place.resolve())
            yield place.resolve()


def _examine(program: Path, needed: Sequence[str]) -> FreeswitchTree | str:
    """Return the installation of a program, or what is wrong with it."""
    prefix = program.parent.parent
    version = _VERSION.search(_version_text(program))
    if version is None:
        return f"{program} does not say its version"
    numbers = (int(version[1]), int(version[2]), int(version[3]))
    if numbers < OLDEST:
        return f"{program} is {'.'.join(map(str, numbers))}, not {'.'.join(map(str, OLDEST))} or later"
    folders = [
        prefix / "lib" / "freeswitch" / "mod",
        prefix / "lib64" / "freeswitch" / "mod",
        prefix / "mod",
        *sorted((prefix / "lib").glob("*-linux-gnu*/freeswitch/mod")),
    ]
    modules = next((folder for folder in folders if folder.is_dir()), None)
    if modules is None:
        return f"{program} has no folder of modules that we can find"
    missing = [name for name in needed if not (modules / f"{name}.so").exists()]
    if missing:
        return f"{program} lacks {', '.join(missing)}"
    return FreeswitchTree(program=program, libraries=prefix / "lib", modules=modules, version=numbers)


def _warn(program: Path, progress: Progress) -> None:
    """Tell of a build from before the security fixes; one without a date is told of as unknown."""
    built = _BUILT_ON.search(_version_text(program))
    if built is None:
        progress(f"{program} does not say when it was made: see that it has the fixes of {FIXED_ON}")
    elif date(int(built[1]), int(built[2]), int(built[3])) < FIXED_ON:
        progress(f"{program} is from before the security fixes of {FIXED_ON}: install a newer one")


def _version_text(program: Path) -> str:
    try:
        done = subprocess.run(
            [str(program), "-version"],
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=20,
            env={"LD_LIBRARY_PATH": str(program.parent.parent / "lib")},
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout
