"""What a lamp says (RFC 3842), and how the switches' words for it are made."""

from __future__ import annotations

import pytest
from controlplane.domain.errors import InvalidValue
from controlplane.domain.lamp import Lamp
from controlplane.domain.numbers import Feature
from controlplane.domain.routing.extension_rules import MOST_LAMPS, ExtensionRules
from controlplane.rendering.context import FeatureCodeContext


@pytest.mark.parametrize(
    ("lamp", "is_lit", "summary"),
    [
        (Lamp(number="8001"), False, "0/0 (0/0)"),
        (Lamp(number="8001", saved=3), False, "0/3 (0/0)"),
        (Lamp(number="8001", new=2, saved=1, new_urgent=1), True, "2/1 (1/0)"),
    ],
)
def test_new_messages_light_it_and_urgent_ones_count_in_both(
    lamp: Lamp, *, is_lit: bool, summary: str
) -> None:
    """Saved messages are told and light nothing."""
    assert (is_lit, summary) == (lamp.is_lit, lamp.summary)


@pytest.mark.parametrize(
    "mailboxes", [("8001", "8001"), ("80",), tuple(str(n) for n in range(100, 101 + MOST_LAMPS))]
)
def test_list_that_makes_no_sense_is_refused(mailboxes: tuple[str, ...]) -> None:
    """Twice the same, what is no number, and too many."""
    with pytest.raises(InvalidValue) as caught:
        ExtensionRules(mwi_mailboxes=mailboxes).check()

    assert str(caught.value.field).startswith("mwi_mailboxes")


def test_only_the_code_of_a_mailbox_is_a_key() -> None:
    """Those of other features switch something, or open the mailbox of whoever dials."""
    keys = [feature for feature in Feature if FeatureCodeContext(code="*1", feature=feature).hears_a_mailbox]

    assert [Feature.CHECK_MESSAGES] == keys
