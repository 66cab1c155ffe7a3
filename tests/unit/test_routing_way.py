"""The way of a call in one channel variable."""

from __future__ import annotations

from controlplane.domain.message import ReachedReason
from controlplane.domain.routing.way import read_way, way_step
from hypothesis import given
from hypothesis import strategies as st

KINDS = st.sampled_from(["extension", "ring-group", "call-queue", "virtual-receptionist"])
STEP = st.tuples(
    KINDS,
    st.text("0123456789", min_size=3, max_size=10),
    st.text("0123456789*#", max_size=5),
    st.sampled_from(list(ReachedReason)),
    st.none() | st.integers(0, 9999),
)


@given(st.lists(STEP, min_size=1, max_size=10), st.none() | st.from_regex(r"\+?[0-9]{5,15}", fullmatch=True))
def test_what_is_written_is_read(
    steps: list[tuple[str, str, str, ReachedReason, int | None]], did: str | None
) -> None:
    """Every step comes back as it was, in order."""
    parts = [] if did is None else [f"did.{did}"]
    parts += [
        way_step(kind, number, reason, key=key, seconds=seconds)
        for kind, number, key, reason, seconds in steps
    ]
    read = read_way("/" + "/".join(parts))
    assert read is not None

    assert did == read.did
    assert steps == [
        (step.kind, step.number, step.key or "", step.reason, step.waited_seconds) for step in read.path
    ]
    assert read.reason == steps[-1][3]


@given(st.text(max_size=300))
def test_any_text_is_read_without_a_fault(text: str) -> None:
    """What is no way says nothing; it never costs a message."""
    read = read_way(text)

    assert read is None or read.did or read.path
