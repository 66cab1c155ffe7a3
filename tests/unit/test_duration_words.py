"""Minutes and seconds as a language writes them, also one whose data have no long form."""

from __future__ import annotations

import pytest
from babel import Locale
from controlplane.domain.duration_words import written_duration


@pytest.mark.parametrize(
    ("language", "minutes", "seconds"),
    [
        ("en", ["1 minute", "3 minutes"], ["1 second", "3 seconds"]),
        ("ru", ["1 минута", "3 минуты"], ["1 секунда", "3 секунды"]),
        ("vi", ["1 phút", "3 phút"], ["1 giây", "3 giây"]),
        ("ja", ["1 分", "3 分"], ["1 秒", "3 秒"]),
    ],
)
def test_a_length_has_the_words_of_its_language(
    language: str, minutes: list[str], seconds: list[str]
) -> None:
    """The long form with its plural; the only form where there is one."""
    locale = Locale.parse(language)

    assert minutes == [written_duration(count, "minute", locale) for count in (1, 3)]
    assert seconds == [written_duration(count, "second", locale) for count in (1, 3)]
