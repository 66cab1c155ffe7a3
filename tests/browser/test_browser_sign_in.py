"""Signing in, in Chromium: by keyboard, without script, on a phone, in the dark."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import expect
from tests.support.api import Api
from tests.support.browser_fixtures import NARROW, WIDE, OpenPage
from tests.support.looks import axe, faults_to_see
from tests.support.portal import PASSWORD, make_user


async def test_sign_in_by_keyboard_alone(open_page: OpenPage, site: Api) -> None:
    """The first field is reached by Tab, and Enter sends the form."""
    await make_user(site, "alice", display_name="Alice Adams")
    page = await open_page("/portal/sign-in", java_script_enabled=False)
    while await page.evaluate("document.activeElement.id") != "user_name":
        await page.keyboard.press("Tab")
    await page.keyboard.type("alice")
    await page.keyboard.press("Tab")
    await page.keyboard.type(PASSWORD)
    await page.keyboard.press("Enter")

    await expect(page.get_by_role("heading", level=1)).to_have_text("Welcome")


async def test_first_tab_skips_to_the_content(signed_in: OpenPage) -> None:
    """Who uses a keyboard need not go through the menu on each page."""
    page = await signed_in()
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    await page.keyboard.press("Enter")
    await page.keyboard.press("Tab")

    assert await page.evaluate("!document.activeElement.closest('.frame')")


async def test_wrong_password_is_told_and_has_the_focus(open_page: OpenPage) -> None:
    """A screen reader hears it at once; the user name need not be typed again."""
    page = await open_page("/portal/sign-in")
    await page.get_by_label("User name").fill("alice")
    await page.get_by_label("Password").fill("wrong password")
    await page.get_by_role("button", name="Sign in").click()

    await expect(page.get_by_role("alert")).to_be_focused()
    await expect(page.get_by_role("alert")).to_contain_text("User name and password do not fit.")
    await expect(page.get_by_label("User name")).to_have_value("alice")
    assert [] == await axe(page)


@pytest.mark.parametrize(
    ("size", "scheme"), [(NARROW, "dark"), (WIDE, "light")], ids=["360-dark", "1440-light"]
)
async def test_sign_in_looks_right(
    open_page: OpenPage, pictures: Path, size: dict[str, int], scheme: str
) -> None:
    """Nothing is cut off or too small, and axe-core finds nothing, in each size and colour scheme."""
    page = await open_page("/portal/sign-in", viewport=size, color_scheme=scheme)
    await page.screenshot(path=pictures / f"sign-in-{size['width']}-{scheme}.png")

    assert ([], []) == (await axe(page), await faults_to_see(page))
