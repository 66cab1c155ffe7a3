"""What is noted of a revision in its folder: what its switch says, and of what each file is and is made."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

NAME = "manifest.json"


@dataclass(frozen=True, slots=True)
class WrittenPart:
    """A file that need not be made again while its sources have this digest; the endpoints that are in it."""

    source: str
    endpoints: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a switch says when it runs a revision; the SHA-256 of each file, as it was written.

    `files` is None for what a version wrote that did not note them. `parts` are those files that are made of
    few values, `endpoints` all, those of parts included.
    """

    digest: str
    endpoints: frozenset[str]
    files: Mapping[str, str] | None = field(default=None, repr=False)
    parts: Mapping[str, WrittenPart] = field(default_factory=dict, repr=False)

    def part(self, path: str, source: str) -> str | None:
        """Return the SHA-256 of the text of a part that was made of these sources; None if none was."""
        found = self.parts.get(path)
        return self.files.get(path) if self.files and found is not None and found.source == source else None

    @property
    def alone(self) -> frozenset[str]:
        """The endpoints that are in no part, such as trunks and call queues."""
        return self.endpoints.difference(*(part.endpoints for part in self.parts.values()))

    @property
    def witnesses(self) -> frozenset[str]:
        """The endpoints that answer for all: one of each part, and those in none."""
        return self.alone.union(part.endpoints[0] for part in self.parts.values() if part.endpoints)

    def text(self) -> str:
        """Return it as it is written."""
        return json.dumps(
            {
                "digest": self.digest,
                "endpoints": sorted(self.alone),
                "files": dict(sorted((self.files or {}).items())),
                "parts": {
                    path: {"source": part.source, "endpoints": part.endpoints}
                    for path, part in sorted(self.parts.items())
                },
            },
            indent=1,
        )


def read_manifest(folder: Path) -> Manifest | None:
    """Return the manifest in a revision's folder; None without one that can be read."""
    try:
        read = json.loads((folder / NAME).read_text())
        files = read.get("files")
        parts = {
            str(path): WrittenPart(str(part["source"]), tuple(map(str, part["endpoints"])))
            for path, part in read.get("parts", {}).items()
        }
        of_parts = (endpoint for part in parts.values() for endpoint in part.endpoints)
        return Manifest(
            digest=str(read["digest"]),
            endpoints=frozenset((*map(str, read["endpoints"]), *of_parts)),
            files=None if files is None else {str(path): str(digest) for path, digest in files.items()},
            parts=parts,
        )
    except (FileNotFoundError, NotADirectoryError, ValueError, KeyError, TypeError, AttributeError):
        return None


def sha256_of(data: bytes) -> str:
    """Return what the manifest notes of a file."""
    return hashlib.sha256(data).hexdigest()
