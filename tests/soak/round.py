"""One round: calls, a trouble at a seeded moment, and what must hold when it is over."""

from __future__ import annotations

import asyncio
import random
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from tests.soak.traffic import Left, Moment, delete_the_first, leave
from tests.soak.troubles import TROUBLES, Need, Scene, Trouble
from tests.support.product import Product, until_told
from tests.support.raw_sip import RawPhone

CALLERS = 3
_SHORTEST, _LONGEST = 3.0, 6.0
_WATCHER = "102"
_SETTLE_SECONDS = 120.0
# What may be missing at the end: packets on their way when the caller hung up; and what a stall adds.
_TOLERANCE_SECONDS = 1.5
_STALL_SECONDS = 4.0
_SHORTEST_MESSAGE = 1.0


class Violation(AssertionError):
    """What does not hold after a round, a sentence a line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a seed means; `struck_by` is the caller whose `moment` brings the trouble."""

    seed: int
    trouble: Trouble
    moment: Moment
    struck_by: int
    seconds: tuple[float, ...]
    """How long each caller speaks."""

    def __str__(self) -> str:
        who = "" if self.moment is Moment.BEFORE else f", caller {self.struck_by + 1} of {CALLERS}"
        return f"seed {self.seed}: {self.trouble.name} {self.moment}{who}"


def plan(seed: int, *, has: frozenset[Need]) -> Plan:
    """Return the same plan for the same seed and machine; what a machine does not have is not needed."""
    dice = random.Random(seed)
    trouble = TROUBLES[seed % len(TROUBLES)]
    if trouble.needs and trouble.needs not in has:
        trouble = dice.choice([each for each in TROUBLES if not each.needs])
    return Plan(
        seed=seed,
        trouble=trouble,
        moment=dice.choice(list(Moment)),
        struck_by=dice.randrange(CALLERS),
        seconds=tuple(round(dice.uniform(_SHORTEST, _LONGEST), 1) for _ in range(CALLERS)),
    )


async def run(scene: Scene, wanted: Plan) -> str:
    """Carry a plan out; return what happened in a line. Raises Violation."""
    product = scene.product
    scene.struck.clear()
    box = await _box(product)
    async with RawPhone(product.sip).opened() as phone:
        await phone.subscribe(box, user=_WATCHER, password=product.passwords[_WATCHER], expires=900)
        return await _struck(scene, wanted, box, phone)


async def _struck(scene: Scene, wanted: Plan, box: str, phone: RawPhone) -> str:
    """Have people use a mailbox while the trouble comes, and check; `phone` shows the lamp all the while."""
    product = scene.product
    first = await leave(product, box, _caller(wanted.seed, 9), seconds=3.0, reached=_unmoved)
    if not first.finished:
        raise Violation(f"Before any trouble a caller could not leave a message: {first.told}.")
    await product.wait_for_messages(box, 1)
    striking = _Striking(scene, wanted)
    if wanted.moment is Moment.BEFORE:
        await striking.strike()
    *left, hindered = await asyncio.gather(
        *(
            leave(
                product,
                box,
                _caller(wanted.seed, number),
                seconds=seconds,
                reached=striking.reached if number == wanted.struck_by else _unmoved,
            )
            for number, seconds in enumerate(wanted.seconds)
        ),
        delete_the_first(product, box),
    )
    await striking.strike()
    await wanted.trouble.heal(scene)
    await product.wait_until_ready(seconds=_SETTLE_SECONDS)
    known = [first, *(one for one in left if isinstance(one, Left))]
    await _check(scene, wanted, box, known, phone, hindered=str(hindered))
    finished = sum(one.finished for one in known)
    said = ", ".join(f"{one.caller[-1]}: {one.told}" for one in known if one.told)
    if hindered:
        said += ", the member deleted nothing"
    return f"{finished} of {len(known)} finished" + (f" ({said.removeprefix(', ')})" if said else "")


class _Striking:
    """Strikes once, when its caller comes to the moment."""

    def __init__(self, scene: Scene, wanted: Plan) -> None:
        self._scene, self._plan = scene, wanted
        self._struck = False

    async def reached(self, moment: Moment) -> None:
        if moment is self._plan.moment:
            await self.strike()

    async def strike(self) -> None:
        if not self._struck:
            self._struck = True
            await self._plan.trouble.strike(self._scene)


async def _unmoved(_: Moment) -> None:
    return


def _caller(seed: int, number: int) -> str:
    return f"55{seed:06d}{number}"


async def _box(product: Product) -> str:
    box = await product.mailbox(email_notification=True, max_message_seconds=60)
    async with product.api() as api:
        answer = await api.patch(f"/mailboxes/{box}", json={"email_recipients": [f"{box}@example.org"]})
    assert answer.status_code == 200, answer.text
    await product.wait_until_published()
    return box


async def _all_messages(product: Product, box: str) -> list[dict[str, Any]]:
    """Return those of every state, the trash too."""
    kept, trash = await product.messages(box), await product.messages(box, "deleted")
    return list({one["id"]: one for one in [*kept, *trash]}.values())


async def _check(
    scene: Scene, wanted: Plan, box: str, known: list[Left], phone: RawPhone, *, hindered: str
) -> None:
    """Wait until all came to rest, and say everything that is not as it must be."""
    product = scene.product
    spared = wanted.trouble.spares_calls and not (
        wanted.trouble.beep_is_a_gap and wanted.moment is Moment.BEEP
    )
    # What is left of who spoke shortly may be less than a message.
    least = _SHORTEST_MESSAGE + _TOLERANCE_SECONDS + wanted.trouble.costs_seconds
    must = {
        one.caller
        for one in known
        if one.finished and spared and (one.seconds >= least or not wanted.trouble.costs_seconds)
    }
    must.add(known[0].caller)
    spool = Path(product.ready["spool_dir"])

    async def at_rest() -> bool:
        messages = await _all_messages(product, box)
        here = {one["caller_number"] for one in messages}
        mailed = set(scene.relay.taken(f"{box}@example.org"))
        return (
            must <= here
            and not _waiting(spool)
            and all(any(one["id"] in key for key in mailed) for one in messages)
            and await asyncio.to_thread(_queue_is_idle, product.ready["database_url"])
        )

    faults = []
    try:
        await until_told(at_rest, "rest", seconds=_SETTLE_SECONDS)
    except AssertionError:
        faults.append(f"not at rest after {_SETTLE_SECONDS:.0f} s")
    messages = await _all_messages(product, box)
    faults += cut_off(known, wanted.trouble)
    faults += wrong_messages(known, messages, must, costs_seconds=wanted.trouble.costs_seconds)
    faults += await _wrong_audio(product, messages)
    faults += wrong_mails(scene.relay.taken(f"{box}@example.org"), messages)
    first = next((one for one in messages if one["caller_number"] == known[0].caller), None)
    if hindered and not wanted.trouble.hinders_members:
        faults.append(f"a member could not delete the first message: {hindered}")
    if not hindered and first is not None and first["state"] != "deleted":
        faults.append(f"a member was told that the first message is deleted; it is {first['state']}")
    faults += [f"left in the spool: {name}" for name in _waiting(spool)]
    for reason in sorted(set((spool / "quarantine").glob("*.reason")) - scene.quarantined):
        scene.quarantined.add(reason)
        faults.append(f"in quarantine: {reason.stem} ({reason.read_text().strip()})")
    failed = await asyncio.to_thread(_failed_jobs, product.ready["database_url"])
    faults += [f"a job failed for good: {name}" for id_, name in failed.items() if id_ not in scene.failed]
    scene.failed.update(failed)
    faults += await asyncio.to_thread(_stuck_locks, product.ready["database_url"])
    states = Counter(str(one["state"]) for one in messages)
    lamp = f"{'yes' if states['new'] else 'no'} {states['new']}/{states['saved']}"
    # The switch forgets in its death who had asked; phones ask again when their time is over.
    if "switch" not in scene.struck:
        faults += await _wrong_lamp(phone, lamp)
    faults += await _wrong_lamp_of_another(product, box, lamp)
    if faults:
        raise Violation(f"{wanted}\n" + "\n".join(f"- {fault}" for fault in faults))


def cut_off(known: list[Left], trouble: Trouble) -> list[str]:
    """Nobody may notice a trouble that does not cut calls."""
    return [f"caller {one.caller}: {one.told}" for one in known if not (one.finished or trouble.cuts_calls)]


def wrong_messages(
    known: list[Left], messages: list[dict[str, Any]], must: set[str], *, costs_seconds: float = 0.0
) -> list[str]:
    """Each caller at most once, who finished exactly once, with the length that was spoken."""
    faults = []
    counts = Counter(str(one["caller_number"]) for one in messages)
    lengths = {str(one["caller_number"]): one["duration_ms"] / 1000 for one in messages}
    for one in known:
        count = counts.pop(one.caller, 0)
        if count > 1 or (one.caller in must and count == 0):
            faults.append(f"caller {one.caller} ({one.told or 'finished'}): {count} messages")
        if one.caller not in must or count == 0:
            continue
        least = one.seconds - _TOLERANCE_SECONDS - costs_seconds
        most = one.seconds + _STALL_SECONDS
        if not least <= lengths[one.caller] <= most:
            faults.append(f"caller {one.caller} spoke {one.seconds} s; recorded: {lengths[one.caller]:.1f} s")
    faults += [f"a message of {caller}, who is nobody here" for caller in counts]
    return faults


async def _wrong_audio(product: Product, messages: list[dict[str, Any]]) -> list[str]:
    """Each recording is there, and as long as is said."""
    faults = []
    async with product.api() as api:
        for one in messages:
            answer = await api.get(f"/messages/{one['id']}/audio", params={"format": "wav"})
            seconds = (len(answer.content) - 44) / 16000
            if answer.status_code != 200 or abs(seconds - one["duration_ms"] / 1000) > 0.1:
                faults.append(f"the audio of {one['id']}: {answer.status_code}, {seconds:.1f} s")
    return faults


def wrong_mails(taken: Counter[str], messages: list[dict[str, Any]]) -> list[str]:
    """Each message was mailed; again only under the same Message-ID; nothing else was."""
    ids = {str(one["id"]) for one in messages}
    named = {key: found[0] for key in taken if (found := re.findall(r"<([0-9a-f-]{36})", key))}
    faults = [f"message {one} was not mailed" for one in sorted(ids - set(named.values()))]
    faults += [f"a mail about no message: {key}" for key in taken if named.get(key) not in ids]
    faults += [
        f"message {one} was mailed under several Message-IDs"
        for one, count in Counter(named.values()).items()
        if count > 1
    ]
    return faults


async def _wrong_lamp(phone: RawPhone, expected: str) -> list[str]:
    """Say what is wrong with the lamp that a phone shows."""

    async def shows() -> bool:
        return phone.lamps[-1:] == [expected]

    try:
        await until_told(shows, "the lamp", seconds=60)
    except AssertionError:
        return [f"the lamp says {phone.lamps[-1:]} instead of {expected}"]
    return []


async def _wrong_lamp_of_another(product: Product, box: str, expected: str) -> list[str]:
    """Say what is wrong with what a phone is told that asks now."""
    async with RawPhone(product.sip).opened() as phone:
        await phone.subscribe(box, user=_WATCHER, password=product.passwords[_WATCHER])
        return await _wrong_lamp(phone, expected)


def _stuck_locks(url: str) -> list[str]:
    """Say who waits for a lock in the database, or holds a transaction open, though nothing happens."""
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "SELECT state, query FROM pg_stat_activity WHERE datname = current_database()"
            " AND (wait_event_type = 'Lock' OR state LIKE 'idle in transaction%'"
            "      AND state_change < now() - interval '5 seconds')"
        ).fetchall()
    return [f"the database is held up: {state}, {query}" for state, query in rows]


def _waiting(spool: Path) -> list[str]:
    """Return what nobody has taken over yet."""
    return [path.name for path in spool.iterdir() if path.is_file() and path.suffix in {".wav", ".json"}]


def _queue_is_idle(url: str) -> bool:
    """Tell whether every job that is due was done."""
    with psycopg.connect(url) as connection:
        row = connection.execute(
            "SELECT count(*) FROM procrastinate_jobs WHERE status = 'doing'"
            " OR status = 'todo' AND coalesce(scheduled_at, now()) <= now()"
        ).fetchone()
    return row == (0,)


def _failed_jobs(url: str) -> dict[int, str]:
    """Return the names of jobs that are given up, by their ids."""
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "SELECT id, task_name FROM procrastinate_jobs WHERE status IN ('failed', 'aborted')"
        ).fetchall()
    return {int(id_): str(name) for id_, name in rows}
