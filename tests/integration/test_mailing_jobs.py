"""Mails from the deposit to the server: queued with it, retried, and visible when they fail."""

from __future__ import annotations

import asyncio
import re
import unicodedata
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from uuid import UUID, uuid4

import numpy as np
import pytest
import soundfile
from controlplane.jobs import mail as mail_task
from controlplane.mail.compose import Composer
from controlplane.mail.own_words import VARIABLES
from controlplane.mail.send import EmlFolder, SmtpSender
from controlplane.services.mail_queue import discard_mail, retry_mails
from controlplane.services.mail_words import words_faults
from controlplane.services.mailing import Mailing, mail_again, mail_job, send_message_mail
from controlplane.services.message_links import MessageLinks
from controlplane.storage.database import Database
from controlplane.storage.queue import Jobs
from controlplane.storage.recordings import RecordingStore
from controlplane.storage.tables import MailboxRow, MessageMailRow, MessageRow, TenantRow
from procrastinate import App
from sqlalchemy import delete, select, text, update
from tests.support.smtp_server import SmtpServer, silent_server, smtp_server

MESSAGE = UUID("3e7f8a52-6a0a-4a39-9c8e-0f6f3f1c2d11")
MAILBOX = UUID("a1a7a2bb-64ab-4e16-8c0e-20f6a2f5a001")
ALICE, BOB = "alice@example.com", "bob@example.com"


@pytest.fixture
async def mailbox(database: Database, default_tenant: UUID) -> MailboxRow:
    """Return a mailbox that mails to Alice and Bob, with one message."""
    row = MailboxRow(
        id=MAILBOX,
        tenant_id=default_tenant,
        number="8001",
        display_name="Sales",
        language=None,
        pin_hash="x",
        email_recipients=[ALICE, BOB],
        email_notification=True,
        email_attachment=True,
        email_attachment_format="mp3",
        deleted_at=None,
    )
    message = MessageRow(
        id=MESSAGE,
        tenant_id=default_tenant,
        mailbox_id=MAILBOX,
        call_id="1.1",
        caller_number="102",
        caller_name="Zoë",
        received_at=datetime(2026, 11, 23, 20, 45, tzinfo=UTC),
        duration_ms=2000,
        state_before=None,
        state_changed_by=None,
        reached_by={"path": [{"kind": "ring-group", "number": "6100", "reason": "busy"}], "reason": "busy"},
    )
    async with database.transaction() as session:
        session.add(row)
        await session.flush()
        session.add(message)
        await session.execute(text("UPDATE tenants SET time_zone = 'America/New_York'"))
    return row


@pytest.fixture
async def server() -> AsyncIterator[SmtpServer]:
    """Run a mail server."""
    async with smtp_server() as running:
        yield running


@pytest.fixture
def mailing(
    database: Database, jobs: Jobs, server: SmtpServer, default_tenant: UUID, tmp_path: Path
) -> Mailing:
    """Return mailing over the server, with the recording of the message."""
    recordings = RecordingStore(tmp_path / "recordings")
    recordings.path(MESSAGE).parent.mkdir(parents=True)
    at = np.arange(2 * 8000) / 8000
    soundfile.write(recordings.path(MESSAGE), 0.3 * np.sin(2000 * at), 8000)
    return Mailing(
        database=database,
        jobs=jobs,
        recordings=recordings,
        sender=SmtpSender(host="127.0.0.1", port=server.port, security="none", timeout_seconds=5),
        composer=Composer("Shared Voicemail <voicemail@example.com>"),
        links=MessageLinks("key", 7),
        public_url="https://voicemail.example.com/",
        retry_seconds=(60, 300),
    )


async def _queue(database: Database, jobs: Jobs, mailbox: MailboxRow) -> None:
    async with database.transaction() as session:
        for recipient in mailbox.email_recipients:
            session.add(MessageMailRow(message_id=MESSAGE, recipient=recipient, error=None))
    async with database.connection() as connection:
        await jobs.defer_all(connection, [mail_job(MESSAGE, each) for each in mailbox.email_recipients])


async def _mails(database: Database) -> dict[str, tuple[str, int, str | None]]:
    async with database.transaction() as session:
        rows = await session.scalars(select(MessageMailRow))
        return {row.recipient: (row.status, row.attempts, row.error) for row in rows}


async def _jobs(database: Database) -> list[tuple[str, str, float | None]]:
    """Return recipient, status and seconds until it is due of each job."""
    async with database.transaction() as session:
        found = await session.execute(
            text(
                "SELECT args->>'recipient', status::text, extract(epoch FROM scheduled_at - now())::float"
                " FROM procrastinate_jobs WHERE task_name = 'mail.send' ORDER BY id"
            )
        )
        return [(row[0], row[1], row[2]) for row in found]


async def test_a_mail_is_sent(
    database: Database, mailing: Mailing, mailbox: MailboxRow, server: SmtpServer
) -> None:
    """A mail arrives at its recipient with words, link and recording, and is recorded as sent."""
    await _queue(database, mailing.jobs, mailbox)

    await send_message_mail(mailing, MESSAGE, ALICE)

    (mail,) = server.mails
    body = mail.get_body(("plain",))
    assert body is not None
    words = str(body.get_content())
    token = words.partition("https://voicemail.example.com/m/")[2].split()[0]
    (attachment,) = mail.iter_attachments()
    assert [ALICE] == server.recipients
    assert "New message for Sales (8001) from Zoë <102>" == mail["Subject"]
    assert "Monday, November 23, 2026, 3:45 PM (Eastern Standard Time)" in words
    assert "Reached by: ring group 6100, busy" in words
    assert MESSAGE == mailing.links.read(token)
    assert "voicemail-8001-20261123-1545.mp3" == attachment.get_filename()
    assert ("sent", 1, None) == (await _mails(database))[ALICE]


@pytest.mark.parametrize(
    ("of_mailbox", "of_tenant", "language"),
    [("de-AT", "en", "de"), (None, "de", "de"), ("cs", "de", "de"), ("en", "de", "en"), ("cs", "sv", "en")],
)
async def test_a_mail_speaks_as_its_mailbox_does(
    *,
    database: Database,
    mailing: Mailing,
    mailbox: MailboxRow,
    server: SmtpServer,
    of_mailbox: str | None,
    of_tenant: str,
    language: str,
) -> None:
    """The words of a mail are the mailbox's, else the tenant's, each along its tag, else English."""
    async with database.transaction() as session:
        await session.execute(update(MailboxRow).values(language=of_mailbox))
        await session.execute(update(TenantRow).values(language=of_tenant))
    await _queue(database, mailing.jobs, mailbox)

    await send_message_mail(mailing, MESSAGE, ALICE)

    (mail,) = server.mails
    assert language == mail["Content-Language"]


async def test_a_german_mail_is_sent(
    database: Database, mailing: Mailing, mailbox: MailboxRow, server: SmtpServer
) -> None:
    """The mail of a German mailbox arrives with German words and a date as Germans write it."""
    async with database.transaction() as session:
        await session.execute(update(MailboxRow).values(language="de", display_name="Büro"))
        await session.execute(update(TenantRow).values(time_zone="Europe/Berlin"))
    await _queue(database, mailing.jobs, mailbox)

    await send_message_mail(mailing, MESSAGE, ALICE)

    (mail,) = server.mails
    body = mail.get_body(("plain",))
    assert body is not None
    words = str(body.get_content())
    assert "Neue Nachricht für Büro (8001) von Zoë <102>" == mail["Subject"]
    assert "Empfangen: Montag, 23. November 2026, 21:45 Uhr (Mitteleuropäische Normalzeit)" in words
    assert "Länge: 2 Sekunden" in words
    assert "Die Aufnahme ist angehängt." in words


async def test_sending_changes_no_state(database: Database, mailing: Mailing, mailbox: MailboxRow) -> None:
    """A message that was mailed is still new."""
    await _queue(database, mailing.jobs, mailbox)

    await send_message_mail(mailing, MESSAGE, ALICE)

    async with database.transaction() as session:
        found = (await session.execute(select(MessageRow.state, MessageRow.version))).one()
    assert ("new", 1) == tuple(found)


async def test_a_sent_mail_is_not_sent_again(
    database: Database, mailing: Mailing, mailbox: MailboxRow, server: SmtpServer
) -> None:
    """A job that runs twice sends once."""
    await _queue(database, mailing.jobs, mailbox)

    await send_message_mail(mailing, MESSAGE, ALICE)
    await send_message_mail(mailing, MESSAGE, ALICE)

    assert 1 == len(server.mails)


async def test_a_mail_sent_twice_has_one_id(
    database: Database, mailing: Mailing, mailbox: MailboxRow, server: SmtpServer
) -> None:
    """When the note of a sent mail was lost, the mail that goes out again has the same Message-ID."""
    await _queue(database, mailing.jobs, mailbox)
    await send_message_mail(mailing, MESSAGE, ALICE)
    async with database.transaction() as session:
        await session.execute(update(MessageMailRow).values(status="queued"))

    await send_message_mail(mailing, MESSAGE, ALICE)

    first, second = server.mails
    assert first["Message-ID"] == second["Message-ID"]


async def test_a_permanent_refusal_fails_at_once(
    database: Database, mailing: Mailing, mailbox: MailboxRow, server: SmtpServer
) -> None:
    """What the server refuses for good is visible on the message, and not tried again."""
    await _queue(database, mailing.jobs, mailbox)
    server.refused["alice"] = "550 5.1.1 No such user"

    await send_message_mail(mailing, MESSAGE, ALICE)

    sentence = "The mail server refused the recipient (550 5.1.1 No such user)."
    assert ("failed", 1, sentence) == (await _mails(database))[ALICE]
    assert 2 == len(await _jobs(database))


@pytest.mark.parametrize(("attempts", "wait"), [(0, 60), (1, 300)])
async def test_a_temporary_failure_is_tried_again_later(  # noqa: PLR0917 (fixtures)
    database: Database, mailing: Mailing, mailbox: MailboxRow, server: SmtpServer, attempts: int, wait: int
) -> None:
    """After each temporary failure the next try waits longer."""
    await _queue(database, mailing.jobs, mailbox)
    server.refused["alice"] = "451 4.3.0 Try later"

    for _ in range(attempts + 1):
        await send_message_mail(mailing, MESSAGE, ALICE)

    recipient, status, due = (await _jobs(database))[-1]
    assert (ALICE, "todo", pytest.approx(wait, abs=10)) == (recipient, status, due)
    assert ("queued", attempts + 1) == (await _mails(database))[ALICE][:2]


async def test_a_recovered_server_gets_the_mail(
    database: Database, mailing: Mailing, mailbox: MailboxRow, server: SmtpServer
) -> None:
    """After a failure a later try sends, and the error is gone."""
    await _queue(database, mailing.jobs, mailbox)
    server.refused["alice"] = "451 4.3.0 Try later"
    await send_message_mail(mailing, MESSAGE, ALICE)
    server.refused.clear()

    await send_message_mail(mailing, MESSAGE, ALICE)

    assert ("sent", 2, None) == (await _mails(database))[ALICE]


async def test_the_last_temporary_failure_is_final(
    database: Database, mailing: Mailing, mailbox: MailboxRow, server: SmtpServer
) -> None:
    """After the last wait the mail has failed."""
    await _queue(database, mailing.jobs, mailbox)
    server.refused["alice"] = "451 4.3.0 Try later"

    for _ in range(3):
        await send_message_mail(mailing, MESSAGE, ALICE)

    assert ("failed", 3) == (await _mails(database))[ALICE][:2]
    assert 4 == len(await _jobs(database))


async def test_a_silent_server_is_a_temporary_failure(
    database: Database, mailing: Mailing, mailbox: MailboxRow
) -> None:
    """A server that does not answer keeps the mail queued, with the reason."""
    await _queue(database, mailing.jobs, mailbox)
    async with silent_server() as port:
        sender = SmtpSender(host="127.0.0.1", port=port, security="none", timeout_seconds=0.2)

        await send_message_mail(replace(mailing, sender=sender), MESSAGE, ALICE)

    assert ("queued", 1, "The mail server did not answer in time.") == (await _mails(database))[ALICE]


async def test_a_fault_of_ours_ends_as_visible(
    database: Database, mailing: Mailing, mailbox: MailboxRow
) -> None:
    """An unforeseen error is recorded like a refusal, without its text."""
    await _queue(database, mailing.jobs, mailbox)

    class Broken:
        async def send(self, message: object) -> None:
            raise ZeroDivisionError("details")

    await send_message_mail(replace(mailing, sender=Broken()), MESSAGE, ALICE)

    assert ("queued", 1, "Internal error (ZeroDivisionError).") == (await _mails(database))[ALICE]


@pytest.mark.parametrize(
    "change",
    [
        update(MailboxRow).values(email_recipients=[BOB]),
        update(MailboxRow).values(email_notification=False),
        update(MailboxRow).values(deleted_at=datetime(2026, 11, 24, tzinfo=UTC)),
        delete(MessageRow),
    ],
    ids=["recipient removed", "notification off", "mailbox deleted", "message purged"],
)
async def test_a_mail_nobody_wants_is_not_sent(
    database: Database, mailing: Mailing, mailbox: MailboxRow, server: SmtpServer, change: object
) -> None:
    """A job reads how things are when it runs."""
    await _queue(database, mailing.jobs, mailbox)
    async with database.transaction() as session:
        await session.execute(change)  # type: ignore[call-overload]  # one of the statements above

    await send_message_mail(mailing, MESSAGE, ALICE)

    assert [] == server.mails
    assert ALICE not in await _mails(database)


async def test_a_mail_without_attachment(
    database: Database, mailing: Mailing, mailbox: MailboxRow, server: SmtpServer
) -> None:
    """A mailbox that attaches nothing sends no recording, and says nothing of it."""
    await _queue(database, mailing.jobs, mailbox)
    async with database.transaction() as session:
        await session.execute(update(MailboxRow).values(email_attachment=False))

    await send_message_mail(mailing, MESSAGE, ALICE)

    assert [] == list(server.mails[0].iter_attachments())
    assert "could not be attached" not in server.mails[0].as_string()


async def test_a_recipient_may_get_the_link_alone(
    database: Database, mailing: Mailing, mailbox: MailboxRow, server: SmtpServer
) -> None:
    """Of two recipients one gets the recording, and the other a mail that says nothing of it."""
    await _queue(database, mailing.jobs, mailbox)
    async with database.transaction() as session:
        await session.execute(update(MailboxRow).values(email_notice_only=[ALICE]))

    await send_message_mail(mailing, MESSAGE, ALICE)
    await send_message_mail(mailing, MESSAGE, BOB)

    notice, whole = server.mails
    assert [0, 1] == [len(list(mail.iter_attachments())) for mail in (notice, whole)]
    assert "https://voicemail.example.com/m/" in notice.as_string()
    assert "attached" not in notice.as_string()


async def test_a_recording_that_is_too_large_stays_behind_the_link(
    database: Database, mailing: Mailing, mailbox: MailboxRow, server: SmtpServer
) -> None:
    """A recording above the mailbox's limit is not attached: the mail says so, and has the link."""
    noise = np.random.default_rng(7).normal(0, 0.3, 420 * 8000)
    soundfile.write(mailing.recordings.path(MESSAGE), noise, 8000)
    await _queue(database, mailing.jobs, mailbox)
    async with database.transaction() as session:
        await session.execute(update(MailboxRow).values(email_attachment_max_mb=1))

    await send_message_mail(mailing, MESSAGE, ALICE)

    (mail,) = server.mails
    words = mail.as_string()
    assert [] == list(mail.iter_attachments())
    assert "The recording could not be attached. You can hear it by the link." in words
    assert "https://voicemail.example.com/m/" in words
    assert ("sent", 1, None) == (await _mails(database))[ALICE]


async def test_a_mail_that_is_too_large_for_the_server_goes_out_without_the_recording(
    database: Database, mailing: Mailing, mailbox: MailboxRow
) -> None:
    """The server takes less than the mailbox allows, and says so: the link goes out at once instead."""
    noise = np.random.default_rng(7).normal(0, 0.3, 60 * 8000)
    soundfile.write(mailing.recordings.path(MESSAGE), noise, 8000)
    await _queue(database, mailing.jobs, mailbox)
    async with smtp_server(largest=50_000) as server:
        sender = SmtpSender(host="127.0.0.1", port=server.port, security="none", timeout_seconds=5)

        await send_message_mail(replace(mailing, sender=sender), MESSAGE, ALICE)

    (mail,) = server.mails
    assert [] == list(mail.iter_attachments())
    assert "The recording could not be attached. You can hear it by the link." in mail.as_string()
    assert ("sent", 1, None) == (await _mails(database))[ALICE]


async def test_a_mail_that_is_too_large_without_a_recording_has_failed(
    database: Database, mailing: Mailing, mailbox: MailboxRow
) -> None:
    """There is nothing to leave out of it; what the server said is told."""
    await _queue(database, mailing.jobs, mailbox)
    async with smtp_server(largest=100) as server:
        sender = SmtpSender(host="127.0.0.1", port=server.port, security="none", timeout_seconds=5)

        await send_message_mail(replace(mailing, sender=sender), MESSAGE, ALICE)

    status, attempts, error = (await _mails(database))[ALICE]
    assert ([], "failed", 1) == (server.mails, status, attempts)
    assert error is not None
    assert error.startswith("The mail server refused the mail (552 ")


@pytest.mark.parametrize(
    ("of_mailbox", "of_tenant", "subject"),
    [
        ("Ring, {{ VOICEMAIL_NAME }}: {{ CALLER_NAME }}", None, "Ring, Sales: Zoë"),
        (None, "{{ TENANT_NAME }} {{ CALLER_NUMBER }}", "default 102"),
        ("own {{ DURATION }}", "the tenant's", "own 2 seconds"),
    ],
)
async def test_own_words_are_in_a_mail(
    *,
    database: Database,
    mailing: Mailing,
    mailbox: MailboxRow,
    server: SmtpServer,
    of_mailbox: str | None,
    of_tenant: str | None,
    subject: str,
) -> None:
    """The subject is the mailbox's, else the tenant's; the introduction stands before the facts."""
    await _queue(database, mailing.jobs, mailbox)
    introduction = (
        "Dear all,\n{{ CALLER_NAME }} <b>called</b> {{ DATE_TIME }}.\n\n{{ VOICEMAIL_DOWNLOAD_URL }}"
    )
    async with database.transaction() as session:
        await session.execute(
            update(MailboxRow).values(email_subject=of_mailbox, email_introduction=introduction)
        )
        await session.execute(update(TenantRow).values(email_subject=of_tenant, email_introduction="no"))

    await send_message_mail(mailing, MESSAGE, ALICE)

    (mail,) = server.mails
    plain, html = (str(mail.get_body((kind,)).get_content()) for kind in ("plain", "html"))  # type: ignore[union-attr]  # it has both
    link = plain.partition("https://voicemail.example.com/m/")[2].split()[0]
    assert subject == mail["Subject"]
    assert "(8001)\n\nDear all,\nZoë <b>called</b> Monday, November 23, 2026, 3:45 PM" in plain.replace(
        "\r", ""
    )
    assert plain.index("Dear all") < plain.index("Mailbox: Sales (8001)")
    assert "Zoë &lt;b&gt;called&lt;/b&gt; Monday" in html
    assert f'<a href="https://voicemail.example.com/m/{link}">https://' in html
    assert [] == await words_faults(database, scope=None)


async def test_every_variable_is_what_it_says(
    database: Database, mailing: Mailing, mailbox: MailboxRow, server: SmtpServer
) -> None:
    """The names are those of PortSIP, and a few of ours; a caller without a number leaves some empty."""
    await _queue(database, mailing.jobs, mailbox)
    template = "\n".join(f"{name} = {{{{ {name} }}}}." for name in VARIABLES)
    async with database.transaction() as session:
        await session.execute(update(MailboxRow).values(email_introduction=template))
    await send_message_mail(mailing, MESSAGE, ALICE)
    async with database.transaction() as session:
        await session.execute(update(MessageRow).values(caller_name="", caller_number=""))
    await send_message_mail(mailing, MESSAGE, BOB)

    known, unknown = (
        dict(re.findall(r"^([A-Z_]+) = (.*)\.$", _plain(mail), re.MULTILINE)) for mail in server.mails
    )
    link = known.pop("VOICEMAIL_DOWNLOAD_URL")
    assert MESSAGE == mailing.links.read(link.removeprefix("https://voicemail.example.com/m/"))
    assert {
        "CALLER_NAME": "Zoë",
        "CALLER_NUMBER": "102",
        "CALLER_EXTENSION_NUMBER": "102",
        "DATE_TIME": "Monday, November 23, 2026, 3:45 PM (Eastern Standard Time)",
        "TENANT_NAME": "default",
        "PBX_WEB_DOMAIN": "voicemail.example.com",
        "VOICEMAIL_NAME": "Sales",
        "VOICEMAIL_NUMBER": "8001",
        "DURATION": "2 seconds",
        "REACHED_BY": "ring group 6100, busy",
    } == known
    assert ("an unknown caller", "", "") == tuple(
        unknown[name] for name in ("CALLER_NAME", "CALLER_NUMBER", "CALLER_EXTENSION_NUMBER")
    )


def _plain(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content()).replace("\r", "")


HOSTILE = "Eve\r\nBcc: victim@example.com\n\n<script>alert(1)</script>{{ 7 * 7 }} =?utf-8?q?x?="


async def test_no_template_and_no_caller_adds_a_header(
    database: Database, mailing: Mailing, mailbox: MailboxRow, server: SmtpServer
) -> None:
    """Breaks of a line, encoded words and markup of a caller or a template stay text."""
    await _queue(database, mailing.jobs, mailbox)
    async with database.transaction() as session:
        await session.execute(update(MessageRow).values(caller_name=HOSTILE))
        await session.execute(
            update(MailboxRow).values(
                email_subject="{{ CALLER_NAME }}\r\nX-Evil: 1\n\n{{ '\\r\\nTo: victim@example.com\\0' }}",
                email_introduction="{{ CALLER_NAME }}\r\n.\r\nRCPT TO:<victim@example.com>",
                display_name="=?utf-8?q?Sales?=",
            )
        )

    await send_message_mail(mailing, MESSAGE, ALICE)

    (mail,) = server.mails
    assert [ALICE] == server.recipients
    assert (None, None, ALICE, 1) == (
        mail["X-Evil"],
        mail["Bcc"],
        mail["To"],
        len(mail.get_all("Subject", [])),
    )
    assert mail["Subject"].startswith("Eve Bcc: victim@example.com <script>")
    assert mail["Subject"].endswith("X-Evil: 1 To: victim@example.com")
    assert "{{ 7 * 7 }}" in mail["Subject"]
    assert "<script>" not in mail.get_body(("html",)).get_content()  # type: ignore[union-attr]  # it has one


async def test_control_characters_are_in_no_header_and_no_page(
    database: Database, mailing: Mailing, mailbox: MailboxRow, server: SmtpServer
) -> None:
    """Of templates and callers: breaks of any kind, tabs, bells; of callers also what turns text around."""
    await _queue(database, mailing.jobs, mailbox)
    odd = "".join(chr(code) for code in range(1, 32)) + "\x7f\x85\x9b\u2028\u2029"
    async with database.transaction() as session:
        await session.execute(update(MessageRow).values(caller_name=f"Eve{odd}\u202e\u2066\ufeffMallory"))
        await session.execute(
            update(MailboxRow).values(
                email_subject=f"a{odd}b {{{{ CALLER_NAME }}}} {{{{ '\\0' }}}}end",
                email_introduction=f"c{odd}d {{{{ CALLER_NAME }}}}\n{{{{ '\\0' }}}}end",
            )
        )

    await send_message_mail(mailing, MESSAGE, ALICE)

    (mail,) = server.mails
    html = mail.get_body(("html",))
    assert html is not None
    for text_of in (mail["Subject"], _plain(mail), str(html.get_content())):
        found = {each for each in text_of if unicodedata.category(each) in {"Cc", "Cf", "Zl", "Zp"}}
        assert found <= {"\r", "\n"}, (text_of, found)
    assert "\n" not in mail["Subject"]
    assert mail["Subject"].startswith("a")
    assert mail["Subject"].endswith("end")
    assert [] == await words_faults(database, scope=None)


@pytest.mark.parametrize("owner", ["mailbox", "tenant"])
async def test_words_that_fail_give_way_and_are_reported(
    *, database: Database, mailing: Mailing, mailbox: MailboxRow, server: SmtpServer, owner: str
) -> None:
    """A template that fails for this caller leaves the standard subject; the other one is used still."""
    await _queue(database, mailing.jobs, mailbox)
    row = MailboxRow if owner == "mailbox" else TenantRow
    async with database.transaction() as session:
        await session.execute(
            update(row).values(email_subject="{{ CALLER_NAME.split('-')[1] }}", email_introduction="Dear all")
        )

    for recipient in (ALICE, BOB):
        await send_message_mail(mailing, MESSAGE, recipient)

    (fault,) = await words_faults(database, scope=mailbox.tenant_id)
    assert ["New message for Sales (8001) from Zoë <102>"] * 2 == [mail["Subject"] for mail in server.mails]
    assert "Dear all" in server.mails[0].as_string()
    assert ("email_subject", 2, "8001" if owner == "mailbox" else None) == (
        fault.field,
        fault.mails,
        fault.mailbox_number,
    )
    assert "no element 1" in fault.sentence
    assert ("sent", 1, None) == (await _mails(database))[ALICE]


async def test_words_that_never_end_are_stopped(
    database: Database, mailing: Mailing, mailbox: MailboxRow, server: SmtpServer
) -> None:
    """A template that loops delays its mail by seconds, and no more."""
    await _queue(database, mailing.jobs, mailbox)
    loop = "{% for a in 'x' * 99999 %}{% for b in 'x' * 99999 %}{% set c = a %}{% endfor %}{% endfor %}"
    async with database.transaction() as session:
        await session.execute(update(MailboxRow).values(email_introduction=loop))

    await send_message_mail(mailing, MESSAGE, ALICE)

    (fault,) = await words_faults(database, scope=None)
    assert ("email_introduction", True) == (fault.field, "was stopped" in fault.sentence)
    assert "New message for Sales (8001) from Zoë <102>" == server.mails[0]["Subject"]


async def _wish(database: Database, after_mail: str) -> None:
    async with database.transaction() as session:
        await session.execute(update(MailboxRow).values(after_mail=after_mail))


async def _state(database: Database) -> tuple[str, str | None]:
    async with database.transaction() as session:
        found = (await session.execute(select(MessageRow.state, MessageRow.state_changed_by))).one()
    return found[0], found[1]


@pytest.mark.parametrize(
    ("after_mail", "state"),
    [("keep", ("new", None)), ("mark_read", ("saved", "system")), ("trash", ("deleted", "system"))],
)
async def test_what_follows_waits_for_every_recipient(
    *,
    database: Database,
    mailing: Mailing,
    mailbox: MailboxRow,
    server: SmtpServer,
    after_mail: str,
    state: tuple[str, str | None],
) -> None:
    """A message is read or in the trash only when the server has taken its mail to all; the lamps follow."""
    await _queue(database, mailing.jobs, mailbox)
    await _wish(database, after_mail)
    server.refused["bob"] = "451 4.3.0 Try later"

    await send_message_mail(mailing, MESSAGE, ALICE)
    await send_message_mail(mailing, MESSAGE, BOB)
    between = await _state(database)
    server.refused.clear()
    await send_message_mail(mailing, MESSAGE, BOB)

    async with database.transaction() as session:
        lamps = await session.scalar(
            text("SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'mwi.send'")
        )
    assert (("new", None), state) == (between, await _state(database))
    assert (after_mail != "keep") == bool(lamps)


@pytest.mark.parametrize("lost", ["refused", "given up"])
async def test_nothing_follows_where_one_recipient_got_nothing(
    *, database: Database, mailing: Mailing, mailbox: MailboxRow, server: SmtpServer, lost: str
) -> None:
    """A mail that was refused for good, or that somebody gave up, keeps the message as it is."""
    await _queue(database, mailing.jobs, mailbox)
    await _wish(database, "trash")
    server.refused["bob"] = "550 5.1.1 No such user"
    await send_message_mail(mailing, MESSAGE, BOB)
    if lost == "given up":
        await discard_mail(database, scope=None, key=(MESSAGE, BOB), by="user bob")

    await send_message_mail(mailing, MESSAGE, ALICE)

    assert ("new", None) == await _state(database)


async def test_what_follows_needs_no_recipient_who_left(
    database: Database, mailing: Mailing, mailbox: MailboxRow
) -> None:
    """Whoever is taken off the mailbox is waited for no more."""
    await _queue(database, mailing.jobs, mailbox)
    await _wish(database, "mark_read")
    await send_message_mail(mailing, MESSAGE, ALICE)
    async with database.transaction() as session:
        await session.execute(update(MailboxRow).values(email_recipients=[ALICE]))

    await send_message_mail(mailing, MESSAGE, BOB)

    assert ("saved", "system") == await _state(database)


async def test_what_follows_undoes_nobodys_work(
    database: Database, mailing: Mailing, mailbox: MailboxRow
) -> None:
    """A message that a colleague has kept meanwhile does not go to the trash."""
    await _queue(database, mailing.jobs, mailbox)
    await _wish(database, "trash")
    async with database.transaction() as session:
        await session.execute(update(MessageRow).values(state="saved", state_changed_by="extension 102"))

    for recipient in (ALICE, BOB):
        await send_message_mail(mailing, MESSAGE, recipient)

    assert ("saved", "extension 102") == await _state(database)


async def test_what_follows_waits_for_a_mail_that_an_admin_tries_again(
    database: Database, mailing: Mailing, mailbox: MailboxRow, server: SmtpServer
) -> None:
    """One that was refused for good, and is taken when somebody has put its recipient right."""
    await _queue(database, mailing.jobs, mailbox)
    await _wish(database, "trash")
    server.refused["bob"] = "550 5.1.1 No such user"
    for recipient in (BOB, ALICE):
        await send_message_mail(mailing, MESSAGE, recipient)
    refused = await _state(database)
    server.refused.clear()
    await retry_mails(database, mailing.jobs, scope=None, by="user alice")
    await send_message_mail(mailing, MESSAGE, BOB)

    assert (("new", None), ("deleted", "system")) == (refused, await _state(database))


@pytest.mark.parametrize("after_mail", ["mark_read", "trash"])
async def test_what_follows_happens_once(
    *, database: Database, mailing: Mailing, mailbox: MailboxRow, server: SmtpServer, after_mail: str
) -> None:
    """Who takes a message back keeps it, also when it is mailed to all again, or a job runs again."""
    await _queue(database, mailing.jobs, mailbox)
    await _wish(database, after_mail)
    for recipient in (ALICE, BOB):
        await send_message_mail(mailing, MESSAGE, recipient)
    first = await _state(database)
    async with database.transaction() as session:
        await session.execute(
            update(MessageRow).values(state="new", state_before=None, state_changed_by="user alice")
        )

    assert await mail_again(database, mailing.jobs, MESSAGE, by="extension 101")
    for recipient in (ALICE, BOB, BOB):
        await send_message_mail(mailing, MESSAGE, recipient)

    assert (first[1], 4) == ("system", len(server.mails))
    assert ("new", "user alice") == await _state(database)


async def test_two_last_mails_at_once_are_not_both_waited_for(
    database: Database, mailing: Mailing, mailbox: MailboxRow
) -> None:
    """When the mails to both end at the same time, one of them is the last."""
    await _queue(database, mailing.jobs, mailbox)
    await _wish(database, "mark_read")

    await asyncio.gather(*(send_message_mail(mailing, MESSAGE, each) for each in (ALICE, BOB)))

    assert ("saved", "system") == await _state(database)


async def test_a_missing_recording_is_said_in_the_mail(
    database: Database, mailing: Mailing, mailbox: MailboxRow, server: SmtpServer, tmp_path: Path
) -> None:
    """A mail whose recording is gone is sent without it, and says so."""
    await _queue(database, mailing.jobs, mailbox)

    await send_message_mail(replace(mailing, recordings=RecordingStore(tmp_path / "none")), MESSAGE, ALICE)

    assert "could not be attached" in server.mails[0].as_string()


async def test_the_worker_sends_what_is_queued(
    database: Database, mailing: Mailing, mailbox: MailboxRow, queue_app: App, tmp_path: Path
) -> None:
    """The job `mail.send` sends each mail, here into a folder."""
    folder = tmp_path / "mail"
    mail_task.register(queue_app, replace(mailing, sender=EmlFolder(folder=folder)))
    await _queue(database, mailing.jobs, mailbox)

    async with asyncio.timeout(20):
        await queue_app.run_worker_async(wait=False, install_signal_handlers=False, listen_notify=False)

    assert {ALICE: ("sent", 1, None), BOB: ("sent", 1, None)} == await _mails(database)
    assert 2 == len(list(folder.glob("*.eml")))


async def test_a_job_for_an_unknown_message_ends(database: Database, mailing: Mailing) -> None:
    """A message that never was is no error."""
    await send_message_mail(mailing, uuid4(), ALICE)

    assert {} == await _mails(database)
