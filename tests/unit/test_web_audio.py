"""Ranges of bytes (RFC 9110 14.1)."""

from __future__ import annotations

import pytest
from controlplane.web.audio import byte_range
from controlplane.web.errors import Unsatisfiable
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, None),
        ("bytes=0-0", (0, 0)),
        ("bytes=0-", (0, 99)),
        ("bytes=-1", (99, 99)),
        ("bytes=-1000", (0, 99)),
        ("bytes=10-1000", (10, 99)),
        (" bytes=1-2 ", (1, 2)),
        ("bytes=2-1", None),
        ("bytes=-", None),
        ("bytes=0-1,2-3", None),
        ("items=0-1", None),
        ("bytes=\u0660-\u0661", None),
    ],
)
def test_a_range_of_a_hundred_bytes(header: str | None, expected: tuple[int, int] | None) -> None:
    """One range of bytes is understood, anything else means all."""
    assert byte_range(header, 100) == expected


@pytest.mark.parametrize("header", ["bytes=100-", "bytes=100-200", "bytes=-0"])
def test_a_range_without_a_byte_is_refused(header: str) -> None:
    """What lies behind the end cannot be sent."""
    with pytest.raises(Unsatisfiable) as caught:
        byte_range(header, 100)

    assert caught.value.details == {"size": 100}


@given(st.text(), st.integers(min_value=1, max_value=10**9))
def test_any_header_gives_a_range_within_the_recording(header: str, size: int) -> None:
    """No text leads beyond the recording."""
    try:
        found = byte_range(header, size)
    except Unsatisfiable:
        return

    assert found is None or 0 <= found[0] <= found[1] < size
