"""What is written to an Event Socket: whole commands, and nothing that means more than it says."""

from __future__ import annotations

import pytest
from controlplane.switches.freeswitch.command import (
    COMMAND_LIMIT,
    UnsendableArgument,
    encode_command,
    encode_execute,
    word,
)
from hypothesis import given
from hypothesis import strategies as st
from tests.support.hostile import HOSTILE_TEXTS


def test_command_ends_by_an_empty_line() -> None:
    """A command is one line."""
    assert b"api uuid_exists 1-2\n\n" == encode_command("api uuid_exists 1-2")


def test_application_is_run_by_a_message() -> None:
    """Its argument is one header line."""
    assert (
        b"sendmsg\ncall-command: execute\nexecute-app-name: playback\nexecute-app-arg: /a.wav@@80\n\n"
        == encode_execute("playback", "/a.wav@@80")
    )


def test_application_without_argument_has_no_such_line() -> None:
    """Nothing is not an empty argument."""
    assert b"sendmsg\ncall-command: execute\nexecute-app-name: answer\n\n" == encode_execute("answer")


@pytest.mark.parametrize(
    "text",
    ["a\nexit", "a\rb", "a\x00b", "a\tb", "\x1b", "\x7f", "a\u0085b", "a\u2028b", "a\u2029b", "\ud800"],
)
def test_control_characters_are_refused(text: str) -> None:
    """Nothing that could be a line's end, to any reader, is sent."""
    with pytest.raises(UnsendableArgument):
        encode_command(f"api {text}")
    with pytest.raises(UnsendableArgument):
        encode_execute("set", text)


@pytest.mark.parametrize("text", ["${system(id)}", "a${", "$[1+1]", "$${X}"])
def test_expansions_are_refused(text: str) -> None:
    """Nothing that FreeSWITCH could evaluate is sent."""
    with pytest.raises(UnsendableArgument):
        encode_execute("set", f"a={text}")


@pytest.mark.parametrize("name", ["", "a b", "a:b", "1", "a\n", "ä"])
def test_field_has_a_plain_name(name: str) -> None:
    """A name cannot carry a value."""
    with pytest.raises(UnsendableArgument):
        encode_command("sendmsg", [(name, "x")])


def test_empty_command_is_refused() -> None:
    """An empty line is the end of a command."""
    with pytest.raises(UnsendableArgument):
        encode_command("")


def test_command_has_a_limit() -> None:
    """Bytes are counted, and not characters."""
    assert encode_command("a" * (COMMAND_LIMIT - 2))
    with pytest.raises(UnsendableArgument):
        encode_command("ü" * (COMMAND_LIMIT // 2))


@pytest.mark.parametrize("text", ["/spool/a-b_c.1.wav", "101", "none", "7b0cd6a4-7a3c", "#", "*", "ü"])
def test_plain_word_is_itself(text: str) -> None:
    """Paths, numbers and keys are sent as they stand."""
    assert text == word(text)


@pytest.mark.parametrize(
    "text", ["", "a b", "a'b", 'a"b', "a\\b", "a!b", "a;b", "a,b", "{a}", "[a]", "$a", "^^:a"]
)
def test_word_with_a_meaning_is_refused(text: str) -> None:
    """Blanks and quotes split, braces and exclamation marks mean options and lists."""
    with pytest.raises(UnsendableArgument):
        word(text)


@given(st.one_of(st.sampled_from(HOSTILE_TEXTS), st.text()))
def test_whatever_is_sent_is_one_command(text: str) -> None:
    """A text is refused, or stands in its line."""
    try:
        sent = encode_execute("set", f"a={text}")
    except UnsendableArgument:
        return

    assert (1, b"\n\n") == (sent.count(b"\n\n"), sent[-2:])
    assert 4 == sent.removesuffix(b"\n").count(b"\n")


@pytest.mark.parametrize("text", ["marker x", "marker\n", "marker${x}"])
def test_refusal_quotes_nothing(text: str) -> None:
    """The text of an error never holds the argument."""
    with pytest.raises(UnsendableArgument) as refusal:
        word(text)

    assert "marker" not in str(refusal.value)
