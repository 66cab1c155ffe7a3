"""Random routings, called by SIP: the switch does what the simulation says, by steps and by seconds."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path
from random import Random

import pytest
from tests.support.call_contract import ContractPrompts
from tests.support.rig import Rig
from tests.support.rigs import run_rig
from tests.support.routed_office import Offices, with_offices, witness_of
from tests.support.seeded_faults import FAULTS, seeded
from tests.support.short_routings import draw, draw_rules

pytestmark = pytest.mark.xdist_group("dialplan-random-routings")
COUNT = int(os.environ.get("RANDOM_ROUTINGS", "20"))
AT_ONCE = 20
SEED = int(os.environ.get("RANDOM_ROUTINGS_SEED", "0")) or Random().randrange(1, 1_000_000)
RULES = [draw_rules(Random(SEED + place)) for place in range(AT_ONCE)]


@pytest.fixture(scope="module")
def offices_rig(switch: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """Run the dialplan with a tenant for each routing of a test."""
    folder = tmp_path_factory.mktemp("offices")
    with run_rig(switch, folder, change=partial(with_offices, rules=RULES)) as running:
        yield running


@pytest.fixture
async def offices(offices_rig: Rig, tmp_path: Path) -> AsyncIterator[Offices]:
    """Listen to the switch; no message is left."""
    offices_rig.empty_spool()
    async with witness_of(offices_rig).listening() as witness:
        running = Offices(offices_rig, witness, count=AT_ONCE)
        async with running.receiving(ContractPrompts(tmp_path)):
            yield running


async def test_calls_meet_what_the_simulation_says(offices: Offices) -> None:
    """As many random routings as RANDOM_ROUTINGS says; RANDOM_ROUTINGS_SEED repeats those of a failure."""
    cases = {f"routing {place}": case for place, case in enumerate(draw(Random(SEED), COUNT, rules=RULES))}
    wrong = await offices.compare(cases)

    report = [f"{name}: {told}\n    {cases[name]}" for name, told in wrong.items()]
    assert not report, "\n".join([f"RANDOM_ROUTINGS_SEED={SEED}", *report])


async def test_the_calls_of_the_faults_go_right_without_them(offices: Offices) -> None:
    """What is called below differs because of the fault alone."""
    assert {} == await offices.compare({name: fault.case for name, fault in FAULTS.items()})


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_fault_in_the_dialplan_is_noticed(offices: Offices, fault: str) -> None:
    """Each of five seeded faults makes a call differ from its simulation."""
    async with seeded(offices.rig, FAULTS[fault]):
        wrong = (await offices.compare({fault: FAULTS[fault].case})).get(fault, [])

    assert any(one.startswith(FAULTS[fault].shows) for one in wrong), wrong
