"""The files that pages load: style, script, icon; their address changes with their content."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Awaitable, Callable
from pathlib import Path

from fastapi import APIRouter, Request, Response

_FOLDER = Path(__file__).parent / "static"
_MEDIA_TYPES = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
}
_CACHED = "public, max-age=31536000, immutable"


class StaticFiles:
    """Knows every file and its digest, read once."""

    def __init__(self, base: str) -> None:
        self._base = base
        self._contents = {path.name: path.read_bytes() for path in sorted(_FOLDER.iterdir())}
        self._versions = {
            name: hashlib.sha256(content).hexdigest()[:12] for name, content in self._contents.items()
        }

    def address(self, name: str) -> str:
        """Return where a browser finds a file; raises KeyError."""
        return f"{self._base}/static/{name}?v={self._versions[name]}"

    def routes(self, prefix: str) -> APIRouter:
        """Return the routes of all files, which need no session."""
        router = APIRouter(include_in_schema=False)
        for name, content in self._contents.items():
            router.add_api_route(
                f"{prefix}/static/{name}",
                _file(content, _MEDIA_TYPES[Path(name).suffix]),
                methods=["GET"],
            )
        return router


def _file(content: bytes, media_type: str) -> Callable[[Request], Awaitable[Response]]:
    """Return what answers with a file, in a third of its bytes to browsers that can unpack it.

    Files hold no secret, so their length tells none; pages do, and are never packed.
    """
    packed = gzip.compress(content, mtime=0)

    async def answer(request: Request) -> Response:
        headers = {"Cache-Control": _CACHED, "Vary": "Accept-Encoding"}
        if _unpacks(request.headers.get("accept-encoding", "")):
            return Response(packed, media_type=media_type, headers={**headers, "Content-Encoding": "gzip"})
        return Response(content, media_type=media_type, headers=headers)

    return answer


def _unpacks(accepted: str) -> bool:
    codings = [coding.replace(" ", "").lower() for coding in accepted.split(",")]
    return any(coding == "gzip" or coding.startswith("gzip;q=") for coding in codings) and not any(
        coding in {"gzip;q=0", "gzip;q=0.0"} for coding in codings
    )
