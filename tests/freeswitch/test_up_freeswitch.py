"""`controlplane up --switch freeswitch` from its start to its end."""

from __future__ import annotations

import os

import pytest
from controlplane.entrypoints.doctor import examine, settings_of
from controlplane.supervisor.faults import CannotStart
from controlplane.supervisor.instance import Instance
from tests.support.processes import open_folder, processes_of


async def test_it_starts_is_found_healthy_and_leaves_nothing() -> None:
    """`ready.json` names the switch, the doctor finds nothing wrong, and SIGTERM ends all of it."""
    with open_folder() as folder:
        instance = Instance(folder / "state")
        instance.start("--switch", "freeswitch")
        try:
            ready = instance.ready
            os.kill(ready["pids"]["switch"], 0)
            findings = await examine(settings_of(folder / "state"))
        finally:
            code = instance.stop()
        left = processes_of(folder)

    assert ("freeswitch", None) == (ready["switch"], ready["asterisk"])
    assert [] == [finding for finding in findings if finding.remedy is not None]
    # It would be -9 had it not ended in time.
    assert (0, []) == (code, left)


def test_a_wrong_prefix_is_named_in_one_sentence() -> None:
    """A FREESWITCH_PREFIX with nothing in it ends the start with the remedy, and nothing is left."""
    with open_folder() as folder:
        with pytest.raises(CannotStart, match="name the folder it was installed into"):
            Instance(folder / "state").start(
                "--switch", "freeswitch", environment={"FREESWITCH_PREFIX": str(folder / "nothing")}
            )

        assert [] == processes_of(folder)


def test_a_folder_that_record_cannot_name_is_refused() -> None:
    """A blank in the state folder's path is named, with what to do."""
    with open_folder() as folder:
        with pytest.raises(CannotStart, match="Choose one"):
            Instance(folder / "my state").start("--switch", "freeswitch")

        assert [] == processes_of(folder)
