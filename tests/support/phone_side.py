"""The Voicemail port as the flows of calls use it, over the database of an API under test."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

from controlplane.domain.message import TakeFacts
from controlplane.domain.pin import Pin
from controlplane.services.pins import Pins
from controlplane.services.voicemail_service import VoicemailService
from tests.support.api import Api


async def _no_deposit(facts: TakeFacts, wav: Path) -> bool:
    raise AssertionError(f"{facts.recording_id} {wav}")


class _NoPins(Pins):
    def __init__(self) -> None:
        """Hold nothing."""

    async def try_pin(self, mailbox_id: UUID | None, source: object, pin: Pin) -> bool:
        """Refuse everything."""
        return False


def voicemail_of(api: Api) -> VoicemailService:
    """Return the service; nobody enters a PIN or leaves a message by it."""
    return VoicemailService(
        database=api.deps.db,
        jobs=api.deps.jobs,
        pins=_NoPins(),
        recordings=api.store,
        deposit=_no_deposit,
        languages=["en", "de"],
    )
