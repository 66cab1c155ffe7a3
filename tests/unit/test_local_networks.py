"""Which networks the switch takes for local, so that it names the external address to all others."""

from __future__ import annotations

from pathlib import Path

import pytest
from controlplane.entrypoints.publish import rendering_of
from controlplane.settings import SettingsError, load
from controlplane.speech.cache import PromptCache

BASE = {
    "CONTROLPLANE_PATHS__RECORDINGS": "/srv/recordings",
    "CONTROLPLANE_PATHS__SPOOL": "/srv/spool",
    "CONTROLPLANE_PATHS__PROMPTS": "/srv/prompts",
    "CONTROLPLANE_PATHS__CONFIGURATION": "/srv/configuration",
    "CONTROLPLANE_LINK_KEY": "a",
    "CONTROLPLANE_FASTAGI__SECRET": "b",
    "CONTROLPLANE_MANAGER__SECRET": "c",
    "CONTROLPLANE_PINS__KEYS": "d",
    "CONTROLPLANE_SIP__EXTERNAL_ADDRESS": "203.0.113.7",
    "CONTROLPLANE_SIP__LOCAL_NETWORKS": '["10.0.0.0/8", "fd00::/8"]',
}


@pytest.mark.parametrize(
    ("host", "added"),
    [
        ("100.64.0.10", ("100.64.0.10/32",)),
        ("2001:db8::5", ("2001:db8::5/128",)),
        ("10.1.2.3", ()),
        ("fd00::5", ()),
        ("pbx.example.org", ()),
        ("0.0.0.0", ()),
    ],
)
def test_address_of_the_switch_is_added_where_it_is_known(host: str, added: tuple[str, ...]) -> None:
    """Its own address counts as local; for all addresses only `up` knows it, for a name nobody does."""
    settings = load({**BASE, "CONTROLPLANE_SIP__HOST": host})
    rendering = rendering_of(settings, PromptCache(Path("/srv/prompts")))

    assert ("10.0.0.0/8", "fd00::/8", *added) == rendering.installation.sip.local_networks


def test_text_that_is_no_network_is_refused_by_the_setting() -> None:
    """A mistyped network is told at the start, not by the switch."""
    with pytest.raises(SettingsError, match=r"SIP__LOCAL_NETWORKS: .*10\.0\.0\.0/99"):
        load({**BASE, "CONTROLPLANE_SIP__LOCAL_NETWORKS": '["10.0.0.0/99"]'})
