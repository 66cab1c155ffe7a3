"""PINs of an import: each takes long to hash, so that the rows are looked at first."""

from __future__ import annotations

from uuid import UUID

import httpx
import pytest
from controlplane.domain.errors import InvalidValues
from controlplane.domain.pin import Pin
from controlplane.services.mailboxes import PinHashing
from controlplane.services.transfer.moving import ResourceName, import_csv
from controlplane.services.transfer.resource import Importing, Outcome
from tests.support.api import PIN, Api

_GOOD = f"8001,Sales,{PIN}\n8002,Support,{PIN}\n"


class CountingHasher:
    """Counts what is hashed; implements PinHashing by another one."""

    def __init__(self, hasher: PinHashing) -> None:
        self._hasher = hasher
        self.count = 0

    async def hash(self, pin: Pin) -> str:
        """Count, and hash."""
        self.count += 1
        return await self._hasher.hash(pin)


@pytest.fixture
def hasher(api: Api) -> CountingHasher:
    """Return the hasher of the imports."""
    return CountingHasher(api.hasher)


@pytest.fixture
def importing(api: Api, hasher: CountingHasher, default_tenant: UUID) -> Importing:
    """Return where rows go."""
    return Importing(
        db=api.deps.db,
        jobs=api.deps.jobs,
        hasher=hasher,
        pin_policy=api.deps.pin_policy,
        tenant_id=default_tenant,
        realm=api.deps.realm,
        by="tests",
    )


async def _import(into: Importing, rows: str, *, dry_run: bool = False) -> list[Outcome]:
    outcomes = await import_csv(
        into,
        name=ResourceName.MAILBOXES,
        data=f"number,display_name,pin\n{rows}".encode(),
        dry_run=dry_run,
    )
    return [one.outcome for one in outcomes]


@pytest.mark.parametrize(
    ("row", "error_id"),
    [
        ("8003,Office,1111", "pin-one-digit"),
        ("8003,Office,", "missing-field"),
        (f"8003,,{PIN}", "missing-field"),
        (f"80,Office,{PIN}", "invalid-number"),
        (f"8001,Office,{PIN}", "named-twice"),
        (f"101,Office,{PIN}", "number-taken"),
    ],
)
async def test_no_pin_is_hashed_for_a_file_with_a_wrong_row(
    client: httpx.AsyncClient, importing: Importing, hasher: CountingHasher, *, row: str, error_id: str
) -> None:
    """Whatever is wrong with one of them, and wherever it stands."""
    await client.post("/api/v1/extensions", json={"number": "101", "display_name": "Alice"})
    with pytest.raises(InvalidValues) as refused:
        await _import(importing, f"{_GOOD}{row}\n")

    assert ("import-refused", [error_id]) == (
        refused.value.error_id,
        [one.error_id for one in refused.value.errors],
    )
    assert 0 == hasher.count


async def test_each_pin_of_a_good_file_is_hashed_once(
    mailbox: httpx.Response, importing: Importing, hasher: CountingHasher
) -> None:
    """Those of new mailboxes and of known ones; a dry run hashes none."""
    dry = await _import(importing, _GOOD, dry_run=True)
    hashed_dry = hasher.count
    real = await _import(importing, _GOOD)

    assert [[Outcome.CHANGED, Outcome.CREATED]] * 2 == [dry, real]
    assert (0, 2) == (hashed_dry, hasher.count)
