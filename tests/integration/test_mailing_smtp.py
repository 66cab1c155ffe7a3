"""Sending by SMTP to a real server: encryption, log-in, and which refusals are worth a retry."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path

import pytest
from controlplane.domain.errors import DeliveryError
from controlplane.mail.send import SmtpSender
from tests.support.smtp_server import PASSWORD, USERNAME, SmtpServer, certificate, silent_server, smtp_server


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Return a server's TLS context, and that of a client who trusts it."""
    return certificate(tmp_path_factory.mktemp("certificate"))


def _mail(recipient: str = "alice@example.com") -> EmailMessage:
    message = EmailMessage()
    message["From"] = "Shared Voicemail <voicemail@example.com>"
    message["To"] = recipient
    message["Subject"] = "New message"
    message["Message-ID"] = f"<{'1' * 36}.{'2' * 16}@a-long-domain.example.com>"
    message.set_content("Hello\n.\nworld")
    return message


def _sender(port: int, **values: object) -> SmtpSender:
    return SmtpSender(
        **{"host": "127.0.0.1", "port": port, "security": "none", "timeout_seconds": 2} | values
    )


async def test_a_mail_arrives() -> None:
    """A mail without encryption arrives as it was, at its recipient."""
    async with smtp_server() as server:
        await _sender(server.port).send(_mail())

    assert ["alice@example.com"] == server.recipients
    assert "Hello\n.\nworld" == server.mails[0].get_content().strip().replace("\r\n", "\n")


async def test_a_foreign_local_part_arrives() -> None:
    """A recipient with letters beyond ASCII is reached where the server can (RFC 6531)."""
    message = _mail()
    message.policy = message.policy.clone(utf8=True)
    message.replace_header("To", "zoë@example.com")
    async with smtp_server() as server:
        await _sender(server.port).send(message)

    assert ["zoë@example.com"] == server.recipients


async def test_starttls_encrypts(tls: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    """With STARTTLS the mail is sent over TLS."""
    async with smtp_server(starttls=tls[0]) as server:
        await _sender(server.port, security="starttls", tls_context=tls[1]).send(_mail())

    assert [True] == server.encrypted


async def test_tls_encrypts_from_the_start(tls: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    """With TLS the connection begins encrypted."""
    async with smtp_server(tls=tls[0]) as server:
        await _sender(server.port, security="tls", tls_context=tls[1]).send(_mail())

    assert [True] == server.encrypted


async def test_a_log_in_is_used(tls: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    """User and password open a server that asks for them."""
    async with smtp_server(starttls=tls[0], log_in=True) as server:
        sender = _sender(
            server.port, security="starttls", tls_context=tls[1], username=USERNAME, password=PASSWORD
        )
        await sender.send(_mail())

    assert [USERNAME] == server.users


async def _failure(sender: SmtpSender, recipient: str = "alice@example.com") -> DeliveryError:
    with pytest.raises(DeliveryError) as caught:
        await sender.send(_mail(recipient))
    return caught.value


def _refuse_recipient(reply: str) -> Callable[[SmtpServer], None]:
    return lambda server: server.refused.update(alice=reply)


def _refuse_mail(reply: str) -> Callable[[SmtpServer], None]:
    return lambda server: setattr(server, "data_reply", reply)


def _refuse_sender(reply: str) -> Callable[[SmtpServer], None]:
    return lambda server: setattr(server, "sender_reply", reply)


@pytest.mark.parametrize(
    ("refuse", "permanent", "sentence"),
    [
        (
            _refuse_recipient("550 5.1.1 No such user"),
            True,
            "The mail server refused the recipient (550 5.1.1 No such user).",
        ),
        (
            _refuse_recipient("451 4.3.0 Try later"),
            False,
            "The mail server refused the recipient (451 4.3.0 Try later).",
        ),
        (_refuse_mail("554 5.7.1 Spam"), True, "The mail server refused the mail (554 5.7.1 Spam)."),
        (
            _refuse_mail("452 4.3.1 Disk full"),
            False,
            "The mail server refused the mail (452 4.3.1 Disk full).",
        ),
        (
            _refuse_sender("553 5.7.1 Not yours"),
            False,
            "The mail server refused the sender's address (553 5.7.1 Not yours).",
        ),
    ],
)
async def test_a_refusal_is_told(
    refuse: Callable[[SmtpServer], None], permanent: bool, sentence: str
) -> None:
    """What the server said is in the sentence; it is permanent where no retry helps."""
    async with smtp_server() as server:
        refuse(server)
        failure = await _failure(_sender(server.port))

    assert (sentence, permanent) == (failure.sentence, failure.permanent)


async def test_a_mail_that_is_too_large_is_told_as_such() -> None:
    """A server that names its limit refuses by the size, before the mail; another one only after it."""
    async with smtp_server(largest=300) as server:
        by_size = await _failure(_sender(server.port))
    async with smtp_server() as server:
        server.data_reply = "550 5.3.4 Message exceeds the limit"
        by_content = await _failure(_sender(server.port))
    async with smtp_server() as server:
        server.data_reply = "554 5.7.1 Spam"
        other = await _failure(_sender(server.port))

    assert by_size.sentence.startswith("The mail server refused the mail (552 ")
    assert [(True, True), (True, True), (True, False)] == [
        (failure.permanent, failure.too_large) for failure in (by_size, by_content, other)
    ]


async def test_a_wrong_password_is_worth_a_retry(tls: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    """An administrator can correct the password meanwhile; it is not in the sentence."""
    async with smtp_server(starttls=tls[0], log_in=True) as server:
        failure = await _failure(
            _sender(
                server.port, security="starttls", tls_context=tls[1], username=USERNAME, password="wrong one"
            )
        )

    assert ("The mail server refused the log-in (535).", False) == (failure.sentence, failure.permanent)


async def test_an_unknown_certificate_is_worth_a_retry(tls: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    """A server whose certificate nobody vouches for gets no mail."""
    async with smtp_server(tls=tls[0]) as server:
        failure = await _failure(_sender(server.port, security="tls"))

    assert not failure.permanent
    assert [] == server.mails


async def test_a_server_without_starttls_gets_no_mail() -> None:
    """Encryption that was asked for is not given up."""
    async with smtp_server() as server:
        failure = await _failure(_sender(server.port, security="starttls"))

    assert not failure.permanent
    assert [] == server.mails


async def test_a_server_that_is_not_there_is_worth_a_retry(unused_tcp_port: int) -> None:
    """A refused connection is a temporary failure."""
    assert not (await _failure(_sender(unused_tcp_port))).permanent


async def test_a_name_that_does_not_exist_is_worth_a_retry() -> None:
    """A host that cannot be found is a temporary failure."""
    assert not (await _failure(_sender(25, host="mail.invalid"))).permanent


async def test_a_silent_server_is_not_waited_for() -> None:
    """A server that never answers is a temporary failure after the time limit."""
    async with silent_server() as port:
        failure = await _failure(_sender(port, timeout_seconds=0.2))

    assert ("The mail server did not answer in time.", False) == (failure.sentence, failure.permanent)


def test_the_password_is_not_printed(tmp_path: Path) -> None:
    """The password is in no representation."""
    assert PASSWORD not in repr(_sender(25, password=PASSWORD))
