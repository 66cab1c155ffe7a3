"""Route files: one small file per number, which the switch reads at each call.

`<routes>/<tenant's UUID>/<last two digits>/<number>`: line 1 the kind, line 2 the object's UUID, then
the lines of its plan (`domain.routing.plan`). They are reconciled with the database, so that two jobs in
any order end right.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Collection, Mapping
from pathlib import Path
from uuid import UUID

from controlplane.domain.numbers import Number
from controlplane.storage import configuration
from controlplane.storage.database import Database
from controlplane.storage.folder_lock import folder_lock
from controlplane.storage.routing import published_plans
from controlplane.storage.routing.plans import Owner


def route_path(routes: Path, tenant_id: UUID, number: str) -> Path:
    """Return where the route file of a number is; raises InvalidValue for what is no number."""
    checked = Number.parse(number)
    return routes / str(tenant_id) / checked[-2:] / checked


def route_text(owner: Owner) -> str:
    """Return what is in a route file."""
    return "".join(f"{line}\n" for line in (owner.kind, owner.object_id, *owner.plan))


async def reconcile_routes(
    database: Database, routes: Path, *, tenant_id: UUID, numbers: Collection[str]
) -> int:
    """Make the route files of these numbers say what the database says now; return how many changed.

    Of a tenant that publishes by hand they say what is published.
    Idempotent. Raises Unavailable, OSError, and InvalidValue for what is no number.
    """
    paths = {number: route_path(routes, tenant_id, number) for number in numbers}
    async with folder_lock(routes):
        async with database.transaction() as session:
            owners = await published_plans.owners(session, tenant_id, list(paths))
        return await asyncio.to_thread(_reconcile, paths, owners)


async def reconcile_all_routes(database: Database, routes: Path) -> int:
    """Do the same for all numbers of all tenants, and remove what is left of others."""
    async with folder_lock(routes):
        async with database.transaction() as session:
            tenants = await configuration.tenant_ids(session)
        changed = await asyncio.to_thread(_remove_strangers, routes, {str(tenant) for tenant in tenants})
        for tenant_id in tenants:
            changed += await _reconcile_all(database, routes, tenant_id)
        return changed


async def reconcile_tenant_routes(database: Database, routes: Path, tenant_id: UUID) -> int:
    """Do the same for all numbers of one tenant."""
    async with folder_lock(routes):
        return await _reconcile_all(database, routes, tenant_id)


async def remove_routes(routes: Path, tenant_id: UUID, numbers: Collection[str]) -> None:
    """Remove the route files of these numbers, whose objects are about to go; raises Unavailable, OSError."""
    async with folder_lock(routes):
        for number in numbers:
            await asyncio.to_thread(route_path(routes, tenant_id, number).unlink, missing_ok=True)


async def _reconcile_all(database: Database, routes: Path, tenant_id: UUID) -> int:
    async with database.transaction() as session:
        owners = await published_plans.owners(session, tenant_id)
    return await asyncio.to_thread(_reconcile_tenant, routes, tenant_id, owners)


def _reconcile_tenant(routes: Path, tenant_id: UUID, owners: Mapping[str, Owner]) -> int:
    paths = {number: route_path(routes, tenant_id, number) for number in owners}
    wanted = set(paths.values())
    changed = 0
    for path in (routes / str(tenant_id)).glob("*/*"):
        if path not in wanted:
            path.unlink(missing_ok=True)
            changed += 1
    return changed + _reconcile(paths, owners)


def _reconcile(paths: Mapping[str, Path], owners: Mapping[str, Owner]) -> int:
    changed = 0
    for number, path in paths.items():
        owner = owners.get(number)
        if _read(path) == (None if owner is None else route_text(owner)):
            continue
        changed += 1
        if owner is None:
            path.unlink(missing_ok=True)
            continue
        path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
        temporary = path.with_name(f".{number}-{os.getpid()}")
        # Not synced: all of them are reconciled again and again.
        temporary.write_text(route_text(owner), encoding="ascii")
        temporary.replace(path)
    return changed


def _remove_strangers(routes: Path, tenants: Collection[str]) -> int:
    changed = 0
    for folder in routes.iterdir():
        if folder.is_dir() and folder.name not in tenants:
            shutil.rmtree(folder)
            changed += 1
    return changed


def _read(path: Path) -> str | None:
    try:
        return path.read_bytes().decode("ascii", "replace")
    except FileNotFoundError:
        return None
