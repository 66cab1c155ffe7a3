"""Which secrets a switch needs, and which are refused."""

from __future__ import annotations

import pytest
from controlplane.settings import SettingsError, load

COMMON = {
    "CONTROLPLANE_PATHS__RECORDINGS": "/r",
    "CONTROLPLANE_PATHS__SPOOL": "/s",
    "CONTROLPLANE_PATHS__PROMPTS": "/p",
    "CONTROLPLANE_PATHS__CONFIGURATION": "/c",
    "CONTROLPLANE_LINK_KEY": "key",
    "CONTROLPLANE_PINS__KEYS": "1:AAAA",
}
SECRETS = {
    "asterisk": {"CONTROLPLANE_FASTAGI__SECRET": "a", "CONTROLPLANE_MANAGER__SECRET": "b"},
    "freeswitch": {
        "CONTROLPLANE_OUTBOUND_SOCKET__SECRET": "a",
        "CONTROLPLANE_EVENT_SOCKET__PASSWORD": "b",
    },
    "none": {},
}


@pytest.mark.parametrize("switch", SECRETS)
def test_secrets_of_the_other_switch_are_not_asked_for(switch: str) -> None:
    """Who runs one switch sets the secrets of that one."""
    settings = load({**COMMON, **SECRETS[switch], "CONTROLPLANE_SWITCH": switch})

    assert switch == settings.switch


@pytest.mark.parametrize(
    ("switch", "name"), [(switch, name) for switch, names in SECRETS.items() for name in names]
)
def test_missing_secret_is_named(switch: str, name: str) -> None:
    """A default one is refused, and the sentence says which to set."""
    rest = {key: value for key, value in SECRETS[switch].items() if key != name}
    with pytest.raises(SettingsError, match=name):
        load({**COMMON, **rest, "CONTROLPLANE_SWITCH": switch})


def test_password_that_freeswitch_ships_with_is_refused() -> None:
    """Everybody knows it."""
    secrets = SECRETS["freeswitch"] | {"CONTROLPLANE_EVENT_SOCKET__PASSWORD": "ClueCon"}
    with pytest.raises(SettingsError, match="CONTROLPLANE_EVENT_SOCKET__PASSWORD"):
        load({**COMMON, **secrets, "CONTROLPLANE_SWITCH": "freeswitch"})


def test_fallback_is_the_dialplan_unless_it_is_set() -> None:
    """mod_voicemail takes messages only where somebody wants that."""
    settings = load({**COMMON, **SECRETS["freeswitch"], "CONTROLPLANE_SWITCH": "freeswitch"})

    assert "record" == settings.fallback


@pytest.mark.parametrize("switch", ["asterisk", "none"])
def test_native_fallback_is_freeswitchs_alone(switch: str) -> None:
    """Elsewhere it is refused with the remedy."""
    wanted = {"CONTROLPLANE_SWITCH": switch, "CONTROLPLANE_FALLBACK": "native"}
    with pytest.raises(SettingsError, match="set CONTROLPLANE_FALLBACK=record"):
        load({**COMMON, **SECRETS[switch], **wanted})
