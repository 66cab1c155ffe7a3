"""How the answers of a call are described in OpenAPI."""

from __future__ import annotations

from typing import Any

from controlplane.web.errors import MEDIA_TYPE

_MEANINGS = {
    400: "The request cannot be read.",
    401: "There is no valid token.",
    403: "The token is not for this.",
    404: "There is no such thing, or it belongs to another tenant.",
    409: "It clashes with something that exists, or the same request is being answered.",
    412: "It was changed since it was read.",
    413: "The body is too large.",
    415: "The body is not JSON.",
    416: "The recording is shorter than that.",
    422: "A value breaks a rule; `errors` names each field.",
    503: "A part that is needed cannot be reached now; `Retry-After` says when to ask again.",
}
_ETAG = {"ETag": {"description": "The version, for If-Match.", "schema": {"type": "string"}}}

Responses = dict[int | str, dict[str, Any]]


def problems(*statuses: int) -> Responses:
    """Describe problem answers: those of every call, and `statuses`."""
    return {
        status: {
            "description": _MEANINGS[status],
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status in sorted({401, 403, 404, 422, 503, *statuses})
    }


def body_problems(*statuses: int) -> Responses:
    """Describe the problem answers of a call with a body."""
    return problems(400, 409, 413, 415, *statuses)


def with_etag(status: int = 200) -> Responses:
    """Describe that an answer has an ETag, and where the thing is if it is a new one."""
    location = {"Location": {"description": "Its address.", "schema": {"type": "string"}}}
    return {status: {"headers": {**_ETAG, **(location if status == 201 else {})}}}  # noqa: PLR2004 (Created)


def not_modified() -> Responses:
    """Describe the answer to If-None-Match."""
    return {304: {"description": "It is as the client has it.", "headers": _ETAG}}
