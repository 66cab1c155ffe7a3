"""The contract of the Voicemail port, for the service on a real PostgreSQL and for the fake."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol
from uuid import UUID, uuid4

import pytest
from controlplane.callflows.voicemail import Change, PinSource, Voicemail
from controlplane.domain.caller import Caller
from controlplane.domain.colleague import Colleague, named_in
from controlplane.domain.mailbox import Counts, Mailbox
from controlplane.domain.message import MessageState, ReachedBy, TakeFacts
from controlplane.domain.pin import Pin
from controlplane.domain.pin_locks import PinLockPolicy
from controlplane.domain.rights import ALL_RIGHTS, NO_RIGHTS, Admission, parse_rights
from controlplane.services.deposit import Depositor
from controlplane.services.pin_hashing import HashCost, PinHasher, make_key
from controlplane.services.pins import Pins
from controlplane.services.voicemail_service import VoicemailService
from controlplane.storage import messages
from controlplane.storage.audit import name_author
from controlplane.storage.database import Database
from controlplane.storage.queue import Jobs, make_app
from controlplane.storage.recordings import RecordingStore
from controlplane.storage.spool import FileSpool
from tests.support.fake_call import write_wav
from tests.support.fake_voicemail import TENANT, FakeVoicemail
from tests.support.fixtures import database, database_url, default_tenant, postgres
from tests.support.rows import add_mailbox, add_message, add_person, set_tenant

__all__ = ["database", "database_url", "default_tenant", "postgres"]

NEW, SAVED, DELETED = MessageState.NEW, MessageState.SAVED, MessageState.DELETED
PIN = Pin("4071")
BY = "extension 101"
COLLEAGUE = Colleague(extension="102")


class Subject(Protocol):
    """An implementation of the port, and how a test arranges what is in it."""

    @property
    def port(self) -> Voicemail:
        """What is tested."""
        ...

    async def make_mailbox(self, number: str = "8001", *, min_message_seconds: int = 1) -> Mailbox:
        """Make a mailbox with the PIN 4071."""
        ...

    async def make_message(
        self, mailbox: Mailbox, state: MessageState = NEW, *, urgent: bool = False
    ) -> UUID:
        """Make a message, later than those made before."""
        ...

    async def purge(self, message_id: UUID, *, by: str) -> None:
        """Be the colleague who purged a message."""
        ...

    async def speak(self, language: str) -> UUID:
        """Give a tenant another language; return its id."""
        ...

    async def make_member(self, mailbox: Mailbox, extension: str, right: str, *, pin_spared: bool) -> None:
        """Give the person of an extension a right at a mailbox."""
        ...


class FakeSubject:
    """The fake."""

    def __init__(self, folder: Path) -> None:
        self.port = FakeVoicemail(folder)

    async def make_mailbox(self, number: str = "8001", *, min_message_seconds: int = 1) -> Mailbox:
        """Make a mailbox."""
        return self.port.add_mailbox(number, pin=PIN.reveal(), min_message_seconds=min_message_seconds)

    async def make_message(
        self, mailbox: Mailbox, state: MessageState = NEW, *, urgent: bool = False
    ) -> UUID:
        """Make a message."""
        return self.port.add_message(mailbox, state=state, urgent=urgent)

    async def purge(self, message_id: UUID, *, by: str) -> None:
        """Purge it."""
        self.port.set_state(message_id, None, Colleague(extension=named_in(by).extension))

    async def speak(self, language: str) -> UUID:
        """Set it."""
        self.port.tenant_language = language
        return TENANT

    async def make_member(self, mailbox: Mailbox, extension: str, right: str, *, pin_spared: bool) -> None:
        """Give it."""
        admission = Admission(
            rights=parse_rights([right]), pin_spared=pin_spared, user_name=f"user-{extension}"
        )
        self.port.members.setdefault(mailbox.id, {})[extension] = admission


class RealSubject:
    """The service."""

    def __init__(
        self,
        port: VoicemailService,
        database: Database,
        hasher: PinHasher,
        store: RecordingStore,
        tenant: UUID,
    ) -> None:
        self.port = port
        self._database = database
        self._hasher = hasher
        self._store = store
        self._tenant = tenant
        self._minute = 0

    async def make_mailbox(self, number: str = "8001", *, min_message_seconds: int = 1) -> Mailbox:
        """Make a mailbox."""
        mailbox_id = await add_mailbox(
            self._database,
            self._tenant,
            number,
            pin_hash=await self._hasher.hash(PIN),
            min_message_seconds=min_message_seconds,
        )
        made = await self.port.mailbox(mailbox_id)
        assert made is not None
        return made

    async def make_message(
        self, mailbox: Mailbox, state: MessageState = NEW, *, urgent: bool = False
    ) -> UUID:
        """Make a message with its recording."""
        self._minute += 1
        message_id = await add_message(
            self._database, mailbox.id, minute=self._minute, state=state, urgent=urgent
        )
        path = self._store.path(message_id)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_wav(path, 12)
        return message_id

    async def purge(self, message_id: UUID, *, by: str) -> None:
        """Purge it."""
        async with self._database.transaction() as session:
            await name_author(session, by)
            await messages.delete_locked(session, message_id)

    async def speak(self, language: str) -> UUID:
        """Set it."""
        await set_tenant(self._database, self._tenant, language=language)
        return self._tenant

    async def make_member(self, mailbox: Mailbox, extension: str, right: str, *, pin_spared: bool) -> None:
        """Give it."""
        await add_person(
            self._database,
            self._tenant,
            extension=extension,
            pin_spared=pin_spared,
            mailbox=mailbox.id,
            rights=[right],
        )


@pytest.fixture
def hasher() -> Iterator[PinHasher]:
    """Hash cheaply."""
    with closing(PinHasher(make_key(), cost=HashCost(time_cost=1, memory_kib=64))) as made:
        yield made


@pytest.fixture
async def real(
    database: Database, database_url: str, default_tenant: UUID, hasher: PinHasher, tmp_path: Path
) -> AsyncIterator[Subject]:
    """Return the service."""
    await set_tenant(database, default_tenant, time_zone="Europe/Berlin")
    async with make_app(database_url).open_async() as app:
        jobs = Jobs(app)
        store = RecordingStore(tmp_path / "recordings")
        depositor = Depositor(database=database, jobs=jobs, store=store, spool=FileSpool(tmp_path / "spool"))
        service = VoicemailService(
            database=database,
            jobs=jobs,
            pins=Pins(database, hasher, jobs, policy=PinLockPolicy()),
            recordings=store,
            deposit=depositor.deposit,
            languages=["en", "de"],
        )
        yield RealSubject(service, database, hasher, store, default_tenant)


@pytest.fixture(params=["service", "fake"])
def subject(request: pytest.FixtureRequest, tmp_path: Path) -> Subject:
    """Return each implementation."""
    if request.param == "fake":
        return FakeSubject(tmp_path)
    found: Subject = request.getfixturevalue("real")
    return found


def source(mailbox: Mailbox) -> PinSource:
    """Return an extension of the mailbox's tenant."""
    return PinSource(tenant_id=mailbox.tenant_id, extension="101")


# Members


async def test_mailbox_without_members_is_open_to_extensions(subject: Subject) -> None:
    """With the PIN, and to all that can be done; never to a caller from outside."""
    made = await subject.make_mailbox()
    outside = PinSource(tenant_id=made.tenant_id, extension=None)

    assert await subject.port.admission(made.id, source(made)) == Admission(rights=ALL_RIGHTS)
    assert await subject.port.admission(made.id, outside) == Admission(rights=NO_RIGHTS)


@pytest.mark.parametrize("pin_spared", [False, True])
async def test_mailbox_with_members_knows_them_by_their_extensions(
    subject: Subject, *, pin_spared: bool
) -> None:
    """They have the rights that they were given; no other extension has any, and nobody from outside."""
    made, other = await subject.make_mailbox("8001"), await subject.make_mailbox("8002")
    await subject.make_member(made, "101", "delete", pin_spared=pin_spared)
    await subject.make_member(other, "102", "listen", pin_spared=True)
    found = [
        await subject.port.admission(made.id, PinSource(tenant_id=made.tenant_id, extension=extension))
        for extension in ("101", "102", "103", "", None)
    ]

    assert found == [
        Admission(rights=parse_rights(["delete"]), pin_spared=pin_spared, user_name="user-101"),
        *[Admission(rights=NO_RIGHTS)] * 4,
    ]


# Mailboxes and PINs


async def test_a_tenant_has_a_language(subject: Subject) -> None:
    """Before a mailbox is known the tenant's language is spoken."""
    tenant_id = await subject.speak("de")

    assert "de" == await subject.port.language(tenant_id)


async def test_mailbox_is_found_by_its_id(subject: Subject) -> None:
    """A mailbox is found by its id."""
    made = await subject.make_mailbox()

    assert await subject.port.mailbox(made.id) == made


async def test_mailbox_is_found_by_its_number(subject: Subject) -> None:
    """A mailbox is found by its tenant and number."""
    made = await subject.make_mailbox("8001")

    assert await subject.port.mailbox_by_number(made.tenant_id, "8001") == made


@pytest.mark.parametrize("number", ["8002", "", "800", "8001 ", "x'; --"])
async def test_number_of_no_mailbox_finds_nothing(subject: Subject, number: str) -> None:
    """Anything else than a mailbox's number finds nothing."""
    made = await subject.make_mailbox("8001")

    assert await subject.port.mailbox_by_number(made.tenant_id, number) is None


async def test_number_of_another_tenant_finds_nothing(subject: Subject) -> None:
    """Another tenant has number spaces of its own."""
    await subject.make_mailbox("8001")

    assert await subject.port.mailbox_by_number(uuid4(), "8001") is None


async def test_unknown_mailbox_is_none(subject: Subject) -> None:
    """An id of no mailbox finds nothing."""
    assert await subject.port.mailbox(uuid4()) is None


@pytest.mark.parametrize(
    ("digits", "result"), [("4071", True), ("4072", False), ("", False), ("40711", False)]
)
async def test_pin_is_right_or_wrong(subject: Subject, digits: str, *, result: bool) -> None:
    """Only the mailbox's PIN is right."""
    made = await subject.make_mailbox()

    assert await subject.port.try_pin(made.id, source(made), Pin(digits)) is result


async def test_pin_of_no_mailbox_is_wrong(subject: Subject) -> None:
    """Without a mailbox every PIN is wrong."""
    made = await subject.make_mailbox()

    assert not await subject.port.try_pin(None, source(made), PIN)


# Lists


async def test_counts_are_by_state(subject: Subject) -> None:
    """Messages are counted by state, of this mailbox only."""
    mailbox = await subject.make_mailbox()
    for state in (NEW, NEW, SAVED, DELETED, DELETED, DELETED):
        await subject.make_message(mailbox, state)
    await subject.make_message(await subject.make_mailbox("8002"))

    assert await subject.port.counts(mailbox.id) == Counts(new=2, saved=1, deleted=3)


async def test_empty_mailbox_counts_nothing(subject: Subject) -> None:
    """A mailbox without messages counts zero of each."""
    mailbox = await subject.make_mailbox()

    assert await subject.port.counts(mailbox.id) == Counts()


async def test_messages_are_oldest_first(subject: Subject) -> None:
    """Messages of a state are listed from the oldest to the newest."""
    mailbox = await subject.make_mailbox()
    ids = [await subject.make_message(mailbox) for _ in range(3)]
    await subject.make_message(mailbox, SAVED)

    assert [heard.id for heard in await subject.port.messages(mailbox.id, NEW)] == ids


async def test_urgent_messages_are_first(subject: Subject) -> None:
    """What a caller marked is heard before what came earlier; among themselves they are oldest first."""
    mailbox = await subject.make_mailbox()
    made = [await subject.make_message(mailbox, urgent=urgent) for urgent in (False, True, False, True)]
    listed = await subject.port.messages(mailbox.id, NEW)

    assert [(heard.id, heard.urgent) for heard in listed] == [
        (made[1], True),
        (made[3], True),
        (made[0], False),
        (made[2], False),
    ]


async def test_message_is_as_listed(subject: Subject) -> None:
    """A single message is the same as in the list."""
    mailbox = await subject.make_mailbox()
    message_id = await subject.make_message(mailbox)

    assert [await subject.port.message(message_id)] == await subject.port.messages(mailbox.id, NEW)


async def test_unknown_message_is_none(subject: Subject) -> None:
    """An id of no message finds nothing."""
    assert await subject.port.message(uuid4()) is None


async def test_looking_changes_no_state(subject: Subject) -> None:
    """Listing, counting and asking for the recording leave a new message new."""
    mailbox = await subject.make_mailbox()
    message_id = await subject.make_message(mailbox)
    await subject.port.messages(mailbox.id, NEW)
    subject.port.recording(message_id).read_bytes()

    assert await subject.port.counts(mailbox.id) == Counts(new=1)


# Changes


@pytest.mark.parametrize(("seen", "to"), [(NEW, SAVED), (NEW, DELETED), (SAVED, DELETED), (SAVED, NEW)])
async def test_change_from_the_seen_state_is_done(
    subject: Subject, seen: MessageState, to: MessageState
) -> None:
    """A message that is as it was seen gets the other state."""
    message_id = await subject.make_message(await subject.make_mailbox(), seen)
    change = await subject.port.change(message_id, seen=seen, to=to, by=BY)
    now = await subject.port.message(message_id)

    assert now is not None
    assert (change, now.state) == (Change(done=True, state=to), to)


@pytest.mark.parametrize("left", [SAVED, DELETED])
async def test_change_says_what_a_colleague_left(subject: Subject, left: MessageState) -> None:
    """A message that a colleague changed meanwhile stays so, and its state is the answer."""
    message_id = await subject.make_message(await subject.make_mailbox())
    await subject.port.change(message_id, seen=NEW, to=left, by="extension 102")
    change = await subject.port.change(message_id, seen=NEW, to=DELETED, by=BY)
    now = await subject.port.message(message_id)

    assert now is not None
    assert (change, now.state) == (Change(done=False, state=left, by=COLLEAGUE), left)


async def test_change_of_a_purged_message_says_so(subject: Subject) -> None:
    """A message that was purged meanwhile has no state."""
    message_id = await subject.make_message(await subject.make_mailbox())
    await subject.purge(message_id, by="extension 102")

    change = await subject.port.change(message_id, seen=NEW, to=SAVED, by=BY)
    assert change == Change(done=False, state=None, by=COLLEAGUE)


@pytest.mark.parametrize("before", [NEW, SAVED])
async def test_restored_message_has_the_state_before(subject: Subject, before: MessageState) -> None:
    """Out of the trash a message is what it was."""
    message_id = await subject.make_message(await subject.make_mailbox(), before)
    await subject.port.change(message_id, seen=before, to=DELETED, by=BY)
    change = await subject.port.restore(message_id, by=BY)
    now = await subject.port.message(message_id)

    assert now is not None
    assert (change, now.state) == (Change(done=True, state=before), before)


async def test_restore_of_what_is_not_in_the_trash_is_not_done(subject: Subject) -> None:
    """A message that is not in the trash stays, and its state is the answer."""
    message_id = await subject.make_message(await subject.make_mailbox(), SAVED)

    assert await subject.port.restore(message_id, by=BY) == Change(done=False, state=SAVED)


async def test_restore_of_a_purged_message_says_so(subject: Subject) -> None:
    """A message that was purged meanwhile cannot come back."""
    message_id = await subject.make_message(await subject.make_mailbox(), DELETED)
    await subject.purge(message_id, by="extension 102")

    assert await subject.port.restore(message_id, by=BY) == Change(done=False, state=None, by=COLLEAGUE)


async def test_message_says_who_left_it_so(subject: Subject) -> None:
    """The extension that changed it last, or purged it; nobody where nothing was done with it."""
    message_id = await subject.make_message(await subject.make_mailbox())
    untouched = await subject.port.left(message_id)
    await subject.port.change(message_id, seen=NEW, to=DELETED, by="extension 102 (user bob)")
    deleted = await subject.port.left(message_id)
    await subject.port.restore(message_id, by=BY)
    restored = await subject.port.left(message_id)
    await subject.purge(message_id, by="extension 102")
    purged = await subject.port.left(message_id)

    assert [untouched, deleted, restored, purged] == [
        Change(done=False, state=NEW),
        Change(done=False, state=DELETED, by=COLLEAGUE),
        Change(done=False, state=NEW, by=Colleague(extension="101")),
        Change(done=False, state=None, by=COLLEAGUE),
    ]


async def test_nobody_listens_to_a_message_at_first(subject: Subject) -> None:
    """Nor to one that there never was."""
    message_id = await subject.make_message(await subject.make_mailbox())

    assert [[], []] == [await subject.port.listeners(one, besides="c") for one in (message_id, uuid4())]


async def test_recording_of_an_unknown_message_is_a_path_without_a_file(subject: Subject) -> None:
    """The recording of what is not there is a path that does not exist."""
    assert not subject.port.recording(uuid4()).exists()


# Deposits


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    """Return the folder where takes lie."""
    folder = tmp_path / "spool"
    folder.mkdir()
    return folder


def take(mailbox: Mailbox, spool: Path, *, seconds: float) -> tuple[TakeFacts, Path]:
    """Put a finished take into the spool."""
    facts = TakeFacts(
        recording_id=uuid4(),
        tenant_id=mailbox.tenant_id,
        mailbox_id=mailbox.id,
        call_id="call-1",
        caller=Caller.of("102", "Bob"),
        reached_by=ReachedBy(),
        started_at=datetime(2026, 11, 23, 14, 45, tzinfo=UTC),
    )
    wav = spool / f"{facts.recording_id}.wav"
    write_wav(wav, seconds)
    wav.with_suffix(".json").write_text("{}")
    return facts, wav


async def test_deposited_take_is_a_new_message(subject: Subject, spool: Path) -> None:
    """A take becomes a new message with its id, caller, time and length."""
    mailbox = await subject.make_mailbox()
    facts, wav = take(mailbox, spool, seconds=3)
    done = await subject.port.deposit(facts, wav)
    (heard,) = await subject.port.messages(mailbox.id, NEW)

    assert done
    assert (heard.id, heard.caller, heard.received_at, heard.duration_ms) == (
        facts.recording_id,
        facts.caller,
        facts.started_at,
        3000,
    )


async def test_deposited_take_leaves_the_spool(subject: Subject, spool: Path) -> None:
    """What was deposited is in the store and no longer in the spool."""
    facts, wav = take(await subject.make_mailbox(), spool, seconds=3)
    audio = wav.read_bytes()
    await subject.port.deposit(facts, wav)

    kept = subject.port.recording(facts.recording_id).read_bytes()
    assert (kept, list(spool.iterdir())) == (audio, [])


async def test_repeated_deposit_makes_no_second_message(subject: Subject, spool: Path) -> None:
    """The same take once more is a success that only cleans up."""
    mailbox = await subject.make_mailbox()
    facts, wav = take(mailbox, spool, seconds=3)
    await subject.port.deposit(facts, wav)
    write_wav(wav, 3)
    again = await subject.port.deposit(facts, wav)

    assert (again, await subject.port.counts(mailbox.id), wav.exists()) == (
        True,
        Counts(new=1),
        False,
    )


async def test_take_below_the_minimum_is_no_message(subject: Subject, spool: Path) -> None:
    """A take shorter than the mailbox's minimum is not deposited."""
    mailbox = await subject.make_mailbox(min_message_seconds=2)
    done = await subject.port.deposit(*take(mailbox, spool, seconds=1.5))

    assert (done, await subject.port.counts(mailbox.id)) == (False, Counts())
