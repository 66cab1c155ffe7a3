"""How much memory and processor time a running instance takes: each part of it."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.support.product import Product

_PROC = Path("/proc")
_TICKS = os.sysconf("SC_CLK_TCK")
UP = "up"
# What each part is called in the tables; a part counts with all that it starts.
NAMES = {"switch": "switch", "postgres": "PostgreSQL", "calls": "calls", "events": "events", "web": "web"}
NAMES |= {"jobs": "jobs and speech", UP: "up itself"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Of each part: the proportional set size (PSS) in KiB, and processor seconds since its start."""

    memory: Mapping[str, int]
    cpu: Mapping[str, float]

    @property
    def whole_memory(self) -> int:
        """The sum of all parts, in KiB."""
        return sum(self.memory.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """The state of the machine: for how long it was busy, and how long of that with this bench."""

    at: float
    busy: float
    own: float
    load: float

    @classmethod
    def now(cls) -> Moment:
        """Look at it now."""
        return cls(
            at=time.monotonic(),
            busy=busy_ticks((_PROC / "stat").read_text()) / _TICKS,
            own=sum(map(_seconds, descendants(os.getpid(), _parents()))),
            load=os.getloadavg()[0],
        )

    def since(self, before: Moment) -> str:
        """Tell how busy it was, and how much of it others took, who share the machine with this bench."""
        cores = os.cpu_count() or 1
        whole = (self.at - before.at) * cores
        others = max(0.0, (self.busy - before.busy) - (self.own - before.own)) / whole
        return (
            f"load {before.load:.2f} before, {self.load:.2f} after; others took {others:.0%} of {cores} cores"
        )


def busy_ticks(stat: str) -> int:
    """Read how long all processors were busy from the text of /proc/stat."""
    fields = list(map(int, stat.splitlines()[0].split()[1:]))
    user, nice, system, _idle, _waiting, interrupts, soft, stolen = fields[:8]
    return user + nice + system + interrupts + soft + stolen


def usage_of(product: Product) -> Usage:
    """Measure a product now."""
    return usage(product.instance.pid, product.ready["pids"])


def usage(up: int, parts: Mapping[str, int]) -> Usage:
    """Measure `up` and all that it started, by process id; what ended meanwhile counts nothing."""
    parents = _parents()
    groups = {name: descendants(pid, parents) for name, pid in parts.items()}
    groups[UP] = descendants(up, parents).difference(*groups.values())
    return Usage(
        memory={NAMES.get(name, name): sum(map(_pss, pids)) for name, pids in groups.items()},
        cpu={NAMES.get(name, name): sum(map(_seconds, pids)) for name, pids in groups.items()},
    )


def descendants(root: int, parents: Mapping[int, int]) -> set[int]:
    """Return a process and all that descend from it; `parents` is each process's parent."""
    found = {root}
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def total_pss(lines: Iterable[str]) -> int:
    """Read the PSS, in KiB, from the lines of smaps_rollup."""
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)


def ticks(stat: str) -> int:
    """Read user and system time of a process and of its children that ended from the text of its stat.

    The name of the program stands in brackets and may hold anything.
    """
    fields = stat.rpartition(")")[2].split()
    return sum(map(int, fields[11:15]))


def parent(stat: str) -> int:
    """Read the parent's process id from the text of stat."""
    return int(stat.rpartition(")")[2].split()[1])


def _parents() -> dict[int, int]:
    found = {}
    for process in _PROC.glob("[0-9]*"):
        try:
            found[int(process.name)] = parent((process / "stat").read_text(errors="replace"))
        except OSError:
            continue
    return found


def _pss(pid: int) -> int:
    try:
        return total_pss((_PROC / str(pid) / "smaps_rollup").read_text().splitlines())
    except OSError:
        return 0


def _seconds(pid: int) -> float:
    try:
        return ticks((_PROC / str(pid) / "stat").read_text(errors="replace")) / _TICKS
    except OSError:
        return 0.0
