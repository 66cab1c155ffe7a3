"""Catalogues: which languages there are, and how they fall back."""

from __future__ import annotations

from pathlib import Path

import pytest
from controlplane.speech.catalogue import FOLDER, available_languages, load, nearest


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with English, and a British catalogue that only holds a difference."""
    (tmp_path / "en.toml").write_bytes((FOLDER / "en.toml").read_bytes())
    (tmp_path / "en-GB.toml").write_text('[prompts]\nenter-pin = "Please enter your pin, then hash."\n')
    return tmp_path


def test_the_languages_are_the_catalogues(folder: Path) -> None:
    """A language is available when its file is there."""
    assert ["en", "en-GB"] == available_languages(folder)


def test_english_is_there() -> None:
    """The product speaks English."""
    assert "en" in available_languages()


@pytest.mark.parametrize(
    ("tag", "language"),
    [("en", "en"), ("en-US", "en"), ("EN-gb", "en-GB"), ("en-GB-oxendict", "en-GB"), ("de", None)],
)
def test_a_tag_falls_back_along_itself(folder: Path, tag: str, language: str | None) -> None:
    """The nearest language along the tag is taken."""
    assert language == nearest(tag, folder)


def test_a_regional_catalogue_says_the_difference(folder: Path) -> None:
    """What a regional catalogue holds wins."""
    assert "Please enter your pin, then hash." == load("en-GB", folder).prompts["enter-pin"]


def test_a_regional_catalogue_keeps_the_rest(folder: Path) -> None:
    """What a regional catalogue does not hold is that of its language."""
    assert "Goodbye." == load("en-GB", folder).prompts["goodbye"]


def test_an_unknown_language_has_no_catalogue(folder: Path) -> None:
    """A language without file is refused."""
    with pytest.raises(LookupError, match="no catalogue for the language de"):
        load("de", folder)
