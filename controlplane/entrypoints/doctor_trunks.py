"""What `controlplane doctor` says of the trunks that register at a provider."""

from __future__ import annotations

from controlplane.domain.errors import Unavailable
from controlplane.domain.routing.trunk_state import TrunkState
from controlplane.entrypoints.findings import Finding
from controlplane.entrypoints.publish import control_of
from controlplane.services.trunk_states import registrations_within, told
from controlplane.settings import Settings
from controlplane.storage.database import Database
from controlplane.storage.published_tenants import published_or_current
from controlplane.storage.routing import trunk_registrations

_SUBJECT = "trunks"
_SECONDS = 5.0
_CORRECT = "Correct the trunk (`PATCH /trunks/{name}`), or ask the provider."
_REMEDIES = {
    TrunkState.TRYING: "Ask again in half a minute.",
    TrunkState.NOT_PUBLISHED: "Run `controlplane publish`.",
    TrunkState.UNKNOWN: "See the findings above.",
}


async def check_trunks(settings: Settings) -> list[Finding]:
    """Every trunk that registers is registered; beside a switch with trunks of its own there are none."""
    control = control_of(settings)
    if control is None or not settings.sip.phones:
        return []
    database = Database(settings.sqlalchemy_url, pool_size=1, timeout_seconds=_SECONDS)
    try:
        async with database.transaction() as session:
            tenants = await published_or_current(session)
            known = await trunk_registrations.known(
                session, [trunk.id for tenant in tenants for trunk in tenant.trunks]
            )
    except Unavailable as error:
        return [Finding(subject=_SUBJECT, found=str(error), remedy="See the findings above.")]
    finally:
        await database.close()
    trunks = [
        (tenant.name, trunk)
        for tenant in tenants
        for trunk in tenant.trunks
        if trunk.settings.username is not None
    ]
    if not trunks:
        return [Finding(subject=_SUBJECT, found="none registers at a provider")]
    registrations = await registrations_within(control, seconds=_SECONDS)
    findings = []
    for tenant, trunk in trunks:
        shown = told(registrations, trunk.id, known.get(trunk.id))
        if shown.state is not TrunkState.REGISTERED:
            name = trunk.name if len(tenants) == 1 else f"{trunk.name} of tenant {tenant}"
            remedy = _REMEDIES.get(shown.state, _CORRECT)
            findings.append(Finding(subject=_SUBJECT, found=f"{name}: {shown.detail}", remedy=remedy))
    return findings or [Finding(subject=_SUBJECT, found=f"all {len(trunks)} that register are registered")]
