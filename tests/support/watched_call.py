"""A call that is placed by SIP and watched: what the switch told, which phones rang how long, what was heard.

It is compared with what is expected, which others compute. Nothing of the product's routing or rendering is
imported here, so that a fault of theirs cannot be in both.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

from tests.support.ring_log import LoggingPhone, Ring
from tests.support.witness import Trail

Step = tuple[str, str, str, str, int | None]
"""Kind, number, key, reason and seconds of what a call left."""

RINGING, HOLD = 425, 900
TOO_MANY = 14
"""A call that met so many numbers goes round and round."""
_FIELD = re.compile(r"[;\n\0]")


@dataclass(frozen=True, kw_only=True)
class Expected:
    """What a call should meet.

    Of `rung`, members of one tuple may begin in any order; those without seconds are not taken back.
    `answered_by` are those of whom one talks. `mailbox` is the id of the one that takes the message.
    """

    met: Sequence[tuple[str, str]]
    way: Sequence[Step]
    did: str
    rung: Sequence[tuple[tuple[str, int | None], ...]]
    statuses: frozenset[int]
    heard: Sequence[int]
    answered_by: frozenset[str] = frozenset()
    mailbox: str = ""


@dataclass(kw_only=True)
class Watched:
    """What a call met."""

    trail: Trail
    rings: list[Ring]
    status: int = 0
    heard: list[int] = field(default_factory=list)
    answered_by: str = ""
    recorded: str | None = None
    """The way that the message in the spool carries; None without a message."""


async def watch(
    caller: LoggingPhone,
    trail: Trail,
    *,
    to: str,
    phones: Mapping[str, LoggingPhone],
    rings: list[Ring],
    limit: float = 60,
    **call: str | bytes,
) -> Watched:
    """Call, say nothing, and wait for the end; end a call that is answered, give up one without an end."""
    caller.quiet = True
    made = caller.call(to, **call)  # type: ignore[arg-type]  # passed on
    watched = Watched(trail=trail, rings=rings)
    talking = {number: asyncio.create_task(phone.talking.wait()) for number, phone in phones.items()}
    ended = asyncio.create_task(made.ended.wait())
    circles = asyncio.create_task(_circles(trail))
    tasks = {ended, circles, *talking.values()}
    try:
        await asyncio.wait(tasks, timeout=limit, return_when=asyncio.FIRST_COMPLETED)
        if not ended.done():
            watched.answered_by = next((number for number, task in talking.items() if task.done()), "")
            if watched.answered_by:
                await made.wait_answered()
                await made.wait_tone(200)
                made.hang_up()
            else:
                caller.cancel(made)
            await made.wait_ended(10)
        async with asyncio.timeout(10):
            await trail.over.wait()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    watched.status = 200 if made.answered.is_set() else made.statuses[-1]
    # What an answered caller hears while phones ring, or while he waits, says nothing that they do not.
    tones = [tone for tone in caller.tones() if all(abs(tone - one) > 12 for one in (RINGING, HOLD))]
    watched.heard = [round(tone, -2) for tone in tones]
    return watched


async def _circles(trail: Trail) -> None:
    while len(trail.met) < TOO_MANY:
        trail.moved.clear()
        await trail.moved.wait()


def recorded_way(spool: Path, mailbox: str) -> str | None:
    """Return the way that the message for a mailbox carries, from the file beside it or the tags in it."""
    for path in spool.iterdir():
        told = unquote(path.read_bytes().decode("latin-1"))
        if f"mailbox={mailbox}" in told:
            return _FIELD.split(told.partition("reached_by=")[2], maxsplit=1)[0]
    return None


def read_way(text: str) -> tuple[str, list[Step]]:
    """Read what a call carries: the number dialled from outside, and parts of five words between dots."""
    first, *parts = text.split("/")
    steps: list[Step] = []
    for part in parts:
        kind, number, key, reason, seconds = part.split(".")
        steps.append((kind, number, key, reason, int(seconds) if seconds else None))
    return first.removeprefix("did."), steps


def differences(expected: Expected, watched: Watched, *, whole_seconds: bool) -> list[str]:
    """Say in what a call differs; `whole_seconds`: the switch ends ringing with a second of its clock."""
    did, way = read_way(watched.trail.way)
    found = _different("number dialled", expected.did, did)
    found += _different("numbers met", list(expected.met), watched.trail.met)
    found += _different(
        "way without seconds", [step[:4] for step in expected.way], [step[:4] for step in way]
    )
    rung = _until_answered(expected, watched)
    groups = _grouped(rung, watched.rings)
    order = [sorted(number for number, _ in group) for group in rung]
    found += _different("phones rung", order, [sorted(ring.number for ring in group) for group in groups])
    if found:
        return found
    for wanted, group in zip(rung, groups, strict=True):
        for (number, seconds), ring in zip(
            sorted(wanted, key=_number), sorted(group, key=_name), strict=True
        ):
            if not _fits(ring, seconds, whole_seconds=whole_seconds):
                found.append(
                    f"{number} rang for {ring.seconds} s from {ring.began_at % 1:.3f}, not {seconds} s"
                )
    found += _different("seconds of the way", [step[4] for step in expected.way], _seconds(expected.way, way))
    if watched.status not in expected.statuses:
        found.append(f"the caller was told {watched.status}, not {set(expected.statuses)}")
    found += _different("heard", list(expected.heard), watched.heard)
    if (watched.answered_by or not expected.answered_by) and watched.answered_by not in (
        expected.answered_by or {""}
    ):
        found.append(f"{watched.answered_by} answered, not {set(expected.answered_by)}")
    told = None if watched.recorded is None else read_way(watched.recorded)
    return found + _different("way of the message", (did, way) if expected.mailbox else None, told)


def _seconds(expected: Sequence[Step], way: Sequence[Step]) -> list[int | None]:
    """Return the seconds of a way; a queue looks at its clock now and then, and may end two of them late."""
    found: list[int | None] = []
    for (kind, *_, wanted), (*_, seconds) in zip(expected, way, strict=True):
        late = 0 if seconds is None or wanted is None else seconds - wanted
        found.append(wanted if kind == "call-queue" and 0 <= late <= 2 else seconds)
    return found


def _number(one: tuple[str, int | None]) -> str:
    return one[0]


def _name(ring: Ring) -> str:
    return ring.number


def _different(what: str, expected: object, found: object) -> list[str]:
    return [] if expected == found else [f"{what}: expected {expected}, found {found}"]


def _until_answered(expected: Expected, watched: Watched) -> list[tuple[tuple[str, int | None], ...]]:
    """Return who should ring, without those whom the one who answered was so much faster than."""
    rung = list(expected.rung)
    if watched.answered_by and rung:
        late = watched.rings[sum(map(len, rung[:-1])) :]
        heard = {watched.answered_by, *(ring.number for ring in late)}
        rung[-1] = tuple(one for one in rung[-1] if one[0] in heard)
    return rung


def _grouped(
    expected: Sequence[tuple[tuple[str, int | None], ...]], rings: Sequence[Ring]
) -> list[list[Ring]]:
    """Cut what rang into parts as large as those expected; what is left is one more."""
    left = sorted(rings, key=lambda ring: ring.began_at)
    groups = []
    for group in expected:
        groups.append(left[: len(group)])
        left = left[len(group) :]
    return groups + ([left] if left else [])


def _fits(ring: Ring, seconds: int | None, *, whole_seconds: bool) -> bool:
    if seconds is None or ring.seconds is None:
        return seconds is None and ring.seconds is None
    ends = ring.began_at + seconds
    if whole_seconds and seconds:
        # The second of the clock that is nearest.
        ends = float(round(ends))
    return abs(ring.began_at + ring.seconds - ends) < 0.4
