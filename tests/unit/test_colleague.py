"""Who an author's label names."""

from __future__ import annotations

import pytest
from controlplane.domain.colleague import SOMEBODY, Colleague, Named, named_in


@pytest.mark.parametrize(
    ("label", "named"),
    [
        ("extension 101", Named(extension="101")),
        ("extension 101 (user alice)", Named(extension="101", user_name="alice")),
        ("user alice", Named(user_name="alice")),
        ("user a.b@c.de", Named(user_name="a.b@c.de")),
        ("token own (user alice)", Named(user_name="alice")),
        ("token my (user x) one (user alice)", Named(user_name="alice")),
        ("caller", Named(outside=True)),
        ("caller 102", Named(outside=True)),
        ("caller extension 102", Named(outside=True)),
        ("caller 102 (user alice)", Named(outside=True)),
        ("token billing", Named()),
        ("mail link", Named()),
        ("system", Named()),
        ("cli root", Named()),
        ("user ", Named()),
        ("extension 10x", Named()),
        ("", Named()),
        (None, Named()),
    ],
)
def test_a_label_names_an_extension_a_user_or_nobody(label: str | None, named: Named) -> None:
    """A program, a link and the system are nobody that one could ask."""
    assert named == named_in(label)


def test_somebody_is_not_known() -> None:
    """An extension or a name is enough to be known, and so is that somebody called from outside."""
    known = (Colleague(extension="101"), Colleague(name="Ann"), Colleague(outside=True))

    assert [False, True, True, True] == [one.known for one in (SOMEBODY, *known)]
