"""What a revision changes, per file, for people: bounded and without secrets."""

from __future__ import annotations

import difflib

import pytest
from controlplane.domain.configuration import Action
from controlplane.rendering.difference import differences, masked
from hypothesis import given
from hypothesis import strategies as st


def test_a_changed_line_is_shown_twice_and_an_unchanged_file_not() -> None:
    """Only the file that differs is listed, in the form that everybody knows."""
    (shown,) = differences(
        {"a.conf": "x=1\ny=2\n", "b.conf": "z=1\n"}, {"a.conf": "x=1\ny=3\n", "b.conf": "z=1\n"}
    )

    assert (Action.CHANGED, "--- a/a.conf\n+++ b/a.conf\n@@ -1,2 +1,2 @@\n x=1\n-y=2\n+y=3\n") == (
        shown.change,
        shown.difference,
    )


def test_new_and_removed_files_are_told_apart() -> None:
    """A file that is only in one tree is compared with nothing."""
    shown = differences({"a.conf": "x=1\n"}, {"b.conf": "x=1\n"})

    assert [
        ("a.conf", Action.REMOVED, "--- a/a.conf\n+++ /dev/null\n@@ -1 +0,0 @@\n-x=1\n"),
        ("b.conf", Action.ADDED, "--- /dev/null\n+++ b/b.conf\n@@ -0,0 +1 @@\n+x=1\n"),
    ] == [(file.path, file.change, file.difference) for file in shown]


def test_equal_trees_have_no_difference() -> None:
    """Nothing changed, nothing to show."""
    assert [] == differences({"a.conf": "x=1\n"}, {"a.conf": "x=1\n"})


lines = st.lists(st.sampled_from("abcdefgh"), max_size=30)


@given(before=lines, after=lines)
def test_the_headings_count_from_the_beginning_of_the_file(before: list[str], after: list[str]) -> None:
    """What is left out at both ends does not move the numbers of the lines."""
    old, new = ("".join(f"{line}\n" for line in side) for side in (before, after))
    whole = [
        line.removesuffix("\n") for line in difflib.unified_diff(before, after, "a/x", "b/x", lineterm="")
    ]
    shown = [
        line for file in differences({"x": old}, {"x": new}) for line in (file.difference or "").splitlines()
    ]

    applied = _apply(before, shown)
    assert (after, bool(whole)) == (applied, bool(shown))


def _apply(before: list[str], difference: list[str]) -> list[str]:
    """Do what `patch` does: take each hunk at the line that its heading names."""
    after: list[str] = []
    position = 0
    for line in difference[2:]:
        if line.startswith("@@"):
            first = line.split()[1].lstrip("-").split(",")
            start = int(first[0]) - (0 if first[1:] == ["0"] else 1)
            after += before[position:start]
            position = start
        elif line.startswith("+"):
            after.append(line[1:])
        else:
            assert before[position] == line[1:]
            position += 1
            after += [line[1:]] if line.startswith(" ") else []
    return after + before[position:]


def test_one_object_among_many_thousands_is_shown() -> None:
    """The difference of a large file costs what has changed, and not what is there."""
    before = "".join(f"[{number}]\ntype=endpoint\ncontext=x\n" for number in range(10000, 30000))
    (shown,) = differences({"x": before}, {"x": before.replace("[20000]", "[20000]\nmailboxes=1")})

    assert shown.difference is not None
    assert "@@ -29999,6 +29999,7 @@" in shown.difference


def test_what_is_too_long_to_read_is_named_and_not_shown() -> None:
    """Where thousands of lines have changed, comparing them would take minutes."""
    before = "".join(f"[{number}]\nx=1\n" for number in range(20_000))
    (shown,) = differences({"x": before}, {"x": before.replace("x=1", "x=2")})

    assert (Action.CHANGED, None) == (shown.change, shown.difference)


@pytest.mark.parametrize(
    "line",
    [
        "md5_cred=swordfish",
        "secret = swordfish",
        "password=swordfish",
        " same => n,AGI(agi://127.0.0.1:1/leave,swordfish,${X})",
        '<param name="password" value="swordfish"/>',
        '<param name="esl-password" value="swordfish"/>',
        '<param name="vm-password" value="swordfish"/>',
        '<param name="a1-hash" value="swordfish"/>',
        '<action application="set" data="cp_secret=swordfish"/>',
        "; outbound_auth password=swordfish",
        "password= swordfish",
    ],
)
def test_secrets_are_stars(line: str) -> None:
    """Digests and passwords of phones, sockets and managers never reach the one who looks at a change."""
    (shown,) = differences({"x": f"{line}\n"}, {"x": f"{line.replace('fish', 'fishes')}\n"})

    assert shown.difference is not None
    assert (0, 2) == (shown.difference.count("swordfish"), shown.difference.count("***"))


def test_what_is_no_secret_is_shown() -> None:
    """The rest of a line, and other lines, stay as they are."""
    text = 'auth_type=md5\n<param name="sip-port" value="5060"/>\n'

    assert text == masked(text)


def test_what_is_shown_of_all_files_is_bounded() -> None:
    """Of a hundred files that are new at once some are shown, and all are named."""
    after = {f"{number:03}": "line\n" * 1900 for number in range(100)}
    found = differences({}, after)

    assert sorted(after) == [file.path for file in found]
    assert 11 == sum(file.difference is not None for file in found)
