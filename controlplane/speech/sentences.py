"""From an utterance to the sentences that say it in a language; pure text."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import datetime
from typing import assert_never

from babel import Locale, dates

from controlplane.callflows.prompts import (
    AudioFile,
    ByColleague,
    Deed,
    FromNumber,
    Greeting,
    MessageCounts,
    MessageLength,
    OwnWords,
    Prompt,
    ReceivedAt,
    SentOnBy,
    Tone,
    Utterance,
)
from controlplane.domain.colleague import Colleague
from controlplane.domain.duration_words import written_duration
from controlplane.domain.mailbox import SayDatetime
from controlplane.speech.catalogue import Catalogue

MOST_COUNTED = 99
"""Numbers above it are said as `more than 99`."""

_MAX_NAME = 80
_SPOKEN_MARKS = frozenset("'\u2019.,&+-/")
_MARKS_OF_SENTENCES = _SPOKEN_MARKS | frozenset("?!:;%")
_END_OF_SENTENCE = re.compile(r"(?<=[.!?])\s+")
_MAX_SENTENCE = 300
_FIRST_TWO_DIGIT_MINUTE = 10


def sentences(utterance: Utterance, catalogue: Catalogue) -> list[str]:
    """Return the sentences that say an utterance, in order; [] for what is not speech."""
    match utterance:
        case Prompt():
            return [catalogue.prompts[utterance.value]]
        case Greeting():
            if utterance.text is not None and (said := own_words(utterance.text)):
                return said
            return [greeting(utterance.display_name, catalogue)]
        case OwnWords():
            return own_words(utterance.text)
        case MessageCounts():
            return [
                count(kind, number, catalogue)
                for kind, number in (("new", utterance.new), ("saved", utterance.saved))
                if number > 0
            ]
        case FromNumber():
            digits = grouped(only_digits(utterance.number))
            return [catalogue.from_number["text"].format(digits=digits)] if digits else []
        case ReceivedAt():
            return received(utterance, catalogue)
        case SentOnBy():
            return sent_on_by(utterance, catalogue)
        case ByColleague():
            return by_colleague(utterance, catalogue)
        case MessageLength():
            return [length(utterance.seconds, catalogue)]
        case Tone() | AudioFile():
            return []
    assert_never(utterance)


def fixed(catalogue: Catalogue) -> list[str]:
    """Return every sentence that can be made before the first call, each once."""
    return list(dict.fromkeys(named(catalogue).values()))


def named(catalogue: Catalogue) -> dict[str, str]:
    """Return every sentence that can be made before the first call, by the name of its recording."""
    prompts = {prompt.value: catalogue.prompts[prompt.value] for prompt in Prompt}
    digits = {f"digit-{digit}": said for digit, said in catalogue.digits.items()}
    counted = {
        f"{kind}-{number if number <= MOST_COUNTED else 'more'}": count(kind, number, catalogue)
        for kind in ("new", "saved")
        for number in range(1, MOST_COUNTED + 2)
    }
    colleagues = {
        f"colleague-{by}-{deed}-{place}": part
        for by, texts in catalogue.colleagues.items()
        for deed in Deed
        for place, part in zip(("before", "after"), _around_who(texts[deed.value]), strict=True)
        if part
    }
    return {**prompts, "from-number": catalogue.from_number["start"], **digits, **counted, **colleagues}


def spelled(number: str, catalogue: Catalogue) -> list[str]:
    """Return the fixed sentences that say a number digit by digit; [] if it has none."""
    digits = only_digits(number)
    return [catalogue.from_number["start"], *(catalogue.digits[digit] for digit in digits)] if digits else []


def by_colleague(utterance: ByColleague, catalogue: Catalogue) -> list[str]:
    """Say which colleague did what, in parts: what is around a name, and the name or digits.

    One who has neither that can be spoken did it without a name, and so did somebody from outside.
    """
    deed, who = utterance.deed, utterance.who
    if who.outside:
        return [catalogue.colleagues["outside"][deed.value]]
    digits = [catalogue.digits[digit] for digit in only_digits(who.extension or "")]
    said = digits or name_of(who)
    if not said:
        return [catalogue.prompts[deed.by_somebody.value]]
    before, after = _around_who(catalogue.colleagues["extension" if digits else "name"][deed.value])
    return [part for part in (before, *said, after) if part]


def name_of(who: Colleague) -> list[str]:
    """Return the part that is a colleague's name; [] if nothing of it can be spoken."""
    name = speakable(who.name or "")
    return [f"{name}."] if name else []


def _around_who(text: str) -> tuple[str, str]:
    """Return what stands before and after the name; empty where it is but a full stop."""
    before, _, after = (part.strip() for part in text.partition("{who}"))
    return before, after if _is_speech(after) else ""


def greeting(display_name: str, catalogue: Catalogue) -> str:
    """Return the greeting of a mailbox; one without a name if nothing of it can be spoken."""
    name = speakable(display_name)
    if not name:
        return catalogue.prompts[Prompt.GREETING_STANDARD.value]
    return catalogue.greeting["text"].format(name=name)


def count(kind: str, number: int, catalogue: Catalogue) -> str:
    """Say how many messages there are; `kind` is new or saved, `number` above zero."""
    forms, words = catalogue.counts[kind], catalogue.counts.get("numbers", {})
    if number > MOST_COUNTED:
        return forms["more"].format(count=_numeral(MOST_COUNTED, words))
    form: str = catalogue.locale.plural_form(number)
    said = forms.get(form, forms["other"]).format(count=_numeral(number, words))
    return said[:1].upper() + said[1:]


def received(utterance: ReceivedAt, catalogue: Catalogue) -> list[str]:
    """Say date and time in two parts, so that few recordings serve many messages; [] for `off`."""
    if utterance.clock is SayDatetime.OFF:
        return []
    at, words, locale = utterance.at, catalogue.received, catalogue.locale
    numerals = {
        "weekday": _numeral(at.isoweekday(), words.get("weekdays", {})),
        "day": _numeral(at.day, words.get("days", {})),
        "hour": _numeral(_hour(at.hour, utterance.clock), words.get("hours", {})),
        "next": _numeral(_hour(at.hour + 1, utterance.clock), words.get("next-hours", {})),
        "minute": _numeral(at.minute, words.get("minutes", {})),
    }
    date = dates.format_date(at, words["date-pattern"], locale=locale)
    time = dates.format_time(
        at.replace(tzinfo=None), _time_pattern(at, words[utterance.clock.value]), locale=locale
    )
    return [
        words["date"].format(date=date.format(**numerals)),
        words["time"].format(time=time.format(**numerals)),
    ]


def sent_on_by(utterance: SentOnBy, catalogue: Catalogue) -> list[str]:
    """Say which object sent a caller on, and after how long; [] for a kind that has no words.

    The time is rounded, so that few recordings serve many messages: to 10 seconds, then to minutes.
    """
    words = catalogue.sent_on_by
    text = words.get(utterance.kind)
    if text is None:
        return []
    said = [text.format(name=speakable(utterance.name) or grouped(only_digits(utterance.name)))]
    if utterance.seconds:
        minutes = round(utterance.seconds / 60)
        seconds = max(10, round(utterance.seconds / 10) * 10)
        count, unit = (minutes, "minute") if seconds >= 60 else (seconds, "second")  # noqa: PLR2004 (a minute)
        duration = _duration(count, unit, words, catalogue.locale)
        one = (count, unit) == (1, "minute")
        said.append(words["after-one-minute"] if one else words["after"].format(duration=duration))
    return said


def length(seconds: int, catalogue: Catalogue) -> str:
    """Say how long something is, in minutes and seconds, at least one second."""
    parts = zip(divmod(max(1, seconds), 60), ("minute", "second"), strict=True)
    said = [_duration(count, unit, catalogue.length, catalogue.locale) for count, unit in parts if count]
    return str(catalogue.length["text"]).format(duration=", ".join(said))


def _duration(count: int, unit: str, words: Mapping[str, Mapping[str, str]], locale: Locale) -> str:
    """Say so many minutes or seconds: by the word for this number, where there is one."""
    written = " ".join(written_duration(count, unit, locale).split())
    return words.get(f"{unit}s", {}).get(str(count), written)


def _time_pattern(at: datetime, patterns: Mapping[str, str]) -> str:
    """Return the pattern for this very minute, else this hour, this minute of any hour, its part of one."""
    if at.minute == 0:
        asked = [f"{at:%H:%M}", "hour"]
    else:
        part = "early" if at.minute < _FIRST_TWO_DIGIT_MINUTE else "later"
        asked = [f"{at:%H:%M}", f"{at:%H}", f":{at:%M}", part]
    return next(patterns[name] for name in asked if name in patterns)


def _hour(hour: int, clock: SayDatetime) -> int:
    return hour if clock is SayDatetime.H24 else hour % 12 or 12


def _numeral(number: int, words: Mapping[str, str]) -> str:
    """Return the word for a number in this place, such as an ordinal; else its digits."""
    return words.get(str(number), str(number))


def only_digits(number: str) -> str:
    """Keep the ASCII digits of a number, at most 20 of them."""
    return "".join(char for char in number if char in "0123456789")[:20]


def grouped(digits: str) -> str:
    """Write digits to be spoken one by one, with a short stop after each three: `2 0 2, 5 5 5, 0 1 2 3`."""
    groups = [" ".join(digits[start : start + 3]) for start in range(0, len(digits), 3)]
    if len(digits) > 3 and len(digits) % 3 == 1:  # noqa: PLR2004 (no group has a single digit)
        last = groups.pop()
        groups[-1] += f" {last}"
    return ", ".join(groups)


def speakable(name: str) -> str:
    """Make a name safe and sensible to speak: letters, digits and a few marks, at most 80 characters.

    Brackets, for example, would be read as phonemes or markup by some engines.
    """
    line = _kept(name, _SPOKEN_MARKS)[:_MAX_NAME].strip(" .,-/")
    return line if _is_speech(line) else ""


def own_words(text: str) -> list[str]:
    """Make a text of somebody's safe to speak, sentence by sentence; [] if nothing of it can be spoken.

    Each is short enough for an engine, and is spoken once where several texts share it.
    """
    parts: list[str] = []
    for sentence in _END_OF_SENTENCE.split(_kept(text, _MARKS_OF_SENTENCES)):
        words, part = sentence.split(), ""
        for word in words:
            if part and len(part) + len(word) >= _MAX_SENTENCE:
                parts.append(part)
                part = ""
            part = f"{part} {word[:_MAX_SENTENCE]}".strip()
        parts.append(part)
    return [part for part in parts if _is_speech(part)]


def _kept(text: str, marks: frozenset[str]) -> str:
    kept = "".join(
        char if char in marks or unicodedata.category(char)[0] in "LNM" else " "
        for char in unicodedata.normalize("NFKC", text)
    )
    return " ".join(kept.split())


def _is_speech(text: str) -> bool:
    return any(unicodedata.category(char)[0] in "LN" for char in text)
