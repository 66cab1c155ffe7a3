"""What each language says, written by hand: `tests/unit/said/<language>.toml`.

Neither our catalogues nor Babel are asked here: a mistake of theirs is to be seen.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "unit" / "said"
_KEYS = {digit: digit for digit in "0123456789"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """What a language says.

    `prompts` are the fixed sentences by their keys, `said` the sentences of each other utterance by its name,
    `digits` the parts of 0123456789, `keys` what a menu calls a key, `errors` mistakes by name: what stands
    in the catalogue, and what by mistake.
    """

    prompts: dict[str, str]
    said: dict[str, list[str]]
    digits: list[str]
    keys: dict[str, str]
    errors: dict[str, tuple[str, str]]


def _read(path: Path) -> Table:
    found = tomllib.loads(path.read_text(encoding="utf-8"))
    return Table(
        prompts=found["prompts"],
        said=found["said"],
        digits=found["digits"],
        keys={**_KEYS, **found["keys"]},
        errors={name: (right, wrong) for name, (right, wrong) in found["errors"].items()},
    )


TABLES = {path.stem: _read(path) for path in sorted(FOLDER.glob("*.toml"))}
"""The tables by language."""
