"""ETags of single resources: `"<version>-<digest>"`.

`If-None-Match` compares all of it, because counts and mails change without a new version.
`If-Match` compares the version alone: a message that came in meanwhile is no reason to refuse a
change of the mailbox's name. A weak form (a proxy that compresses makes it so) is taken as well.
"""

from __future__ import annotations

import hashlib
import re
from typing import Annotated

from fastapi import Header, Request, Response
from pydantic import BaseModel

from controlplane.domain.errors import PreconditionFailed
from controlplane.web.errors import MalformedRequest

_ONE = re.compile(r'(?:W/)?"(?P<version>[0-9]{1,9})-(?P<digest>[0-9a-f]{16})"', re.ASCII)

IfMatch = Annotated[
    str | None,
    Header(
        alias="If-Match", description="One ETag as it was read: the change is refused (412) if it is stale."
    ),
]
IfNoneMatch = Annotated[
    str | None, Header(alias="If-None-Match", description="ETags as they were read: 304 if nothing changed.")
]


def etag_of(version: int, body: bytes) -> str:
    """Return the ETag of a resource in this form."""
    return f'"{version}-{hashlib.sha256(body).hexdigest()[:16]}"'


def expected_version(header: str | None) -> int | None:
    """Return the version that `If-Match` asks for; None for any.

    Raises PreconditionFailed for what is no ETag of ours, MalformedRequest for several.
    """
    if header is None or header.strip() == "*":
        return None
    if "," in header:
        raise MalformedRequest("Give one ETag in If-Match.", error_id="several-etags", field="If-Match")
    match = _ONE.fullmatch(header.strip())
    if match is None:
        raise PreconditionFailed("This is no ETag that was given out here; read it again.", field="If-Match")
    return int(match["version"])


def matches(header: str | None, etag: str) -> bool:
    """Say whether `If-None-Match` names this ETag."""
    if header is None:
        return False
    named = {part.strip().removeprefix("W/") for part in header.split(",")}
    return "*" in named or etag in named


def resource(
    request: Request, model: BaseModel, version: int, *, status: int = 200, location: str | None = None
) -> Response:
    """Answer with a single resource and its ETag; 304 without a body if the client has it."""
    body = model.model_dump_json().encode()
    etag = etag_of(version, body)
    headers = {"ETag": etag, "Cache-Control": "private, no-cache"}
    if location is not None:
        headers["Location"] = location
    if request.method == "GET" and matches(request.headers.get("if-none-match"), etag):
        return Response(status_code=304, headers=headers)
    return Response(body, status, media_type="application/json", headers=headers)
