"""Feature codes in the portal: all on one page, saved at once, none that could be taken for another."""

from __future__ import annotations

from typing import Any

import httpx
from tests.support.hostile import HOSTILE_TEXTS
from tests.support.portal import Browser

_PAGE = "/portal/feature-codes"
_REST = "/api/v1/feature-codes"


async def stored(client: httpx.AsyncClient) -> dict[str, Any]:
    """Return the codes over REST, by feature, with a bar where one cannot be dialled."""
    items = (await client.get(_REST)).json()["items"]
    return {one["feature"]: one["code"] + ("" if one["enabled"] else " off") for one in items}


async def test_codes_are_shown_and_changed(client: httpx.AsyncClient, bob: Browser) -> None:
    """Two may change places in one go, and one be taken out of use."""
    before = await stored(client)
    await bob.open(_PAGE)
    fields = {**bob.shown.form(_PAGE).fields}
    fields |= {"code-do-not-disturb-on": "*79", "code-do-not-disturb-off": "*78"}
    fields.pop("enabled-queue-log-in")
    await bob.post(_PAGE, fields)

    assert "The feature codes are saved." in bob.shown.text
    assert {
        **before,
        "do-not-disturb-on": "*79",
        "do-not-disturb-off": "*78",
        "queue-log-in": "*38 off",
    } == await stored(client)


async def test_code_that_is_the_beginning_of_another_is_refused(
    client: httpx.AsyncClient, bob: Browser
) -> None:
    """It is said beside the code that was changed, which stays in the form, and nothing is changed."""
    before = await stored(client)
    await bob.open(_PAGE)
    await bob.send("/feature-codes", **{"code-closed-now": "*5", "code-queue-log-in": "*33"})
    field = next(one for one in bob.shown.with_attribute("id") if one["id"] == "code-closed-now")

    assert 409 == bob.answer.status_code
    assert "This cannot be told apart from *56, the code of “Hear the messages of any mailbox”." in (
        bob.shown.text
    )
    assert ("*5", "true") == (field["value"], field["aria-invalid"])
    assert before == await stored(client)


async def test_codes_that_are_none_are_refused(client: httpx.AsyncClient, bob: Browser) -> None:
    """Whatever is typed, the page answers in words, shows it as text, and stores nothing."""
    before = await stored(client)
    refused = []
    await bob.open(_PAGE)
    for text in [*HOSTILE_TEXTS, "56", "*", "*56789"]:
        sendable = text.encode("utf-8", "replace").decode()
        await bob.send("/feature-codes", **{"code-check-messages": sendable})
        if bob.answer.status_code != 422 or "<script>alert" in bob.answer.text:
            refused.append(text)

    assert [] == refused
    assert before == await stored(client)


async def test_second_admin_is_told_who_was_first(client: httpx.AsyncClient, bob: Browser) -> None:
    """Their code stays in the form, and saving again takes it."""
    await bob.open(_PAGE)
    await client.put(f"{_REST}/closed-now", json={"code": "*17", "enabled": True})
    await client.put(f"{_REST}/queue-log-in", json={"code": "*37", "enabled": True})
    await bob.send("/feature-codes", **{"code-closed-now": "*18"})
    told = (bob.answer.status_code, "Close the office, and open it again: *17" in bob.shown.text)
    assert "A program with the token “tests” was first Changed at" in bob.shown.text
    between = (await stored(client))["closed-now"]
    await bob.send("/feature-codes")

    assert (412, True) == told
    assert ("*17", "*18", "*37") == (
        between,
        (await stored(client))["closed-now"],
        (await stored(client))["queue-log-in"],
    )
