"""How a message got into its mailbox, in the words of mails and pages."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from babel import Locale, units

from controlplane.domain.caller import clean
from controlplane.domain.message import ReachedBy, ReachedStep


def way_in_words(way: ReachedBy, names: Mapping[str, str], *, locale: Locale) -> str:
    """Return the way, one part after the other; empty when the mailbox was dialled.

    `names` are display names by number; `locale` is one that has a catalogue of mails, else English is said.
    """
    words = _words(locale.language)
    parts = [] if way.did is None else [words["did"].format(did=clean(way.did))]
    parts += [_step(step, names, words, locale) for step in way.path]
    and_then: str = words["and-then"]
    return and_then.join(parts)


@cache
def _words(language: str) -> dict[str, Any]:
    folder = Path(__file__).parent / "catalogues"
    path = folder / f"{language}.toml"
    found = tomllib.loads((path if path.is_file() else folder / "en.toml").read_text(encoding="utf-8"))
    words: dict[str, Any] = found["reached-by"]
    return words


def _step(step: ReachedStep, names: Mapping[str, str], words: Mapping[str, Any], locale: Locale) -> str:
    name = names.get(step.number, "")
    number = clean(step.number)
    named = words["named"].format(name=clean(name), number=number) if name else number
    kind = words["kinds"].get(step.kind, words["kinds"]["other"])
    said = [kind.format(named=named)]
    if step.key:
        said.append(words["key"].format(key=clean(step.key)))
    elif reason := words["reasons"].get(step.reason.value):
        said.append(reason)
    if step.waited_seconds and not step.key:
        said.append(words["after"].format(duration=_duration(step.waited_seconds, locale)))
    return ", ".join(said)


def _duration(seconds: int, locale: Locale) -> str:
    minutes, rest = divmod(seconds, 60)
    parts = [
        units.format_unit(count, f"duration-{unit}", length="short", locale=locale)
        for count, unit in ((minutes, "minute"), (rest, "second"))
        if count
    ]
    return " ".join(parts)
