"""Digests of rendered trees, and the reading of configuration files."""

from __future__ import annotations

import pytest
from controlplane.rendering.check import check_file, parse
from controlplane.rendering.escape import RenderingError, label, word
from controlplane.rendering.tree import digest_of
from hypothesis import given
from hypothesis import strategies as st


@given(
    first=st.dictionaries(st.text("ab"), st.text("ab")), second=st.dictionaries(st.text("ab"), st.text("ab"))
)
def test_only_equal_trees_have_equal_digests(first: dict[str, str], second: dict[str, str]) -> None:
    """Neither a moved border between name and text nor another order is the same tree or another one."""
    assert (first == second) == (digest_of(first) == digest_of(second))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[a]\nx=1\ny => 2 ; comment\n", [("a", [("x", "1"), ("y", "2")])]),
        ("[a](!)\nx=a\\;b\n[b](a)\n", [("a", [("x", "a;b")]), ("b", [])]),
        ("; nothing\n", []),
    ],
)
def test_a_file_is_read_like_asterisk_does(text: str, expected: list[object]) -> None:
    """Sections, settings, comments and escaped semicolons."""
    assert expected == parse(text)


@pytest.mark.parametrize(
    "text",
    ["x=1\n", "[a\nx=1\n", "[a]\nx\n", '#include "x=1"\n', "[a]\n#exec x=1\n", "[a]\nx=1;-- y\n",
     "[a]\nx=\x01\n", "[a]\nx=1\r\n", f"[a]\nx={'y' * 9000}\n"],
)  # fmt: skip
def test_what_asterisk_would_misread_is_refused(text: str) -> None:
    """Anything but sections with settings is an error, never skipped."""
    with pytest.raises(RenderingError):
        parse(text)


def test_a_context_that_is_there_twice_is_refused() -> None:
    """Asterisk would join them; we never mean that."""
    with pytest.raises(RenderingError, match="twice"):
        check_file("asterisk/extensions.conf", "[a]\nx=1\n[a]\ny=1\n")


@given(text=st.text())
def test_a_label_is_one_line_without_quotes(text: str) -> None:
    """A display name ends neither its quotes nor its line."""
    escaped = label(text)

    assert not {'"', "\n", "\r", "\0"} & set(escaped)
    assert "\\" not in escaped.replace("\\;", "")


@given(text=st.text())
def test_a_word_is_itself_or_refused(text: str) -> None:
    """A word is never changed silently."""
    try:
        kept = word(text, "thing")
    except RenderingError:
        return

    assert text == kept
