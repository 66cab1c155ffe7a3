"""What a schema or a rule says against the fields of a form, before it is put into words."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping

from pydantic import BaseModel, ValidationError

from controlplane.domain.errors import DomainError, InvalidValues
from controlplane.web.errors import field_problem

_BOUNDS = ("ge", "le", "max_length")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Wrong:
    """What a schema or a rule says against a field."""

    field: str
    error_id: str
    sentence: str
    details: Mapping[str, object] = dataclasses.field(default_factory=dict)


def wrongs_of(error: DomainError) -> list[Wrong]:
    """Return what an error of a service says against fields."""
    parts = error.errors if isinstance(error, InvalidValues) else (error,)
    return [
        Wrong(field=part.field or "", error_id=part.error_id, sentence=part.sentence, details=part.details)
        for part in parts
    ]


def wrongs_of_schema(error: ValidationError, schema: type[BaseModel] | None = None) -> list[Wrong]:
    """Return what a schema of the REST API says; with the schema the bounds of its fields are told too."""
    found = []
    for fault in error.errors(include_input=False, include_url=False):
        problem = field_problem({**fault, "loc": ("body", *fault["loc"])})
        name = str(fault["loc"][0]) if fault["loc"] else ""
        declared = None if schema is None else schema.model_fields.get(name)
        metadata = [] if declared is None else declared.metadata
        details = {each: getattr(one, each) for one in metadata for each in _BOUNDS if hasattr(one, each)}
        found.append(
            Wrong(field=problem.field, error_id=problem.error_id, sentence=problem.detail, details=details)
        )
    return found


def entry_of(field_path: str) -> str:
    """Return the name of a form's field: `exceptions[0].caller` is `exceptions-0-caller` there."""
    return re.sub(r"[.\[\]]+", "-", field_path).strip("-")
