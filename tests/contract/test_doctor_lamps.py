"""What `doctor` says of lamps and BLF keys, of switches by script."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import pytest
from controlplane.entrypoints.doctor_lamps import check_lamps
from controlplane.entrypoints.findings import Finding
from controlplane.settings import Settings, load
from tests.support.scripted_ami import SECRET, USERNAME, ScriptedAmi, list_of
from tests.support.scripted_event_socket import PASSWORD, ScriptedEventSocket, answer

NEEDED = {
    "app_minivm": "no phone has a lamp",
    "res_pjsip_pubsub": "no phone can subscribe",
    "res_pjsip_mwi": "no phone has a lamp",
    "res_pjsip_mwi_body_generator": "no phone has a lamp",
    "res_mwi_devstate": "no phone has a BLF key",
    "res_pjsip_exten_state": "no phone has a BLF key",
    "res_pjsip_dialog_info_body_generator": "no phone has a BLF key",
    "func_db": "no phone can subscribe to the lamp of a number",
}


def settings(folder: Path, **more: str) -> Settings:
    """Return settings of a switch that stands elsewhere."""
    names = ("RECORDINGS", "SPOOL", "PROMPTS", "CONFIGURATION", "MAIL")
    return load(
        {
            "CONTROLPLANE_PRIVATE": "true",
            **{f"CONTROLPLANE_PATHS__{name}": str(folder / name.lower()) for name in names},
            **{f"CONTROLPLANE_{name}": value for name, value in more.items()},
        }
    )


async def asterisk(folder: Path, *, without: Collection[str] = (), **more: str) -> list[Finding]:
    """Ask of an Asterisk that lacks these modules and contexts."""
    refused = "Response: Error\r\nActionID: {ActionID}\r\nMessage: Module not loaded"
    ami = ScriptedAmi()
    ami.answers |= {
        "ModuleCheck": lambda asked: refused if asked["Module"] in without else _done,
        "ShowDialPlan": lambda asked: refused if asked["Context"] in without else list_of([])(asked),
    }
    async with ami.listening() as port:
        log_in = {"MANAGER__PORT": str(port), "MANAGER__USERNAME": USERNAME, "MANAGER__SECRET": SECRET}
        return await check_lamps(settings(folder, SWITCH="asterisk", **log_in, **more))


_done = "Response: Success\r\nActionID: {ActionID}\r\nVersion: 22"


async def freeswitch(
    folder: Path, *, presence: str | None, sofia: str = "true", **more: str
) -> list[Finding]:
    """Ask of a FreeSWITCH whose profile has this `manage-presence`."""
    event_socket = ScriptedEventSocket()
    param = "" if presence is None else f'<param name="manage-presence" value="{presence}"/>'
    event_socket.answers |= {
        "api module_exists mod_sofia": answer(sofia),
        "api xml_locate configuration": answer(f"<configuration>{param}</configuration>"),
    }
    async with event_socket.listening() as port:
        log_in = {
            "EVENT_SOCKET__PORT": str(port),
            "EVENT_SOCKET__PASSWORD": PASSWORD,
            "EVENT_SOCKET__LOG_IN": "password",
        }
        return await check_lamps(settings(folder, SWITCH="freeswitch", **log_in, **more))


async def test_asterisk_with_all_modules_is_right(tmp_path: Path) -> None:
    """One sentence, and no remedy."""
    (finding,) = await asterisk(tmp_path)

    assert ("lamps", None) == (finding.subject, finding.remedy)


@pytest.mark.parametrize("module", NEEDED)
async def test_each_missing_module_has_its_remedy(tmp_path: Path, module: str) -> None:
    """It is named with what phones do without, and what to do."""
    (finding,) = await asterisk(tmp_path, without=[module])

    assert finding.found.startswith(f"{module} is not loaded: {NEEDED[module]}")
    assert f"Install {module}.so" in (finding.remedy or "")


async def test_minivm_wants_a_file(tmp_path: Path) -> None:
    """Without it the module does not load, and nothing else says why."""
    (finding,) = await asterisk(tmp_path, without=["app_minivm"])

    assert "minivm.conf" in (finding.remedy or "")


async def test_context_that_was_not_published_is_found(tmp_path: Path) -> None:
    """Lamps are told by a call of it."""
    (finding,) = await asterisk(tmp_path, without=["cp-lamps"])

    assert "Run `controlplane publish`." == finding.remedy


async def test_asterisk_with_phones_of_its_own_may_do_without(tmp_path: Path) -> None:
    """It is told in one sentence that is not wrong; `func_db` is for phones of ours."""
    (finding,) = await asterisk(tmp_path, without=["app_minivm", "func_db"], SIP__PHONES="false")

    assert finding.remedy is None
    assert "app_minivm is not loaded: no phone has a lamp. docs/lamps.md" in finding.found
    assert "func_db" not in finding.found


@pytest.mark.parametrize(
    ("presence", "found"),
    [
        ("true", None),
        ("passive", "is passive"),
        ("false", "no phone can subscribe"),
        (None, "no SIP profile"),
    ],
)
async def test_presence_of_freeswitch_is_looked_at(
    tmp_path: Path, presence: str | None, found: str | None
) -> None:
    """BLF keys need it in full; without any nobody may subscribe."""
    (finding,) = await freeswitch(tmp_path, presence=presence)

    assert (found is None) == (finding.remedy is None)
    assert (found or "has what they need") in finding.found


async def test_freeswitch_without_sofia_is_told(tmp_path: Path) -> None:
    """It is what sends the lamps there."""
    (finding,) = await freeswitch(tmp_path, presence="true", sofia="false")

    assert ("mod_sofia is not loaded: no phone has a lamp", True) == (
        finding.found,
        "modules.conf.xml" in (finding.remedy or ""),
    )


async def test_freeswitch_with_phones_of_its_own_may_do_without(tmp_path: Path) -> None:
    """The sentence says so, and nothing is wrong."""
    (finding,) = await freeswitch(tmp_path, presence="passive", SIP__PHONES="false")

    assert finding.remedy is None
    assert "docs/lamps.md" in finding.found


@pytest.mark.parametrize("switch", ["asterisk", "freeswitch"])
async def test_switch_that_is_away_is_told(tmp_path: Path, switch: str) -> None:
    """What is wrong with it says another check."""
    nowhere = {"MANAGER__PORT": "1", "EVENT_SOCKET__PORT": "1"}
    (finding,) = await check_lamps(settings(tmp_path, SWITCH=switch, **nowhere))

    assert "See the findings above." == finding.remedy


async def test_without_a_switch_there_are_no_lamps(tmp_path: Path) -> None:
    """Nothing is asked."""
    assert [] == await check_lamps(settings(tmp_path, SWITCH="none"))
