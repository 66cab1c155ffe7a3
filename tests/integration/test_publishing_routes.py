"""Route files follow the numbers of the database, whatever order the jobs run in."""

from __future__ import annotations

import asyncio
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from controlplane.domain.errors import InvalidValue
from controlplane.services.routes import reconcile_all_routes, reconcile_routes
from controlplane.storage.database import Database
from controlplane.storage.tables import NumberRow, TenantRow
from sqlalchemy import update
from tests.support.publishing import add_extension, remove_extension


def files(routes: Path) -> dict[str, str]:
    """Return all route files by path."""
    return {
        str(path.relative_to(routes)): path.read_text()
        for path in routes.rglob("*")
        if path.is_file() and path.name != ".lock"
    }


async def test_a_number_gets_its_file(database: Database, default_tenant: UUID, tmp_path: Path) -> None:
    """The file lies under the tenant and the last two digits, and names kind and object."""
    extension_id = await add_extension(database, default_tenant, "101")
    await reconcile_routes(database, tmp_path, tenant_id=default_tenant, numbers=["101"])

    assert {f"{default_tenant}/01/101": f"extension\n{extension_id}\n"} == files(tmp_path)


async def test_a_freed_number_loses_its_file(
    database: Database, default_tenant: UUID, tmp_path: Path
) -> None:
    """Removing comes through the same job."""
    await add_extension(database, default_tenant, "101")
    await reconcile_routes(database, tmp_path, tenant_id=default_tenant, numbers=["101"])
    await remove_extension(database, default_tenant, "101")
    await reconcile_routes(database, tmp_path, tenant_id=default_tenant, numbers=["101"])

    assert {} == files(tmp_path)


async def test_a_number_of_another_object_is_rewritten(
    database: Database, default_tenant: UUID, tmp_path: Path
) -> None:
    """A number that was freed and taken names its new object."""
    await add_extension(database, default_tenant, "101")
    await reconcile_routes(database, tmp_path, tenant_id=default_tenant, numbers=["101"])
    mailbox_id = uuid4()
    async with database.transaction() as session:
        await session.execute(
            update(NumberRow).where(NumberRow.number == "101").values(kind="mailbox", object_id=mailbox_id)
        )
    await reconcile_routes(database, tmp_path, tenant_id=default_tenant, numbers=["101"])

    assert {f"{default_tenant}/01/101": f"mailbox\n{mailbox_id}\n"} == files(tmp_path)


async def test_reconciling_twice_changes_nothing(
    database: Database, default_tenant: UUID, tmp_path: Path
) -> None:
    """A repeat finds everything as it should be."""
    await add_extension(database, default_tenant, "101")
    changed = [
        await reconcile_routes(database, tmp_path, tenant_id=default_tenant, numbers=["101", "102"])
        for _ in range(2)
    ]

    assert [1, 0] == changed


async def test_jobs_at_the_same_time_end_right(
    database: Database, default_tenant: UUID, tmp_path: Path
) -> None:
    """Taking and freeing while others reconcile: the last state of the database is that of the files."""

    async def reconcile() -> None:
        await reconcile_routes(database, tmp_path, tenant_id=default_tenant, numbers=["101"])

    for _ in range(5):
        await add_extension(database, default_tenant, "101")
        early = asyncio.create_task(reconcile())
        await remove_extension(database, default_tenant, "101")
        await asyncio.gather(early, reconcile())

    assert {} == files(tmp_path)


async def test_all_routes_are_reconciled(database: Database, default_tenant: UUID, tmp_path: Path) -> None:
    """What is missing is written; what nobody owns, and what tenants left behind, is removed."""
    extension_id = await add_extension(database, default_tenant, "101")
    for left in (f"{default_tenant}/99/999", f"{default_tenant}/01/.101-77", f"{uuid4()}/01/8001"):
        (tmp_path / left).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / left).write_text("mailbox\n")
    await reconcile_all_routes(database, tmp_path)

    assert {f"{default_tenant}/01/101": f"extension\n{extension_id}\n"} == files(tmp_path)


async def test_tenants_do_not_meet(database: Database, default_tenant: UUID, tmp_path: Path) -> None:
    """The same number of two tenants is two files."""
    other = uuid4()
    async with database.transaction() as session:
        session.add(
            TenantRow(id=other, name="acme", sip_domain="acme.example", language="en", time_zone="UTC")
        )
    first = await add_extension(database, default_tenant, "101")
    second = await add_extension(database, other, "101")
    await reconcile_all_routes(database, tmp_path)

    assert {
        f"{default_tenant}/01/101": f"extension\n{first}\n",
        f"{other}/01/101": f"extension\n{second}\n",
    } == files(tmp_path)


@pytest.mark.parametrize("number", ["../../x", "1", "", "8001\n", "٣٤٥"])
async def test_what_is_no_number_touches_no_file(
    database: Database, default_tenant: UUID, tmp_path: Path, number: str
) -> None:
    """A number becomes part of a path, so it is checked once more."""
    with pytest.raises(InvalidValue):
        await reconcile_routes(database, tmp_path, tenant_id=default_tenant, numbers=[number])
