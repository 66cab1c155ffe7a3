"""CSV: reading what people and spreadsheets write, and writing what a spreadsheet takes for text alone."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from controlplane.domain.errors import InvalidValue

MAX_ROWS: Final = 2000
_MAX_CELL: Final = 10_000
# A cell that begins so is a formula to spreadsheets, whatever quotes are around it.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "'")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row of a file: its place (the header is row 1) and its cells by the names of their columns."""

    place: int
    cells: Mapping[str, str]


def write_row(cells: Iterable[str]) -> str:
    """Return a line; a cell that would be a formula begins with a `'`, which reading takes away."""
    text = io.StringIO()
    csv.writer(text).writerow([f"'{cell}" if cell.startswith(_FORMULA) else cell for cell in cells])
    return text.getvalue()


def read_table(data: bytes, *, columns: Sequence[str], key: str) -> list[Row]:
    """Read a file whose header names some of the columns in any order, the key among them.

    Cells are separated by commas, or by semicolons if the header is. Raises InvalidValue `malformed-csv`,
    `unknown-field`, `missing-field`, `named-twice` or `too-many-rows`.
    """
    header, *lines = _lines(data)
    _check_header(header, columns, key)
    if len(lines) > MAX_ROWS:
        raise InvalidValue(
            f"A file has {MAX_ROWS} rows at most; send several.",
            error_id="too-many-rows",
            field="body",
            details={"most": MAX_ROWS},
        )
    return [
        Row(place=place, cells=_cells(header, line, place))
        for place, line in enumerate(lines, 2)
        if any(cell.strip() for cell in line)
    ]


def _lines(data: bytes) -> list[list[str]]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _malformed("The file is not UTF-8.", "not-utf-8") from error
    if "\x00" in text:
        raise _malformed("The file has a character that is none.", "no-character")
    first = text.partition("\n")[0]
    separator = ";" if ";" in first and "," not in first else ","
    try:
        lines = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True))
    except csv.Error as error:
        raise _malformed(f"The file cannot be read: {error}.", "unreadable") from error
    if not lines or not any(cell.strip() for cell in lines[0]):
        raise _malformed("The file has no header.", "no-header")
    return lines


def _check_header(header: Sequence[str], columns: Sequence[str], key: str) -> None:
    for place, name in enumerate(header):
        if name not in columns:
            raise InvalidValue(
                f"There is no column {name[:64]!r}; there are {', '.join(columns)}.",
                error_id="unknown-field",
                field="body",
                details={"column": name[:64], "columns": ", ".join(columns)},
            )
        if name in header[:place]:
            raise InvalidValue(
                f"The column {name} is there twice.",
                error_id="named-twice",
                field="body",
                details={"column": name},
            )
    if key not in header:
        raise InvalidValue(
            f"The column {key} is missing.", error_id="missing-field", field="body", details={"column": key}
        )


def _cells(header: Sequence[str], line: Sequence[str], place: int) -> dict[str, str]:
    if len(line) != len(header):
        raise _malformed(
            f"Row {place} has {len(line)} cells; the header has {len(header)}.",
            "other-cells",
            row=place,
            cells=len(line),
            columns=len(header),
        )
    if any(len(cell) > _MAX_CELL for cell in line):
        raise _malformed(
            f"Row {place} has a cell of more than {_MAX_CELL} characters.",
            "long-cell",
            row=place,
            most=_MAX_CELL,
        )
    return {name: _plain(cell) for name, cell in zip(header, line, strict=True)}


def _plain(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_FORMULA) else cell.strip()


def _malformed(sentence: str, what: str, **figures: int) -> InvalidValue:
    return InvalidValue(sentence, error_id="malformed-csv", field="body", details={"what": what, **figures})
