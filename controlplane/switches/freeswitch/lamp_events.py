"""What is fired inside FreeSWITCH so that mod_sofia tells phones of a lamp.

`MESSAGE_WAITING` becomes a message-summary for phones that registered or subscribed. `PRESENCE_IN` becomes
a dialog-info for those that have a BLF key: a call that nobody has lights it, and its end darkens it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from uuid import UUID, uuid5

from controlplane.domain.lamp import Lamp

_CALLS: Final = UUID("5e1b3f0c-0f2f-4f0e-9a59-5a1f0b6a3c58")
"""Where the ids of these calls are from. One key has one call, so that its end is the end of that."""

Fields = list[tuple[str, str]]


def waiting(lamp: Lamp, *, domain: str, reply_to: Iterable[tuple[str, str]]) -> Fields:
    """Return the fields of MESSAGE_WAITING; `reply_to` names a profile, or one phone."""
    return [
        ("MWI-Messages-Waiting", "yes" if lamp.is_lit else "no"),
        ("MWI-Message-Account", f"sip:{account_of(lamp)}@{domain}"),
        ("MWI-Voice-Message", lamp.summary),
        *reply_to,
    ]


def presence(lamp: Lamp, key: str, *, domain: str) -> Fields:
    """Return the fields of PRESENCE_IN for a BLF key."""
    # Without an id no call is written into the dialog-info at all.
    return [
        ("proto", "sip"),
        ("event_type", "presence"),
        ("alt_event_type", "dialog"),
        ("Presence-Call-Direction", "outbound"),
        ("from", f"{key}@{domain}"),
        ("login", f"{key}@{domain}"),
        ("unique-id", str(uuid5(_CALLS, f"{key}@{domain}"))),
        ("status", f"{lamp.new} new" if lamp.is_lit else "no new"),
        ("rpid", "unknown"),
        ("answer-state", "confirmed" if lamp.is_lit else "terminated"),
    ]


def account_of(lamp: Lamp) -> str:
    """Return a number as its registration has it: behind that of another tenant stands the tenant."""
    return lamp.number if lamp.tenant is None else f"{lamp.number}.{lamp.tenant}"
