"""Which FreeSWITCH `up` takes, and what it says of those that it does not."""

from __future__ import annotations

from pathlib import Path

import pytest
from controlplane.supervisor.faults import CannotStart
from controlplane.supervisor.freeswitch import PrivateFreeswitch
from controlplane.supervisor.freeswitch_tree import NATIVE_MODULES, FreeswitchTree, find_freeswitch

MODULES = (
    "mod_sofia",
    "mod_event_socket",
    "mod_lua",
    "mod_dialplan_xml",
    "mod_sndfile",
    "mod_dptools",
    "mod_commands",
    "mod_tone_stream",
    "mod_hash",
    "mod_callcenter",
    "mod_loopback",
)


def install(prefix: Path, version: str, *, without: str = "") -> Path:
    """Make a folder that looks like a FreeSWITCH which says this version."""
    (prefix / "bin").mkdir(parents=True)
    program = prefix / "bin" / "freeswitch"
    program.write_text(f"#!/bin/sh\necho 'FreeSWITCH version: {version}'\n")
    program.chmod(0o755)
    modules = prefix / "lib/freeswitch/mod"
    modules.mkdir(parents=True)
    for name in MODULES:
        if name != without:
            (modules / f"{name}.so").touch()
    return prefix


def find(prefix: Path) -> tuple[FreeswitchTree, list[str]]:
    """Return what is found below `prefix`, and what people are told."""
    told: list[str] = []
    return find_freeswitch({"FREESWITCH_PREFIX": str(prefix)}, progress=told.append), told


def test_a_new_one_is_taken_without_a_word(tmp_path: Path) -> None:
    """A build from after the fixes is used, and nothing is said."""
    tree, told = find(install(tmp_path / "fs", "1.11.3~64bit (git cc93a68 2026-08-21 14:10:14Z 64bit)"))

    assert ((1, 11, 3), []) == (tree.version, told)


def test_one_from_before_the_fixes_is_warned_of(tmp_path: Path) -> None:
    """It is used all the same; the day of the fixes is named."""
    tree, told = find(install(tmp_path / "fs", "1.10.12-release (git a88d069 2026-05-01 18:03:32Z 64bit)"))

    assert (1, 10, 12) == tree.version
    assert ["2026-08-08"] == [line.split("fixes of ")[1].split(":")[0] for line in told]


def test_one_without_a_date_is_warned_of(tmp_path: Path) -> None:
    """Who cannot tell is told to look."""
    _, told = find(install(tmp_path / "fs", "1.10.12-release 64bit"))

    assert 1 == len(told)


def test_an_old_one_is_refused(tmp_path: Path) -> None:
    """The sentence names both versions."""
    with pytest.raises(CannotStart, match=r"is 1\.10\.9, not 1\.10\.12"):
        find(install(tmp_path / "fs", "1.10.9-release"))


@pytest.mark.parametrize("module", ["mod_lua", "mod_event_socket", "mod_commands", "mod_tone_stream"])
def test_one_that_lacks_a_module_is_refused(tmp_path: Path, module: str) -> None:
    """The sentence names the module and the remedy."""
    with pytest.raises(CannotStart, match=rf"lacks {module}: install .* with all modules"):
        find(install(tmp_path / "fs", "1.11.3", without=module))


def test_a_prefix_without_a_program_is_named(tmp_path: Path) -> None:
    """A wrong FREESWITCH_PREFIX is never passed over in silence."""
    with pytest.raises(CannotStart, match="FREESWITCH_PREFIX"):
        find(tmp_path)


def test_the_command_keeps_everything_in_its_home(tmp_path: Path) -> None:
    """Each folder that FreeSWITCH writes to is ours, and it stays in the foreground."""
    tree, _ = find(install(tmp_path / "fs", "1.11.3"))
    switch = PrivateFreeswitch(tree, home=tmp_path / "home", live=tmp_path / "live", password="secret")
    switch.configure()
    words = dict(zip(switch.command, switch.command[1:], strict=False))
    folders = [words[f"-{name}"] for name in ("log", "db", "run", "temp", "storage", "certs", "recordings")]

    assert "-nf" in switch.command
    assert "secret" not in " ".join(switch.command)
    assert str(tmp_path / "live") == words["-conf"]
    assert all(Path(folder).is_relative_to(tmp_path / "home") and Path(folder).is_dir() for folder in folders)


def test_one_without_mod_voicemail_is_refused_where_it_is_to_take_messages(tmp_path: Path) -> None:
    """The sentence names the module and both ways out."""
    prefix = install(tmp_path / "fs", "1.11.3~64bit (git cc93a68 2026-08-21 14:10:14Z 64bit)")
    with pytest.raises(CannotStart, match=r"lacks mod_voicemail: .* or set CONTROLPLANE_FALLBACK=record"):
        find_freeswitch(
            {"FREESWITCH_PREFIX": str(prefix)}, progress=lambda _: None, also_needed=NATIVE_MODULES
        )
