"""What the audit log tells of fields: their labels and values, in the words of the person."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from controlplane.domain.audit import AuditAction, AuditEntry
from controlplane.web.portal.values import Change, changes_of
from controlplane.web.portal.words import Catalogues

_RECORDED = {"digest": "5f" * 32, "seconds": 1.6, "at": "2026-11-26T20:47:14+00:00", "by": "user bob"}


@pytest.mark.parametrize(
    ("kind", "field", "value", "label", "told"),
    [
        (
            "mailbox",
            "recorded_greetings",
            {"": _RECORDED, "6100": _RECORDED},
            "Aufgenommene Begrüßungen",
            "alle anderen (2 Sekunden), 6100 (2 Sekunden)",
        ),
        ("user", "role", "member", "Rolle", "Mitglied"),
        ("user", "role", "pope", "Rolle", "pope"),
        ("user", "extension", "101", "Nebenstelle", "101"),
        ("ring-group", "strategy", "random", "Verteilung", "random"),
    ],
)
def test_fields_are_told_in_words(kind: str, field: str, value: Any, label: str, told: str) -> None:
    """No digest, and no name that only the API knows, where there is a word for it."""
    entry = AuditEntry(
        id=1,
        happened_at=datetime(2026, 11, 26, tzinfo=UTC),
        author="user bob",
        action=AuditAction.CHANGED,
        kind=kind,
        object_key="8001",
        subject="8001",
        before={},
        after={field: value},
        secrets=(),
        caller=None,
        received_at=None,
    )

    assert [Change(field=label, before="", after=told)] == changes_of(entry, Catalogues().of("de"))
