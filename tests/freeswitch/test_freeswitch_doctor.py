"""What the doctor says of a real FreeSWITCH that is not as calls need it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from controlplane.entrypoints.doctor_freeswitch import check_freeswitch
from controlplane.entrypoints.doctor_lamps import check_lamps
from controlplane.settings import Settings, load
from controlplane.supervisor.freeswitch_tree import find_freeswitch
from tests.support.freeswitch_rig import PASSWORD, FreeswitchRig, run_freeswitch


def settings(rig: FreeswitchRig, **more: str) -> Settings:
    """Return the settings of an installation with that FreeSWITCH."""
    sip = rig.context.installation.sip
    return load(
        {
            "CONTROLPLANE_PRIVATE": "true",
            "CONTROLPLANE_SWITCH": "freeswitch",
            **{
                f"CONTROLPLANE_PATHS__{name}": str(rig.home / name.lower())
                for name in ("RECORDINGS", "SPOOL", "PROMPTS", "CONFIGURATION")
            },
            "CONTROLPLANE_EVENT_SOCKET__PORT": str(rig.event_port),
            "CONTROLPLANE_EVENT_SOCKET__PASSWORD": PASSWORD,
            "CONTROLPLANE_SIP__RTP_PORTS": f"{sip.rtp_first}-{sip.rtp_last}",
            **more,
        }
    )


def replaced(name: str, old: str, new: str) -> Callable[[Path], None]:
    """Return what replaces text in a rendered file."""

    def change(files: Path) -> None:
        text = (files / name).read_text()
        assert old in text
        (files / name).write_text(text.replace(old, new))

    return change


def wrong(tmp_path: Path, change: Callable[[Path], None] | None, **more: str) -> dict[str, tuple[str, str]]:
    """Run FreeSWITCH with spoilt files; return what is found wrong, by subject."""
    tree = find_freeswitch(os.environ, progress=lambda _: None)
    with run_freeswitch(tree, tmp_path, change=change) as rig:
        findings = asyncio.run(check_freeswitch(settings(rig, **more)))
    return {
        finding.subject: (finding.found, finding.remedy) for finding in findings if finding.remedy is not None
    }


@pytest.mark.parametrize("log_in", ["users", "password"])
def test_nothing_is_wrong_with_what_is_published(tmp_path: Path, log_in: str) -> None:
    """By either way of logging in everything is seen, and is right."""
    assert {} == wrong(tmp_path, None, CONTROLPLANE_EVENT_SOCKET__LOG_IN=log_in)


def test_missing_lua_is_named(tmp_path: Path) -> None:
    """The module and the file where it is loaded are in the sentence."""
    change = replaced("cp-configuration.xml", '<load module="mod_lua" critical="true"/>', "")

    assert {"modules": ("not loaded: mod_lua", "Load them in modules.conf.xml.")} == wrong(tmp_path, change)


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ('name="api-expansion" value="false"', 'name="api-expansion" value="true"', "may run commands"),
        ('<param name="api-expansion" value="false"/>', "", "may run commands"),
        ('name="rtp-start-port" value="', 'name="rtp-start-port" value="1', "is not the published one"),
    ],
)
def test_foreign_switch_conf_is_found(tmp_path: Path, old: str, new: str, found: str) -> None:
    """One that expands commands, and one that is somebody else's."""
    spoilt = wrong(tmp_path, replaced("cp-configuration.xml", old, new))

    assert ["switch.conf"] == list(spoilt)
    assert found in spoilt["switch.conf"][0]


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (None, "the switch has what they need"),
        (
            replaced(
                "cp-configuration.xml",
                'name="manage-presence" value="true"',
                'name="manage-presence" value="passive"',
            ),
            "manage-presence of the SIP profile is passive: no phone has a BLF key of a mailbox",
        ),
    ],
)
def test_what_lamps_need_is_looked_at(
    tmp_path: Path, change: Callable[[Path], None] | None, found: str
) -> None:
    """The published profile has it; one that keeps presence in part has no BLF keys."""
    tree = find_freeswitch(os.environ, progress=lambda _: None)
    with run_freeswitch(tree, tmp_path, change=change) as rig:
        (finding,) = asyncio.run(check_lamps(settings(rig)))

    assert (found, change is None) == (finding.found, finding.remedy is None)


def test_password_that_everybody_knows_is_found(tmp_path: Path) -> None:
    """Whoever logs in otherwise is told too."""
    tree = find_freeswitch(os.environ, progress=lambda _: None)
    with run_freeswitch(tree, tmp_path, password="ClueCon") as rig:
        findings = asyncio.run(check_freeswitch(settings(rig, CONTROLPLANE_EVENT_SOCKET__PASSWORD="ClueCon")))

    assert ["has the password that everybody knows"] == [
        finding.found for finding in findings if finding.remedy is not None
    ]


def test_users_that_are_not_included_are_named_in_the_remedy(tmp_path: Path) -> None:
    """A FreeSWITCH without our directory refuses the log-in; the remedy names the file and the setting."""
    change = replaced("freeswitch.xml", "cp-event-socket.xml", "nothing.xml")
    spoilt = wrong(tmp_path, change)

    assert "The event socket refused our password." == spoilt["FreeSWITCH"][0]
    assert "cp-event-socket.xml" in spoilt["FreeSWITCH"][1]
    assert "CONTROLPLANE_EVENT_SOCKET__LOG_IN=password" in spoilt["FreeSWITCH"][1]
