"""Fixtures of the tests of the portal; imported by the conftest.py of their tier."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from tests.support.api import Api
from tests.support.portal import Browser, make_user


@pytest.fixture
async def visitor(api: Api) -> AsyncIterator[Browser]:
    """Return the browser of somebody who is not signed in."""
    async with Browser(api) as browser:
        yield browser


@pytest.fixture
async def alice(api: Api) -> AsyncIterator[Browser]:
    """Return the browser of Alice, a system admin, signed in."""
    await make_user(api, "alice")
    async with Browser(api) as browser:
        await browser.sign_in("alice")
        yield browser


@pytest.fixture
async def bob(api: Api) -> AsyncIterator[Browser]:
    """Return the browser of Bob, who manages the tenant `default`, signed in."""
    await make_user(api, "bob", tenant="default")
    async with Browser(api) as browser:
        await browser.sign_in("bob")
        yield browser
