"""What REST clients do with messages, against a real database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import psycopg
import pytest
from controlplane.domain.errors import Conflict, InvalidValue, NotFound, PreconditionFailed
from controlplane.domain.message import MessageState
from controlplane.services.message_changes import (
    MAX_BULK,
    BulkAction,
    BulkOutcome,
    MessageOutcome,
    Requested,
    bulk,
    delete_message,
    set_state,
)
from controlplane.services.messages import Position, get_message, list_messages
from controlplane.services.retention import purge_old_bookkeeping, purge_trash
from controlplane.storage import mailboxes
from controlplane.storage.database import Database
from controlplane.storage.queue import Jobs
from sqlalchemy import event
from tests.support.rows import add_mailbox, add_message, add_tenant

NEW, SAVED, DELETED = MessageState.NEW, MessageState.SAVED, MessageState.DELETED


class NotedRemovals:
    """A recording store of which only the removals matter."""

    def __init__(self, database_url: str) -> None:
        self._url = database_url
        self.removed: list[UUID] = []
        self.rows_left_at_removal: list[int] = []

    async def remove(self, message_id: UUID) -> None:
        """Note what is removed, and whether others see its row still."""
        self.removed.append(message_id)
        self.rows_left_at_removal.append(
            count(self._url, f"SELECT count(*) FROM messages WHERE id = '{message_id}'")
        )


def count(database_url: str, query: str) -> int:
    """Return the number that a query gives."""
    with psycopg.connect(database_url) as connection:
        row = connection.execute(query).fetchone()  # type: ignore[call-overload]  # a test's constant
    assert row is not None
    assert isinstance(row[0], int)
    return row[0]


@pytest.fixture
def store(database_url: str) -> NotedRemovals:
    """Return a recording store."""
    return NotedRemovals(database_url)


@pytest.fixture
async def mailbox_id(database: Database, default_tenant: UUID) -> UUID:
    """Make the mailbox 8001."""
    return await add_mailbox(database, default_tenant)


async def listed(
    database: Database, tenant_id: UUID, *, state: MessageState | None = None, q: str | None = None
) -> list[UUID]:
    """Return the ids of the first hundred messages of 8001."""
    page = await list_messages(database, tenant_id, "8001", state=state, q=q, limit=100, after=None)
    return [item.message.id for item in page.items]


async def delete_mailbox(database: Database, mailbox_id: UUID) -> None:
    """Delete a mailbox as the API does."""
    async with database.transaction() as session:
        assert await mailboxes.mark_deleted(session, mailbox_id, expected_version=None, by="token 1")


# Listing


async def test_list_is_newest_first(database: Database, default_tenant: UUID, mailbox_id: UUID) -> None:
    """Messages are listed from the newest to the oldest."""
    ids = [await add_message(database, mailbox_id, minute=minute) for minute in (2, 0, 1)]

    assert await listed(database, default_tenant) == [ids[0], ids[2], ids[1]]


async def test_list_without_a_state_leaves_out_the_trash(
    database: Database, default_tenant: UUID, mailbox_id: UUID
) -> None:
    """Without a state new and saved messages are listed."""
    new, saved, _ = [
        await add_message(database, mailbox_id, minute=-n, state=state)
        for n, state in enumerate((NEW, SAVED, DELETED))
    ]

    assert await listed(database, default_tenant) == [new, saved]


@pytest.mark.parametrize("state", list(MessageState))
async def test_list_by_state(
    database: Database, default_tenant: UUID, mailbox_id: UUID, state: MessageState
) -> None:
    """With a state only its messages are listed."""
    by_state = {one: await add_message(database, mailbox_id, state=one) for one in MessageState}

    assert await listed(database, default_tenant, state=state) == [by_state[state]]


@pytest.mark.parametrize("q", ["ali", "ALICE", "555", "e%_"])
async def test_search_finds_callers(
    database: Database, default_tenant: UUID, mailbox_id: UUID, q: str
) -> None:
    """A search finds a part of the caller's name or number, whatever its case; wildcards are plain text."""
    found = await add_message(database, mailbox_id, caller_name="Alice%_", caller_number="+4915551")
    await add_message(database, mailbox_id, caller_name="Bob", caller_number="102")

    assert await listed(database, default_tenant, q=q) == [found]


async def test_pages_hold_each_message_once(
    database: Database, default_tenant: UUID, mailbox_id: UUID
) -> None:
    """Paging by two meets each of five messages once, also those received in the same moment."""
    ids = {await add_message(database, mailbox_id, minute=n // 4) for n in range(5)}
    met: list[UUID] = []
    lengths = []
    after: Position | None = None
    while True:
        page = await list_messages(database, default_tenant, "8001", state=None, q=None, limit=2, after=after)
        met += [item.message.id for item in page.items]
        lengths.append(len(page.items))
        after = page.next
        if after is None:
            break

    assert (set(met), len(met), lengths) == (ids, 5, [2, 2, 1])


async def test_full_last_page_has_no_next(database: Database, default_tenant: UUID, mailbox_id: UUID) -> None:
    """When the messages end with the page there is no next one."""
    await add_message(database, mailbox_id)
    page = await list_messages(database, default_tenant, "8001", state=None, q=None, limit=1, after=None)

    assert page.next is None


async def test_list_of_an_unknown_mailbox_is_refused(database: Database, default_tenant: UUID) -> None:
    """A number without a mailbox is told by its error id."""
    with pytest.raises(NotFound) as caught:
        await listed(database, default_tenant)

    assert caught.value.error_id == "no-such-mailbox"


async def test_list_of_a_foreign_mailbox_is_refused(database: Database, mailbox_id: UUID) -> None:
    """A number of another tenant's mailbox is not found."""
    with pytest.raises(NotFound):
        await listed(database, await add_tenant(database))


async def test_list_takes_a_fixed_number_of_queries(
    database: Database, default_tenant: UUID, mailbox_id: UUID
) -> None:
    """However many messages and mails there are, the list takes three queries."""
    for n in range(5):
        await add_message(database, mailbox_id, minute=n, mails=(("a@example.org", "sent", None),))
    queries: list[str] = []
    engine = database._engine.sync_engine
    event.listen(engine, "before_cursor_execute", lambda *call: queries.append(call[2]))
    await listed(database, default_tenant)

    assert len(queries) == 3


# Reading


async def test_message_shows_its_mails(database: Database, default_tenant: UUID, mailbox_id: UUID) -> None:
    """A message shows how the mail to each recipient ended, in the order of their addresses."""
    message_id = await add_message(
        database,
        mailbox_id,
        mails=(("b@example.org", "failed", "550 no such user"), ("a@example.org", "sent", None)),
    )
    view = await get_message(database, default_tenant, message_id)

    assert [(m.recipient, m.status, m.error) for m in view.mails] == [
        ("a@example.org", "sent", None),
        ("b@example.org", "failed", "550 no such user"),
    ]


async def test_message_names_its_mailbox(database: Database, default_tenant: UUID, mailbox_id: UUID) -> None:
    """A message shows the number of its mailbox."""
    view = await get_message(database, default_tenant, await add_message(database, mailbox_id))

    assert view.mailbox_number == "8001"


async def test_reading_changes_nothing(database: Database, default_tenant: UUID, mailbox_id: UUID) -> None:
    """After listing and reading a message it is as it was."""
    message_id = await add_message(database, mailbox_id)
    before = await get_message(database, default_tenant, message_id)
    await listed(database, default_tenant)

    assert await get_message(database, default_tenant, message_id) == before


@pytest.mark.parametrize("foreign", [True, False])
async def test_message_that_is_not_there_is_refused(
    database: Database, default_tenant: UUID, mailbox_id: UUID, *, foreign: bool
) -> None:
    """An unknown message and one of another tenant are refused alike."""
    message_id = await add_message(database, mailbox_id) if foreign else uuid4()
    tenant_id = await add_tenant(database) if foreign else default_tenant
    with pytest.raises(NotFound) as caught:
        await get_message(database, tenant_id, message_id)

    assert caught.value.error_id == "no-such-message"


# Changing one


@pytest.mark.parametrize(
    ("before", "requested", "after"),
    [
        (NEW, Requested.SAVED, (SAVED, None)),
        (SAVED, Requested.NEW, (NEW, None)),
        (NEW, Requested.DELETED, (DELETED, NEW)),
        (SAVED, Requested.DELETED, (DELETED, SAVED)),
        (DELETED, Requested.SAVED, (SAVED, None)),
        (DELETED, Requested.RESTORED, (NEW, None)),
    ],
)
async def test_state_is_set(
    *,
    database: Database,
    jobs: Jobs,
    default_tenant: UUID,
    mailbox_id: UUID,
    before: MessageState,
    requested: Requested,
    after: tuple[MessageState, MessageState | None],
) -> None:
    """A message gets the state that is asked for, and keeps the one before while it is in the trash."""
    message_id = await add_message(database, mailbox_id, state=before)
    view = await set_state(
        database, jobs, default_tenant, message_id, state=requested, expected_version=1, by="token 7"
    )

    changed = (view.message.state, view.message.state_before)
    assert (changed, view.message.version, view.state_changed_by) == (after, 2, "token 7")


@pytest.mark.parametrize(
    ("state", "requested"),
    [
        (NEW, Requested.NEW),
        (NEW, Requested.RESTORED),
        (SAVED, Requested.RESTORED),
        (DELETED, Requested.DELETED),
    ],
)
async def test_repeated_request_changes_nothing(  # noqa: PLR0917 (fixtures)
    database: Database,
    jobs: Jobs,
    default_tenant: UUID,
    mailbox_id: UUID,
    state: MessageState,
    requested: Requested,
) -> None:
    """Asking for what is so already keeps the version and who changed it."""
    message_id = await add_message(database, mailbox_id, state=state)
    before = await get_message(database, default_tenant, message_id)
    after = await set_state(
        database, jobs, default_tenant, message_id, state=requested, expected_version=None, by="token 7"
    )

    assert after == before


async def test_stale_version_is_refused(
    database: Database, jobs: Jobs, default_tenant: UUID, mailbox_id: UUID
) -> None:
    """A change of what somebody else changed since is refused and not made."""
    message_id = await add_message(database, mailbox_id)
    await set_state(
        database, jobs, default_tenant, message_id, state=Requested.SAVED, expected_version=1, by="token 7"
    )
    with pytest.raises(PreconditionFailed):
        await set_state(
            database, jobs, default_tenant, message_id, state=Requested.NEW, expected_version=1, by="token 8"
        )

    assert (await get_message(database, default_tenant, message_id)).message.state is SAVED


async def test_message_of_a_deleted_mailbox_stays_in_the_trash(
    database: Database, jobs: Jobs, default_tenant: UUID, mailbox_id: UUID
) -> None:
    """With its mailbox a message goes to the trash, and cannot be restored from there."""
    message_id = await add_message(database, mailbox_id)
    await delete_mailbox(database, mailbox_id)
    with pytest.raises(Conflict) as caught:
        await set_state(
            database,
            jobs,
            default_tenant,
            message_id,
            state=Requested.RESTORED,
            expected_version=None,
            by="token 7",
        )

    assert caught.value.error_id == "mailbox-deleted"


async def test_foreign_message_is_not_changed(
    database: Database, jobs: Jobs, default_tenant: UUID, mailbox_id: UUID
) -> None:
    """Another tenant cannot change a message, and it is as it was."""
    message_id = await add_message(database, mailbox_id)
    with pytest.raises(NotFound):
        await set_state(
            database,
            jobs,
            await add_tenant(database),
            message_id,
            state=Requested.DELETED,
            expected_version=None,
            by="token 7",
        )

    assert (await get_message(database, default_tenant, message_id)).message.version == 1


# Deleting and purging


async def test_delete_moves_to_the_trash(
    database: Database, jobs: Jobs, default_tenant: UUID, mailbox_id: UUID, store: NotedRemovals
) -> None:
    """A first DELETE moves to the trash and keeps the recording."""
    message_id = await add_message(database, mailbox_id)
    view = await delete_message(
        database, jobs, store, default_tenant, message_id, expected_version=None, by="token 7"
    )

    assert view is not None
    assert (view.message.state, store.removed) == (DELETED, [])


async def test_delete_of_a_deleted_message_purges(  # noqa: PLR0917 (fixtures)
    database: Database,
    jobs: Jobs,
    default_tenant: UUID,
    mailbox_id: UUID,
    store: NotedRemovals,
    database_url: str,
) -> None:
    """A second DELETE removes the row with its mails, and the recording once that is committed."""
    message_id = await add_message(
        database, mailbox_id, state=DELETED, mails=(("a@example.org", "sent", None),)
    )
    view = await delete_message(
        database, jobs, store, default_tenant, message_id, expected_version=None, by="token 7"
    )
    left = count(database_url, "SELECT count(*) FROM message_mails")

    assert (view, left, store.removed, store.rows_left_at_removal) == (None, 0, [message_id], [0])


async def test_purged_recording_is_not_taken_again(  # noqa: PLR0917 (fixtures)
    database: Database,
    jobs: Jobs,
    default_tenant: UUID,
    mailbox_id: UUID,
    store: NotedRemovals,
    database_url: str,
) -> None:
    """The note that a recording was dealt with outlives its message."""
    message_id = await add_message(database, mailbox_id, state=DELETED)
    await delete_message(
        database, jobs, store, default_tenant, message_id, expected_version=None, by="token 7"
    )

    assert count(database_url, "SELECT count(*) FROM recordings_taken") == 1


async def test_delete_with_a_stale_version_purges_nothing(
    database: Database, jobs: Jobs, default_tenant: UUID, mailbox_id: UUID, store: NotedRemovals
) -> None:
    """A repeated DELETE with the version of the first one does not purge."""
    message_id = await add_message(database, mailbox_id)
    await delete_message(database, jobs, store, default_tenant, message_id, expected_version=1, by="token 7")
    with pytest.raises(PreconditionFailed):
        await delete_message(
            database, jobs, store, default_tenant, message_id, expected_version=1, by="token 7"
        )

    assert store.removed == []


async def test_delete_of_an_unknown_message_is_refused(
    database: Database, jobs: Jobs, default_tenant: UUID, store: NotedRemovals
) -> None:
    """What is not there cannot be deleted."""
    with pytest.raises(NotFound):
        await delete_message(
            database, jobs, store, default_tenant, uuid4(), expected_version=None, by="token 7"
        )


async def test_trash_is_purged_by_age(
    database: Database, default_tenant: UUID, mailbox_id: UUID, store: NotedRemovals
) -> None:
    """What is in the trash since before the limit goes; what came later, and what is not there, stays."""
    long_ago = datetime.now(UTC) - timedelta(days=31)
    old = await add_message(database, mailbox_id, state=DELETED, state_changed_at=long_ago)
    recent = await add_message(database, mailbox_id, state=DELETED)
    saved = await add_message(database, mailbox_id, state=SAVED, state_changed_at=long_ago)
    purged = await purge_trash(database, store, datetime.now(UTC) - timedelta(days=30))
    left = await listed(database, default_tenant) + await listed(database, default_tenant, state=DELETED)

    assert (purged, store.removed, left) == (1, [old], [saved, recent])


async def test_large_trash_is_purged_whole(
    database: Database, mailbox_id: UUID, store: NotedRemovals, database_url: str
) -> None:
    """More than fits into one transaction is purged in several."""
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "INSERT INTO messages (id, tenant_id, mailbox_id, call_id, caller_number, caller_name,"
            " received_at, duration_ms, state, state_before, reached_by)"
            " SELECT gen_random_uuid(), tenant_id, id, '', '', '', now(), 1, 'deleted', 'new', '{}'"
            " FROM mailboxes, generate_series(1, 450)"
        )

    purged = await purge_trash(database, store, datetime.now(UTC) + timedelta(days=1))
    assert (purged, len(set(store.removed))) == (450, 450)


async def test_deleted_mailbox_goes_with_its_last_message(
    database: Database, mailbox_id: UUID, store: NotedRemovals, database_url: str
) -> None:
    """A deleted mailbox and what came into it afterwards are gone once the limit has passed."""
    await add_message(database, mailbox_id)
    await delete_mailbox(database, mailbox_id)
    await add_message(database, mailbox_id)
    early = await purge_trash(database, store, datetime.now(UTC) - timedelta(days=1))
    late = await purge_trash(database, store, datetime.now(UTC) + timedelta(days=1))

    assert (early, late, count(database_url, "SELECT count(*) FROM mailboxes")) == (0, 2, 0)


async def test_bookkeeping_is_purged_by_age(database: Database, mailbox_id: UUID, database_url: str) -> None:
    """A note that a recording was taken goes once it is older than its limit."""
    await add_message(database, mailbox_id)
    past = datetime.now(UTC) - timedelta(days=1)
    left = []
    for limit in (past, past + timedelta(days=2)):
        await purge_old_bookkeeping(
            database, recordings_taken_before=limit, idempotency_keys_before=past, pin_tries_before=past
        )
        left.append(count(database_url, "SELECT count(*) FROM recordings_taken"))

    assert left == [1, 0]


# Many at once


@pytest.mark.parametrize(
    ("action", "outcomes"),
    [
        (
            BulkAction.MARK_READ,
            [
                (MessageOutcome.DONE, SAVED),
                (MessageOutcome.UNCHANGED, SAVED),
                (MessageOutcome.UNCHANGED, DELETED),
            ],
        ),
        (
            BulkAction.MARK_UNREAD,
            [
                (MessageOutcome.UNCHANGED, NEW),
                (MessageOutcome.DONE, NEW),
                (MessageOutcome.UNCHANGED, DELETED),
            ],
        ),
        (
            BulkAction.DELETE,
            [
                (MessageOutcome.DONE, DELETED),
                (MessageOutcome.DONE, DELETED),
                (MessageOutcome.UNCHANGED, DELETED),
            ],
        ),
        (
            BulkAction.RESTORE,
            [(MessageOutcome.UNCHANGED, NEW), (MessageOutcome.UNCHANGED, SAVED), (MessageOutcome.DONE, NEW)],
        ),
    ],
)
async def test_bulk_says_how_each_fared(  # noqa: PLR0917 (fixtures)
    database: Database,
    jobs: Jobs,
    default_tenant: UUID,
    mailbox_id: UUID,
    action: BulkAction,
    outcomes: list[tuple[MessageOutcome, MessageState]],
) -> None:
    """A new, a saved and a deleted message fare as the action says, and that is their state then."""
    ids = [await add_message(database, mailbox_id, state=state) for state in MessageState]
    results = await bulk(database, jobs, default_tenant, ids, action=action, by="token 7")
    stored = [(await get_message(database, default_tenant, i)).message.state for i in ids]

    expected = [
        BulkOutcome(id=i, outcome=outcome, state=state)
        for i, (outcome, state) in zip(ids, outcomes, strict=True)
    ]
    assert (results, stored) == (expected, [state for _, state in outcomes])


async def test_bulk_goes_on_where_some_are_not_found(
    database: Database, jobs: Jobs, default_tenant: UUID, mailbox_id: UUID
) -> None:
    """Unknown and foreign ids are not found; the others are changed, each once, in the order of asking."""
    stranger = await add_tenant(database)
    foreign = await add_message(database, await add_mailbox(database, stranger))
    mine = await add_message(database, mailbox_id)
    unknown = uuid4()
    results = await bulk(
        database, jobs, default_tenant, [unknown, mine, foreign, mine], action=BulkAction.DELETE, by="token 7"
    )

    assert [(r.id, r.outcome) for r in results] == [
        (unknown, MessageOutcome.NOT_FOUND),
        (mine, MessageOutcome.DONE),
        (foreign, MessageOutcome.NOT_FOUND),
    ]


async def test_bulk_leaves_foreign_messages_alone(
    database: Database, jobs: Jobs, default_tenant: UUID, mailbox_id: UUID
) -> None:
    """A foreign message is as it was."""
    stranger = await add_tenant(database)
    message_id = await add_message(database, mailbox_id)
    await bulk(database, jobs, stranger, [message_id], action=BulkAction.DELETE, by="token 7")

    assert (await get_message(database, default_tenant, message_id)).message.version == 1


async def test_bulk_cannot_restore_into_a_deleted_mailbox(
    database: Database, jobs: Jobs, default_tenant: UUID, mailbox_id: UUID
) -> None:
    """A message whose mailbox is deleted stays in the trash."""
    message_id = await add_message(database, mailbox_id)
    await delete_mailbox(database, mailbox_id)
    results = await bulk(
        database, jobs, default_tenant, [message_id], action=BulkAction.RESTORE, by="token 7"
    )

    assert results == [BulkOutcome(id=message_id, outcome=MessageOutcome.MAILBOX_DELETED, state=DELETED)]


async def test_bulk_refuses_too_many(database: Database, jobs: Jobs, default_tenant: UUID) -> None:
    """More ids than the limit are refused as a whole."""
    with pytest.raises(InvalidValue) as caught:
        await bulk(
            database,
            jobs,
            default_tenant,
            [uuid4() for _ in range(MAX_BULK + 1)],
            action=BulkAction.DELETE,
            by="token 7",
        )

    assert (caught.value.error_id, caught.value.field) == ("too-many-ids", "ids")


async def test_bulk_of_nothing_does_nothing(database: Database, jobs: Jobs, default_tenant: UUID) -> None:
    """No ids, no outcomes."""
    assert await bulk(database, jobs, default_tenant, [], action=BulkAction.DELETE, by="token 7") == []


async def test_bulk_takes_three_statements(
    database: Database, jobs: Jobs, default_tenant: UUID, mailbox_id: UUID
) -> None:
    """However many messages, they are read once and changed once, and their lamps are looked up once."""
    ids = [await add_message(database, mailbox_id) for _ in range(6)]
    statements: list[str] = []
    event.listen(
        database._engine.sync_engine, "before_cursor_execute", lambda *call: statements.append(call[2])
    )
    await bulk(database, jobs, default_tenant, ids, action=BulkAction.DELETE, by="token 7")

    assert len(statements) == 3
