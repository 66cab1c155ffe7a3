"""Errors as problem details (RFC 9457): one shape for all, and the only place that knows HTTP codes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any
from uuid import UUID

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from controlplane.domain.errors import (
    Conflict,
    ControlPlaneError,
    DomainError,
    InvalidValue,
    InvalidValues,
    NotFound,
    PreconditionFailed,
    Unavailable,
)
from controlplane.domain.rights import NotAllowed
from controlplane.services.idempotency import InProgress
from controlplane.services.sign_in import TooManyTries
from controlplane.web.paths import methods_of

MEDIA_TYPE = "application/problem+json"

RETRY_SECONDS = "5"
_IN_PROGRESS_RETRY_SECONDS = "1"


class Unauthorized(DomainError):
    """The request has no valid token."""

    error_id = "unauthorized"


class Forbidden(DomainError):
    """The token is valid, but not for this."""

    error_id = "forbidden"


class Unsatisfiable(DomainError):
    """The range of bytes that was asked for is not in the recording."""

    error_id = "range-not-satisfiable"


class MalformedRequest(DomainError):
    """The request cannot be read."""

    error_id = "malformed-request"


class UnsupportedMediaType(DomainError):
    """The body is not of a kind that is read here."""

    error_id = "unsupported-media-type"


class TooLarge(DomainError):
    """The body is larger than what is taken here."""

    error_id = "body-too-large"


# The first class that fits decides.
_STATUS: tuple[tuple[type[DomainError], HTTPStatus], ...] = (
    (Unauthorized, HTTPStatus.UNAUTHORIZED),
    (Forbidden, HTTPStatus.FORBIDDEN),
    (NotAllowed, HTTPStatus.FORBIDDEN),
    (MalformedRequest, HTTPStatus.BAD_REQUEST),
    (TooLarge, HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
    (UnsupportedMediaType, HTTPStatus.UNSUPPORTED_MEDIA_TYPE),
    (Unsatisfiable, HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE),
    (NotFound, HTTPStatus.NOT_FOUND),
    (Conflict, HTTPStatus.CONFLICT),
    (PreconditionFailed, HTTPStatus.PRECONDITION_FAILED),
    (TooManyTries, HTTPStatus.TOO_MANY_REQUESTS),
    (InvalidValue, HTTPStatus.UNPROCESSABLE_ENTITY),
    (DomainError, HTTPStatus.BAD_REQUEST),
)

# What was there once, and will not come back.
_GONE = frozenset({"link-expired", "message-purged"})

_OF_STATUS: dict[int, tuple[str, str]] = {
    400: ("malformed-request", "The request cannot be read."),
    404: ("no-such-page", "There is nothing at this address."),
    405: ("method-not-allowed", "This address does not take this method."),
    413: ("body-too-large", "The body of the request is too large."),
    415: ("unsupported-media-type", "The body must be JSON (Content-Type: application/json)."),
    500: ("internal-error", "Something went wrong here. The instance names the entry in the log."),
}

_ID_OF_TYPE = {
    "missing": "missing-field",
    "extra_forbidden": "unknown-field",
    "enum": "not-one-of",
    "literal_error": "not-one-of",
    "string_too_long": "too-long",
    "string_too_short": "too-short",
    "too_long": "too-long",
    "too_short": "too-short",
    "greater_than_equal": "out-of-range",
    "less_than_equal": "out-of-range",
    "string_pattern_mismatch": "wrong-pattern",
    "string_unicode": "not-unicode",
    "uuid_parsing": "invalid-uuid",
}
# Fields of answers that a client may send back by mistake: they exist, but are not to be set.
_READ_ONLY = frozenset(
    {"id", "number", "name", "counts", "prompt_language", "created_at", "updated_at", "mailbox_id"}
)


class FieldProblem(BaseModel):
    """What is wrong with one field."""

    model_config = ConfigDict(extra="forbid")

    field: str = Field(description="The path of the field, such as `email_recipients[3]`.")
    error_id: str
    detail: str


class Problem(BaseModel):
    """A problem document (RFC 9457)."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "type": "urn:shared-voicemail:problem:number-taken",
                    "title": "Number taken",
                    "status": 409,
                    "detail": "The number 8001 belongs to the mailbox “Sales”.",
                    "error_id": "number-taken",
                    "errors": [
                        {
                            "field": "number",
                            "error_id": "number-taken",
                            "detail": "The number 8001 belongs to the mailbox “Sales”.",
                        }
                    ],
                    "details": {"kind": "mailbox", "display_name": "Sales"},
                    "instance": "urn:uuid:6fd2bb1c-6a34-4f05-9b29-cb3a1f5ad6a2",
                }
            ]
        },
    )

    type: str = Field(description="A URN of the kind of problem; ends in `error_id`.")
    title: str
    status: int
    detail: str = Field(description="A sentence for people.")
    error_id: str = Field(description="The kind of problem, for programs.")
    errors: list[FieldProblem] = Field(description="One for each field that is wrong.")
    details: dict[str, Any] = Field(description="More about this kind of problem.")
    instance: str = Field(description="This request; stands in the log, and in `X-Request-Id`.")


def problem_response(
    request_id: UUID,
    *,
    status: int,
    error_id: str,
    detail: str,
    errors: Sequence[FieldProblem] = (),
    details: Mapping[str, object] | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """Make the answer for a problem."""
    problem = Problem(
        type=f"urn:shared-voicemail:problem:{error_id}",
        title=error_id.replace("-", " ").capitalize(),
        status=status,
        detail=detail,
        error_id=error_id,
        errors=list(errors),
        details=dict(details or {}),
        instance=f"urn:uuid:{request_id}",
    )
    return JSONResponse(
        problem.model_dump(mode="json"), int(status), media_type=MEDIA_TYPE, headers=dict(headers or {})
    )


def of_status(request_id: UUID, status: int, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """Make the answer for a status that no error of ours stands behind."""
    error_id, detail = _OF_STATUS.get(status, ("http-error", HTTPStatus(status).description or "Error."))
    return problem_response(request_id, status=status, error_id=error_id, detail=detail, headers=headers)


def status_of(error: ControlPlaneError) -> int:
    """Return the HTTP status of an error."""
    if isinstance(error, Unavailable):
        return HTTPStatus.SERVICE_UNAVAILABLE
    if isinstance(error, DomainError):
        if error.error_id in _GONE:
            return HTTPStatus.GONE
        return next(status for kind, status in _STATUS if isinstance(error, kind))
    return HTTPStatus.INTERNAL_SERVER_ERROR


def of_domain_error(request_id: UUID, error: DomainError) -> JSONResponse:
    """Make the answer for an error of the domain."""
    parts = error.errors if isinstance(error, InvalidValues) else (error,)
    return problem_response(
        request_id,
        status=status_of(error),
        error_id=error.error_id,
        detail=error.sentence,
        errors=[
            FieldProblem(field=part.field, error_id=part.error_id, detail=part.sentence)
            for part in parts
            if part.field is not None
        ],
        details=error.details,
        headers=_headers_of(error),
    )


def _headers_of(error: DomainError) -> dict[str, str]:
    if isinstance(error, Unauthorized):
        invalid = ', error="invalid_token"' if error.error_id == "invalid-token" else ""
        return {"WWW-Authenticate": f'Bearer realm="shared-voicemail"{invalid}'}
    if isinstance(error, InProgress):
        return {"Retry-After": _IN_PROGRESS_RETRY_SECONDS}
    if isinstance(error, Unsatisfiable):
        return {"Content-Range": f"bytes */{error.details['size']}"}
    return {}


def of_invalid_request(request_id: UUID, faults: Sequence[Mapping[str, Any]]) -> JSONResponse:
    """Make the answer for a request that does not fit its schema; never repeats what was sent."""
    if any(fault["type"] == "json_invalid" for fault in faults):
        return problem_response(
            request_id, status=400, error_id="malformed-json", detail="The body is not valid JSON."
        )
    errors = [field_problem(fault) for fault in faults]
    return problem_response(
        request_id,
        status=422,
        error_id=errors[0].error_id if len(errors) == 1 else "invalid-values",
        detail=" ".join(f"{error.field}: {error.detail}" for error in errors),
        errors=errors,
    )


def field_problem(fault: Mapping[str, Any]) -> FieldProblem:
    """Say what is wrong with one field; `fault` is pydantic's, its place begins with where it was sent."""
    where, *path = fault["loc"]
    field = field_path(path) or str(where)
    kind = str(fault["type"])
    if kind == "extra_forbidden" and path[-1] in _READ_ONLY:
        return FieldProblem(field=field, error_id="read-only-field", detail="This field cannot be set.")
    if kind == "extra_forbidden":
        return FieldProblem(field=field, error_id="unknown-field", detail="There is no such field.")
    if kind == "missing":
        return FieldProblem(field=field, error_id="missing-field", detail="This field is required.")
    if kind in {"too_long", "too_short"}:
        return FieldProblem(field=field, error_id=_ID_OF_TYPE[kind], detail=_length(fault["ctx"]))
    default = "wrong-type" if kind.endswith(("_type", "_parsing")) else "invalid-value"
    # The library's sentence says what is expected, and nothing of what was sent.
    return FieldProblem(
        field=field, error_id=_ID_OF_TYPE.get(kind, default), detail=f"{str(fault['msg']).rstrip('.')}."
    )


def _length(limits: Mapping[str, Any]) -> str:
    """Say a limit without the length of what was sent, which may be a secret's."""
    what = "items" if limits["field_type"] == "List" else "characters"
    if "max_length" in limits:
        return f"This has at most {limits['max_length']} {what}."
    return f"This has at least {limits['min_length']} {what}."


def field_path(parts: Sequence[str | int]) -> str:
    """Write a path for people: `email_recipients[3]`."""
    path = ""
    for part in parts:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else part
    return path


def request_id_of(request: Request) -> UUID:
    """Return the id that the edge gave this request."""
    request_id: UUID = request.state.request_id
    return request_id


def add_error_handlers(app: FastAPI) -> None:
    """Make the app answer every error as a problem document."""

    @app.exception_handler(DomainError)
    async def domain_error(request: Request, error: DomainError) -> JSONResponse:
        return of_domain_error(request_id_of(request), error)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        return of_invalid_request(request_id_of(request), error.errors())

    @app.exception_handler(HTTPException)
    async def http_error(request: Request, error: HTTPException) -> JSONResponse:
        headers = {**(error.headers or {})}
        if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            # The framework names the methods of one route, and an address has a route for each method.
            headers["Allow"] = ", ".join(sorted(methods_of(request)))
        return of_status(request_id_of(request), error.status_code, headers)

    @app.exception_handler(Unavailable)
    async def unavailable(request: Request, error: Unavailable) -> JSONResponse:
        return problem_response(
            request_id_of(request),
            status=status_of(error),
            error_id="unavailable",
            detail=f"{error} Please try again.",
            headers={"Retry-After": RETRY_SECONDS},
        )
