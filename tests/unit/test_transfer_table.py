"""CSV as people and spreadsheets write it."""

from __future__ import annotations

import csv
import io

import pytest
from controlplane.domain.errors import InvalidValue
from controlplane.domain.routing.destination import ByHours, Destination, DestinationAction
from controlplane.domain.routing.extension_rules import CallerException, When
from controlplane.services.transfer.cells import (
    read_by_hours,
    read_exceptions,
    write_by_hours,
    write_exceptions,
)
from controlplane.services.transfer.table import MAX_ROWS, read_table, write_row
from hypothesis import given
from hypothesis import strategies as st

COLUMNS = ("number", "display_name", "note")
_CELLS = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=20)


@given(cells=st.lists(_CELLS.map(str.strip), min_size=2, max_size=2))
def test_what_is_written_is_read_back(cells: list[str]) -> None:
    """Any text, formulas and apostrophes too; and no cell begins as a formula does."""
    text = write_row(COLUMNS) + write_row(["8001", *cells])
    (row,) = read_table(text.encode(), columns=COLUMNS, key="number")
    (_, written) = csv.reader(io.StringIO(text, newline=""))

    assert {"number": "8001", "display_name": cells[0], "note": cells[1]} == dict(row.cells)
    assert [] == [cell for cell in written if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]


@pytest.mark.parametrize(
    "data",
    [
        b"number;display_name\n8001;Sales\n",
        b"\xef\xbb\xbfnumber,display_name\r\n8001,Sales\r\n\r\n",
        b'display_name,number\n"Sales", 8001\n',
        b"number,display_name\n8001,Sales",
    ],
)
def test_files_of_spreadsheets_are_read(data: bytes) -> None:
    """Semicolons, a byte order mark, empty lines, another order of columns, no end of line."""
    (row,) = read_table(data, columns=COLUMNS, key="number")

    assert (2, {"number": "8001", "display_name": "Sales"}) == (row.place, dict(row.cells))


@pytest.mark.parametrize(
    ("data", "error_id"),
    [
        (b"", "malformed-csv"),
        (b"\n8001\n", "malformed-csv"),
        (b"number\n\xff\n", "malformed-csv"),
        (b"number\n80\x0001\n", "malformed-csv"),
        (b'number\n"8001\n', "malformed-csv"),
        (b"number,note\n8001\n", "malformed-csv"),
        (b"number,note\n8001," + b"x" * 10_001, "malformed-csv"),
        (b"number,number\n", "named-twice"),
        (b"note\n", "missing-field"),
        (b"number,secret\n", "unknown-field"),
        (b"number\n" + b"8001\n" * (MAX_ROWS + 1), "too-many-rows"),
    ],
)
def test_what_cannot_be_read_is_refused(data: bytes, error_id: str) -> None:
    """Nothing at all, no header, no UTF-8, a quote left open, wrong columns, too many rows."""
    with pytest.raises(InvalidValue) as refused:
        read_table(data, columns=COLUMNS, key="number")

    assert error_id == refused.value.error_id


_NUMBERS = st.sampled_from(["101", "8001"])
_DESTINATIONS = st.one_of(
    st.builds(Destination, action=st.just(DestinationAction.FORWARD_TO_NUMBER), number=_NUMBERS),
    st.builds(
        Destination, action=st.just(DestinationAction.FORWARD_TO_VOICEMAIL), number=st.none() | _NUMBERS
    ),
    st.builds(Destination, action=st.sampled_from([DestinationAction.HANGUP, DestinationAction.RING])),
)
_RULES = st.none() | st.builds(
    ByHours,
    office_hours=_DESTINATIONS,
    outside_hours=st.none() | _DESTINATIONS,
    holidays=st.none() | _DESTINATIONS,
)
_EXCEPTIONS = st.lists(
    st.builds(
        CallerException,
        caller=st.sampled_from(["+4930", "4930*", "100-200"]),
        when=st.sampled_from(When),
        destination=_DESTINATIONS,
    ),
    max_size=3,
).map(tuple)


@given(rule=_RULES, other=_RULES, exceptions=_EXCEPTIONS)
def test_rules_survive_their_cells(
    rule: ByHours | None, other: ByHours | None, exceptions: tuple[CallerException, ...]
) -> None:
    """What is written of a rule and of exceptions is read back, whatever was there before."""
    assert rule == read_by_hours("busy", write_by_hours("busy", rule), other)
    assert other == read_by_hours("busy", {}, other)
    assert exceptions == read_exceptions(write_exceptions(exceptions), "exceptions")


@pytest.mark.parametrize("cell", ["voicemail:", "nowhere", "8001x", "forward_to_number"])
def test_a_destination_that_is_none_is_refused(cell: str) -> None:
    """The column is named."""
    with pytest.raises(InvalidValue) as refused:
        read_by_hours("busy", {"busy": cell}, None)

    assert ("invalid-destination", "busy") == (refused.value.error_id, refused.value.field)
