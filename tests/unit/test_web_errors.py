"""Problem documents from errors of the domain and from schemas."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import pytest
from controlplane.domain import errors as domain
from controlplane.web.errors import field_path, of_domain_error, of_invalid_request, status_of

ID = UUID(int=7)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (domain.NotFound("x"), 404),
        (domain.NotFound("x", error_id="link-expired"), 410),
        (domain.Conflict("x"), 409),
        (domain.PreconditionFailed("x"), 412),
        (domain.InvalidValue("x"), 422),
        (domain.InvalidValues([domain.InvalidValue("x")]), 422),
        (domain.DomainError("x"), 400),
        (domain.Unavailable("x"), 503),
        (domain.SwitchUnavailable("x"), 503),
        (domain.ControlPlaneError("x"), 500),
    ],
)
def test_each_error_has_its_status(error: domain.ControlPlaneError, status: int) -> None:
    """The kind of an error decides the HTTP status."""
    assert status_of(error) == status


def test_several_errors_are_told_together() -> None:
    """Each error of several is told with its own field."""
    error = domain.InvalidValues(
        [domain.InvalidValue("A.", field="a", error_id="b"), domain.InvalidValue("C.", field="c[1]")]
    )
    body = json.loads(bytes(of_domain_error(ID, error).body))

    assert body["detail"] == "A. C."
    assert body["errors"] == [
        {"field": "a", "error_id": "b", "detail": "A."},
        {"field": "c[1]", "error_id": "invalid-value", "detail": "C."},
    ]


@pytest.mark.parametrize(
    ("parts", "path"),
    [([], ""), (["a"], "a"), (["a", 3], "a[3]"), (["a", 3, "b"], "a[3].b"), ([0, "a"], "[0].a")],
)
def test_a_path_is_written_for_people(parts: list[str | int], path: str) -> None:
    """Names are joined by dots, positions stand in brackets."""
    assert field_path(parts) == path


def test_what_was_sent_is_not_repeated() -> None:
    """A schema's fault is told without the value, whatever the library says about it."""
    fault: dict[str, Any] = {
        "type": "too_short",
        "loc": ("body", "pin"),
        "msg": "Value should have at least 4 items after validation, not 3",
        "input": "987",
        "ctx": {"field_type": "Value", "min_length": 4, "actual_length": 3},
    }
    body = json.loads(bytes(of_invalid_request(ID, [fault]).body))

    assert body["errors"] == [
        {"field": "pin", "error_id": "too-short", "detail": "This has at least 4 characters."}
    ]
