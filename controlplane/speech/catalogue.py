"""The message catalogues: what is said in each language, as templates with CLDR plurals."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from babel import Locale

from controlplane.domain import language as languages

FOLDER = Path(__file__).parent / "catalogues"


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """The sentences of one language; a table of the file keeps its name here."""

    language: str
    prompts: dict[str, str]
    greeting: dict[str, str]
    counts: dict[str, dict[str, str]]
    from_number: dict[str, str]
    digits: dict[str, str]
    colleagues: dict[str, dict[str, str]]
    received: dict[str, Any]
    sent_on_by: dict[str, Any]
    length: dict[str, Any]

    @property
    def locale(self) -> Locale:
        """The rules of the language for plurals and dates."""
        return Locale.parse(self.language, sep="-")


def available_languages(folder: Path = FOLDER) -> list[str]:
    """List the languages that have a catalogue, in order of their tags."""
    return sorted(path.stem for path in folder.glob("*.toml"))


def nearest(tag: str, folder: Path = FOLDER) -> str | None:
    """Return the available language nearest along the tag (`en-GB` gives `en`), or None."""
    return languages.nearest(tag, available_languages(folder))


def load(language: str, folder: Path = FOLDER) -> Catalogue:
    """Read the catalogue of an available language.

    A catalogue such as `en-GB` need only hold what differs from that of `en`. Raises LookupError
    if there is none, ValueError or KeyError for a broken one.
    """
    if language not in available_languages(folder):
        raise LookupError(f"there is no catalogue for the language {language}")
    tables: dict[str, Any] = {}
    for step in reversed(languages.fallbacks(language)):
        path = folder / f"{step}.toml"
        if path.is_file():
            tables = _merge(tables, tomllib.loads(path.read_text(encoding="utf-8")))
    return Catalogue(
        language=language,
        prompts=tables["prompts"],
        greeting=tables["greeting"],
        counts=tables["counts"],
        from_number=tables["from-number"],
        digits=tables["digits"],
        colleagues=tables["colleagues"],
        received=tables["received"],
        sent_on_by=tables["sent-on-by"],
        length=tables["length"],
    )


def _merge(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        merged[key] = _merge(merged.get(key, {}), value) if isinstance(value, dict) else value
    return merged
