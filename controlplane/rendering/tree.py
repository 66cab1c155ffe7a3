"""What is rendered: files by their paths, and the digest that the switch must say once it runs them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from controlplane.rendering.context import TenantContext
from controlplane.rendering.pieces import cut
from controlplane.rendering.renderer import Renderer


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderedTree:
    """Files by relative path, and what the switch must say once it runs them."""

    files: Mapping[str, str] = field(repr=False)
    digest: str
    endpoints: frozenset[str]


def digest_of(files: Mapping[str, str]) -> str:
    """Return the SHA-256, in hex, of all paths and texts, or of all paths and the digests of texts."""
    digest = hashlib.sha256()
    for path in sorted(files):
        for part in (path, files[path]):
            data = part.encode()
            digest.update(len(data).to_bytes(8, "big"))
            digest.update(data)
    return digest.hexdigest()


def text_digest(text: str) -> str:
    """Return the SHA-256, in hex, of a text as a file has it."""
    return hashlib.sha256(text.encode()).hexdigest()


def render_tree(renderer: Renderer, tenants: Iterable[TenantContext]) -> RenderedTree:
    """Render all at once into memory, the tenants with their extensions; raises RenderingError."""
    files: dict[str, str] = {}
    endpoints: set[str] = set()
    pieces = {tenant.id: tuple(cut(tenant.extensions if renderer.has_phones else ())) for tenant in tenants}
    for tenant in tenants:
        parts = (*(renderer.piece(tenant, piece) for piece in pieces[tenant.id]), *renderer.parts(tenant))
        for part in parts:
            files[part.path] = renderer.text(part)
            endpoints.update(part.endpoints)
    whole = renderer.whole({tenant: tuple(piece.name for piece in cut_) for tenant, cut_ in pieces.items()})
    files |= whole.files
    digest = digest_of({path: text_digest(text) for path, text in files.items()})
    return RenderedTree(
        files={**files, **whole.named(digest)}, digest=digest, endpoints=whole.endpoints | endpoints
    )
