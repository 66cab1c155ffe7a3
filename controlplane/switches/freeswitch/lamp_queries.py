"""What FreeSWITCH tells of phones that ask for a lamp: MESSAGE_QUERY, PRESENCE_PROBE, new registrations.

Everything in these events may come from a phone. A number is digits, a domain a host's name; of the
headers that an answer must carry those that mod_sofia reads are copied, and only what is one word.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final
from uuid import UUID

from controlplane.domain.lamp import LampQuery

_DOMAIN: Final = r"@([A-Za-z0-9.:\[\]_-]{1,253})"
_UUID: Final = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_ACCOUNT: Final = re.compile(rf"(?:sips?:)?([0-9]{{3,64}})(?:\.({_UUID}))?{_DOMAIN}", re.ASCII)
_KEY: Final = re.compile(rf"([*#][0-9*#]{{3,80}}){_DOMAIN}", re.ASCII)
_WORD: Final = re.compile(r"[\x21-\x7e]{1,256}", re.ASCII)
_QUERY_COPIES: Final = (
    ("VM-Sofia-Profile", "Sofia-Profile"),
    ("VM-Call-ID", "Call-ID"),
    ("VM-sub-call-id", "sub-call-id"),
)
_REGISTRATION_COPIES: Final = (("profile-name", "Sofia-Profile"), ("call-id", "Call-ID"))
_PROBE_COPIES: Final = (("sub-call-id", "call-id"),)


def query_of(headers: Mapping[str, str]) -> LampQuery | None:
    """Read a MESSAGE_QUERY; None for one that cannot be answered.

    Who subscribes is a phone of the default tenant, and asks for that one's lamps alone.
    """
    query = _query(headers.get("Message-Account", ""), headers, _QUERY_COPIES)
    return None if query is None or query.tenant is not None else query


def probe_of(headers: Mapping[str, str]) -> LampQuery | None:
    """Read a PRESENCE_PROBE: a phone has a BLF key. None for one whose key dials no feature code."""
    read = _KEY.fullmatch(headers.get("to", ""))
    reply_to = _copied(headers, _PROBE_COPIES)
    if read is None or reply_to is None:
        return None
    return LampQuery(number="", domain=read[2], reply_to=reply_to, key=read[1])


def registration_of(headers: Mapping[str, str]) -> LampQuery | None:
    """Read a `sofia::register`: a phone that was not there before asks for its account's lamp.

    None for one that only registers again, and for an account that is no number.
    """
    if headers.get("update-reg") == "true":
        return None
    account = headers.get("mwi-account") or f"{headers.get('from-user', '')}@{headers.get('from-host', '')}"
    return _query(account, headers, _REGISTRATION_COPIES)


def _query(account: str, headers: Mapping[str, str], copies: tuple[tuple[str, str], ...]) -> LampQuery | None:
    read = _ACCOUNT.fullmatch(account)
    reply_to = _copied(headers, copies)
    if read is None or reply_to is None:
        return None
    tenant = None if read[2] is None else UUID(read[2])
    return LampQuery(number=read[1], domain=read[3], reply_to=reply_to, tenant=tenant)


def _copied(
    headers: Mapping[str, str], copies: tuple[tuple[str, str], ...]
) -> tuple[tuple[str, str], ...] | None:
    """Return what an answer must carry; None if it would go to others than the one who asked."""
    reply_to = tuple((copy, headers[name]) for name, copy in copies if headers.get(name))
    # Without the id of a dialog the answer would go to everybody.
    if not any(name.lower().endswith("call-id") for name, _ in reply_to):
        return None
    return reply_to if all(_WORD.fullmatch(value) for _, value in reply_to) else None
