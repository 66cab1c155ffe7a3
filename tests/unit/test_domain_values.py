"""PINs, numbers, languages and callers: what is accepted, what is refused, and in which words."""

from __future__ import annotations

import pickle

import pytest
from controlplane.domain.caller import MAX_LENGTH, Caller, clean
from controlplane.domain.errors import InvalidValue
from controlplane.domain.language import fallbacks, first_available, resolve
from controlplane.domain.numbers import Number, parse_feature_code
from controlplane.domain.pin import Pin, PinPolicy
from hypothesis import given
from hypothesis import strategies as st
from tests.support.hostile import HOSTILE_TEXTS


@pytest.mark.parametrize(
    ("digits", "error_id"),
    [
        ("12a4", "pin-not-digits"),
        ("١٢٣٤", "pin-not-digits"),
        ("", "pin-not-digits"),
        ("274", "pin-too-short"),
        ("1" * 33, "pin-too-long"),
        ("7777", "pin-one-digit"),
        ("1234", "pin-run"),
        ("98765", "pin-run"),
        ("8001", "pin-is-number"),
        ("48001", "pin-is-number"),
    ],
)
def test_easy_pins_are_refused_by_their_rule(digits: str, error_id: str) -> None:
    """Each rule has an error of its own, which never holds the PIN."""
    with pytest.raises(InvalidValue) as refused:
        PinPolicy().check(Pin(digits), number="548001" if digits == "48001" else "8001")

    assert refused.value.error_id == error_id
    assert not digits or digits not in refused.value.sentence


@pytest.mark.parametrize("digits", ["2749", "1357", "112233", "0000001", "9012"])
def test_other_pins_are_accepted(digits: str) -> None:
    """What breaks no rule is a PIN."""
    PinPolicy().check(Pin(digits), number="8001")


@given(st.integers(4, 12), st.integers(4, 12))
def test_made_pins_obey_the_rules(shortest: int, made: int) -> None:
    """A PIN that we make is accepted, also where more digits are asked for than are usually made."""
    policy = PinPolicy(min_length=shortest, generated_length=made)
    pin = policy.generate(number="8001")
    policy.check(pin, number="8001")

    assert len(pin.reveal()) == max(shortest, made)


def test_a_pin_does_not_show_itself() -> None:
    """Neither print nor repr nor an f-string nor pickle gives a PIN away."""
    pin = Pin("274951")

    assert [str(pin), repr(pin), f"{pin}"] == ["***"] * 3
    with pytest.raises(TypeError):
        pickle.dumps(pin)


@pytest.mark.parametrize(
    "text", ["12", "1" * 65, "12a", "*56", "", " 800", "\uff18\uff10\uff10\uff11", "800\n"]
)
def test_no_number(text: str) -> None:
    """A number has 3 to 64 ASCII digits and nothing else."""
    with pytest.raises(InvalidValue) as refused:
        Number.parse(text, field="number")

    assert (refused.value.error_id, refused.value.field) == ("invalid-number", "number")


@pytest.mark.parametrize("text", ["*", "56", "*56789", "****1", "*5a", "#*#*1"])
def test_no_feature_code(text: str) -> None:
    """A feature code is one to three of * and #, then up to four digits, 2 to 7 characters."""
    with pytest.raises(InvalidValue):
        parse_feature_code(text)


@pytest.mark.parametrize(
    ("tag", "language"), [("en", "en"), ("en-GB", "en"), ("EN-us", "en"), ("de-AT-1996", "de"), ("DE", "de")]
)
def test_a_language_falls_back_along_its_tag(tag: str, language: str) -> None:
    """The nearest available language is taken, whatever the case."""
    assert resolve(tag, ["de", "en"]) == language


@pytest.mark.parametrize(
    ("tag", "error_id"),
    [("fr", "language-without-prompts"), ("english please", "invalid-language"), ("", "invalid-language")],
)
def test_no_language(tag: str, error_id: str) -> None:
    """A tag without prompts and a text that is no tag are told apart."""
    with pytest.raises(InvalidValue) as refused:
        resolve(tag, ["de", "en"])

    assert refused.value.error_id == error_id


@pytest.mark.parametrize(
    ("tags", "language"),
    [
        (("de-AT", "fr"), "de"),
        ((None, "pt-br"), "pt-BR"),
        (("fr", "DE"), "de"),
        (("not a tag", "", None), "en"),
        ((), "en"),
    ],
)
def test_the_first_wanted_language_that_is_available(tags: tuple[str | None, ...], language: str) -> None:
    """Each wanted tag is tried along itself, in order; English is the last resort."""
    assert first_available(tags, ["de", "en", "pt-BR"]) == language


def test_fallbacks_of_a_tag() -> None:
    """A tag loses its last part step by step."""
    assert fallbacks("zh-Hant-TW") == ["zh-Hant-TW", "zh-Hant", "zh"]


@pytest.mark.parametrize("text", HOSTILE_TEXTS)
def test_a_cleaned_text_is_one_printable_line(text: str) -> None:
    """Whatever a caller sends becomes one line of at most 128 characters that can be stored and sent."""
    cleaned = clean(text)

    assert cleaned.encode() or not cleaned
    assert len(cleaned) <= MAX_LENGTH
    assert cleaned.isprintable()
    assert cleaned == clean(cleaned)


@pytest.mark.parametrize(
    ("number", "name", "label"),
    [
        ("101", "Alice", "Alice <101>"),
        ("101", "101", "101"),
        ("101", None, "101"),
        ("anonymous", "Unknown", ""),
        (None, "Alice", "Alice"),
    ],
)
def test_label_of_a_caller(number: str | None, name: str | None, label: str) -> None:
    """People read the name and the number, or what there is."""
    assert Caller.of(number, name).label == label


def test_number_in_place_of_a_name_is_none() -> None:
    """A switch that says the number for a missing name says as much as one that says nothing."""
    assert Caller.of(" 101", "101") == Caller.of("101", None)


@pytest.mark.parametrize(
    ("number", "spoken"),
    [("102", "102"), ("+49301234567", "49301234567"), ("alice", ""), ("1" * 21, ""), ("١٠٢", "")],
)
def test_number_that_can_be_spoken(number: str, spoken: str) -> None:
    """Only plain digits are spoken."""
    assert Caller.of(number, "").speakable_number == spoken
