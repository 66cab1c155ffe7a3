"""The files that pages load: style, script, icon; their address changes with their content."""

from __future__ import annotations

import hashlib
from functools import partial
from pathlib import Path

from fastapi import APIRouter, Response

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
                partial(_file, content, _MEDIA_TYPES[Path(name).suffix]),
                methods=["GET"],
            )
        return router


async def _file(content: bytes, media_type: str) -> Response:
    return Response(content, media_type=media_type, headers={"Cache-Control": _CACHED})
