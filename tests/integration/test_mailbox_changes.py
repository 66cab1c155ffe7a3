"""Who listens to a mailbox hears what changes in it, whoever changes it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest
from controlplane.domain.message import MessageState
from controlplane.storage.database import Database
from controlplane.storage.mailbox_changes import MailboxChanges, TooManyListeners
from controlplane.storage.tables import MessageRow
from sqlalchemy import delete, text, update
from tests.support.rows import add_mailbox, add_message

LIMIT = 5.0
SHORT = 0.2


@pytest.fixture
async def mailbox_id(database: Database, default_tenant: UUID) -> UUID:
    """Make a mailbox."""
    return await add_mailbox(database, default_tenant)


@pytest.fixture
async def changes(database: Database) -> AsyncIterator[MailboxChanges]:
    """Return what tells of changes."""
    made = MailboxChanges(database, most=3)
    yield made
    made.close()


async def test_each_kind_of_change_is_heard(
    database: Database, changes: MailboxChanges, mailbox_id: UUID
) -> None:
    """A new message, another state, and one that is gone; nothing of another mailbox."""
    async with changes.listen(mailbox_id) as listener, changes.listen(uuid4()) as stranger:
        while await listener.changed(seconds=SHORT) or await stranger.changed(seconds=SHORT):
            pass
        heard = []
        message = await add_message(database, mailbox_id)
        heard.append(await listener.changed(seconds=LIMIT))
        for statement in (
            update(MessageRow).where(MessageRow.id == message).values(state=MessageState.SAVED.value),
            delete(MessageRow).where(MessageRow.id == message),
        ):
            async with database.transaction() as session:
                await session.execute(statement)
            heard.append(await listener.changed(seconds=LIMIT))

        assert ([True] * 3, False) == (heard, await stranger.changed(seconds=SHORT))


async def test_many_listen_on_one_connection(
    database: Database, changes: MailboxChanges, mailbox_id: UUID
) -> None:
    """It is opened for the first and closed after the last; more than allowed are refused."""

    async def listening() -> int:
        async with database.transaction() as session:
            found = await session.scalar(
                text("SELECT count(*) FROM pg_stat_activity WHERE query = 'LISTEN mailbox_changed'")
            )
        return int(found or 0)

    async with (
        changes.listen(mailbox_id),
        changes.listen(mailbox_id),
        changes.listen(uuid4()),
    ):
        during = await listening()
        with pytest.raises(TooManyListeners):
            async with changes.listen(mailbox_id):
                pass
    async with asyncio.timeout(LIMIT):
        while await listening():  # noqa: ASYNC110 (the server tells nobody)
            await asyncio.sleep(0.01)

    assert during == 1


async def test_lost_connection_is_opened_again(
    database: Database, changes: MailboxChanges, mailbox_id: UUID
) -> None:
    """Everybody is told then: something may have happened meanwhile."""
    async with changes.listen(mailbox_id) as listener:
        while await listener.changed(seconds=SHORT):
            pass
        async with database.transaction() as session:
            await session.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE query = 'LISTEN mailbox_changed'"
                )
            )
        again = await listener.changed(seconds=LIMIT)
        await add_message(database, mailbox_id)

        assert (True, True) == (again, await listener.changed(seconds=LIMIT))


async def test_closing_ends_all(changes: MailboxChanges, mailbox_id: UUID) -> None:
    """A process that ends does not wait for open pages, and lets nobody in."""
    async with changes.listen(mailbox_id) as listener:
        changes.close()
        await listener.changed(seconds=LIMIT)
        with pytest.raises(TooManyListeners):
            async with changes.listen(mailbox_id):
                pass

        assert listener.ended
