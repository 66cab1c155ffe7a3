"""Logging in at a mail server by XOAUTH2: tokens of a token server for a real SMTP server."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from controlplane.domain.errors import DeliveryError
from controlplane.mail.access_tokens import AccessTokens
from controlplane.mail.send import SmtpSender
from tests.support.smtp_server import SmtpServer, certificate, silent_server, smtp_server
from tests.support.token_server import TokenServer, token_server

ACCOUNT, SECRET, REFRESH = "voicemail@example.com", "client-secret-1", "refresh-token-1"


def _given(token: str, **more: Any) -> tuple[int, dict[str, Any]]:
    return 200, {"access_token": token, "token_type": "Bearer", "expires_in": 3600, **more}


def _mail() -> EmailMessage:
    message = EmailMessage()
    message["From"] = f"Shared Voicemail <{ACCOUNT}>"
    message["To"] = "alice@example.com"
    message.set_content("Hello")
    return message


def _tokens(server: TokenServer, **values: Any) -> AccessTokens:
    return AccessTokens(
        **{
            "token_url": server.url,
            "client_id": "client-1",
            "client_secret": SECRET,
            "scope": "https://outlook.office365.com/.default",
            "timeout_seconds": 5,
            **values,
        }
    )


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Return a server's TLS context, and that of a client who trusts it."""
    return certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
async def server(tls: tuple[ssl.SSLContext, ssl.SSLContext]) -> AsyncIterator[SmtpServer]:
    """Run a mail server that lets in who has the token `good`."""
    async with smtp_server(starttls=tls[0], log_in=True) as running:
        running.good_tokens.add("good")
        yield running


def _sender(server: SmtpServer, tls: ssl.SSLContext, tokens: AccessTokens) -> SmtpSender:
    return SmtpSender(
        host="127.0.0.1",
        port=server.port,
        security="starttls",
        username=ACCOUNT,
        tokens=tokens,
        timeout_seconds=5,
        tls_context=tls,
    )


async def test_a_client_logs_in_by_its_own_credentials(
    server: SmtpServer, tls: tuple[ssl.SSLContext, ssl.SSLContext]
) -> None:
    """As with Microsoft 365: the client asks for a token in its own name, and one serves several mails."""
    async with token_server(_given("good")) as tokens:
        sender = _sender(server, tls[1], _tokens(tokens))

        await sender.send(_mail())
        await sender.send(_mail())

    assert [ACCOUNT, ACCOUNT] == server.users
    assert [
        {
            "grant_type": "client_credentials",
            "client_id": "client-1",
            "client_secret": SECRET,
            "scope": "https://outlook.office365.com/.default",
        }
    ] == tokens.asked


async def test_a_refresh_token_logs_an_account_in(
    server: SmtpServer, tls: tuple[ssl.SSLContext, ssl.SSLContext]
) -> None:
    """As with Google: a refresh token of the account brings the access token."""
    async with token_server(_given("good")) as tokens:
        given = _tokens(tokens, refresh_token=REFRESH, scope=None)

        await _sender(server, tls[1], given).send(_mail())

    (asked,) = tokens.asked
    assert [ACCOUNT] == server.users
    assert ("refresh_token", REFRESH) == (asked["grant_type"], asked["refresh_token"])
    assert "scope" not in asked


async def test_a_token_is_renewed_before_it_ends() -> None:
    """One that is about to end is not used any more; a new refresh token takes the place of the old one."""
    now = [0.0]
    async with token_server(_given("first", refresh_token="refresh-token-2"), _given("second")) as server:
        tokens = _tokens(server, refresh_token=REFRESH, clock=lambda: now[0])

        got = [await tokens.token()]
        now[0] = 3000.0
        got.append(await tokens.token())
        now[0] = 3500.0
        got.append(await tokens.token())

    assert ["first", "first", "second"] == got
    assert [REFRESH, "refresh-token-2"] == [each["refresh_token"] for each in server.asked]


async def test_many_mails_at_once_ask_for_one_token() -> None:
    """Who waits for a token gets the one that was asked for."""
    async with token_server(_given("good")) as server:
        tokens = _tokens(server)

        got = await asyncio.gather(*(tokens.token() for _ in range(5)))

    assert (["good"] * 5, 1) == (got, len(server.asked))


async def test_a_withdrawn_token_is_renewed_once(
    server: SmtpServer, tls: tuple[ssl.SSLContext, ssl.SSLContext]
) -> None:
    """A token that the mail server refuses is replaced by a new one, and the mail goes out."""
    async with token_server(_given("withdrawn"), _given("good")) as tokens:
        await _sender(server, tls[1], _tokens(tokens)).send(_mail())

    assert ([ACCOUNT], 2) == (server.users, len(tokens.asked))
    # The server's reason comes as a challenge, and its final word only after an empty line.
    assert [b""] == server.answered_challenges


async def test_a_token_that_ended_is_never_shown_to_the_mail_server(
    server: SmtpServer, tls: tuple[ssl.SSLContext, ssl.SSLContext]
) -> None:
    """Two minutes before a token ends the next mail goes out with another one."""
    now = [0.0]
    server.good_tokens.add("second")
    async with token_server(_given("good", expires_in=3600), _given("second")) as tokens:
        sender = _sender(server, tls[1], _tokens(tokens, clock=lambda: now[0]))
        for at in (0.0, 3479.0, 3480.0):
            now[0] = at
            await sender.send(_mail())

    assert (["good", "good", "second"], []) == (server.shown_tokens, server.answered_challenges)
    assert [ACCOUNT] * 3 == server.users


async def test_an_account_that_may_not_send_is_worth_a_retry(
    server: SmtpServer, tls: tuple[ssl.SSLContext, ssl.SSLContext]
) -> None:
    """A log-in that stays refused is told, without the token."""
    async with token_server(_given("foreign-1"), _given("foreign-2")) as tokens:
        with pytest.raises(DeliveryError) as caught:
            await _sender(server, tls[1], _tokens(tokens)).send(_mail())

    assert ("The mail server refused the log-in (535).", False) == (
        caught.value.sentence,
        caught.value.permanent,
    )
    assert ([], [b"", b""]) == (server.mails, server.answered_challenges)


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (
            (400, {"error": "invalid_client", "error_description": "AADSTS7000215:\r\nwrong secret"}),
            "refused the log-in (400 invalid_client AADSTS7000215: wrong secret).",
        ),
        ((503, b"<html>"), "refused the log-in (503)."),
        ((302, b""), "refused the log-in (302)."),
        ((200, b"hello"), "answered without an access token."),
        ((200, {"access_token": "a\r\nb"}), "answered without an access token."),
        ((200, b"[" * 65_000), "answered without an access token."),
    ],
)
async def test_a_refusal_of_the_token_server_is_told(answer: tuple[int, Any], sentence: str) -> None:
    """What the token server says is in the sentence, which no secret is; a redirection is not followed."""
    async with token_server(answer) as server, token_server(_given("stolen")) as thief:
        server.location = thief.url
        with pytest.raises(DeliveryError) as caught:
            await _tokens(server, refresh_token=REFRESH).token()

    assert f"The token server of the mail server {sentence}" == caught.value.sentence
    assert (False, []) == (caught.value.permanent, thief.asked)


async def test_a_token_server_that_is_away_is_worth_a_retry(unused_tcp_port: int) -> None:
    """Nobody there, or nobody who answers, is a temporary failure."""
    away = TokenServer(url=f"http://127.0.0.1:{unused_tcp_port}/token")
    with pytest.raises(DeliveryError, match="cannot be reached"):
        await _tokens(away).token()
    async with silent_server() as port:
        silent = TokenServer(url=f"http://127.0.0.1:{port}/token")
        with pytest.raises(DeliveryError, match="did not answer in time"):
            await _tokens(silent, timeout_seconds=0.2).token()


async def test_no_secret_is_printed(tmp_path: Path) -> None:
    """Secret, refresh token and token are in no representation."""
    async with token_server(_given("good")) as server:
        tokens = _tokens(server, refresh_token=REFRESH)
        await tokens.token()
        sender = SmtpSender(host="mail.example.com", port=587, tokens=tokens)

    assert not [word for word in (SECRET, REFRESH, "good") if word in repr(sender)]
