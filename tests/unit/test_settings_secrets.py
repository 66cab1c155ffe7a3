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
