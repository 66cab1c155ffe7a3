"""What a phone refers to when it transfers a call."""

from __future__ import annotations

from urllib.parse import quote

from tests.support.raw_sip import RawCall
from tests.support.rig import Rig


def target(rig: Rig, number: str, replaced: RawCall | None = None) -> bytes:
    """Return what a phone refers to: a number, or the call to it that it has."""
    address = f"sip:{quote(number)}@{rig.server[0]}:{rig.server[1]}"
    if replaced is not None:
        tag = replaced.headers["from"].rpartition(b"tag=")[2].decode()
        named = f"{replaced.headers['id'].decode()};to-tag={replaced.to_tag.decode()};from-tag={tag}"
        address += f"?Replaces={quote(named, safe='')}"
    return f"<{address}>".encode()
