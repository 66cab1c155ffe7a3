"""When signing in is not tried any more for a while. Pure rules; time is passed in.

Wrong passwords of one account in a row make it wait, from whatever address they came: a minute, then twice
as long, a quarter of an hour at most. So does an address with too many wrong passwords in a day, over
all accounts. Accounts that do not exist wait like others. A one-time link always lets in.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from datetime import datetime

from controlplane.domain.pin_locks import PinLockPolicy, Try, locked_until, source_locked_until

LIMITS = PinLockPolicy(
    wrong_in_a_row=5,
    first_lock_seconds=60,
    longest_lock_seconds=900,
    wrong_of_a_source_in_a_day=50,
    source_lock_seconds=900,
)
_NETWORK_OF_A_SITE = 64


def waits_until(
    of_account: Sequence[Try], wrong_of_address: Sequence[datetime], *, now: datetime
) -> datetime | None:
    """Return when the next try is looked at; None if at once.

    `of_account` are an account's tries in their order, `wrong_of_address` the wrong ones of an
    address, newest first.
    """
    ends = (locked_until(of_account, LIMITS), source_locked_until(wrong_of_address, LIMITS))
    return max((end for end in ends if end is not None and end > now), default=None)


def source_of(address: str | None) -> str:
    """Return what counts as one address: an IPv4 address, or the network that a site has under IPv6."""
    try:
        known = ipaddress.ip_address((address or "").partition("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(known, ipaddress.IPv6Address):
        if known.ipv4_mapped is not None:
            return str(known.ipv4_mapped)
        return str(ipaddress.ip_network((known, _NETWORK_OF_A_SITE), strict=False))
    return str(known)
