"""What the page says of `${api(…)}` in a stock FreeSWITCH: what needs it, and that our contexts do not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from controlplane.callflows.prompts import Prompt
from controlplane.phone.phone import PhoneError
from tests.support.existing import FREESWITCH, OUTSIDE, Existing
from tests.support.stock_freeswitch import StockFreeswitch

pytestmark = pytest.mark.parametrize("switch", [FREESWITCH], indirect=True, scope="session")


@pytest.fixture
def stock(existing: Existing) -> StockFreeswitch:
    """Return the FreeSWITCH itself."""
    assert isinstance(existing.switch, StockFreeswitch)
    return existing.switch


@asynccontextmanager
async def _expanding(stock: StockFreeswitch) -> AsyncIterator[None]:
    """Turn `api-expansion` on until the block ends."""
    await stock.ask("fsctl api_expansion on")
    try:
        assert (await stock.ask("eval ${strepoch()}")).strip().isdigit()
        yield
    finally:
        await stock.ask("fsctl api_expansion off")


@asynccontextmanager
async def _stock_dial_string(stock: StockFreeswitch) -> AsyncIterator[None]:
    """Take back the page's dial-string until the block ends."""
    path = stock.configuration / "directory/default.xml"
    ours = path.read_text()
    path.write_text(stock.stock_directory)
    try:
        assert "[Success]" in await stock.ask("reloadxml")
        yield
    finally:
        path.write_text(ours)
        await stock.ask("reloadxml")


async def test_the_stock_users_need_the_dial_string_of_the_page(
    existing: Existing, stock: StockFreeswitch
) -> None:
    """With the stock one nobody is rung unless `api-expansion` is on: the stock voicemail answers."""
    async with _stock_dial_string(stock), existing.phone("1000") as alice, existing.phone("1001") as bob:
        call = await alice.dial("1001")
        await call.hang_up()
        with pytest.raises(PhoneError, match="incoming"):
            await bob.phone.incoming(seconds=1)
        async with _expanding(stock):
            call = await alice.dial("1001", answered=False)
            await bob.phone.incoming()
            await call.hang_up()


async def test_our_contexts_run_nothing_with_the_expansion_on(
    existing: Existing, stock: StockFreeswitch, words: Path
) -> None:
    """A name that becomes a command when it is decoded is a name, in the flow and in the fall-back."""
    await existing.control.mailbox("7011")
    marks = [existing.control.folder / name for name in ("flow", "fall-back")]
    async with _expanding(stock), existing.phone(OUTSIDE) as phone:
        for mark, thanks in zip(marks, (Prompt.MESSAGE_SENT, Prompt.THANK_YOU), strict=True):
            name = f'"%2524%257Bsystem(touch {mark})%257D" <sip:5551234@127.0.0.1>'
            if mark == marks[1]:
                existing.control.end("calls")
            try:
                call = await phone.dial("7011", local_uri=name)
                await call.expect_beep()
                await call.say(words)
                await call.press("#")
                await call.expect_to_hear(thanks)
                await existing.control.wait_for_messages("7011", 1 + marks.index(mark))
            finally:
                if mark == marks[1]:
                    existing.control.start("calls")
    names = [message["caller_name"] for message in await existing.control.messages("7011")]

    assert [] == [mark for mark in marks if mark.exists()]
    assert [True, True] == ["system(touch" in name for name in names]
