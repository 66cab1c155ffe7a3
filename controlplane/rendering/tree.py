"""A rendered tree: the text of each file by its path, and the digest of all."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderedTree:
    """Files by relative path, and what the switch must say once it runs them."""

    files: Mapping[str, str] = field(repr=False)
    digest: str
    endpoints: frozenset[str]


def digest_of(files: Mapping[str, str]) -> str:
    """Return the SHA-256, in hex, of all paths and texts."""
    digest = hashlib.sha256()
    for path in sorted(files):
        for part in (path, files[path]):
            data = part.encode()
            digest.update(len(data).to_bytes(8, "big"))
            digest.update(data)
    return digest.hexdigest()
