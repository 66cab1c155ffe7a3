"""What a form of the portal sent, and what is wrong with it, beside the field."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import parse_qsl

from fastapi import Request
from pydantic import ValidationError

from controlplane.domain.errors import DomainError, InvalidValues
from controlplane.domain.password import Password
from controlplane.web.errors import MalformedRequest, UnsupportedMediaType, field_problem
from controlplane.web.portal.uploads import Upload, has_parts, reading_parts
from controlplane.web.portal.words import Words

_MEDIA_TYPE = "application/x-www-form-urlencoded"
_MAX_FIELDS = 2000


class Form:
    """The fields of a form; what was not sent is empty."""

    def __init__(
        self, fields: Sequence[tuple[str, str]] = (), uploads: Mapping[str, Upload] | None = None
    ) -> None:
        self._fields = tuple(fields)
        self._uploads = uploads or {}

    def text(self, name: str) -> str:
        """Return the (first) value of a field."""
        return next((value for key, value in self._fields if key == name), "")

    def all(self, name: str) -> tuple[str, ...]:
        """Return all values of a field that may be sent several times."""
        return tuple(value for key, value in self._fields if key == name)

    def names(self) -> tuple[str, ...]:
        """Return the names of all fields that were sent, each once."""
        return tuple(dict.fromkeys(name for name, _ in self._fields))

    def ticked(self, name: str) -> bool:
        """Say whether a check box was ticked."""
        return any(key == name for key, _ in self._fields)

    def upload(self, name: str) -> Upload | None:
        """Return the file of a field; None if none was chosen, or the page takes no files."""
        return self._uploads.get(name)

    def password(self, name: str) -> Password:
        """Return a field that no log and no page repeats."""
        return Password(self.text(name))


async def read_form(request: Request) -> Form:
    """Read a form out of a request's body, whose size the edge bounds.

    Raises UnsupportedMediaType, MalformedRequest.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    body = await request.body()
    if not body:
        return Form()
    if media_type != _MEDIA_TYPE:
        raise UnsupportedMediaType(f"A form comes as {_MEDIA_TYPE}.")
    try:
        fields = parse_qsl(
            body.decode("ascii", "replace"), keep_blank_values=True, max_num_fields=_MAX_FIELDS
        )
    except ValueError as error:
        raise MalformedRequest("This form has too many fields.") from error
    return Form([(name, _storable(value)) for name, value in fields])


@asynccontextmanager
async def reading_files(request: Request) -> AsyncIterator[Form]:
    """Read a form whose files are there until this ends; without files it may come urlencoded too.

    Raises UnsupportedMediaType, MalformedRequest.
    """
    if not has_parts(request):
        yield await read_form(request)
        return
    async with reading_parts(request) as parts:
        yield Form([(name, _storable(value)) for name, value in parts.fields], parts.uploads)


def _storable(text: str) -> str:
    # The database takes no text with it.
    return text.replace("\0", "\ufffd")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What is wrong with a field; the sentence is in the words of the person."""

    field: str
    text: str


class Faults:
    """What is wrong with a form, for the summary and beside each field."""

    def __init__(self, faults: Sequence[Fault] = ()) -> None:
        self._faults = tuple(faults)

    def __bool__(self) -> bool:
        return bool(self._faults)

    def __iter__(self) -> Iterator[Fault]:
        return iter(self._faults)

    def of(self, field: str) -> str:
        """Return what is wrong with a field, and with parts of it; empty if nothing is."""
        return " ".join(
            fault.text
            for fault in self._faults
            if fault.field == field or fault.field.startswith((f"{field}[", f"{field}."))
        )


def faults_of(error: DomainError, words: Words) -> Faults:
    """Return what an error of the domain says about the fields of a form."""
    parts: Sequence[DomainError] = error.errors if isinstance(error, InvalidValues) else (error,)
    return Faults([Fault(field=part.field or "", text=words.error(part)) for part in parts])


def faults_of_schema(error: ValidationError, words: Words) -> Faults:
    """Return what a schema of the REST API says about the fields of a form."""
    problems = [
        field_problem({**fault, "loc": ("body", *fault["loc"])})
        for fault in error.errors(include_input=False, include_url=False)
    ]
    return Faults(
        [
            Fault(field=problem.field, text=words.error_of(problem.error_id, problem.detail))
            for problem in problems
        ]
    )
