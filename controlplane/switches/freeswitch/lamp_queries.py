"""What FreeSWITCH tells of phones that ask for a lamp: MESSAGE_QUERY, and new registrations.

Everything in these events may come from a phone. A number is digits, a domain a host's name; of the
headers that an answer must carry those that mod_sofia reads are copied, and only what is one word.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from controlplane.domain.lamp import LampQuery

_ACCOUNT: Final = re.compile(r"(?:sips?:)?([0-9]{3,64})@([A-Za-z0-9.:\[\]_-]{1,253})", re.ASCII)
_WORD: Final = re.compile(r"[\x21-\x7e]{1,256}", re.ASCII)
_QUERY_COPIES: Final = (
    ("VM-Sofia-Profile", "Sofia-Profile"),
    ("VM-Call-ID", "Call-ID"),
    ("VM-sub-call-id", "sub-call-id"),
)
_REGISTRATION_COPIES: Final = (("profile-name", "Sofia-Profile"), ("call-id", "Call-ID"))


def query_of(headers: Mapping[str, str]) -> LampQuery | None:
    """Read a MESSAGE_QUERY; None for one that cannot be answered."""
    return _query(headers.get("Message-Account", ""), headers, _QUERY_COPIES)


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
    if read is None:
        return None
    reply_to = tuple((copy, headers[name]) for name, copy in copies if headers.get(name))
    # Without the id of a dialog the answer would go to everybody.
    if not any(name.lower().endswith("call-id") for name, _ in reply_to):
        return None
    if not all(_WORD.fullmatch(value) for _, value in reply_to):
        return None
    return LampQuery(number=read[1], domain=read[2], reply_to=reply_to)
