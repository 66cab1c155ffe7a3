"""How extensions are cut into pieces."""

from __future__ import annotations

import pytest
from controlplane.rendering.context import ExtensionContext
from controlplane.rendering.pieces import Cutter, Piece, cut, place_of
from hypothesis import given
from hypothesis import strategies as st

NUMBERS = st.sets(st.from_regex(r"[0-9]{3,6}", fullmatch=True), max_size=60)
MOST = 4


def extension(number: str) -> ExtensionContext:
    """Return an extension of this number."""
    return ExtensionContext(number=number, display_name="X", endpoint=number, a1_hash="0" * 32)


def pieces(numbers: set[str]) -> dict[str, list[str]]:
    """Return the numbers of each piece, by its name."""
    return {
        piece.name: [one.number for one in piece.extensions]
        for piece in cut(map(extension, numbers), most=MOST)
    }


def bits(number: str) -> str:
    """Return the hash of a number as it is cut by."""
    return f"{place_of(number):064b}"


@given(NUMBERS)
def test_every_extension_is_in_the_piece_of_its_hash(numbers: set[str]) -> None:
    """Once, in the order of numbers, with no more others than fit."""
    found = pieces(numbers)

    assert sorted(numbers) == sorted(number for held in found.values() for number in held)
    for name, held in found.items():
        assert len(held) <= MOST
        assert sorted(held) == held
        assert all(bits(number).startswith(name.partition("-")[2]) for number in held)


@given(NUMBERS)
def test_no_piece_is_smaller_than_it_must_be(numbers: set[str]) -> None:
    """Two pieces were one if that had room: so what is cut follows from the numbers alone."""
    for name in pieces(numbers):
        shorter = name.partition("-")[2][:-1]
        if name != "phones":
            assert MOST < sum(bits(number).startswith(shorter) for number in numbers)


@given(NUMBERS, st.from_regex(r"[0-9]{7}", fullmatch=True))
def test_one_more_number_touches_one_piece(numbers: set[str], more: str) -> None:
    """All others are as they were; a piece that is full becomes others, which hold what it held."""
    before, after = pieces(numbers), pieces({*numbers, more})
    gone = [name for name in before if before[name] != after.get(name)]
    new = [name for name in after if after[name] != before.get(name)]

    assert len(gone) <= 1
    assert sorted([*(number for name in gone for number in before[name]), more]) == sorted(
        number for name in new for number in after[name]
    )


def test_a_number_out_of_its_place_is_refused() -> None:
    """Pieces that were handed on cannot be taken back."""
    first, second = sorted(("101", "102"), key=place_of)
    cutter = Cutter()
    assert [] == list(cutter.push(extension(second)))

    with pytest.raises(ValueError, match="order"):
        list(cutter.push(extension(first)))


def test_a_piece_is_named_after_its_bits() -> None:
    """The only one has a name without."""
    names = [Piece(bits=begin, extensions=()).name for begin in ("", "0110")]

    assert ["phones", "phones-0110"] == names
