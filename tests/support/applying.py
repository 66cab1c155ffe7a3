"""Applying files in tests: on a real PostgreSQL, as the command does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from controlplane.apply.applying import Installation, apply_file, plan_file
from controlplane.apply.declaration import read_declaration
from controlplane.apply.plan import Plan
from controlplane.apply.resource import MadeSecret
from controlplane.domain.pin import PinPolicy
from controlplane.services.pin_hashing import HashCost, PinHasher, make_key
from controlplane.storage.database import Database
from controlplane.storage.queue import Jobs

REALM = "shared-voicemail"


class Applied:
    """What applying a file did."""

    def __init__(self, plan: Plan, made: Sequence[MadeSecret]) -> None:
        self.plan = plan
        self.made = made

    @property
    def outcomes(self) -> list[tuple[str, str]]:
        """What became of which object."""
        return outcomes(self.plan)


class Applier:
    """Applies files to one installation."""

    def __init__(self, to: Installation) -> None:
        self.to = to

    async def plan(self, text: str, *, prune: bool = False, **environment: str) -> Plan:
        """Return the plan of a file."""
        return await plan_file(self.to, read_declaration(text.encode(), environment), prune=prune)

    async def apply(
        self,
        text: str,
        *,
        prune: bool = False,
        environment: Mapping[str, str] | None = None,
        folder: Path = Path(),
    ) -> Applied:
        """Plan a file and apply it."""
        file = read_declaration(text.encode(), environment or {}, folder=folder)
        plan = await plan_file(self.to, file, prune=prune)
        return Applied(plan, await apply_file(self.to, file, prune=prune, shown=plan))


@contextmanager
def applier(database: Database, jobs: Jobs) -> Iterator[Applier]:
    """Make what applies files; its hashes cost little."""
    hasher = PinHasher(make_key(), cost=HashCost(time_cost=1, memory_kib=8, parallelism=1))
    yield Applier(
        Installation(db=database, jobs=jobs, hasher=hasher, pin_policy=PinPolicy(), realm=REALM, by="cli")
    )
    hasher.close()


def outcomes(plan: Plan) -> list[tuple[str, str]]:
    """Return what becomes of which object."""
    return [(one.action.value, f"{one.words} {one.key}") for one in plan.objects]
