"""How trunks are now. The switch is asked outside of any transaction, and for some seconds at most."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol
from uuid import UUID

from controlplane.domain.errors import SwitchUnavailable
from controlplane.domain.routing.kinds import RoutingKind
from controlplane.domain.routing.trunk import Trunk
from controlplane.domain.routing.trunk_state import Registration, TrunkState
from controlplane.services.routing.objects import get_object
from controlplane.storage.database import Database

SECONDS: Final = 3.0
_NO_ANSWER: Final = "The switch did not answer."


class TrunkRegistrations(Protocol):
    """What a switch is asked of trunks."""

    async def registrations(self) -> Mapping[UUID, Registration]:
        """Return the registrations that the switch keeps, by trunk; raises SwitchUnavailable."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownState:
    """The state of a trunk, with a sentence for people."""

    state: TrunkState
    detail: str
    retry_seconds: int | None = None


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
    assert isinstance(found.settings, Trunk)
    known = told_without(found.settings)
    if known is not None:
        return known
    registrations = await registrations_within(switch, seconds=seconds)
    return told(registrations, found.id)


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


def told(registrations: Mapping[UUID, Registration] | None, trunk_id: UUID) -> ShownState:
    """Say what the switch said of a registration; None is that it said nothing."""
    if registrations is None:
        return ShownState(state=TrunkState.UNKNOWN, detail=_NO_ANSWER)
    registration = registrations.get(trunk_id)
    if registration is None:
        return ShownState(
            state=TrunkState.NOT_PUBLISHED, detail="The switch does not know it: see whether it is published."
        )
    return ShownState(
        state=registration.state, detail=_sentence(registration), retry_seconds=registration.retry_seconds
    )


def _sentence(registration: Registration) -> str:
    match registration.state:
        case TrunkState.REGISTERED:
            return "We are registered at the provider."
        case TrunkState.TRYING:
            return f"The provider has not answered yet ({registration.said})."
        case _:
            return (
                f"The provider refuses us or cannot be reached ({registration.said}): compare host, port, "
                "username and password with his, and see the log of the switch."
            )
