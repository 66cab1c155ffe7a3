"""Handing a mail over: to an SMTP server, or into a folder as an .eml file."""

from __future__ import annotations

import asyncio
import os
import secrets
import ssl
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Literal, Protocol

import aiosmtplib

from controlplane.domain.caller import clean
from controlplane.domain.errors import DeliveryError
from controlplane.mail.access_tokens import AccessTokens

_PERMANENT = 500
_TOO_LARGE = 552
_TOO_LARGE_ENHANCED = ("5.3.4", "5.2.3")
_STEPS = 10


class Sender(Protocol):
    """Where mails go: a server, or a folder."""

    async def send(self, message: EmailMessage) -> None:
        """Hand a mail over; raises DeliveryError."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpSender:
    """Sends by SMTP, one connection a mail.

    `security` is `none`, `starttls` (refused if the server has none) or `tls` from the start; the
    server's certificate is verified by `tls_context`, or by the system's authorities.
    `timeout_seconds` is for each step, ten times that for all. With `tokens` the log-in is by XOAUTH2 instead
    of by the password; a token that is refused is renewed once, for it may have been withdrawn.

    Permanent is what the server says for good (5xx) about the recipient or the content. All else
    is worth a retry: a 4xx, no connection, silence, and what an administrator can put right
    meanwhile (a certificate, a refused log-in, a refused sender).
    """

    host: str
    port: int
    security: Literal["none", "starttls", "tls"] = "starttls"
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    tokens: AccessTokens | None = None
    timeout_seconds: float = 30.0
    tls_context: ssl.SSLContext | None = None

    async def send(self, message: EmailMessage) -> None:
        """Send to the one address in To; returns when the server has taken the mail. Raises DeliveryError."""
        sender, recipient = (message[header].addresses[0].addr_spec for header in ("From", "To"))
        try:
            async with asyncio.timeout(self.timeout_seconds * _STEPS):
                await self._log_in_and_send(message.as_bytes(), sender, recipient)
        except aiosmtplib.SMTPRecipientsRefused as error:
            refused = error.recipients[0]
            raise _refused("refused the recipient", refused.code, refused.message) from error
        except (aiosmtplib.SMTPDataError, aiosmtplib.SMTPRecipientRefused) as error:
            raise _refused("refused the mail", error.code, error.message) from error
        except aiosmtplib.SMTPAuthenticationError as error:
            raise _temporary("refused the log-in", error.code) from error
        except aiosmtplib.SMTPSenderRefused as error:
            if _too_large(error.code, error.message):
                # The size is told beside the sender's address (RFC 1870).
                raise _refused("refused the mail", error.code, error.message) from error
            raise _temporary("refused the sender's address", error.code, error.message) from error
        except aiosmtplib.SMTPResponseException as error:
            raise _temporary("refused the connection", error.code, error.message) from error
        except (aiosmtplib.SMTPTimeoutError, TimeoutError) as error:
            raise DeliveryError("The mail server did not answer in time.", permanent=False) from error
        except ssl.SSLError as error:
            raise DeliveryError(
                f"The mail server's TLS was not accepted: {error.reason}.", permanent=False
            ) from error
        except (aiosmtplib.SMTPException, OSError) as error:
            raise DeliveryError(
                f"The mail server cannot be used: {clean(str(error))}.", permanent=False
            ) from error

    async def _log_in_and_send(self, content: bytes, sender: str, recipient: str) -> None:
        if self.tokens is None:
            await self._send(content, sender, recipient, password=self.password)
            return
        token = await self.tokens.token()
        try:
            await self._send(content, sender, recipient, token=token)
        except aiosmtplib.SMTPAuthenticationError:
            token = await self.tokens.token(but=token)
            await self._send(content, sender, recipient, token=token)

    async def _send(
        self,
        content: bytes,
        sender: str,
        recipient: str,
        *,
        password: str | None = None,
        token: str | None = None,
    ) -> None:
        async def given() -> str:
            return token or ""

        await aiosmtplib.send(
            content,
            sender=sender,
            recipients=[recipient],
            mail_options=[] if recipient.isascii() else ["SMTPUTF8"],
            hostname=self.host,
            port=self.port,
            use_tls=self.security == "tls",
            start_tls=self.security == "starttls",
            username=self.username,
            password=password,
            oauth_token_generator=None if token is None else given,
            timeout=self.timeout_seconds,
            tls_context=self.tls_context,
        )


def _refused(what: str, code: int, reply: str) -> DeliveryError:
    return DeliveryError(
        f"The mail server {what} ({code} {clean(reply)}).",
        permanent=code >= _PERMANENT,
        too_large=_too_large(code, reply),
    )


def _too_large(code: int, reply: str) -> bool:
    """Say whether a refusal is about the size: by the code of RFC 1870, or by one of RFC 3463."""
    return code == _TOO_LARGE or (code >= _PERMANENT and reply.startswith(_TOO_LARGE_ENHANCED))


def _temporary(what: str, code: int, reply: str = "") -> DeliveryError:
    return DeliveryError(f"The mail server {what} ({f'{code} {clean(reply)}'.strip()}).", permanent=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class EmlFolder:
    """Writes each mail into a folder, for when there is no mail server; names sort by time."""

    folder: Path

    async def send(self, message: EmailMessage) -> None:
        """Write the mail as a whole or not at all. Raises DeliveryError, never a permanent one."""
        try:
            await asyncio.to_thread(self._write, message)
        except OSError as error:
            raise DeliveryError(
                f"The mail folder cannot be written: {error.strerror}.", permanent=False
            ) from error

    def _write(self, message: EmailMessage) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        about = "".join(
            char for char in str(message["Message-ID"]).partition("@")[0] if char.isalnum() or char in ".-"
        )
        name = f"{datetime.now(UTC):%Y%m%dT%H%M%S.%f}-{about}.eml"
        temporary = self.folder / f".{secrets.token_hex(8)}.tmp"
        try:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(message.as_bytes())
                file.flush()
                os.fsync(file.fileno())
            temporary.rename(self.folder / name)
        finally:
            temporary.unlink(missing_ok=True)
