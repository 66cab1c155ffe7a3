"""Importing a file in one transaction, with an outcome for each row, and exporting one."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from uuid import UUID

import structlog

from controlplane.domain.errors import Conflict, DomainError, InvalidValue, InvalidValues
from controlplane.services.mailboxes import PinHashing
from controlplane.services.transfer.extensions import Extensions
from controlplane.services.transfer.inbound_rules import InboundRules
from controlplane.services.transfer.mailboxes import Mailboxes
from controlplane.services.transfer.ready_hashes import NoHashes, ready_hashes
from controlplane.services.transfer.resource import Applied, Importing, Outcome, Resource
from controlplane.services.transfer.table import Row, read_table, write_row
from controlplane.storage.database import Database, JoinedDatabase
from controlplane.storage.queue import GatheredJobs

MOST_SECONDS: Final = 300
"""So long the transaction of an import lasts at most: a row takes 10 to 30 ms."""


class ResourceName(StrEnum):
    """What can be imported and exported."""

    MAILBOXES = "mailboxes"
    EXTENSIONS = "extensions"
    INBOUND_RULES = "inbound-rules"


_RESOURCES: Final[Mapping[ResourceName, Resource]] = {
    ResourceName.MAILBOXES: Mailboxes(),
    ResourceName.EXTENSIONS: Extensions(),
    ResourceName.INBOUND_RULES: InboundRules(),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RowOutcome:
    """What became, or would become, of a row; `errors` say why it was refused."""

    place: int
    key: str
    outcome: Outcome
    errors: tuple[DomainError, ...] = ()
    sip_password: str | None = None


class _RolledBack(Exception):
    """Nothing of the transaction is kept."""


def columns_of_resource(name: ResourceName) -> tuple[str, ...]:
    """Return the columns that a file of this kind may have."""
    return _RESOURCES[name].columns


async def export_csv(db: Database, *, tenant_id: UUID, name: ResourceName) -> AsyncIterator[str]:
    """Return the lines of a file with all objects of a kind, without PINs and passwords.

    The database was asked for the first of them by then: what is wrong is raised before a line is sent.
    """
    resource = _RESOURCES[name]
    rows = resource.rows(db, tenant_id)
    return _lines(resource, await anext(rows, None), rows)


async def _lines(
    resource: Resource, first: Mapping[str, str] | None, others: AsyncIterator[Mapping[str, str]]
) -> AsyncIterator[str]:
    yield write_row(resource.columns)
    if first is None:
        return
    yield write_row(first[column] for column in resource.columns)
    async for cells in others:
        yield write_row(cells[column] for column in resource.columns)


async def import_csv(
    into: Importing, *, name: ResourceName, data: bytes, dry_run: bool
) -> Sequence[RowOutcome]:
    """Make and change objects as a file says, all of them or none; return the outcome of each row.

    A `dry_run` changes nothing, and shows what is refused. Raises InvalidValue for a file that cannot be
    read, and InvalidValues `import-refused` naming each row that was refused: then nothing is changed. PINs
    are hashed last, and none of a file with a row that a quick look shows to be wrong.
    """
    resource = _RESOURCES[name]
    rows = read_table(data, columns=resource.columns, key=resource.key)
    if dry_run or not await _look_good(resource, into, rows):
        outcomes = await _pass(resource, into, rows, hasher=NoHashes(), keep=False)
        if dry_run:
            # Made for nobody: the real import makes others.
            return [dataclasses.replace(one, sip_password=None) for one in outcomes]
        _raise_refused(outcomes)
    pins = [row.cells["pin"] for row in rows if row.cells.get("pin")]
    outcomes = await _pass(resource, into, rows, hasher=await ready_hashes(into.hasher, pins), keep=True)
    _raise_refused(outcomes)
    structlog.get_logger().info(
        "transfer.imported", resource=name.value, tenant_id=str(into.tenant_id), rows=len(rows)
    )
    return outcomes


async def _look_good(resource: Resource, into: Importing, rows: Sequence[Row]) -> bool:
    keys = {row.cells[resource.key] for row in rows}
    return len(keys) == len(rows) and await resource.looks_good(into, [row.cells for row in rows])


async def _pass(
    resource: Resource, into: Importing, rows: Sequence[Row], *, hasher: PinHashing, keep: bool
) -> list[RowOutcome]:
    """Do all rows in one transaction, and `keep` it if none is refused."""
    jobs = GatheredJobs(into.jobs)
    outcomes: list[RowOutcome] = []
    try:
        async with into.db.transaction(seconds=MOST_SECONDS) as session:
            joined = dataclasses.replace(into, db=JoinedDatabase(session), jobs=jobs, hasher=hasher)
            outcomes = await _all(resource, joined, rows)
            _keep_only_if(keep and all(one.outcome is not Outcome.REFUSED for one in outcomes))
            await jobs.defer_gathered(session)
    except _RolledBack:
        pass
    return outcomes


def _keep_only_if(good: bool) -> None:
    if not good:
        raise _RolledBack


async def _all(resource: Resource, into: Importing, rows: Sequence[Row]) -> list[RowOutcome]:
    seen: dict[str, int] = {}
    outcomes: list[RowOutcome] = []
    for row in rows:
        key = row.cells[resource.key]
        try:
            if key in seen:
                raise Conflict(
                    f"Row {seen[key]} is about {key} too.",
                    error_id="named-twice",
                    field=resource.key,
                    details={"row": seen[key]},
                )
            seen[key] = row.place
            outcomes.append(_outcome(row, key, await resource.make(into, row.cells)))
        except DomainError as error:
            outcomes.append(_refusal(row, key, error))
    return [await _pointed(resource, into, row, outcome) for row, outcome in zip(rows, outcomes, strict=True)]


async def _pointed(resource: Resource, into: Importing, row: Row, made: RowOutcome) -> RowOutcome:
    if made.outcome is Outcome.REFUSED:
        return made
    try:
        is_changed = await resource.point(into, row.cells)
    except DomainError as error:
        return _refusal(row, made.key, error)
    if is_changed and made.outcome is Outcome.UNCHANGED:
        return dataclasses.replace(made, outcome=Outcome.CHANGED)
    return made


def _outcome(row: Row, key: str, applied: Applied) -> RowOutcome:
    return RowOutcome(place=row.place, key=key, outcome=applied.outcome, sip_password=applied.sip_password)


def _refusal(row: Row, key: str, error: DomainError) -> RowOutcome:
    errors = error.errors if isinstance(error, InvalidValues) else (error,)
    return RowOutcome(place=row.place, key=key, outcome=Outcome.REFUSED, errors=tuple(errors))


def _raise_refused(outcomes: Sequence[RowOutcome]) -> None:
    """Raise ImportRefused if there is a row that was refused."""
    errors = [
        InvalidValue(
            f"Row {one.place} ({one.key}): {error.sentence}",
            error_id=error.error_id,
            field=f"rows[{one.place}]{f'.{error.field}' if error.field else ''}",
        )
        for one in outcomes
        if one.outcome is Outcome.REFUSED
        for error in one.errors
    ]
    if errors:
        raise ImportRefused(errors)


class ImportRefused(InvalidValues):
    """Some rows were refused, and nothing was changed."""

    error_id = "import-refused"
