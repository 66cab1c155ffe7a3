"""Notes who hears or downloads a recording over HTTP, once for each time: players ask for many parts."""

from __future__ import annotations

from uuid import UUID

from fastapi import Request, Response

from controlplane.services.audit import note_hearing
from controlplane.web.deps import deps_of

_OK, _PARTIAL = 200, 206
_PROBE = 2
"""Some players ask for two bytes first, to see whether they may ask for parts."""


async def note_fetched(
    request: Request, response: Response, message_id: UUID, *, by: str, download: bool
) -> Response:
    """Note it if the answer has the beginning of the recording, and return the answer."""
    length = int(response.headers.get("content-length", "0"))
    whole = response.status_code == _OK
    begins = response.headers.get("content-range", "").startswith("bytes 0-") and length > _PROBE
    if request.method == "GET" and (whole or (response.status_code == _PARTIAL and begins)):
        await note_hearing(deps_of(request).db, [message_id], by=by, download=download)
    return response
