"""Applying a file of a tenant on a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from controlplane.apply.faults import RefusedFile
from controlplane.storage.database import Database
from controlplane.storage.queue import Jobs
from tests.support.api import Api
from tests.support.applying import Applier, applier


@pytest.fixture
def applies(database: Database, jobs: Jobs) -> Iterator[Applier]:
    """Return what applies files."""
    with applier(database, jobs) as made:
        yield made


async def test_the_example_applies_to_an_empty_tenant(applies: Applier, api: Api, root: Path) -> None:
    """All of it is made at once, by one publishing job, and a second run has nothing to change."""
    text = (root / "examples/company.yaml").read_text()
    first = await applies.apply(text)
    jobs = [name for name, _ in api.jobs()]
    second = await applies.apply(text)
    print(first.plan, first.made)

    assert {"added"} == {action for action, _ in first.outcomes}
    assert 1 == jobs.count("configuration.publish")
    assert (0, len(first.plan.objects)) == (len(second.plan.objects), second.plan.unchanged), second.plan
    assert [] == api.jobs()
