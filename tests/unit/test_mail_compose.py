"""The mail about a message: its headers, its words, and that hostile text changes neither."""

from __future__ import annotations

import email
import email.policy
import re
from dataclasses import replace
from datetime import UTC, datetime
from email.message import EmailMessage
from html.parser import HTMLParser
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from controlplane.domain.caller import Caller
from controlplane.domain.errors import DeliveryError
from controlplane.domain.limits import Quota, Usage
from controlplane.domain.mailbox import AttachmentFormat
from controlplane.mail.attachments import Attachment
from controlplane.mail.compose import Composer, NewMessageMail, PinAlarmMail, QuotaMail
from tests.support.hostile import HOSTILE_TEXTS

NOW = datetime(2026, 11, 23, 20, 46, 1, tzinfo=UTC)
MAIL = NewMessageMail(
    message_id=UUID("3e7f8a52-6a0a-4a39-9c8e-0f6f3f1c2d11"),
    recipient="alice@example.com",
    language="en",
    mailbox_number="8001",
    mailbox_name="Sales",
    caller=Caller.of("102", "Zoë"),
    received_at=datetime(2026, 11, 23, 15, 45, 30, tzinfo=ZoneInfo("America/New_York")),
    duration_ms=65_200,
    link="https://voicemail.example.com/m/abc",
    link_days=7,
    attachment=Attachment(content=b"audio", format=AttachmentFormat.MP3),
)


def _sent(mail: NewMessageMail, sender: str = "Shared Voicemail <voicemail@example.com>") -> EmailMessage:
    """Compose a mail, and return it as it is read at the other end."""
    content = Composer(sender).compose(mail, now=NOW).as_bytes()
    message = email.message_from_bytes(content, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


def _part(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    assert part is not None
    return str(part.get_content())


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("From", "Shared Voicemail <voicemail@example.com>"),
        ("To", "alice@example.com"),
        ("Subject", "New message for Sales (8001) from Zoë <102>"),
        ("Date", "Mon, 23 Nov 2026 20:46:01 +0000"),
        ("Message-ID", "<3e7f8a52-6a0a-4a39-9c8e-0f6f3f1c2d11.ff8d9819fc0e12bf@example.com>"),
        ("Auto-Submitted", "auto-generated"),
        ("X-Auto-Response-Suppress", "All"),
        ("Content-Language", "en"),
    ],
)
def test_a_header_is_right(header: str, value: str) -> None:
    """A mail has the headers that servers and clients expect of an automatic one."""
    assert value == _sent(MAIL)[header]


@pytest.mark.parametrize(
    ("language", "subject"),
    [
        ("en", "Urgent: New message for Sales (8001) from Zoë <102>"),
        ("de", "Dringend: Neue Nachricht für Sales (8001) von Zoë <102>"),
    ],
)
def test_an_urgent_message_is_mailed_as_one(language: str, subject: str) -> None:
    """The subject and the heading say so, and so do the headers that programs for mails look at."""
    sent = _sent(replace(MAIL, urgent=True, language=language))

    assert subject == sent["Subject"]
    assert subject.partition(":")[0] + ": " in _part(sent, "plain")
    assert ("high", "1", "urgent") == (sent["Importance"], sent["X-Priority"], sent["Priority"])
    assert _sent(MAIL)["Importance"] is None


def test_the_message_id_tells_recipients_apart() -> None:
    """Two recipients of one message get two ids."""
    assert _sent(MAIL)["Message-ID"] != _sent(replace(MAIL, recipient="bob@example.com"))["Message-ID"]


@pytest.mark.parametrize("kind", ["plain", "html"])
@pytest.mark.parametrize(
    "words",
    [
        "Sales (8001)",
        "Monday, November 23, 2026, 3:45 PM (Eastern Standard Time)",
        "1 minute, 5 seconds",
        "https://voicemail.example.com/m/abc",
        "The link works for 7 days.",
        "The recording is attached.",
    ],
)
def test_both_bodies_say_it(kind: str, words: str) -> None:
    """Text and HTML say the same."""
    assert words in _part(_sent(MAIL), kind).replace("\u202f", " ")


def test_the_text_reads_well() -> None:
    """The text body is these lines."""
    text = _part(_sent(MAIL), "plain").replace("\r\n", "\n")

    assert (
        """\
New message for Sales (8001)

Mailbox: Sales (8001)
From: Zoë <102>
Received: Monday, November 23, 2026, 3:45 PM (Eastern Standard Time)
Length: 1 minute, 5 seconds

Listen to the message:
https://voicemail.example.com/m/abc
The link works for 7 days. Everybody who has it can hear this message.

The recording is attached.

--\x20
You receive this mail because your address is a recipient of this mailbox. Please do not reply.
"""
        == text
    )


def test_the_german_text_reads_well() -> None:
    """A mailbox that speaks German mails these lines."""
    mail = replace(
        MAIL, language="de-AT", received_at=datetime(2026, 7, 5, 0, 30, tzinfo=ZoneInfo("Europe/Vienna"))
    )
    message = _sent(mail)

    assert ("de", "Neue Nachricht für Sales (8001) von Zoë <102>") == (
        message["Content-Language"],
        message["Subject"],
    )
    assert '<html lang="de" dir="ltr">' in _part(message, "html")
    assert """\
Neue Nachricht für Sales (8001)

Anrufbeantworter: Sales (8001)
Anrufer: Zoë <102>
Empfangen: Sonntag, 5. Juli 2026, 00:30 Uhr (Mitteleuropäische Sommerzeit)
Länge: 1 Minute, 5 Sekunden

Nachricht anhören:
https://voicemail.example.com/m/abc
Der Link gilt 7 Tage lang. Wer ihn hat, kann diese Nachricht anhören.

Die Aufnahme ist angehängt.

--\x20
Sie erhalten diese E-Mail, weil Ihre Adresse als Empfänger dieses Anrufbeantworters eingetragen ist. \
Bitte antworten Sie nicht darauf.
""" == _part(message, "plain").replace("\r\n", "\n")


@pytest.mark.parametrize(
    ("language", "subject", "line"),
    [
        ("en", "New message for Sales (8001) from an unknown caller", "From: an unknown caller"),
        ("de", "Neue Nachricht für Sales (8001) von einem unbekannten Anrufer", "Anrufer: unbekannt"),
    ],
)
def test_an_unknown_caller_fits_into_each_sentence(language: str, subject: str, line: str) -> None:
    """In the subject an unknown caller is part of a sentence, in the table it stands alone."""
    message = _sent(replace(MAIL, caller=Caller(), language=language))

    assert (subject, True) == (message["Subject"], line in _part(message, "plain").splitlines())


@pytest.mark.parametrize(
    ("language", "minute", "day"),
    [
        ("en", "Length: 1 minute, 1 second", "The link works for 1 day."),
        ("de", "Länge: 1 Minute, 1 Sekunde", "Der Link gilt 1 Tag lang."),
    ],
)
def test_one_of_anything_is_singular(language: str, minute: str, day: str) -> None:
    """Lengths and days of one are singular in every language."""
    text = _part(_sent(replace(MAIL, language=language, duration_ms=61_000, link_days=1)), "plain")

    assert (True, True) == (minute in text, day in text)


def test_the_call_is_traced() -> None:
    """A header has the Call-ID of the INVITE; without one there is none."""
    assert ("abc-1@10.0.0.7", None) == (
        _sent(replace(MAIL, trace_id="abc-1@10.0.0.7"))["X-Trace-ID"],
        _sent(MAIL)["X-Trace-ID"],
    )


@pytest.mark.parametrize("language", ["en", "de", "es", "fr", "it", "nl", "pt", "ru"])
def test_an_almost_full_mailbox_is_told(language: str) -> None:
    """In each language, with both figures where both are limited."""
    mail = QuotaMail(
        occasion_id=MAIL.message_id,
        recipient=MAIL.recipient,
        language=language,
        mailbox_number="8001",
        mailbox_name="Sales",
        quota=Quota(messages=100, seconds=7200),
        used=Usage(messages=60, duration_ms=6_000_001),
    )
    message = Composer("voicemail@example.com").compose_quota(mail, now=NOW)
    text = _part(message, "plain")

    assert (language, True) == (message["Content-Language"], "Sales (8001)" in message["Subject"])
    figures = ("83 %", "60 .* 100", "101 .* 120")
    assert [] == [figure for figure in figures if not re.search(figure, text)]


def test_the_german_alarm_reads_well() -> None:
    """A PIN that was tried too often is told in the mailbox's language."""
    alarm = PinAlarmMail(
        alarm_id=MAIL.message_id,
        recipient=MAIL.recipient,
        language="de",
        mailbox_number="8001",
        mailbox_name="Vertrieb",
    )
    message = Composer("voicemail@example.com").compose_pin_alarm(alarm, now=NOW)

    assert "Die PIN von Vertrieb (8001) wurde zu oft versucht" == message["Subject"]
    assert "Bitte lassen Sie die PIN ändern." in _part(message, "plain")


@pytest.mark.parametrize("language", ["en", "de", "es", "fr", "it", "nl", "pt", "ru"])
def test_tries_from_outside_are_told_in_every_language(language: str) -> None:
    """In three sentences that are not those about phones."""
    alarm = PinAlarmMail(
        alarm_id=MAIL.message_id,
        recipient=MAIL.recipient,
        language=language,
        mailbox_number="8001",
        mailbox_name="Sales",
        outside=True,
    )
    outside, phones = (
        _part(Composer("voicemail@example.com").compose_pin_alarm(one, now=NOW), "plain").splitlines()
        for one in (alarm, replace(alarm, outside=False))
    )

    assert 3 == len(set(outside) - set(phones)) == len(set(phones) - set(outside))


def test_the_caller_is_escaped_in_html() -> None:
    """Angle brackets around a number are text."""
    assert "Zoë &lt;102&gt;" in _part(_sent(MAIL), "html")


def test_an_unknown_caller_is_said_so() -> None:
    """A caller without name and number is an unknown caller."""
    subject = _sent(replace(MAIL, caller=Caller()))["Subject"]

    assert "New message for Sales (8001) from an unknown caller" == subject


def test_one_day_is_singular() -> None:
    """A link for one day says day."""
    assert "works for 1 day." in _part(_sent(replace(MAIL, link_days=1)), "plain")


def test_a_language_without_words_gets_english() -> None:
    """A mailbox whose language has no mails gets English ones."""
    assert "en" == _sent(replace(MAIL, language="xx-YY"))["Content-Language"]


def test_the_recording_is_attached() -> None:
    """The attachment has a name that tells mailbox and local time."""
    (part,) = _sent(MAIL).iter_attachments()

    assert ("audio/mpeg", "voicemail-8001-20261123-1545.mp3", b"audio") == (
        part.get_content_type(),
        part.get_filename(),
        part.get_content(),
    )


def test_a_wav_is_named_so() -> None:
    """A WAV is attached as such."""
    wav = Attachment(content=b"audio", format=AttachmentFormat.WAV)

    (part,) = _sent(replace(MAIL, attachment=wav)).iter_attachments()

    assert ("audio/wav", "voicemail-8001-20261123-1545.wav") == (part.get_content_type(), part.get_filename())


def test_a_mail_without_recording_does_not_speak_of_one() -> None:
    """Without attachment nothing is said of it."""
    message = _sent(replace(MAIL, attachment=None))

    assert "recording" not in _part(message, "plain")
    assert [] == list(message.iter_attachments())


def test_a_recording_that_cannot_be_attached_is_said_so() -> None:
    """What is missing is explained."""
    message = _sent(replace(MAIL, attachment=None, attachment_missing=True))

    assert "The recording could not be attached." in _part(message, "plain")


@pytest.mark.parametrize("text", HOSTILE_TEXTS)
def test_hostile_text_adds_no_header(text: str) -> None:
    """A caller's and a mailbox's name change nothing but the subject, which stays one line."""
    usual = _sent(MAIL)

    message = _sent(replace(MAIL, caller=Caller.of(text, text), mailbox_name=text))

    assert usual.keys() == message.keys()
    assert (["alice@example.com"], None) == (
        [address.addr_spec for address in message["To"].addresses],
        message["Bcc"],
    )
    assert "\n" not in message["Subject"]


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in {"href", "src"}]


def _tags(message: EmailMessage) -> tuple[list[str], list[str]]:
    parser = _Tags()
    parser.feed(_part(message, "html"))
    return parser.tags, parser.links


@pytest.mark.parametrize("text", HOSTILE_TEXTS)
def test_hostile_text_adds_no_tag(text: str) -> None:
    """The HTML has the same elements and links whatever the names are."""
    assert _tags(_sent(MAIL)) == _tags(_sent(replace(MAIL, caller=Caller.of(text, text), mailbox_name=text)))


@pytest.mark.parametrize("text", HOSTILE_TEXTS)
def test_hostile_text_adds_no_part(text: str) -> None:
    """The mail has the same parts whatever the names are."""
    message = _sent(replace(MAIL, caller=Caller.of(text, text), mailbox_name=text))

    assert [part.get_content_type() for part in _sent(MAIL).walk()] == [
        part.get_content_type() for part in message.walk()
    ]


@pytest.mark.parametrize(
    "recipient",
    ["", "alice", "@example.com", "alice@", "a@b@c", "a\r\nBcc: b@c.de", "a@b.de, c@d.de", "<a@b.de>"],
)
def test_what_is_no_address_is_refused_for_good(recipient: str) -> None:
    """A recipient that is no address fails without a retry."""
    with pytest.raises(DeliveryError) as caught:
        Composer("voicemail@example.com").compose(replace(MAIL, recipient=recipient), now=NOW)

    assert caught.value.permanent


def test_a_foreign_domain_is_written_in_ascii() -> None:
    """A domain with umlauts becomes its ASCII form."""
    assert "zoe@xn--bcher-kva.example" == _sent(replace(MAIL, recipient="zoe@bücher.example"))["To"]


def test_a_foreign_local_part_is_kept() -> None:
    """A recipient with umlauts before the @ is sent as UTF-8 (RFC 6532)."""
    assert "zoë@example.com" == _sent(replace(MAIL, recipient="zoë@example.com"))["To"]


def test_a_foreign_sender_name_is_readable() -> None:
    """The sender's name may be in any language."""
    assert "Ünï <voicemail@example.com>" == _sent(MAIL, "Ünï <voicemail@example.com>")["From"]


@pytest.mark.parametrize("sender", ["", "voicemail", "Shared Voicemail"])
def test_a_sender_without_address_is_refused(sender: str) -> None:
    """What is set as sender must be an address."""
    with pytest.raises(ValueError, match="not a mail address"):
        Composer(sender)


def test_the_html_serves_readers_of_all_kinds() -> None:
    """The HTML names its language, supports dark mode, and labels its rows."""
    html = _part(_sent(MAIL), "html")

    assert all(
        words in html
        for words in ('<html lang="en" dir="ltr">', 'content="light dark"', '<th scope="row"', "<title>New")
    )


@pytest.mark.parametrize(
    ("language", "subject", "lines"),
    [
        (
            "fr-CA",
            "Nouveau message pour Sales (8001) de Zoë <102>",
            ["Reçu: lundi 23 novembre 2026 à 15:45 (", "Durée: 1 minute, 5 secondes", "valable 1 jour."],
        ),
        (
            "es-MX",
            "Nuevo mensaje para Sales (8001) de Zoë <102>",
            ["Recibido: lunes, 23 de noviembre de 2026, 15:45 (", "1 minuto, 5 segundos", "durante 1 día."],
        ),
        (
            "it",
            "Nuovo messaggio per Sales (8001) da Zoë <102>",
            ["Ricevuto: lunedì 23 novembre 2026, 15:45 (", "1 minuto, 5 secondi", "valido per 1 giorno."],
        ),
        (
            "pt-BR",
            "Nova mensagem para Sales (8001) de Zoë <102>",
            [
                "Recebida: segunda-feira, 23 de novembro de 2026, 15:45 (",
                "1 minuto, 5 segundos",
                "por 1 dia.",
            ],
        ),
        (
            "nl-BE",
            "Nieuw bericht voor Sales (8001) van Zoë <102>",
            [
                "Ontvangen: maandag 23 november 2026, 15:45 uur (",
                "1 minuut, 5 seconden",
                "is 1 dag geldig.",
            ],
        ),
        (
            "ru",
            "Новое сообщение для Sales (8001) от Zoë <102>",
            ["Получено: понедельник, 23 ноября 2026", "1 минута, 5 секунд", "действует 1 день."],
        ),
    ],
)
def test_a_mail_is_written_in_each_language(language: str, subject: str, lines: list[str]) -> None:
    """Subject, date, length and the days of the link are written as the language writes them."""
    message = _sent(replace(MAIL, language=language, link_days=1))
    text = _part(message, "plain").replace("\xa0", " ").replace("\u202f", " ")

    assert subject == message["Subject"]
    assert [] == [line for line in lines if line not in text], text


@pytest.mark.parametrize(
    ("days", "said"), [(1, "1 день."), (2, "2 дня."), (5, "5 дней."), (11, "11 дней."), (21, "21 день.")]
)
def test_a_plural_has_the_forms_of_its_language(days: int, said: str) -> None:
    """Russian has one, few and many."""
    text = _part(_sent(replace(MAIL, language="ru", link_days=days)), "plain")

    assert f"Ссылка действует {said}" in text
