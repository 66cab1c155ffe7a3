"""An extension: a SIP phone's account, its password's rules and its digest."""

from __future__ import annotations

import hashlib
import re
import secrets
import string
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from controlplane.domain.errors import InvalidValue
from controlplane.domain.numbers import Number

_PASSWORD = re.compile(r"[!-~]{8,64}", re.ASCII)
# Without 0 O 1 l I: people type it into phones.
_READABLE = "".join(c for c in string.ascii_letters + string.digits if c not in "0O1lI")
_GENERATED_LENGTH = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Extension:
    """A SIP phone's account as the API and the rendering see it; without its password."""

    id: UUID
    tenant_id: UUID
    number: Number
    display_name: str
    version: int
    created_at: datetime
    updated_at: datetime


def parse_sip_password(text: str, *, number: str, field: str = "sip_password") -> str:
    """Return the password; raise InvalidValue (`invalid-sip-password`), never naming it."""
    if not _PASSWORD.fullmatch(text) or number in text:
        raise InvalidValue(
            "A SIP password has 8 to 64 visible ASCII characters, no blanks, and not the number in it.",
            error_id="invalid-sip-password",
            field=field,
        )
    return text


def generate_sip_password() -> str:
    """Make a random password of 20 letters and digits (about 116 bits)."""
    return "".join(secrets.choice(_READABLE) for _ in range(_GENERATED_LENGTH))


def a1_hash(*, number: str, realm: str, password: str) -> str:
    """Return MD5(number:realm:password) in hex, the A1 of SIP's digest (RFC 7616 3.4.2)."""
    return hashlib.md5(f"{number}:{realm}:{password}".encode(), usedforsecurity=False).hexdigest()
