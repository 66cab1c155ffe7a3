"""The recipients of a mailbox are told when its PIN was tried too often."""

from __future__ import annotations

import asyncio
from email.message import EmailMessage
from uuid import UUID

import psycopg
import pytest
from controlplane.domain.errors import DeliveryError
from controlplane.jobs import pin_alarm as pin_alarm_jobs
from controlplane.mail.compose import Composer
from controlplane.services.pin_alarm import PIN_ALARM, PinAlarms, announce, tell
from controlplane.storage import mailboxes
from controlplane.storage.database import Database
from controlplane.storage.queue import Jobs
from procrastinate import App
from tests.support.rows import NOON, add_mailbox

ALICE, BOB = "alice@example.com", "bob@example.com"


class Postbox:
    """Takes mails, or refuses them."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.refusal: DeliveryError | None = None

    async def send(self, message: EmailMessage) -> None:
        """Keep a mail."""
        if self.refusal is not None:
            raise self.refusal
        self.mails.append(message)


@pytest.fixture
def postbox() -> Postbox:
    """Return where the mails go."""
    return Postbox()


@pytest.fixture
def alarms(database: Database, jobs: Jobs, postbox: Postbox) -> PinAlarms:
    """Return what is tested."""
    return PinAlarms(
        database=database,
        jobs=jobs,
        sender=postbox,
        composer=Composer("Shared Voicemail <voicemail@example.com>"),
        languages=["en"],
    )


@pytest.fixture
async def mailbox_id(database: Database, default_tenant: UUID) -> UUID:
    """Make a mailbox of Alice and Bob whose PIN is refused, and which mails about no messages."""
    return await add_mailbox(
        database,
        default_tenant,
        display_name="Sales & Söhne",
        email_recipients=[ALICE, BOB],
        email_notification=False,
        pin_refused_at=NOON,
    )


async def change_pin(database: Database, mailbox_id: UUID) -> None:
    """Give the mailbox another PIN."""
    async with database.transaction() as session:
        await mailboxes.update_values(session, mailbox_id, expected_version=None, values={"pin_hash": "x$y"})


def text_of(mail: EmailMessage, kind: str) -> str:
    """Return the text of a mail, `plain` or `html`."""
    part = mail.get_body((kind,))
    assert part is not None
    return str(part.get_content())


async def test_job_mails_every_recipient(
    alarms: PinAlarms, mailbox_id: UUID, postbox: Postbox, queue_app: App
) -> None:
    """The job that the last wrong try defers ends as a mail to each recipient."""
    pin_alarm_jobs.register(queue_app, alarms)
    await queue_app.configure_task(PIN_ALARM).defer_async(mailbox_id=str(mailbox_id))
    async with asyncio.timeout(30):
        await queue_app.run_worker_async(wait=False, install_signal_handlers=False, listen_notify=False)

    assert sorted(mail["To"] for mail in postbox.mails) == [ALICE, BOB]


@pytest.mark.parametrize(
    ("kind", "name"), [("plain", "Sales & Söhne (8001)"), ("html", "Sales &amp; Söhne (8001)")]
)
async def test_mail_names_the_mailbox(
    alarms: PinAlarms, mailbox_id: UUID, postbox: Postbox, kind: str, name: str
) -> None:
    """The mail says which mailbox it is about, as text and as HTML."""
    await tell(alarms, mailbox_id, ALICE)
    (mail,) = postbox.mails

    assert name in text_of(mail, kind)


async def test_mail_says_what_to_do(alarms: PinAlarms, mailbox_id: UUID, postbox: Postbox) -> None:
    """The mail asks for a new PIN."""
    await tell(alarms, mailbox_id, ALICE)
    (mail,) = postbox.mails

    assert "Please have the PIN changed." in text_of(mail, "plain")


async def test_mail_about_tries_from_outside_says_whom_they_shut_out(
    alarms: PinAlarms, mailbox_id: UUID, postbox: Postbox, database: Database, queue_app: App
) -> None:
    """Nobody inside; it is another mail than that about phones, and none where nobody tried from outside."""
    pin_alarm_jobs.register(queue_app, alarms)
    await tell(alarms, mailbox_id, ALICE)
    await tell(alarms, mailbox_id, ALICE, outside=True)
    async with database.transaction() as session:
        await mailboxes.update_values(
            session, mailbox_id, expected_version=None, values={"pin_refused_outside_at": NOON}
        )
    await queue_app.configure_task(PIN_ALARM).defer_async(mailbox_id=str(mailbox_id), outside=True)
    async with asyncio.timeout(30):
        await queue_app.run_worker_async(wait=False, install_signal_handlers=False, listen_notify=False)
    phones, *others = postbox.mails

    assert [ALICE, BOB] == sorted(mail["To"] for mail in others)
    assert phones["Message-ID"] not in {mail["Message-ID"] for mail in others}
    for mail in others:
        assert "The phones of your company go on working" in text_of(mail, "plain")
    assert "refused to all who call from outside" not in text_of(phones, "plain")


async def test_repeated_mail_has_the_same_message_id(
    alarms: PinAlarms, mailbox_id: UUID, postbox: Postbox
) -> None:
    """A mail that is sent once more can be recognised as the same."""
    await tell(alarms, mailbox_id, ALICE)
    await tell(alarms, mailbox_id, ALICE)
    first, second = postbox.mails

    assert first["Message-ID"] == second["Message-ID"]


async def test_nothing_is_sent_after_the_pin_was_changed(
    alarms: PinAlarms, mailbox_id: UUID, postbox: Postbox, database: Database
) -> None:
    """Who reads about it late is not told of a PIN that is gone."""
    await change_pin(database, mailbox_id)
    await tell(alarms, mailbox_id, ALICE)

    assert postbox.mails == []


async def test_nothing_is_queued_after_the_pin_was_changed(
    alarms: PinAlarms, mailbox_id: UUID, database: Database, database_url: str
) -> None:
    """When the PIN was changed before the job ran, no mail is queued."""
    await change_pin(database, mailbox_id)
    await announce(alarms, mailbox_id)
    with psycopg.connect(database_url) as connection:
        row = connection.execute("SELECT count(*) FROM procrastinate_jobs").fetchone()

    assert row == (0,)


async def test_nothing_is_sent_to_who_is_no_recipient_any_more(
    alarms: PinAlarms, mailbox_id: UUID, postbox: Postbox
) -> None:
    """An address that was taken off the mailbox gets no mail."""
    await tell(alarms, mailbox_id, "charlie@example.com")

    assert postbox.mails == []


async def test_temporary_refusal_is_left_to_a_retry(
    alarms: PinAlarms, mailbox_id: UUID, postbox: Postbox
) -> None:
    """When the server is away the job fails, so that it is tried again."""
    postbox.refusal = DeliveryError("busy", permanent=False)

    with pytest.raises(DeliveryError):
        await tell(alarms, mailbox_id, ALICE)


async def test_permanent_refusal_ends_it(alarms: PinAlarms, mailbox_id: UUID, postbox: Postbox) -> None:
    """When the server refuses for good there is no retry."""
    postbox.refusal = DeliveryError("no such user", permanent=True)
    await tell(alarms, mailbox_id, ALICE)

    assert postbox.mails == []
