"""Planning and applying a file: both do all of it in one transaction, and only applying keeps it."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NoReturn, TypeVar

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.apply.declaration import KEYS, DeclaredFile, Path
from controlplane.apply.faults import Fault, RefusedFile
from controlplane.apply.pins import PinChecking, hashed, new_pins
from controlplane.apply.plan import Plan, Planned, planned_of_section
from controlplane.apply.resource import Applying, Found, MadeSecret, Secrets
from controlplane.apply.sections import SECTIONS
from controlplane.apply.settling import Failed, settle
from controlplane.apply.steps import named, steps_for
from controlplane.apply.tenant import find_tenant, settle_tenant
from controlplane.domain.errors import Contended, ControlPlaneError, DomainError, InvalidValues
from controlplane.domain.pin import Pin, PinPolicy
from controlplane.services.mailboxes import PinHashing
from controlplane.services.transfer.moving import MOST_SECONDS
from controlplane.services.transfer.ready_hashes import NoHashes
from controlplane.storage.database import Database, JoinedDatabase
from controlplane.storage.queue import GatheredJobs, Jobs

Result = TypeVar("Result")

_MISSING: Final = frozenset(
    {"no-such-number", "no-such-office-hours", "no-such-trunk", "no-mailbox-owned", "wrong-kind-of-number"}
)


class ChangedMeanwhile(ControlPlaneError):
    """Something was changed since the plan was shown: nothing was applied."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """Where files are applied; `by` names who does it in the record of changes."""

    db: Database
    jobs: Jobs
    hasher: PinChecking
    pin_policy: PinPolicy
    realm: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """How it is done this time: for a plan without hashes, and with jobs that nobody sees."""

    jobs: Jobs
    hasher: PinHashing
    pins: Mapping[str, Pin]
    prune: bool


class _NotKept(Exception):
    """The transaction is rolled back; carries what would have become of it."""

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        self.plan = plan


async def plan_file(to: Installation, file: DeclaredFile, *, prune: bool) -> Plan:
    """Return what applying a file would change; with `prune` also what it would remove.

    Raises RefusedFile with all that cannot be done, and ChangedMeanwhile.
    """
    pins = await _pins(to, file)
    return await _once_more(lambda: _planned(to, file, pins, prune=prune))


async def _planned(to: Installation, file: DeclaredFile, pins: Mapping[str, Pin], *, prune: bool) -> Plan:
    try:
        async with to.db.transaction(seconds=MOST_SECONDS) as session:
            run = _Run(jobs=GatheredJobs(to.jobs), hasher=NoHashes(), pins=pins, prune=prune)
            plan, _ = await _run(to, session, file, run)
            _discard(plan)
    except _NotKept as result:
        return result.plan


async def apply_file(
    to: Installation, file: DeclaredFile, *, prune: bool, shown: Plan
) -> Sequence[MadeSecret]:
    """Apply a file whose plan was shown, all of it or nothing; return the secrets that were made.

    Raises ChangedMeanwhile unless the plan is still the same, and RefusedFile.
    """
    pins = await _pins(to, file)
    hashes = await hashed(to.hasher, pins)

    async def apply() -> Secrets:
        jobs = GatheredJobs(to.jobs)
        async with to.db.transaction(seconds=MOST_SECONDS) as session:
            run = _Run(jobs=jobs, hasher=hashes, pins=pins, prune=prune)
            plan, secrets = await _run(to, session, file, run)
            if plan != shown:
                raise ChangedMeanwhile(
                    "Something was changed since the plan was made. Nothing was applied: run it again."
                )
            await jobs.defer_gathered(session)
        return secrets

    secrets = await _once_more(apply)
    structlog.get_logger().info("file.applied", tenant=shown.tenant, changed=len(shown.objects))
    return secrets.made


async def _once_more(run: Callable[[], Awaitable[Result]]) -> Result:
    """Run a transaction again if PostgreSQL ended it for another's sake; raises ChangedMeanwhile."""
    try:
        return await run()
    except Contended:
        structlog.get_logger().warning("file.contended")
    try:
        return await run()
    except Contended as error:
        raise ChangedMeanwhile(f"{error} Nothing was applied: run it again.") from error


def _discard(plan: Plan) -> NoReturn:
    raise _NotKept(plan)


async def _pins(to: Installation, file: DeclaredFile) -> Mapping[str, Pin]:
    declared = file.declaration
    tenant = await find_tenant(to.db, declared.tenant.name)
    return await new_pins(
        to.db,
        to.hasher,
        to.pin_policy,
        tenant_id=None if tenant is None else tenant.id,
        entries=declared.mailboxes or (),
    )


async def _run(
    to: Installation, session: AsyncSession, file: DeclaredFile, run: _Run
) -> tuple[Plan, Secrets]:
    """Do all of it in this transaction."""
    db, declared = JoinedDatabase(session), file.declaration
    try:
        tenant, planned = await settle_tenant(db, run.jobs, declared.tenant, by=to.by)
    except DomainError as error:
        raise RefusedFile(_faults_of(file, ("tenant",), error)) from error
    into = Applying(
        db=db,
        jobs=run.jobs,
        hasher=run.hasher,
        pin_policy=to.pin_policy,
        tenant=tenant,
        realm=to.realm,
        by=to.by,
        new_pins=run.pins,
        secrets=Secrets(),
    )
    before = await _present(into, file)
    failed = await settle(into, list(steps_for(into, declared, before, prune=run.prune)))
    if failed:
        raise RefusedFile(_faults(file, failed))
    return _plan(into, file, planned, before, await _present(into, file), prune=run.prune), into.secrets


async def _present(into: Applying, file: DeclaredFile) -> dict[str, Mapping[str, Found]]:
    return {
        one.section: await one.present(into)
        for one in SECTIONS
        if file.declaration.section(one.section) is not None
    }


def _plan(
    into: Applying,
    file: DeclaredFile,
    tenant: Planned | None,
    before: Mapping[str, Mapping[str, Found]],
    after: Mapping[str, Mapping[str, Found]],
    *,
    prune: bool,
) -> Plan:
    found = [] if tenant is None else [tenant]
    count, left = 0, []
    for one in SECTIONS:
        if one.section not in before:
            continue
        keys = named(one, file.declaration)
        count += len(keys)
        notes = {key: note for (section, key), note in into.secrets.touched.items() if section == one.section}
        was, now = before[one.section], after[one.section]
        others = sorted(was.keys() - set(keys))
        # What others do meanwhile to what the file does not name is none of this plan.
        gone = {key: was[key] for key in others} if prune and one.can_be_removed else {}
        kept = {key: was[key] for key in keys if key in was}
        found += planned_of_section(one.words, keys, before={**kept, **gone}, after=now, notes=notes)
        if not prune and one.can_be_removed:
            left += [(one.words, key) for key in others]
    changed = sum(1 for one in found if one.words != "tenant" and one.action.value != "removed")
    return Plan(tenant=into.tenant.name, objects=tuple(found), unchanged=count - changed, left=tuple(left))


def _faults(file: DeclaredFile, failed: Sequence[Failed]) -> list[Fault]:
    """Return what is wrong, without what only follows from another fault."""
    refused = {_about(file, one.step.path) for one in failed if one.step.removes is None}
    found = []
    for one in failed:
        if one.step.removes is not None:
            sentence = f"The {one.step.removes} cannot be removed: {one.error.sentence}"
            found.append(file.fault(sentence, one.step.path))
            continue
        for error in one.error.errors if isinstance(one.error, InvalidValues) else (one.error,):
            path = (*one.step.path, *_parts(error.field))
            pointed_at = file.value_at(path)
            follows = error.error_id in _MISSING and isinstance(pointed_at, str) and pointed_at in refused
            if not follows or pointed_at == _about(file, one.step.path):
                found += _faults_of(file, one.step.path, error)
    return found


def _about(file: DeclaredFile, path: Path) -> str:
    """Return the number or the name of the object that a step is about."""
    section = str(path[0])
    return str(file.value_at((*path[:2], KEYS[section])))


def _faults_of(file: DeclaredFile, path: Path, error: DomainError) -> list[Fault]:
    errors = error.errors if isinstance(error, InvalidValues) else (error,)
    return [file.fault(one.sentence, (*path, *_parts(one.field))) for one in errors]


def _parts(field: str | None) -> Path:
    """Return the path of a field such as `keys.0.destination` or `email_recipients[3]`."""
    words = re.findall(r"[^.\[\]]+", field or "")
    return tuple(int(word) if word.isdigit() else word for word in words)
