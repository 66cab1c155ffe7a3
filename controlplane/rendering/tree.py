"""A rendered tree: the text of each file by its path, the digest of all, the difference between two."""

from __future__ import annotations

import difflib
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

_SECRET_LINE = re.compile(r"^([ +-]?(?:md5_cred|secret)\s*=).*$", re.MULTILINE)
_SECRET_PARAMETER = re.compile(r'(name="(?:password|a1-hash)" value=")[^"]*|(data="cp_secret=)[^"]*')
_SECRET_ARGUMENT = re.compile(r"(AGI\(agi://[^,]*,)[^,)]*")


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


def difference(before: Mapping[str, str], after: Mapping[str, str]) -> str:
    """Return a unified diff of two trees for people; secrets are shown as `***`, empty if nothing differs."""
    lines: list[str] = []
    for path in sorted({*before, *after}):
        lines.extend(
            difflib.unified_diff(
                before.get(path, "").splitlines(keepends=True),
                after.get(path, "").splitlines(keepends=True),
                fromfile=f"a/{path}" if path in before else "/dev/null",
                tofile=f"b/{path}" if path in after else "/dev/null",
            )
        )
    text = "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)
    for secret in (_SECRET_LINE, _SECRET_ARGUMENT):
        text = secret.sub(r"\1***", text)
    return _SECRET_PARAMETER.sub(lambda found: f"{found[1] or found[2]}***", text)
