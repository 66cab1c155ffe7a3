"""Feature codes that switch something, by real calls to the whole product."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from controlplane.callflows.prompts import Prompt
from tests.support.product import Product, until, until_told

HOURS = "/office-hours/default"


@pytest.fixture
async def open_office(product: Product) -> AsyncIterator[None]:
    """Leave the tenant without office hours behind."""
    yield
    async with product.api() as api:
        await api.delete(HOURS)


async def _dial(product: Product, code: str, said: Prompt) -> None:
    async with product.phone("101") as phone:
        call = await phone.dial(code)
        await call.expect_to_hear(said)
        await call.expect_the_end()


async def test_the_office_is_closed_by_a_code(product: Product, open_office: None) -> None:
    """The code makes the office hours that were missing and closes them; again, and they are open."""
    await _dial(product, "*16", Prompt.CLOSED_NOW)
    async with product.api() as api:
        closed = (await api.get(HOURS)).json()
    marker = product.instance.state_dir / "configuration" / "hours" / closed["id"] / "closed"
    await until(marker.exists, "the switch is told that it is closed")
    await _dial(product, "*16", Prompt.OPEN_AS_USUAL)
    async with product.api() as api:
        opened = (await api.get(HOURS)).json()
    await until(lambda: not marker.exists(), "the switch is told that it is open")

    assert (True, False, None) == (closed["closed_now"], opened["closed_now"], opened["week"])


async def test_do_not_disturb_is_switched_by_codes(product: Product) -> None:
    """The plan of the extension that called follows, and goes back to what it was."""

    async def plan() -> list[str]:
        (path,) = (product.instance.state_dir / "configuration" / "routes").glob("*/01/101")
        return path.read_text().splitlines()[2:]

    async def is_on() -> bool:
        return "1" in await plan()

    async def is_off() -> bool:
        return "1" not in await plan()

    await _dial(product, "*78", Prompt.DO_NOT_DISTURB_ON)
    await until_told(is_on, "the plan has do not disturb")
    await _dial(product, "*79", Prompt.DO_NOT_DISTURB_OFF)
    await until_told(is_off, "the plan has it no more")

    assert [] == await plan()


async def test_a_code_of_ones_own(product: Product, open_office: None) -> None:
    """A code that was changed works as soon as its revision is live, and the old one no longer."""
    codes = "/feature-codes/closed-now"
    async with product.api() as api:
        assert 200 == (await api.put(codes, json={"code": "*20"})).status_code
        await product.wait_until_published()
        try:
            await _dial(product, "*20", Prompt.CLOSED_NOW)
            await _dial(product, "*16", Prompt.FEATURE_UNKNOWN)
        finally:
            await api.put(codes, json={"code": "*16"})
            await product.wait_until_published()
