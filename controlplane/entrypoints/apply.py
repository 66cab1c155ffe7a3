"""`controlplane apply FILE`: show what a file of a tenant changes, ask, and apply it."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from controlplane.apply.applying import Installation, apply_file, plan_file
from controlplane.apply.declaration import DeclaredFile, read_declaration
from controlplane.apply.faults import RefusedFile
from controlplane.apply.plan import Plan
from controlplane.apply.resource import MadeSecret
from controlplane.apply.words import plan_in_words, printable
from controlplane.apply.yaml_tree import MAX_BYTES
from controlplane.domain.configuration import Mode
from controlplane.domain.errors import ControlPlaneError
from controlplane.entrypoints import logs, migrate
from controlplane.entrypoints.bootstrap import policy_of
from controlplane.entrypoints.deferring import jobs_of
from controlplane.entrypoints.pin_keys import hasher_of
from controlplane.services.publishing_modes import tenant_mode
from controlplane.services.tenants import get_tenant
from controlplane.settings import Settings
from controlplane.storage.database import Database
from controlplane.storage.queue import make_app
from controlplane.supervisor.faults import CannotStart

_BY = "cli"
# Thousands of objects are one transaction.
_TRANSACTION_SECONDS = 300.0


class Consent(StrEnum):
    """What follows the plan."""

    ASK = "ask"
    YES = "yes"
    DRY_RUN = "dry-run"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What to do with a file; `name` is for people."""

    name: str
    file: DeclaredFile
    consent: Consent
    prune: bool = False


def main(settings: Settings, path: Path, *, consent: Consent, prune: bool) -> None:
    """Plan and apply the file at a path (`-` is the standard input); print the plan and what was made.

    Raises CannotStart for wrong use, ControlPlaneError when nothing was applied though something should be.
    """
    logs.configure(settings.log_format, "warning")
    name = "the standard input" if str(path) == "-" else str(path)
    try:
        # What comes by the standard input names files as whoever is here does.
        folder = Path() if str(path) == "-" else path.parent
        file = read_declaration(_bytes(path), os.environ, folder=folder)
    except RefusedFile as error:
        raise refusal(name, error) from error
    for warning in file.warnings:
        print(f"controlplane: {printable(warning)}", file=sys.stderr)
    apply(settings, Asked(name=name, file=file, consent=consent, prune=prune))


def apply(settings: Settings, asked: Asked) -> bool:
    """Plan and apply a file that was read; say whether the tenant is as it says now. Raises as `main`."""
    migrate.require(settings)
    try:
        return asyncio.run(_apply(settings, asked))
    except RefusedFile as error:
        raise refusal(asked.name, error) from error


def refusal(name: str, error: RefusedFile) -> ControlPlaneError:
    """Return the error that lists what is wrong with a file."""
    faults = "\n".join(f"  {printable(str(fault))}" for fault in error.faults)
    return ControlPlaneError(f"{name} cannot be applied; nothing was changed:\n{faults}")


async def _apply(settings: Settings, asked: Asked) -> bool:
    async with AsyncExitStack() as stack:
        db = Database(settings.sqlalchemy_url, timeout_seconds=_TRANSACTION_SECONDS)
        stack.push_async_callback(db.close)
        app = make_app(settings.database_url.get_secret_value(), pool_size=1)
        await stack.enter_async_context(app.open_async())
        hasher = hasher_of(settings)
        stack.callback(hasher.close)
        to = Installation(
            db=db,
            jobs=jobs_of(settings, app),
            hasher=hasher,
            pin_policy=policy_of(settings),
            realm=settings.sip.realm,
            by=_BY,
        )
        plan = await plan_file(to, asked.file, prune=asked.prune)
        print(plan_in_words(plan))
        if not plan.objects:
            return True
        if asked.consent is Consent.DRY_RUN:
            return False
        if asked.consent is Consent.ASK:
            await asyncio.to_thread(_ask)
        made = await apply_file(to, asked.file, prune=asked.prune, shown=plan)
        mode = (await tenant_mode(db, (await get_tenant(db, name=plan.tenant)).id)).mode
    _tell(plan, made, mode)
    return True


def _ask() -> None:
    """Return if somebody says yes."""
    if not sys.stdin.isatty():
        raise CannotStart("Nobody can be asked here. Nothing was changed: say --yes, or --dry-run.")
    print("Apply this? [y/N] ", end="", flush=True)
    if sys.stdin.readline().strip().casefold() not in {"y", "yes"}:
        raise ControlPlaneError("Nothing was changed.")


def _tell(plan: Plan, made: Sequence[MadeSecret], mode: Mode) -> None:
    print(f"\nApplied: tenant {plan.tenant} is as the file says.")
    if mode is Mode.MANUAL:
        print("It waits to be published: this tenant publishes by hand.")
    if made:
        print("\nMade for what is new, and shown this once:")
        for one in made:
            print(f"  {one.words} {one.key}: {one.field} {one.secret}")


def _bytes(path: Path) -> bytes:
    """Read one byte more than is taken at most."""
    try:
        if str(path) == "-":
            return sys.stdin.buffer.read(MAX_BYTES + 1)
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        raise CannotStart(f"{path} cannot be read ({error.strerror}).") from error
