"""The PINs that a file changes, found and hashed before a transaction: each takes long."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Protocol
from uuid import UUID

from controlplane.apply.declaration import MailboxEntry
from controlplane.domain.pin import Pin, PinPolicy
from controlplane.services.mailboxes import PinHashing
from controlplane.services.pin_hashing import UnreadablePin
from controlplane.storage import mailboxes
from controlplane.storage.database import Database


class PinChecking(PinHashing, Protocol):
    """Hashes PINs and verifies them; `services.pin_hashing.PinHasher` is one."""

    async def verify(self, stored: str | None, pin: Pin) -> bool:
        """Say whether it is the stored one; raises UnreadablePin."""
        ...


class HashedPins:
    """A PinHashing that gives away what was prepared, to each mailbox its own."""

    def __init__(self, hashes: Mapping[int, str]) -> None:
        self._hashes = hashes

    async def hash(self, pin: Pin) -> str:
        """Return the hash of this PIN, which may be asked for again."""
        return self._hashes[id(pin)]


async def new_pins(
    db: Database,
    hasher: PinChecking,
    policy: PinPolicy,
    *,
    tenant_id: UUID | None,
    entries: Sequence[MailboxEntry],
) -> dict[str, Pin]:
    """Return the PINs to be set by the mailboxes' numbers: other ones than now, and those of new mailboxes.

    A new mailbox without one gets one that is made here. `tenant_id` None: all of them are new.
    """
    found = await asyncio.gather(*(_new_pin(db, hasher, policy, tenant_id, entry) for entry in entries))
    return {entry.number: pin for entry, pin in zip(entries, found, strict=True) if pin is not None}


async def hashed(hasher: PinHashing, pins: Mapping[str, Pin]) -> HashedPins:
    """Hash PINs, each by itself: equal PINs must not show as equal hashes."""
    hashes = await asyncio.gather(*(hasher.hash(pin) for pin in pins.values()))
    return HashedPins({id(pin): one for pin, one in zip(pins.values(), hashes, strict=True)})


async def _new_pin(
    db: Database, hasher: PinChecking, policy: PinPolicy, tenant_id: UUID | None, entry: MailboxEntry
) -> Pin | None:
    wanted = None if entry.pin is None else Pin(entry.pin.get_secret_value())
    stored = None
    if tenant_id is not None:
        async with db.transaction() as session:
            row = await mailboxes.by_number(session, tenant_id, entry.number)
            stored = None if row is None else row[0].pin_hash
    if stored is None:
        return wanted or policy.generate(number=entry.number)
    if wanted is None:
        return None
    try:
        return None if await hasher.verify(stored, wanted) else wanted
    except UnreadablePin:
        return wanted
