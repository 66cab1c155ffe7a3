"""A real SMTP server (aiosmtpd) in the test's own loop, that takes, refuses or keeps silent."""

from __future__ import annotations

import asyncio
import base64
import email
import email.policy
import ssl
import subprocess
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any, cast

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

USERNAME, PASSWORD = "voicemail", "correct horse"


@dataclass
class SmtpServer:
    """What arrived, and how the server behaves.

    No slots: aiosmtpd looks at all that it has, and Debian 12's Python 3.11.2 fails at `__weakref__` then.

    Recipients whose local part is in `refused` get that reply; `data_reply` answers every mail
    that is not taken.
    """

    port: int = 0
    mails: list[EmailMessage] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)
    users: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    good_tokens: set[str] = field(default_factory=set)
    shown_tokens: list[str] = field(default_factory=list)
    answered_challenges: list[bytes | None] = field(default_factory=list)
    sender_reply: str | None = None
    data_reply: str | None = None

    async def handle_MAIL(  # noqa: N802 (aiosmtpd's name)
        self, server: SMTP, session: Session, envelope: Envelope, address: str, mail_options: list[str]
    ) -> str:
        """Take the sender's address."""
        if self.sender_reply is not None:
            return self.sender_reply
        envelope.mail_from = address
        return "250 OK"

    async def auth_XOAUTH2(self, server: SMTP, args: list[str]) -> AuthResult:  # noqa: N802 (aiosmtpd's name)
        """Let in who has a good token; who has none is told why, and has to say a word to that first."""
        user, _, token = base64.b64decode(args[1]).decode().partition("\x01auth=Bearer ")
        data = LoginPassword(user.removeprefix("user=").encode(), b"")
        self.shown_tokens.append(token.removesuffix("\x01\x01"))
        if self.shown_tokens[-1] in self.good_tokens:
            return AuthResult(success=True, auth_data=data)
        answered = await server.challenge_auth(b'{"status": "400"}')
        self.answered_challenges.append(answered if isinstance(answered, bytes) else None)
        return AuthResult(success=False, handled=False)

    async def handle_RCPT(  # noqa: N802 (aiosmtpd's name)
        self, server: SMTP, session: Session, envelope: Envelope, address: str, rcpt_options: list[str]
    ) -> str:
        """Take or refuse a recipient."""
        reply = self.refused.get(address.partition("@")[0])
        if reply is not None:
            return reply
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 (aiosmtpd's name)
        """Take or refuse the mail."""
        if self.data_reply is not None:
            return self.data_reply
        content = cast("bytes", envelope.content)
        self.mails.append(
            cast("EmailMessage", email.message_from_bytes(content, policy=cast("Any", email.policy.default)))
        )
        self.recipients.extend(envelope.rcpt_tos)
        self.encrypted.append(session.ssl is not None or _over_tls(server))
        if session.auth_data is not None:
            self.users.append(cast("LoginPassword", session.auth_data).login.decode())
        return "250 OK"


def _over_tls(server: SMTP) -> bool:
    return server.transport is not None and server.transport.get_extra_info("cipher") is not None


def _authenticate(
    server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
) -> AuthResult:
    right = isinstance(data, LoginPassword) and (data.login, data.password) == (
        USERNAME.encode(),
        PASSWORD.encode(),
    )
    return AuthResult(success=right, handled=False, auth_data=data)


@asynccontextmanager
async def smtp_server(
    *,
    starttls: ssl.SSLContext | None = None,
    tls: ssl.SSLContext | None = None,
    log_in: bool = False,
    largest: int = 32 * 1024 * 1024,
) -> AsyncIterator[SmtpServer]:
    """Run a server on a free port; `starttls` and `log_in` are then required of clients.

    It says that it takes mails of `largest` bytes, and refuses those that are larger.
    """
    server = SmtpServer()

    def protocol() -> SMTP:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # It warns of AUTH without TLS, which is what a test may want.
            return SMTP(
                server,
                data_size_limit=largest,
                enable_SMTPUTF8=True,
                hostname="localhost",
                tls_context=starttls,
                require_starttls=starttls is not None,
                auth_required=log_in,
                auth_require_tls=False,
                authenticator=_authenticate if log_in else None,
            )

    listener = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", 0, ssl=tls)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listener.close()
        await listener.wait_closed()


@asynccontextmanager
async def silent_server() -> AsyncIterator[int]:
    """Run a server that takes connections and never says a word; yields its port."""
    gone = asyncio.Event()

    async def keep(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await gone.wait()
        writer.close()

    listener = await asyncio.start_server(keep, "127.0.0.1", 0)
    try:
        yield listener.sockets[0].getsockname()[1]
    finally:
        gone.set()
        listener.close()
        await listener.wait_closed()


def certificate(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Make a certificate for 127.0.0.1; return the server's context and that of a client who trusts it."""
    key, certificate_file = folder / "key.pem", folder / "certificate.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"),
            *("-nodes", "-keyout", str(key), "-out", str(certificate_file), "-days", "2"),
            *("-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"),
        ],
        check=True,
        capture_output=True,
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate_file, key)
    return server, ssl.create_default_context(cafile=certificate_file)
