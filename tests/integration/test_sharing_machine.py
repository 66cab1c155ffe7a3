"""Two on the phone, one over REST, one in the portal, in one mailbox, in any order: nobody's work is undone.

What the service answers is compared with a mailbox in memory, step by step: the fake that the tests of the
flows use, so that what they show holds here too.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar
from uuid import UUID, uuid4

import psycopg
import pytest
from controlplane.callflows.voicemail import Change
from controlplane.domain.caller import Caller
from controlplane.domain.colleague import SOMEBODY, Colleague
from controlplane.domain.errors import NotFound
from controlplane.domain.lamp import Lamp, LampQuery
from controlplane.domain.mailbox import Counts, Mailbox
from controlplane.domain.message import MessageState, ReachedBy, TakeFacts
from controlplane.domain.pin_locks import PinLockPolicy
from controlplane.domain.user import Role
from controlplane.services.deposit import Depositor
from controlplane.services.lamps import Lamps, tell
from controlplane.services.message_changes import (
    BulkAction,
    MessageOutcome,
    Requested,
    bulk,
    delete_message,
    purge_messages,
    set_state,
)
from controlplane.services.pin_hashing import HashCost, PinHasher, make_key
from controlplane.services.pins import Pins
from controlplane.services.voicemail_service import VoicemailService
from controlplane.storage import users
from controlplane.storage.database import Database
from controlplane.storage.queue import Jobs, make_app
from controlplane.storage.recordings import RecordingStore
from controlplane.storage.spool import FileSpool
from controlplane.storage.tables import UserRow
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)
from procrastinate import App
from tests.support.fake_call import write_wav
from tests.support.fake_voicemail import FakeVoicemail
from tests.support.rows import add_mailbox

NEW, SAVED, DELETED = MessageState
PHONES = {"101": "extension 101", "102": "extension 102 (user bob)"}
OTHERS = {"token billing": SOMEBODY, "user alice": Colleague(name="Alice")}
BEGAN = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
DONE = {
    Requested.NEW: "marked_unread",
    Requested.SAVED: "marked_read",
    Requested.DELETED: "deleted",
    Requested.RESTORED: "restored",
}

DONE_TO_MANY = {
    BulkAction.MARK_READ: "marked_read",
    BulkAction.MARK_UNREAD: "marked_unread",
    BulkAction.DELETE: "deleted",
    BulkAction.RESTORE: "restored",
}


class Shown:
    """A switch whose phones show what they were told last."""

    keeps_lamps = False

    def __init__(self) -> None:
        self.lamp: Lamp | None = None

    async def send_mwi(self, lamps: Sequence[Lamp]) -> None:
        """Show the last one."""
        self.lamp = lamps[-1]

    async def answer_mwi(self, lamp: Lamp, query: LampQuery) -> None:
        """Nobody asks."""
        raise AssertionError(lamp, query)


@dataclass
class World:
    """A database with the service, for all runs; each run has a mailbox of its own."""

    runner: asyncio.Runner
    database: Database
    jobs: Jobs
    voicemail: VoicemailService
    store: RecordingStore
    tenant: UUID
    url: str
    folder: Path
    numbers: list[int] = field(default_factory=list)

    def rows(self, query: str, *arguments: object) -> list[tuple[Any, ...]]:
        """Ask the database."""
        with psycopg.connect(self.url) as connection:
            return connection.execute(query, arguments).fetchall()


class Sharing(RuleBasedStateMachine):
    """The mailbox in the database and in memory, with two on the phone who believe what they saw."""

    world: ClassVar[World]
    messages: Bundle[UUID] = Bundle("messages")

    def __init__(self) -> None:
        super().__init__()
        self.world.numbers.append(0)
        folder = self.world.folder / str(len(self.world.numbers))
        folder.mkdir()
        self.real, self.fake = self.world.voicemail, FakeVoicemail(folder)
        self.number = str(3000 + len(self.world.numbers))
        self.mailbox = self.run(self._made())
        self.fake._mailboxes[self.mailbox.id] = self.mailbox
        self.seen: dict[str, tuple[UUID, MessageState]] = {}
        self.log: dict[UUID, list[tuple[str, str]]] = {}
        self.changes = 0

    async def _made(self) -> Mailbox:
        made = await self.real.mailbox(await add_mailbox(self.world.database, self.world.tenant, self.number))
        assert made is not None
        return made

    def run(self, coroutine: Any) -> Any:
        """Run something of the product."""
        return self.world.runner.run(coroutine)

    # Callers.

    @rule(target=messages, several=st.sampled_from([1, 1, 5]))
    def arrive(self, several: int) -> MultipleResults[UUID]:
        """One message arrives, or five do."""
        ids = []
        for _ in range(several):
            facts = TakeFacts(
                recording_id=uuid4(),
                tenant_id=self.mailbox.tenant_id,
                mailbox_id=self.mailbox.id,
                call_id="call",
                caller=Caller.of("201", "Zoe"),
                reached_by=ReachedBy(),
                started_at=BEGAN + timedelta(minutes=len(self.log)),
            )
            take = self.world.folder / "spool" / f"{facts.recording_id}.wav"
            write_wav(take, 2)
            copy = self.world.folder / f"{facts.recording_id}.wav"
            shutil.copyfile(take, copy)
            assert (
                self.run(self.real.deposit(facts, take)) is self.run(self.fake.deposit(facts, copy)) is True
            )
            self.log[facts.recording_id] = []
            self.changes += 1
            ids.append(facts.recording_id)
        return multiple(*ids)

    # Two on the phone, as the flow acts for them.

    @rule(phone=st.sampled_from(sorted(PHONES)), message=messages)
    def comes_to(self, phone: str, message: UUID) -> None:
        """Somebody goes to a message and begins to hear it."""
        found, expected = self.run(self.real.message(message)), self.run(self.fake.message(message))
        assert expected == found
        self.seen.pop(phone, None)
        if found is not None:
            self.seen[phone] = (message, found.state)
            self.run(self.real.note_heard(message, by=PHONES[phone]))
            self.log[message].append((PHONES[phone], "heard"))

    @precondition(lambda self: self.seen)
    @rule(phone=st.sampled_from(sorted(PHONES)), to=st.sampled_from([SAVED, DELETED]))
    def decides(self, phone: str, to: MessageState) -> None:
        """2 or 7: it holds for what they saw, or they are told what a colleague did."""
        if phone not in self.seen or self.seen[phone][1] in {to, DELETED}:
            return
        message, seen = self.seen[phone]
        real, fake = (
            self.run(port.change(message, seen=seen, to=to, by=PHONES[phone]))
            for port in (self.real, self.fake)
        )
        assert fake == real
        self._believe(phone, real, "deleted" if to is DELETED else "marked_read")

    @precondition(lambda self: self.seen)
    @rule(phone=st.sampled_from(sorted(PHONES)))
    def takes_it_back(self, phone: str) -> None:
        """7 again, or 2 of what they deleted."""
        if phone not in self.seen or self.seen[phone][1] is not DELETED:
            return
        message = self.seen[phone][0]
        real, fake = (self.run(port.restore(message, by=PHONES[phone])) for port in (self.real, self.fake))
        assert fake == real
        self._believe(phone, real, "restored")

    @rule(message=messages, one=st.sampled_from([SAVED, DELETED]), other=st.sampled_from([SAVED, DELETED]))
    def both_at_once(self, message: UUID, one: MessageState, other: MessageState) -> None:
        """Both hear the same new message and decide at once: one is first, the other is told so."""
        for phone in PHONES:
            self.comes_to(phone, message)
        if any(self.seen.get(phone) != (message, NEW) for phone in PHONES):
            return
        wanted = dict(zip(PHONES, (one, other), strict=True))

        async def at_once() -> list[Change]:
            return await asyncio.gather(
                *(
                    self.real.change(message, seen=NEW, to=to, by=PHONES[phone])
                    for phone, to in wanted.items()
                )
            )

        told = dict(zip(PHONES, self.run(at_once()), strict=True))
        for phone in sorted(PHONES, key=lambda phone: not told[phone].done):
            to = wanted[phone]
            assert told[phone] == self.run(self.fake.change(message, seen=NEW, to=to, by=PHONES[phone]))
            self._believe(phone, told[phone], "deleted" if to is DELETED else "marked_read")

    def _believe(self, phone: str, change: Change, action: str) -> None:
        message = self.seen.pop(phone)[0]
        if change.done:
            self.log[message].append((PHONES[phone], action))
            self.changes += 1
        if change.state is not None:
            self.seen[phone] = (message, change.state)

    # A program and somebody in the portal.

    @rule(message=messages, by=st.sampled_from(sorted(OTHERS)), wanted=st.sampled_from(Requested))
    def is_set(self, message: UUID, by: str, wanted: Requested) -> None:
        """A message is given a state over REST, whatever it had."""
        before = self.fake.state_of(message)
        work = set_state(
            self.world.database,
            self.world.jobs,
            self.world.tenant,
            message,
            state=wanted,
            expected_version=None,
            by=by,
        )
        if before is None:
            with pytest.raises(NotFound):
                self.run(work)
            return
        target = (
            self.fake.rows[message].before if wanted is Requested.RESTORED else MessageState(wanted.value)
        )
        assert (target or before) is self.run(work).message.state
        if target not in {None, before}:
            out_of_trash = before is DELETED and wanted is not Requested.DELETED
            self.changes += 1
            self._changed(message, target, by, "restored" if out_of_trash else DONE[wanted])

    @rule(
        chosen=st.lists(messages, min_size=1, max_size=4, unique=True),
        by=st.sampled_from(sorted(OTHERS)),
        action=st.sampled_from(BulkAction),
    )
    def are_done_with(self, chosen: list[UUID], by: str, action: BulkAction) -> None:
        """Several messages at once; each has its outcome."""
        expected = [self._outcome(message, action) for message in chosen]
        found = self.run(
            bulk(self.world.database, self.world.jobs, self.world.tenant, chosen, action=action, by=by)
        )
        assert expected == [(one.outcome, one.state) for one in found]
        # One transaction, and one look at the lamp.
        self.changes += any(outcome is MessageOutcome.DONE for outcome, _ in expected)
        for message, (outcome, state) in zip(chosen, expected, strict=True):
            if outcome is MessageOutcome.DONE:
                self._changed(message, state, by, DONE_TO_MANY[action])

    def _outcome(self, message: UUID, action: BulkAction) -> tuple[MessageOutcome, MessageState | None]:
        row = self.fake.rows.get(message)
        if row is None:
            return MessageOutcome.NOT_FOUND, None
        concerned, to = {
            BulkAction.MARK_READ: ({NEW}, SAVED),
            BulkAction.MARK_UNREAD: ({SAVED}, NEW),
            BulkAction.DELETE: ({NEW, SAVED}, DELETED),
            BulkAction.RESTORE: ({DELETED}, row.before),
        }[action]
        if row.heard.state not in concerned:
            return MessageOutcome.UNCHANGED, row.heard.state
        return MessageOutcome.DONE, to

    @rule(message=messages, by=st.sampled_from(sorted(OTHERS)))
    def is_deleted(self, message: UUID, by: str) -> None:
        """To the trash, and from there for good, whoever hears it at that moment."""
        before = self.fake.state_of(message)
        world = self.world
        work = delete_message(
            world.database, world.jobs, world.store, world.tenant, message, expected_version=None, by=by
        )
        if before is None:
            with pytest.raises(NotFound):
                self.run(work)
            return
        assert (before is DELETED) is (self.run(work) is None)
        # Of what is gone from the trash no lamp says anything.
        self.changes += before is not DELETED
        self._changed(message, None if before is DELETED else DELETED, by, "deleted")

    @rule(chosen=st.lists(messages, min_size=1, max_size=4, unique=True), by=st.sampled_from(sorted(OTHERS)))
    def are_purged(self, chosen: list[UUID], by: str) -> None:
        """Of several those that are in the trash."""
        world = self.world
        found = self.run(purge_messages(world.database, world.jobs, world.store, world.tenant, chosen, by=by))
        gone = [message for message in chosen if self.fake.state_of(message) is DELETED]
        assert gone == [one.id for one in found if one.outcome is MessageOutcome.DONE]
        for message in gone:
            self._changed(message, None, by, "purged")

    def _changed(self, message: UUID, to: MessageState | None, by: str, action: str) -> None:
        self.fake.set_state(message, to, OTHERS[by])
        self.log[message].append((by, "purged" if to is None else action))

    # What holds after each step, and in the end.

    @invariant()
    def lists_and_counts_agree(self) -> None:
        """Both mailboxes hold the same messages in the same states and order."""
        for state in MessageState:
            assert self.run(self.fake.messages(self.mailbox.id, state)) == self.run(
                self.real.messages(self.mailbox.id, state)
            )
        assert self.run(self.fake.counts(self.mailbox.id)) == self.run(self.real.counts(self.mailbox.id))

    @rule(message=messages)
    def who_left_it_so_is_known(self, message: UUID) -> None:
        """Who asks is told in which state it is, and by whom."""
        found = self.run(self.real.left(message))
        assert self.run(self.fake.left(message)) == found
        assert self.real.recording(message).is_file() is (found.state is not None)

    def teardown(self) -> None:
        """The lamp is looked at after each change and shows the counts; the log has each change once."""
        counts: Counts = self.run(self.fake.counts(self.mailbox.id))
        shown = Shown()
        (asked,) = self.world.rows(
            "SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'mwi.send' AND args->>'number' = %s",
            self.number,
        )
        self.run(tell(Lamps(database=self.world.database, control=shown), self.number))
        told = self.world.rows(
            "SELECT object_key, author, action FROM audit_entries WHERE kind = 'message' AND subject = %s "
            "ORDER BY id",
            self.number,
        )
        log = {str(message): entries for message, entries in self.log.items() if entries}

        assert shown.lamp is not None
        assert (counts.new, counts.saved) == (shown.lamp.new, shown.lamp.saved)
        assert asked[0] >= self.changes or not self.changes
        assert log == {
            key: [(author, action) for found, author, action in told if found == key]
            for key in {row[0] for row in told}
        }
        super().teardown()


def test_nobody_undoes_a_colleagues_work(database_url: str, default_tenant: UUID, tmp_path: Path) -> None:
    """Whatever two on the phone, a program and somebody in the portal do: each is told what became of it."""
    (tmp_path / "spool").mkdir()
    database = Database(database_url.replace("postgresql://", "postgresql+psycopg://"))
    app = make_app(database_url)
    with (
        asyncio.Runner() as runner,
        closing(PinHasher(make_key(), cost=HashCost(time_cost=1, memory_kib=8))) as hasher,
    ):
        runner.run(_opened(app))
        runner.run(_add_alice(database, default_tenant))
        jobs, store = Jobs(app), RecordingStore(tmp_path / "recordings")
        depositor = Depositor(database=database, jobs=jobs, store=store, spool=FileSpool(tmp_path / "spool"))
        voicemail = VoicemailService(
            database=database,
            jobs=jobs,
            pins=Pins(database, hasher, jobs, policy=PinLockPolicy()),
            recordings=store,
            deposit=depositor.deposit,
            languages=["en"],
        )
        Sharing.world = World(
            runner=runner,
            database=database,
            jobs=jobs,
            voicemail=voicemail,
            store=store,
            tenant=default_tenant,
            url=database_url,
            folder=tmp_path,
        )
        try:
            run_state_machine_as_test(  # type: ignore[no-untyped-call]
                Sharing,
                settings=settings(
                    max_examples=12,
                    stateful_step_count=20,
                    deadline=None,
                    suppress_health_check=list(HealthCheck),
                ),
            )
        finally:
            runner.run(app.close_async())
            runner.run(database.close())


async def _add_alice(database: Database, tenant: UUID) -> None:
    async with database.transaction() as session:
        row = UserRow(
            id=uuid4(),
            tenant_id=tenant,
            user_name="alice",
            display_name="Alice",
            role=Role.TENANT_ADMIN.value,
        )
        await users.insert(session, row)


async def _opened(app: App) -> None:
    await app.open_async()
