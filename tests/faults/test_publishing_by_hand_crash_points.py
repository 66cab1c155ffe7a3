"""`jobs` is killed (SIGKILL) while it publishes a tenant that does so by hand: the next one ends it right.

What waits is then published whole, endpoints and the files that calls read; or, if the switch refuses it,
all of it waits as before.
"""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import pytest
from controlplane.domain.configuration import Mode
from controlplane.services.publishing import Outcome, heal, publish
from controlplane.services.publishing_modes import choose_mode, tenant_mode
from controlplane.services.routes import reconcile_all_routes
from controlplane.storage.database import Database
from controlplane.storage.queue import Jobs
from tests.support.dying_publisher import DIED, LastingSwitch, call_files, publish_until
from tests.support.publishing import add_extension, make_publisher, remove_extension


class Tenant:
    """The tenant `default`, which has 101 published and by hand waits with 102 in its place."""

    def __init__(self, database: Database, root: Path, tenant_id: UUID) -> None:
        self.database = database
        self.root = root
        self.tenant_id = tenant_id

    async def heal(self, *, deaf: str | None = None) -> Outcome:
        """Do what the job of each minute does; the switch outlived the one who died."""
        switch = LastingSwitch(self.root, deaf={deaf} if deaf else set())
        result = await heal(make_publisher(self.database, self.root, switch), files=call_files(self.root))
        return result.outcome

    @property
    def endpoints(self) -> set[str]:
        """Return the extensions that the switch knows."""
        return set(LastingSwitch(self.root).running.endpoints) - {"anonymous"}

    @property
    def routes(self) -> set[str]:
        """Return the numbers that calls find."""
        return {path.name for path in (self.root / "routes" / str(self.tenant_id)).glob("*/*")}


@pytest.fixture
async def tenant(database: Database, jobs: Jobs, default_tenant: UUID, tmp_path: Path) -> Tenant:
    """Publish 101; then let 102 wait in its place."""
    await add_extension(database, default_tenant, "101")
    await publish(make_publisher(database, tmp_path, LastingSwitch(tmp_path)))
    await choose_mode(database, jobs, Mode.MANUAL, tenant_id=default_tenant, by="tests")
    await add_extension(database, default_tenant, "102")
    await remove_extension(database, default_tenant, "101")
    await reconcile_all_routes(database, tmp_path / "routes")
    return Tenant(database, tmp_path, default_tenant)


@pytest.mark.parametrize(
    "step", ["copied", "rendered", "noted-pending", "linked", "reloaded", "noted-live", "copies-settled"]
)
async def test_killed_while_publishing_by_hand_heals(tenant: Tenant, database_url: str, step: str) -> None:
    """No call finds a number whose extension is not there yet; healed, all is as it was to be published."""
    before = (tenant.endpoints, tenant.routes)
    ended = publish_until(step, url=database_url, root=tenant.root, by_hand=True)
    endpoints, routes = tenant.endpoints, tenant.routes
    outcome = await tenant.heal()
    mode = await tenant_mode(tenant.database, tenant.tenant_id)

    assert ({"101"}, {"101"}) == before
    assert DIED == ended
    assert endpoints in ({"101"}, {"102"})
    assert routes <= endpoints
    assert (Outcome.LIVE, {"102"}, {"102"}) == (outcome, tenant.endpoints, tenant.routes)
    assert (False, None) == (mode.publishing, mode.failed_revision)


@pytest.mark.parametrize("step", ["noted-failed", "linked-back", "copies-settled"])
async def test_killed_while_putting_back_by_hand_heals(tenant: Tenant, database_url: str, step: str) -> None:
    """What the switch refused waits again, and nothing of it is left: neither an endpoint nor a file."""
    ended = publish_until(step, url=database_url, root=tenant.root, deaf="102", by_hand=True)
    await tenant.heal(deaf="102")
    mode = await tenant_mode(tenant.database, tenant.tenant_id)

    assert DIED == ended
    assert ({"101"}, {"101"}) == (tenant.endpoints, tenant.routes)
    assert (Mode.MANUAL, False, True) == (mode.mode, mode.publishing, mode.failed_revision is not None)
