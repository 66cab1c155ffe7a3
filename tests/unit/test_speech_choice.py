"""Which languages may be chosen: those with sentences and a voice."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from controlplane.domain.errors import InvalidValue
from controlplane.speech.catalogue import available_languages
from controlplane.speech.choice import choose_language, offered_languages
from controlplane.speech.engines import Engine
from tests.support.speech_engines import HummingEngine


def _only_german(language: str) -> Sequence[Engine]:
    return [HummingEngine()] if language == "de" else []


def test_all_languages_are_offered() -> None:
    """With the extra `speech` every language has a voice."""
    assert available_languages() == offered_languages()


def test_a_language_with_a_voice_is_chosen_along_its_tag() -> None:
    """Swiss German is German where there is nothing nearer."""
    assert "de" == choose_language("de-CH", engines=_only_german)


def test_a_language_without_a_voice_is_refused_with_words() -> None:
    """It has sentences, but nothing that says them: what to do, and what may be chosen instead."""
    with pytest.raises(
        InvalidValue, match=r"No voice for ru is installed\. .* choose one of: de\."
    ) as refused:
        choose_language("ru-RU", field="prompt", engines=_only_german)

    assert ("language-without-voice", "prompt") == (refused.value.error_id, refused.value.field)


def test_a_language_without_sentences_is_refused_as_before() -> None:
    """What has no catalogue is told apart from what has no voice."""
    with pytest.raises(InvalidValue) as refused:
        choose_language("xx", engines=_only_german)

    assert "language-without-prompts" == refused.value.error_id


def test_where_nothing_speaks_at_all_another_process_does() -> None:
    """A host without any engine offers what has sentences: who speaks them is elsewhere."""
    assert "ru" == choose_language("ru", engines=lambda _language: [])
    assert available_languages() == offered_languages(lambda _language: [])
