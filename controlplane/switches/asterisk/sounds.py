"""How Asterisk names sound files."""

from __future__ import annotations

from pathlib import Path


def sound_name(path: Path) -> str:
    """Return the name that Asterisk wants: absolute, without the extension of the format.

    Raises ValueError for another path.
    """
    if not path.is_absolute() or path.suffix != ".wav":
        raise ValueError("A sound file is an absolute path that ends in .wav.")
    return str(path.with_suffix(""))
