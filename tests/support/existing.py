"""The product beside a switch that was there before it, and the phones of that switch's own users."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from controlplane.phone.conversation import Conversation
from controlplane.phone.phone import Phone, Server
from tests.support.beside import ControlPlane
from tests.support.live import without_freeswitch
from tests.support.product import need_phone
from tests.support.stock_switch import USERS, StockSwitch

OUTSIDE = "outside"

# All tests of a switch meet the same installation: setting it up takes longer than a call.
ASTERISK = pytest.param(
    "asterisk", marks=[pytest.mark.asterisk, pytest.mark.xdist_group("existing-asterisk")]
)
FREESWITCH = pytest.param(
    "freeswitch",
    marks=[
        pytest.mark.freeswitch,
        pytest.mark.xdist_group("existing-freeswitch"),
        pytest.mark.skipif(without_freeswitch() != "", reason=without_freeswitch()),
    ],
)


@dataclass(kw_only=True)
class Existing:
    """The switch, the control plane beside it, and what was seen while the page was followed."""

    name: str
    switch: StockSwitch
    control: ControlPlane
    stock: dict[str, str]
    """Digests of the switch's files before anything was added."""
    extended: dict[str, str] = field(default_factory=dict)
    """The same with the lines of the page, before our processes ran."""
    publishing: list[tuple[int, str]] = field(default_factory=list)
    """Exit codes and words of `publish`: before anything was added, and at the end of the page."""
    wrong: dict[str, str] = field(default_factory=dict)
    """What `doctor` found wrong, by what was left out of the page when it was asked."""

    @property
    def tenant(self) -> str:
        """The tenant's UUID, from the published files as the page says."""
        live = self.control.configuration / "live" / self.name
        (found,) = {
            tenant
            for path in live.glob("cp-*")
            for tenant in re.findall(r"cp-outside-([0-9a-f-]{36})", path.read_text())
        }
        return str(found)

    @property
    def revision(self) -> str:
        """The name of the folder that the switch reads."""
        return (self.control.configuration / "live").resolve().name

    @asynccontextmanager
    async def phone(self, number: str) -> AsyncIterator[Line]:
        """Start the phone of a user, or one that calls from outside."""
        need_phone()
        async with await Phone.start() as phone:
            server = self.switch.outside if number == OUTSIDE else self.switch.server
            if number == OUTSIDE:
                await phone.stranger(server)
            else:
                await phone.register(server, number, USERS[number])
            yield Line(self, phone, server, number)


class Line:
    """A phone at the switch."""

    def __init__(self, existing: Existing, phone: Phone, server: Server, account: str) -> None:
        self.phone = phone
        self._existing = existing
        self._server = server
        self._account = account

    async def dial(self, number: str, *, answered: bool = True, **options: Any) -> Conversation:
        """Dial, and wait for the answer."""
        call = await self.phone.dial(self._server, number, account=self._account, **options)
        if answered:
            await call.answered()
        return Conversation(call, self._existing.control.prompts)
