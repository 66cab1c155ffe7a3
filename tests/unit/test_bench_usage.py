"""What the bench reads of processes."""

from __future__ import annotations

import pytest
from tests.bench.usage import Moment, busy_ticks, descendants, parent, ticks, total_pss

pytestmark = pytest.mark.unit

STAT = "42 (a (strange) name) S 7 42 42 0 -1 4194560 1 2 3 4 50 60 70 80 20 0 1 0 12345 1000 10"


def test_processor_time_counts_children_that_ended() -> None:
    """User and system time are added up, those of ended children too; a bracket in the name does no harm."""
    assert 50 + 60 + 70 + 80 == ticks(STAT)


def test_parent_is_read_behind_the_name() -> None:
    """The parent is the second field behind the name."""
    assert 7 == parent(STAT)


def test_descendants_are_found_at_any_depth() -> None:
    """Children of children belong to it, others do not."""
    assert {1, 2, 3, 4} == descendants(1, {2: 1, 3: 2, 4: 3, 5: 6, 6: 0})


def test_pss_is_read_in_kib() -> None:
    """It is the line Pss and none of its kin."""
    assert 1234 == total_pss(["Rss:  9 kB", "Pss_Dirty:  8 kB", "Pss:   1234 kB"])


def test_waiting_is_not_being_busy() -> None:
    """Idle time and waiting for the disk are left out; what the host took is not."""
    assert 1 + 2 + 4 + 32 + 64 + 128 == busy_ticks(
        "cpu  1 2 4 8 16 32 64 128 0 0\ncpu0 9 9 9 9 9 9 9 9 9 9\n"
    )


def test_others_are_what_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was busy and not ours was somebody else's, as a share of all cores."""
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    before = Moment(at=0.0, busy=100.0, own=50.0, load=0.1)
    after = Moment(at=10.0, busy=115.0, own=60.0, load=1.5)

    assert "load 0.10 before, 1.50 after; others took 25% of 2 cores" == after.since(before)
