"""Somebody who was given little, in Chromium: that works, and the rest is not there or refused."""

from __future__ import annotations

from pathlib import Path

from playwright.async_api import expect
from tests.support.api import MAILBOX, Api
from tests.support.browser_fixtures import NARROW, OpenPage, sign_in
from tests.support.looks import axe, faults_to_see
from tests.support.members import make_member


async def test_member_who_may_only_listen(site: Api, open_page: OpenPage, pictures: Path) -> None:
    """They sign in, hear a message in two clicks, cannot delete or keep it, and see no other mailbox."""
    async with site.client(await site.token()) as client:
        for number, name in (("8001", "Sales"), ("8002", "Board of directors")):
            body = {**MAILBOX, "number": number, "display_name": name}
            assert 201 == (await client.post("/api/v1/mailboxes", json=body)).status_code
    await site.message("8001", caller="+49 170 5550101", name="Alice Archer", seconds=0.4)
    foreign = await site.message("8002", caller="0409")
    await make_member(site, "mia", ["listen"])
    page = await open_page("/portal/sign-in", viewport=NARROW)
    await sign_in(page, "mia")
    await page.wait_for_url("**/portal/mailboxes")
    await expect(page.get_by_role("main")).not_to_contain_text("Board of directors")
    await page.get_by_role("link", name="Sales: 1 Unread").click()
    row = page.locator("#rows > tr")
    await row.get_by_role("link", name="Play the message from Alice").click()
    await expect(row.locator(".state")).to_have_text("Read")
    await page.screenshot(path=pictures / "member-listening-360-light.png", full_page=True)
    await expect(page.get_by_role("button", name="Delete")).to_have_count(0)
    await expect(page.get_by_role("link", name="Download")).to_have_count(0)
    await expect(page.get_by_role("link", name="Trash")).to_have_count(0)
    # What the keyboard offers to those who may delete does nothing either.
    await page.locator("h1").click()
    await page.keyboard.press("j")
    await page.keyboard.press("d")
    looks = (await axe(page), await faults_to_see(page))
    for path in ("/portal/mailboxes/8002/voicemail", f"/portal/messages/{foreign}"):
        answer = await page.goto(path)
        assert answer is not None
        assert 404 == answer.status
    refused = await page.goto("/portal/mailboxes/8001/members")
    assert refused is not None
    await expect(page.get_by_role("main")).to_contain_text("You were not given the right to do this")
    await page.get_by_role("link", name="To the start page").click()
    await page.get_by_role("button", name="Menu").click()
    await expect(page.get_by_role("navigation").get_by_role("link")).to_have_text(["Shared Voicemail"])
    await page.get_by_role("link", name="My account").click()
    await page.get_by_label("Display Name").fill("Mia M.")
    await page.get_by_role("button", name="Save").click()

    await expect(page.get_by_role("status").first).to_have_text("Your account is saved.")
    assert (403, ([], [])) == (refused.status, looks)
    states = site.rows("SELECT caller_number, state FROM messages ORDER BY state")
    assert [("0409", "new"), ("+49 170 5550101", "saved")] == [tuple(each.values()) for each in states]
