"""Secrets that protect nothing are refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from controlplane.settings import SettingsError, load

GIVEN = {
    "CONTROLPLANE_PATHS__RECORDINGS": "/srv/recordings",
    "CONTROLPLANE_PATHS__SPOOL": "/srv/spool",
    "CONTROLPLANE_PATHS__PROMPTS": "/srv/prompts",
    "CONTROLPLANE_PATHS__CONFIGURATION": "/srv/configuration",
    "CONTROLPLANE_LINK_KEY": "a-link-key",
    "CONTROLPLANE_FASTAGI__SECRET": "an-agi-secret",
    "CONTROLPLANE_MANAGER__SECRET": "a-manager-secret",
    "CONTROLPLANE_PINS__KEYS": "1:a2V5IG9mIHNpeHRlZW4gYnl0ZXM=",
}
SECRETS = [name for name in GIVEN if "PATHS" not in name]


@pytest.mark.parametrize("private", ["false", "true"])
@pytest.mark.parametrize("secret", ["", " "])
@pytest.mark.parametrize("name", SECRETS)
def test_empty_secret_is_refused(name: str, secret: str, private: str) -> None:
    """Anybody could sign a link or drive a call with it; `up` refuses it as well."""
    with pytest.raises(SettingsError, match=name):
        load({**GIVEN, "CONTROLPLANE_PRIVATE": private, name: secret})


def test_empty_file_of_a_secret_is_refused(tmp_path: Path) -> None:
    """A secret that was mounted before it was written is an empty file."""
    (tmp_path / "key").write_text("\n")
    given = {name: value for name, value in GIVEN.items() if name != "CONTROLPLANE_LINK_KEY"}
    with pytest.raises(SettingsError, match="CONTROLPLANE_LINK_KEY"):
        load({**given, "CONTROLPLANE_LINK_KEY_FILE": str(tmp_path / "key")})


_OAUTH = {
    "CONTROLPLANE_SMTP__OAUTH_TOKEN_URL": "https://login.example.org/token",
    "CONTROLPLANE_SMTP__OAUTH_CLIENT_ID": "client",
    "CONTROLPLANE_SMTP__OAUTH_CLIENT_SECRET": "client-secret",
    "CONTROLPLANE_SMTP__USERNAME": "voicemail@example.org",
}


def test_mail_may_log_in_by_tokens(tmp_path: Path) -> None:
    """The secret may come from a file, and the password's file may be there, empty."""
    (tmp_path / "oauth").write_text("from-a-file\n")
    (tmp_path / "password").write_text("\n")
    given = {name: value for name, value in _OAUTH.items() if not name.endswith("CLIENT_SECRET")}
    smtp = load(
        {
            **GIVEN,
            **given,
            "CONTROLPLANE_SMTP__OAUTH_CLIENT_SECRET_FILE": str(tmp_path / "oauth"),
            "CONTROLPLANE_SMTP__PASSWORD_FILE": str(tmp_path / "password"),
        }
    ).smtp

    assert smtp.oauth_client_secret is not None
    assert ("from-a-file", None) == (smtp.oauth_client_secret.get_secret_value(), smtp.password)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"SECURITY": "none"}, "SECURITY"),
        ({"PASSWORD": "a-password"}, "not both"),
        ({"USERNAME": ""}, "USERNAME"),
        ({"OAUTH_CLIENT_ID": ""}, "OAUTH_CLIENT_ID"),
        ({"OAUTH_CLIENT_SECRET": ""}, "OAUTH_REFRESH_TOKEN"),
    ],
)
def test_tokens_need_the_rest(change: dict[str, str], told: str) -> None:
    """A log-in by tokens that can never work, or that shows them to everybody, is refused at the start."""
    changed = {f"CONTROLPLANE_SMTP__{name}": value for name, value in change.items()}
    with pytest.raises(SettingsError, match=told) as caught:
        load({**GIVEN, **_OAUTH, **changed})

    assert "client-secret" not in str(caught.value)
