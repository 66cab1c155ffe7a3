"""Files that are made of few values each, and need not be made again while these are the same."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from controlplane.domain import caller
from controlplane.rendering import context, environment, escape, escape_xml

# What decides, besides template and values, which text comes out.
_MAKERS = (caller, context, environment, escape, escape_xml)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A file that is still to be rendered; `source` is the digest of all that it is made of.

    `endpoints` are what a switch that has read it must know.
    """

    path: str
    template: str
    source: str
    values: Mapping[str, object] = field(repr=False)
    endpoints: tuple[str, ...] = ()


@dataclass(slots=True)
class Sources:
    """Makes digests of sources: of a template, of the programs that fill it, and of the values."""

    templates: Path
    _makers: dict[str, bytes] = field(default_factory=dict)

    def digest(self, template: str, values: Iterable[object]) -> str:
        """Return the SHA-256, in hex, of what a part is made of; raises OSError."""
        if template not in self._makers:
            paths = (self.templates / template, *(Path(str(maker.__file__)) for maker in _MAKERS))
            read = b"".join(hashlib.sha256(path.read_bytes()).digest() for path in paths)
            self._makers[template] = read
        digest = hashlib.sha256(self._makers[template])
        for value in values:
            digest.update(repr(value).encode())
        return digest.hexdigest()
