"""The way to the mail server, as the settings say."""

from __future__ import annotations

from controlplane.mail.access_tokens import AccessTokens
from controlplane.mail.send import SmtpSender
from controlplane.settings import Smtp


def smtp_sender(smtp: Smtp) -> SmtpSender:
    """Return what hands mails over to the server; there is one."""
    assert smtp.host is not None
    return SmtpSender(
        host=smtp.host,
        port=smtp.port,
        security=smtp.security,
        username=smtp.username,
        password=smtp.password.get_secret_value() if smtp.password else None,
        tokens=access_tokens(smtp),
        timeout_seconds=smtp.timeout_seconds,
    )


def access_tokens(smtp: Smtp) -> AccessTokens | None:
    """Return where access tokens come from; None where the log-in is by a password."""
    if smtp.oauth_token_url is None:
        return None
    assert smtp.oauth_client_id is not None
    return AccessTokens(
        token_url=smtp.oauth_token_url,
        client_id=smtp.oauth_client_id,
        client_secret=smtp.oauth_client_secret.get_secret_value() if smtp.oauth_client_secret else None,
        refresh_token=smtp.oauth_refresh_token.get_secret_value() if smtp.oauth_refresh_token else None,
        scope=smtp.oauth_scope,
        timeout_seconds=smtp.timeout_seconds,
    )
