"""The difference of a plan: what is said of a field, and what a terminal gets."""

from __future__ import annotations

import pytest
from controlplane.apply.plan import FieldChange, Plan, Planned, changes_between
from controlplane.apply.words import plan_in_words, printable
from controlplane.domain.configuration import Action


def difference(old: object, new: object) -> list[tuple[str, str, str]]:
    """Return the fields that differ in one field."""
    return [(one.field, one.old, one.new) for one in changes_between({"x": old}, {"x": new})]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (1, 1, []),
        (1, 2, [("x", "1", "2")]),
        ("Büro", None, [("x", '"Büro"', "null")]),
        (["101"], ["101", "102"], [("x", '["101"]', '["101", "102"]')]),
        (
            {"action": "hangup", "number": None},
            {"action": "forward_to_number", "number": "8001"},
            [("x.action", '"hangup"', '"forward_to_number"'), ("x.number", "null", '"8001"')],
        ),
        (None, {"action": "hangup", "number": None}, [("x", "null", '{"action": "hangup"}')]),
        (
            [{"keys": "1", "to": "a"}, {"keys": "2", "to": "b"}],
            [{"keys": "1", "to": "a"}, {"keys": "2", "to": "c"}],
            [("x[1].to", '"b"', '"c"')],
        ),
        ([{"keys": "1"}], [], [("x", '[{"keys": "1"}]', "[]")]),
    ],
)
def test_fields_are_told_one_by_one(old: object, new: object, told: list[tuple[str, str, str]]) -> None:
    """As deep as both have the same shape; otherwise the whole, old and new."""
    assert told == difference(old, new)


def test_a_plan_in_words() -> None:
    """Signs, names, fields, what happens to secrets, and what is left."""
    plan = Plan(
        tenant="default",
        objects=(
            Planned(action=Action.ADDED, words="mailbox", key="8001", name="Sales", note="pin made"),
            Planned(
                action=Action.CHANGED,
                words="ring group",
                key="6100",
                name="Sales",
                changes=(FieldChange(field="ring_seconds", old="20", new="30"),),
            ),
            Planned(action=Action.REMOVED, words="inbound rule", key="old", name=""),
        ),
        unchanged=4,
        left=tuple(("extension", str(number)) for number in range(100, 112)),
    )
    left = ", ".join(f"extension {number}" for number in range(100, 110))

    assert plan_in_words(plan) == (
        "Tenant default\n"
        "\n"
        "+ mailbox 8001 “Sales” (pin made)\n"
        "~ ring group 6100 “Sales”\n"
        "    ring_seconds: 20 → 30\n"
        "- inbound rule old\n"
        "\n"
        "1 to create, 1 to change, 1 to remove, 4 unchanged.\n"
        f"Not in the file, and left as they are: {left} and 2 more (--prune removes them)."
    )


def test_no_character_commands_a_terminal() -> None:
    """Escapes, control characters and marks of direction are written out."""
    assert r"a\x1b[2J\x9b\u202eé…" == printable("a\x1b[2J\x9b\u202eé…")
