"""What is written to an AGI session: quoted so that Asterisk reads it back, or refused."""

from __future__ import annotations

import pytest
from controlplane.switches.asterisk.command import COMMAND_LIMIT, UnsendableArgument, encode_command
from hypothesis import given
from hypothesis import strategies as st
from tests.support.hostile import HOSTILE_TEXTS
from tests.support.scripted_agi import split_command


def test_arguments_are_quoted() -> None:
    """Every argument stands in quotes, numbers and empty ones too."""
    assert b'STREAM FILE "/a b/c" "" "0"\n' == encode_command("STREAM FILE", "/a b/c", "", 0)


def test_quotes_and_backslashes_are_escaped() -> None:
    """An argument cannot end its own quotes."""
    assert b'SET VARIABLE "X" "a\\"b\\\\"\n' == encode_command("SET VARIABLE", "X", 'a"b\\')


@pytest.mark.parametrize(
    "text",
    ["a\nHANGUP", "a\rb", "a\x00b", "a\tb", "\x1b", "\x7f", "a\u0085b", "a\u2028b", "a\u2029b", "\ud800"],
)
def test_control_characters_are_refused(text: str) -> None:
    """Nothing that could be a line's end, to any reader, is sent."""
    with pytest.raises(UnsendableArgument):
        encode_command("SET VARIABLE", "X", text)


@pytest.mark.parametrize("text", ["${system(id)}", "a${", "$[1+1]", "$${X}"])
def test_expansions_are_refused(text: str) -> None:
    """Nothing that a dialplan could evaluate is sent."""
    with pytest.raises(UnsendableArgument):
        encode_command("SET VARIABLE", "X", text)


@pytest.mark.parametrize("command", ["", "answer", "ANSWER\n", "STREAM  FILE", 'SAY "X"', "A B C D E"])
def test_command_is_made_of_capital_words(command: str) -> None:
    """A command's name cannot carry arguments."""
    with pytest.raises(UnsendableArgument):
        encode_command(command)


def test_longest_command_fits_the_oldest_buffer() -> None:
    """A command with its newline and Asterisk's final zero fits into 2,048 bytes; one more is refused."""
    longest = COMMAND_LIMIT - len(b'SET VARIABLE "X" ""\n') - 1

    assert COMMAND_LIMIT - 1 == len(encode_command("SET VARIABLE", "X", "a" * longest))
    with pytest.raises(UnsendableArgument):
        encode_command("SET VARIABLE", "X", "a" * (longest + 1))


def test_bytes_are_counted_and_not_characters() -> None:
    """A character may take four bytes of the buffer."""
    with pytest.raises(UnsendableArgument):
        encode_command("SET VARIABLE", "X", "\N{PILE OF POO}" * 600)


def test_refusal_does_not_quote_the_argument() -> None:
    """What is refused may be a caller's text, and stays out of logs."""
    with pytest.raises(UnsendableArgument) as refusal:
        encode_command("SET VARIABLE", "X", "secret${")

    assert "secret" not in str(refusal.value)


def _is_one_line_of(line: bytes, words: list[str]) -> bool:
    return line.count(b"\n") == 1 and line.endswith(b"\n") and split_command(line[:-1].decode()) == words


@pytest.mark.parametrize("text", HOSTILE_TEXTS)
def test_hostile_text_is_one_argument_or_refused(text: str) -> None:
    """Asterisk reads back exactly what was meant, if it gets it at all."""
    try:
        line = encode_command("SET VARIABLE", text, text)
    except UnsendableArgument:
        return

    assert _is_one_line_of(line, ["SET", "VARIABLE", text, text])


@given(st.lists(st.text(st.characters(), max_size=30), max_size=4))
def test_any_text_is_one_argument_or_refused(arguments: list[str]) -> None:
    """For all texts: one line, the same arguments, no expansion; or nothing."""
    try:
        line = encode_command("SET VARIABLE", *arguments)
    except UnsendableArgument:
        return

    assert _is_one_line_of(line, ["SET", "VARIABLE", *arguments])
    assert b"${" not in line
