"""The tenant of a file: found, made where it names a SIP domain, and changed."""

from __future__ import annotations

from typing import Any, cast

from controlplane.apply.declaration import TenantEntry
from controlplane.apply.plan import Planned, changes_between
from controlplane.domain.configuration import Action
from controlplane.domain.errors import NotFound
from controlplane.domain.limits import LIMITS
from controlplane.domain.tenant import Tenant
from controlplane.services.tenants import TenantChanges, create_tenant, get_tenant, update_tenant
from controlplane.storage.database import Database
from controlplane.storage.queue import Jobs

_FIELDS = ("sip_domain", "language", "time_zone", *LIMITS, "email_subject", "email_introduction")
_MAY_BE_NULL = frozenset({"trash_days", "email_subject", "email_introduction"})


async def find_tenant(db: Database, name: str) -> Tenant | None:
    """Return the tenant of a name, if there is one."""
    try:
        return await get_tenant(db, name=name)
    except NotFound:
        return None


async def settle_tenant(
    db: Database, jobs: Jobs, entry: TenantEntry, *, by: str
) -> tuple[Tenant, Planned | None]:
    """Return the tenant as the file wants it, and what becomes of it; raises DomainError."""
    wanted = {
        name: getattr(entry, name)
        for name in _FIELDS
        if getattr(entry, name) is not None or (name in _MAY_BE_NULL and name in entry.model_fields_set)
    }
    before = await find_tenant(db, entry.name)
    if before is None:
        made = await _create(db, jobs, entry.name, wanted, by)
        return made, Planned(action=Action.ADDED, words="tenant", key=made.name, name=made.sip_domain)
    if not wanted:
        return before, None
    after = await update_tenant(
        db,
        jobs,
        name=entry.name,
        changes=cast("TenantChanges", wanted),
        by=by,
        expected_version=before.version,
    )
    changes = changes_between(tenant_form(before), tenant_form(after))
    if not changes:
        return after, None
    return after, Planned(
        action=Action.CHANGED, words="tenant", key=after.name, name=after.sip_domain, changes=changes
    )


def tenant_form(tenant: Tenant) -> dict[str, Any]:
    """Return what can be set of a tenant."""
    return {name: getattr(tenant, name) for name in _FIELDS}


async def _create(db: Database, jobs: Jobs, name: str, wanted: dict[str, Any], by: str) -> Tenant:
    if "sip_domain" not in wanted:
        raise NotFound(
            f"There is no tenant {name}. Name another one, or give it a sip_domain, and it is made.",
            error_id="no-such-tenant",
            field="name",
        )
    return await create_tenant(db, jobs, name=name, by=by, **wanted)
