"""Cursors: opaque, and only those that were given out are taken."""

from __future__ import annotations

import base64
import json

import pytest
from controlplane.domain.errors import InvalidValue
from controlplane.web.paging import cursor, position, read_cursor
from hypothesis import given
from hypothesis import strategies as st

ASCII = st.text(st.characters(min_codepoint=32, max_codepoint=126))


@given(st.lists(ASCII, min_size=1, max_size=3))
def test_a_cursor_holds_what_was_put_in(parts: list[str]) -> None:
    """Reading a cursor gives its parts back, and it is safe in a URL."""
    text = cursor(*parts)

    assert read_cursor(text, parts=len(parts)) == parts
    assert set(text) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


@given(st.text(max_size=60) | st.binary(max_size=40).map(lambda raw: base64.urlsafe_b64encode(raw).decode()))
def test_foreign_text_is_no_cursor(text: str) -> None:
    """Anything else is refused as a wrong value of `after`, never by another error."""
    try:
        found = read_cursor(text, parts=1)
    except InvalidValue as error:
        found = [str(error.field)]

    assert len(found) == 1


@pytest.mark.parametrize("held", [[1], ["a\0b"], ["é"], ["a", "b"], [], {"a": 1}, "a", None, [["a"]]])
def test_other_contents_are_no_cursor(held: object) -> None:
    """A cursor holds the right number of lines of ASCII."""
    text = base64.urlsafe_b64encode(json.dumps(held).encode()).decode().rstrip("=")

    with pytest.raises(InvalidValue):
        read_cursor(text, parts=1)


def test_without_a_cursor_a_list_begins_at_its_start() -> None:
    """No `after`, no position."""
    assert (position(None), position(cursor("8001"))) == (None, "8001")
