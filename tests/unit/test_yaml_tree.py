"""YAML of files that people and others write: what is read, and what is refused."""

from __future__ import annotations

import pytest
from controlplane.apply import yaml_tree
from controlplane.apply.faults import RefusedFile
from controlplane.apply.yaml_tree import read_tree
from hypothesis import given
from hypothesis import strategies as st


def refused(text: bytes) -> str:
    """Return what is said of a text that cannot be read."""
    with pytest.raises(RefusedFile) as caught:
        read_tree(text)
    (fault,) = caught.value.faults
    return str(fault)


def test_plain_words_stay_what_was_written() -> None:
    """No time, date, country or octal number turns into something else by its looks."""
    read = read_tree(b"a: [no, yes, 09:00, 2026-12-25, 1.5, 1e3, 0x10, 12h, true, null, 7, '7', ~]").plain()

    assert [
        *("no", "yes", "09:00", "2026-12-25", "1.5", "1e3", "0x10", "12h"),
        *(True, None, 7, "7", None),
    ] == read["a"]


def test_a_number_keeps_its_zeros() -> None:
    """What was written without quotes is there as it was written."""
    (node,) = read_tree(b"pin: 0042").value.values()  # type: ignore[union-attr]

    assert (42, "0042") == (node.value, node.text)


def test_lines_are_known() -> None:
    """Of a field, of an item, and of what is missing the nearest thing around it."""
    tree = read_tree(b"# first\nmailboxes:\n  - number: '8001'\n  - number: '8002'\n    pin: x\n")
    paths: list[tuple[str | int, ...]] = [
        ("mailboxes", 0, "number"),
        ("mailboxes", 1),
        ("mailboxes", 1, "pin"),
        ("mailboxes", 1, "display_name"),
        ("mailboxes", 9),
    ]

    assert [3, 4, 5, 4, 3] == [tree.at(path).line for path in paths]


def test_an_alias_is_what_it_names() -> None:
    """Equal things are written once."""
    read = read_tree(b"a: &x {action: hangup}\nb: *x\n").plain()

    assert {"a": {"action": "hangup"}, "b": {"action": "hangup"}} == read


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"", "The file is empty."),
        (b"# nothing\n", "The file is empty."),
        (b"- 1\n", "line 1: The file is a mapping of sections such as `mailboxes:`."),
        (b"a: 1\nb: 2\na: 3\n", "line 3: a is there twice; the first is on line 1."),
        (b'a: 1\n"a": 3\n', "line 2: a is there twice; the first is on line 1."),
        (b"a: 1\n---\nb: 2\n", "line 2: There is a second document; a file has one."),
        (b"a: !!python/name:os.system x", "line 1: Tags such as tag:yaml.org,2002:python/name:os.system are"),
        (b"a: !!binary aGk=", "line 1: Tags such as tag:yaml.org,2002:binary are not read here."),
        (b"a: *nobody", "line 1: Nothing before has the anchor &nobody."),
        (b"a: &a [*a]", "line 1: Nothing before has the anchor &a."),
        (b"? [a, b]\n: 1", "line 1: The name of a field is one word."),
        (b"a:\n  - b\n c: d\n", "line 3: This is no YAML: "),
        (b"a: 'x\n", "This is no YAML: "),
        (b"a: \x01\n", "This is no YAML: "),
        (b"a: 1\nb: \xff\n", "line 2: This is not UTF-8; save the file as UTF-8."),
    ],
)
def test_what_is_no_such_file_is_refused(text: bytes, said: str) -> None:
    """One sentence with the line."""
    assert said in refused(text)


@pytest.mark.parametrize("opening", [b"[", b"{a: ", b"- "])
def test_deep_nesting_is_refused(opening: bytes) -> None:
    """Long before anything runs out."""
    assert "nested more than" in refused(b"a: " * (opening != b"- ") + opening * 50_000)


def test_a_bomb_of_aliases_is_refused() -> None:
    """Ten lines that mean a thousand million values are refused without writing them out."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    for level in range(1, 10):
        names = ", ".join([f"*a{level - 1}"] * 10)
        lines.append(f"a{level}: &a{level} [{names}]")

    assert "values, aliases written out" in refused("\n".join(lines).encode())


def test_a_large_file_is_refused() -> None:
    """Its size is looked at before anything else."""
    assert "larger than 2 MB" in refused(b"a" * (yaml_tree.MAX_BYTES + 1))


@given(st.binary(max_size=60) | st.text("a:-[]{}&*!|>'\"#%@`,? \n\t0", max_size=60).map(str.encode))
def test_nothing_else_than_a_refusal_happens(text: bytes) -> None:
    """Any bytes are a tree, or are refused."""
    try:
        tree = read_tree(text)
    except RefusedFile as error:
        assert error.faults  # noqa: PT017 (either is right)
    else:
        assert isinstance(tree.value, dict)
