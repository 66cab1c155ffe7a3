"""The dialplan where the disk refuses, and where two tenants have nearly the same domain."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator

import pytest
from controlplane.supervisor.asterisk_tree import cache_folder, find_or_unpack
from tests.support.dialplan_rig import (
    ACME,
    ACME_MAILBOX,
    PORTUGUESE,
    TONES,
    DialplanRig,
    run_dialplan,
)
from tests.support.raw_sip import RawPhone


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DialplanRig]:
    """Run the rendered dialplan for `localhost` and `local-host`."""
    tree = find_or_unpack(cache_folder(os.environ), progress=lambda _: None)
    with run_dialplan(tree, tmp_path_factory.mktemp("dialplan"), acme_domain="local-host") as running:
        yield running


@pytest.fixture
async def phone(rig: DialplanRig) -> AsyncIterator[RawPhone]:
    """Open a phone; the spool is empty."""
    rig.empty_spool()
    async with RawPhone(rig.server).opened() as opened:
        yield opened


def near(expected: list[float], heard: list[float]) -> bool:
    """Tell whether these tones were heard in this order, with nothing else."""
    return len(expected) == len(heard) and all(
        abs(one - other) < 25 for one, other in zip(expected, heard, strict=True)
    )


async def test_caller_is_not_thanked_for_what_was_not_recorded(rig: DialplanRig, phone: RawPhone) -> None:
    """When the spool cannot be written the caller does not hear that all went well."""
    away = rig.spool.with_name("away")
    rig.spool.rename(away)
    rig.spool.write_text("in the way")
    try:
        call = phone.call("8001")
        await call.wait_ended()
    finally:
        rig.spool.unlink()
        away.rename(rig.spool)

    assert near([TONES["greeting-standard"], TONES["beep"], TONES["technical-problem"]], phone.tones())


async def test_domains_that_differ_in_a_hyphen_are_two_tenants(rig: DialplanRig, phone: RawPhone) -> None:
    """Asterisk takes extensions that differ in hyphens for one; a message still reaches its own tenant."""
    call = phone.call("8001", domain="local-host")
    await call.wait_tone(TONES["beep"] + PORTUGUESE)
    for _ in range(60):
        await phone.media_sent()
    phone.quiet = True
    await call.wait_ended()

    facts = rig.facts()
    assert (str(ACME), str(ACME_MAILBOX)) == (facts["tenant"], facts["mailbox"])
