"""How trunks are now. The switch is asked outside of any transaction, and for some seconds at most.

How a try to register ended is said when it ends, if at all: what is heard then is kept.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol, cast
from uuid import UUID

from controlplane.domain.errors import SwitchUnavailable
from controlplane.domain.routing.kinds import RoutingKind, RoutingObject
from controlplane.domain.routing.trunk import Trunk
from controlplane.domain.routing.trunk_state import (
    Answer,
    Failure,
    HeardAnswer,
    KnownAnswer,
    Registration,
    TrunkState,
)
from controlplane.services.routing.objects import get_object
from controlplane.storage.database import Database
from controlplane.storage.routing import trunk_registrations

HEARD: Final = "trunks.heard"
LOOK: Final = "trunks.look"
SECONDS: Final = 3.0
_NO_ANSWER: Final = "The switch did not answer."


class TrunkRegistrations(Protocol):
    """What a switch is asked of trunks."""

    async def registrations(self) -> Mapping[UUID, Registration]:
        """Return the registrations that the switch keeps, by trunk; raises SwitchUnavailable."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownState:
    """The state of a trunk, with a sentence for people, and what is known of the provider's last answer."""

    state: TrunkState
    detail: str
    retry_seconds: int | None = None
    since: datetime | None = None
    sip_code: int | None = None
    failure: Failure | None = None


async def state_of(
    db: Database,
    switch: TrunkRegistrations | None,
    *,
    tenant_id: UUID,
    name: str,
    seconds: float = SECONDS,
) -> ShownState:
    """Return how a trunk is now; raises NotFound."""
    found = await get_object(db, tenant_id=tenant_id, kind=RoutingKind.TRUNK, key=name)
    return (await states_of(db, switch, trunks=[found], seconds=seconds))[found.id]


async def states_of(
    db: Database,
    switch: TrunkRegistrations | None,
    *,
    trunks: Sequence[RoutingObject],
    seconds: float = SECONDS,
) -> Mapping[UUID, ShownState]:
    """Return how some trunks are now; the switch is asked once for all of them, and only if it must be."""
    states: dict[UUID, ShownState] = {}
    asked: list[UUID] = []
    for trunk in trunks:
        unasked = told_without(cast("Trunk", trunk.settings))
        if unasked is None:
            asked.append(trunk.id)
        else:
            states[trunk.id] = unasked
    if asked:
        registrations = await registrations_within(switch, seconds=seconds)
        async with db.transaction() as session:
            known = await trunk_registrations.known(session, asked)
        states |= {one: told(registrations, one, known.get(one)) for one in asked}
    return states


async def note_heard(db: Database, heard: HeardAnswer, *, at: datetime) -> None:
    """Keep an answer of a provider that the switch told of."""
    async with db.transaction() as session:
        await trunk_registrations.note(session, heard.trunk_id, heard.answer, at=at)


async def look(db: Database, switch: TrunkRegistrations | None, *, at: datetime) -> int:
    """Keep who is registered and who is not, as the switch says now; return how many trunks it has.

    Raises SwitchUnavailable.
    """
    if switch is None:
        return 0
    registrations = await switch.registrations()
    async with db.transaction() as session:
        for trunk_id, registration in registrations.items():
            if registration.state is not TrunkState.TRYING:
                answer = Answer(registered=registration.state is TrunkState.REGISTERED)
                await trunk_registrations.note(session, trunk_id, answer, at=at, looked=True)
    return len(registrations)


async def registrations_within(
    switch: TrunkRegistrations | None, *, seconds: float = SECONDS
) -> Mapping[UUID, Registration] | None:
    """Ask the switch; None if it did not answer in time, or there is none."""
    if switch is None:
        return None
    try:
        async with asyncio.timeout(seconds):
            return await switch.registrations()
    except (SwitchUnavailable, TimeoutError):
        return None


def told_without(trunk: Trunk) -> ShownState | None:
    """Return what is known without asking the switch; None if it must be asked."""
    if not trunk.enabled:
        return ShownState(state=TrunkState.DISABLED, detail="It is not enabled.")
    if trunk.username is None:
        return ShownState(
            state=TrunkState.BY_ADDRESS, detail="It does not register: its calls come from its addresses."
        )
    return None


def told(
    registrations: Mapping[UUID, Registration] | None, trunk_id: UUID, known: KnownAnswer | None = None
) -> ShownState:
    """Say what the switch said of a registration, and what is known of the last answer, where they agree.

    None of `registrations` is that the switch said nothing.
    """
    if registrations is None:
        return ShownState(state=TrunkState.UNKNOWN, detail=_NO_ANSWER)
    registration = registrations.get(trunk_id)
    if registration is None:
        return ShownState(
            state=TrunkState.NOT_PUBLISHED, detail="The switch does not know it: see whether it is published."
        )
    if known is not None and known.answer.registered is not (registration.state is TrunkState.REGISTERED):
        known = None
    answer = Answer(registered=False) if known is None else known.answer
    return ShownState(
        state=registration.state,
        detail=_sentence(registration, answer),
        retry_seconds=registration.retry_seconds,
        since=None if known is None else known.since,
        sip_code=answer.sip_code,
        failure=answer.failure,
    )


def _sentence(registration: Registration, answer: Answer) -> str:
    match registration.state:
        case TrunkState.REGISTERED:
            return "We are registered at the provider."
        case TrunkState.TRYING:
            return f"The provider has not answered yet ({registration.said})."
        case _:
            return _failure(registration, answer)


def _failure(registration: Registration, answer: Answer) -> str:
    match answer.failure:
        case Failure.REFUSED:
            return (
                f"The provider refuses us{_code(answer)}: compare username and password with his, or ask him."
            )
        case Failure.UNREACHABLE:
            return (
                f"Nobody answers there ({registration.said}): compare host and port with the provider's, and "
                "see whether the switch reaches him."
            )
        case None:
            return (
                f"The provider refuses us or cannot be reached ({registration.said}): compare host, port, "
                "username and password with his, and see the log of the switch."
            )


def _code(answer: Answer) -> str:
    return "" if answer.sip_code is None else f" ({answer.sip_code})"
