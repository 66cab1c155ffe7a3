"""The Receptionists port over the database, one transaction a method."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime
from pathlib import Path
from uuid import UUID

from controlplane.callflows.reception import Dialled, Reception
from controlplane.domain.language import first_available
from controlplane.domain.routing.destination import Destination, DestinationAction
from controlplane.domain.routing.plan import PlanContext, destination_token
from controlplane.domain.routing.receptionist import VirtualReceptionist
from controlplane.storage.database import Database
from controlplane.storage.routing import receptions


class ReceptionistService:
    """Implements `callflows.reception.Receptionists`; one for all calls of a process.

    `database` should have the short limit of calls, `greetings` is where jobs put spoken and recorded
    greetings, and `languages` are those with prompts.
    """

    def __init__(self, *, database: Database, greetings: Path, languages: Collection[str]) -> None:
        self._database = database
        self._greetings = greetings
        self._languages = languages

    async def reception(self, receptionist_id: UUID, *, at: datetime) -> Reception | None:
        """Return it as it is at a moment; None if there is none."""
        async with self._database.transaction() as session:
            found = await receptions.receptionist(session, receptionist_id)
            if found is None:
                return None
            settings = found.settings
            hours = await receptions.office_hours(
                session, found.tenant_id, settings.office_hours, held=found.held
            )
            owned = await receptions.owned_mailboxes(
                session, found.tenant_id, set(_extensions_with_mailboxes(settings)), held=found.held
            )
        number = found.number
        context = PlanContext(hours=lambda _: None, voicemail_of=owned.get)

        def token(destination: Destination) -> str:
            return destination_token(destination, context, number=number)

        now = hours.at(at)
        greeting = self._greetings / f"{found.id}.wav"
        return Reception(
            tenant_id=found.tenant_id,
            number=number,
            language=first_available((settings.language, found.language), self._languages),
            # Not spoken yet, or none at all: the standard words.
            greeting=greeting if greeting.is_file() else None,
            keys={rule.keys: token(rule.destination.each[now]) for rule in settings.keys},
            dial_extensions=settings.dial_extensions,
            digit_gap_seconds=settings.digit_gap_seconds,
            timeout_seconds=settings.timeout_seconds,
            timeout_repeats=settings.timeout_repeats,
            timeout=token(settings.timeout),
            call_failed=token(settings.call_failed),
        )

    async def dialled(self, tenant_id: UUID, digits: str) -> Dialled:
        """Look digits up among the extensions of a tenant."""
        async with self._database.transaction() as session:
            found = await receptions.extensions_from(session, tenant_id, digits)
        return Dialled(is_extension=digits in found, may_go_on=any(number != digits for number in found))


def _extensions_with_mailboxes(settings: VirtualReceptionist) -> Iterator[str]:
    """Yield the extensions whose own mailboxes are destinations."""
    rules = [one for rule in settings.keys for one in rule.destination.each]
    for destination in (*rules, settings.timeout, settings.call_failed):
        if destination.action is DestinationAction.FORWARD_TO_VOICEMAIL and destination.number:
            yield destination.number
