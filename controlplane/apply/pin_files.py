"""PINs that stand in files of their own, beside the file of a tenant."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

STANDARD_INPUT: Final = (
    "No PIN is read from the standard input: it says whether to apply, or is the file itself. "
    "Name a file (./- if it has this name), or write `pin: ${NAME}` and set NAME in the environment."
)
_MAX_BYTES: Final = 256


class UnreadablePinFile(Exception):
    """A file holds no PIN; the sentence quotes nothing of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PinFile:
    """What a file holds, and a sentence if anybody may read it."""

    pin: str
    warning: str | None


def read_pin_file(name: str, folder: Path) -> PinFile:
    """Read the PIN of a file, whose path is relative to `folder`; raises UnreadablePinFile.

    It is the first line and the only one.
    """
    if name == "-":
        raise UnreadablePinFile(STANDARD_INPUT)
    path = folder / name
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            data = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise UnreadablePinFile(f"{path} cannot be read ({error.strerror}).") from error
    except ValueError as error:
        raise UnreadablePinFile("This is no path of a file.") from error
    pin = data.removesuffix(b"\n").removesuffix(b"\r")
    if len(data) > _MAX_BYTES or not pin.isdigit():
        raise UnreadablePinFile(f"{path} does not hold a PIN: one line, of digits and nothing else.")
    is_open = stat.S_ISREG(mode) and mode & stat.S_IROTH
    warning = f"Everybody on this machine may read {path}: chmod 600 it." if is_open else None
    return PinFile(pin=pin.decode("ascii"), warning=warning)
