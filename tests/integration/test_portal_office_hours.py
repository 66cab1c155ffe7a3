"""Office hours and holidays in the portal: the week as lines, closing by hand, copies, deleting."""

from __future__ import annotations

import json
from typing import Any

import httpx
import psycopg
from tests.support.api import Api
from tests.support.hostile import HOSTILE_TEXTS
from tests.support.portal import Browser

_LIST = "/portal/office-hours"
_ADD = "/portal/office-hours/_add"
_ONE = "/portal/office-hours/default"
_HOLIDAYS = "/portal/office-hours/default/holidays"
_REST = "/api/v1/office-hours"
_EMPTY: dict[str, list[Any]] = {day: [] for day in ("tuesday", "wednesday", "saturday", "sunday")}
CHRISTMAS = {"name": "Christmas", "first_day": "2026-12-25", "last_day": "2026-12-26", "every_year": True}


async def make(client: httpx.AsyncClient, name: str = "default", **fields: Any) -> None:
    """Make office hours over REST."""
    made = await client.post(_REST, json={"name": name, "time_zone": "Europe/Berlin", **fields})
    assert made.status_code == 201, made.text


async def stored(client: httpx.AsyncClient, name: str = "default") -> dict[str, Any]:
    """Return office hours over REST."""
    return dict((await client.get(f"{_REST}/{name}")).json())


async def test_week_is_added_and_changed(client: httpx.AsyncClient, bob: Browser) -> None:
    """Lines become ranges, an empty day is closed, and the form shows what is stored."""
    await bob.open(_LIST)
    empty = bob.shown.text
    await bob.open(_ADD)
    began = bob.shown.form("/_add").fields
    lines = {"week-monday": "8-12, 13-17:30", "week-thursday": "0-24", "week-friday": "9.30-14"}
    days = {f"week-{day}": "" for day in _EMPTY}
    await bob.send("/_add", name="default", time_zone="Europe/Berlin", **lines, **days)
    made = await stored(client)
    listed = bob.shown.text
    shown = (await bob.open(_ONE)).form("/default").fields
    await bob.send("/default", **{"week-kind": "always"})

    assert "Always open" in empty
    assert ("09:00-17:00", "", "UTC") == (
        began["week-monday"],
        began["week-sunday"],
        began["time_zone"],
    )
    assert {
        **_EMPTY,
        "monday": [{"start": "08:00", "end": "12:00"}, {"start": "13:00", "end": "17:30"}],
        "thursday": [{"start": "00:00", "end": "24:00"}],
        "friday": [{"start": "09:30", "end": "14:00"}],
    } == made["week"]
    assert "Europe/Berlin" in listed
    assert "08:00-12:00, 13:00-17:30" == shown["week-monday"]
    assert None is (await stored(client))["week"]


async def test_lines_that_are_no_times_are_told_beside_the_day(
    client: httpx.AsyncClient, bob: Browser
) -> None:
    """Words, times backwards and times that overlap; what was typed stays."""
    await make(client)
    before = await stored(client)
    told = []
    await bob.open(_ONE)
    for line in ("nine to five", "17-9", "9-12, 11-13", "25-26"):
        await bob.send("/default", **{"week-kind": "week", "week-monday": line})
        (field,) = [one for one in bob.shown.with_attribute("id") if one["id"] == "week-monday"]
        told.append((bob.answer.status_code, field["value"], field.get("aria-invalid")))

    assert [(422, line, "true") for line in ("nine to five", "17-9", "9-12, 11-13", "25-26")] == told
    assert "Times are written as 09:00-17:00" in bob.shown.text
    assert before == await stored(client)


async def test_button_makes_all_working_days_like_monday(client: httpx.AsyncClient, bob: Browser) -> None:
    """Nothing is stored until the form is saved."""
    await make(client)
    await bob.open(_ONE)
    await bob.send("/default", do="same week", **{"week-kind": "week", "week-monday": "8-16"})
    fields = bob.shown.form("/default").fields

    assert ["8-16"] * 5 + [""] == [
        fields[f"week-{day}"] for day in ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
    ]
    assert None is (await stored(client))["week"]


async def test_copy_has_the_week_and_the_holidays(client: httpx.AsyncClient, bob: Browser) -> None:
    """The form of a copy begins with the week, and its holidays come along."""
    await make(client, week={"monday": [{"start": "07:00", "end": "15:00"}]}, holidays=[CHRISTMAS])
    await bob.open(f"{_ADD}?like=default")
    await bob.send("/_add", name="workshop", do="save")
    copy, first = await stored(client, "workshop"), await stored(client)

    assert (first["week"], first["holidays"], first["time_zone"]) == (
        copy["week"],
        copy["holidays"],
        copy["time_zone"],
    )


async def test_office_is_closed_and_opened_by_hand(client: httpx.AsyncClient, bob: Browser) -> None:
    """The page says so, and the clock counts again afterwards."""
    await make(client)
    await bob.open(_ONE)
    await bob.send("/closed-now", do="close")
    closed = ((await stored(client))["closed_now"], "Closed by hand" in bob.shown.text)
    await bob.send("/closed-now", do="open")

    assert (True, True) == closed
    assert (False, True) == (
        (await stored(client))["closed_now"],
        "goes by the clock again" in bob.shown.text,
    )


async def test_holidays_are_added_changed_and_removed(client: httpx.AsyncClient, bob: Browser) -> None:
    """One day needs no last day; the list is in the order in which they come."""
    await make(client)
    await bob.open(_HOLIDAYS)
    await bob.post(_HOLIDAYS, await _filled(bob, name="Inventory", first_day="2031-03-02"))
    added = (await stored(client))["holidays"]
    fields = await _filled(bob, **{key: str(value) for key, value in CHRISTMAS.items()})
    await bob.post(_HOLIDAYS, fields)
    text = bob.shown.text
    await bob.open(f"{_HOLIDAYS}?change=0")
    await bob.post(_HOLIDAYS, await _filled(bob, name="Stocktaking", place="0"))
    changed = (await stored(client))["holidays"]
    await bob.post(_HOLIDAYS, {**await _filled(bob), "do": "remove", "holiday": "0"})

    assert [
        {"name": "Inventory", "first_day": "2031-03-02", "last_day": "2031-03-02", "every_year": False}
    ] == added
    assert text.index("Christmas") < text.index("Inventory")
    assert ["Stocktaking", "Christmas"] == [one["name"] for one in changed]
    assert [CHRISTMAS] == (await stored(client))["holidays"]


async def _filled(browser: Browser, **fields: str) -> dict[str, str]:
    """Return the form of a holiday with these fields; a box that is not named is not ticked."""
    form = next(one for one in browser.shown.forms if "first_day" in one.fields)
    return {"do": "save", **form.fields, **fields}


async def test_holidays_are_taken_over_once(client: httpx.AsyncClient, bob: Browser) -> None:
    """Those that are there already are not there twice."""
    await make(client, holidays=[CHRISTMAS])
    await make(client, "workshop", holidays=[{**CHRISTMAS, "name": "Easter"}, CHRISTMAS])
    await bob.open(_HOLIDAYS)
    await bob.post(_HOLIDAYS, {**await _filled(bob), "do": "copy", "from": "workshop"})

    assert ["Christmas", "Easter"] == [one["name"] for one in (await stored(client))["holidays"]]


async def test_holiday_that_is_none_is_refused(client: httpx.AsyncClient, bob: Browser) -> None:
    """Without a name, without a day, ending before it begins; with any text in any field."""
    await make(client, holidays=[CHRISTMAS])
    await bob.open(_HOLIDAYS)
    told = []
    for fields in (
        {"name": "", "first_day": "2031-03-02"},
        {"name": "x", "first_day": ""},
        {"name": "x", "first_day": "2031-02-30"},
        {"name": "x", "first_day": "2031-03-02", "last_day": "2031-03-01"},
    ):
        await bob.post(_HOLIDAYS, await _filled(bob, **fields))
        told.append(bob.answer.status_code)
    for text in HOSTILE_TEXTS:
        sendable = text.encode("utf-8", "replace").decode()
        fields = {"name": sendable, "first_day": sendable, "place": sendable}
        await bob.client.post(_HOLIDAYS, data=await _filled(bob, **fields))
    assert [422] * 4 == told
    assert [CHRISTMAS] == (await stored(client))["holidays"]


async def test_as_many_holidays_as_there_can_be_are_shown_in_parts(
    api: Api, client: httpx.AsyncClient, bob: Browser
) -> None:
    """No part is heavy, the week can still be changed, and one more is refused in words."""
    await make(client)
    one = {"name": "Inventory", "first_day": "2031-03-02", "last_day": "2031-03-02"}
    with psycopg.connect(api.url) as connection:
        settings = json.dumps({"holidays": [{**one, "name": f"Day {n}"} for n in range(400)]})
        connection.execute("UPDATE routing_objects SET settings = settings || %s::jsonb", [settings])
    await bob.open(_HOLIDAYS)
    heavy = len(bob.answer.content)
    await bob.post(_HOLIDAYS, await _filled(bob, name="One more", first_day="2031-03-02"))
    refused = (bob.answer.status_code, "There can be 400 holidays." in bob.shown.text)
    shown = len(_names(bob))
    await bob.open(f"{_HOLIDAYS}?from=300")
    last = len(_names(bob))
    await bob.open(_ONE)
    await bob.send("/default", **{"week-kind": "week", "week-monday": "9-17"})

    assert (heavy < 100_000, (422, True), 100, 100) == (True, refused, shown, last)
    assert 400 == len((await stored(client))["holidays"])
    assert [{"start": "09:00", "end": "17:00"}] == (await stored(client))["week"]["monday"]


async def test_hostile_names_of_holidays_are_text(client: httpx.AsyncClient, bob: Browser) -> None:
    """Whatever REST takes as a name is shown as it is, and runs nothing."""
    names = [text for text in HOSTILE_TEXTS if 0 < len(text.strip()) <= 64 and text.isprintable()]
    await make(client, holidays=[{**CHRISTMAS, "name": name} for name in names])
    await bob.open(_HOLIDAYS)
    await bob.open(_LIST)
    listed = bob.answer
    await bob.open(_HOLIDAYS)

    assert 200 == listed.status_code
    assert "<script>alert" not in bob.answer.text
    assert [] == bob.shown.with_attribute("onerror")
    assert {" ".join(name.split()) for name in names} <= set(_names(bob))


def _names(browser: Browser) -> list[str]:
    ways = [one for one in browser.shown.with_attribute("aria-label") if one.get("name") == "holiday"]
    return [" ".join(one["aria-label"].removeprefix("Select ").split()) for one in ways]


async def test_change_of_somebody_else_is_told(client: httpx.AsyncClient, bob: Browser) -> None:
    """Of the week and of the holidays; nothing of the second person is lost, and nothing of the first."""
    await make(client)
    await bob.open(_ONE)
    week = {"monday": [{"start": "07:00", "end": "11:00"}]}
    await client.patch(f"{_REST}/default", json={"time_zone": "Europe/Paris", "week": week})
    await bob.send("/default", **{"week-kind": "week", "week-monday": "9-17"})
    clash = (bob.answer.status_code, "Europe/Paris" in bob.shown.text)
    told = "Office hours: Mon 07:00-11:00 (you entered something else" in bob.shown.text
    await bob.send("/default")
    after = await stored(client)
    await bob.open(_HOLIDAYS)
    await client.patch(f"{_REST}/default", json={"closed_now": True})
    await bob.post(_HOLIDAYS, await _filled(bob, name="Inventory", first_day="2031-03-02"))
    assert "A program with the token “tests” was first. Changed at" in bob.shown.text
    second = (bob.answer.status_code, (await _filled(bob))["name"])
    await bob.post(_HOLIDAYS, await _filled(bob))

    assert (412, True, True) == (*clash, told)
    assert ("Europe/Paris", [{"start": "09:00", "end": "17:00"}]) == (
        after["time_zone"],
        after["week"]["monday"],
    )
    assert (412, "Inventory") == second
    assert ["Inventory"] == [one["name"] for one in (await stored(client))["holidays"]]


async def test_what_names_others_instead_is_published(
    api: Api, client: httpx.AsyncClient, bob: Browser
) -> None:
    """Inbound rules by a revision, extensions and groups by their route files."""
    await make(client, "sales")
    await client.post("/api/v1/extensions", json={"number": "101", "display_name": "Alice"})
    await client.put("/api/v1/extensions/101/rules", json={"office_hours": "sales"})
    destination = {"office_hours": {"action": "hangup"}}
    rule = {"name": "main", "office_hours": "sales", "destination": destination}
    await client.post("/api/v1/inbound-rules", json=rule)
    await bob.open(f"{_LIST}/sales/delete")
    api.jobs()
    await bob.send("/sales/delete", instead="nothing")
    jobs = api.jobs()

    assert "configuration.publish" in [name for name, _ in jobs]
    assert ["101"] in [args.get("numbers") for name, args in jobs if name == "configuration.routes"]
    assert None is (await client.get("/api/v1/inbound-rules/main")).json()["office_hours"]


async def test_deleting_says_what_goes_by_them_and_lets_it_go_by_others(
    client: httpx.AsyncClient, bob: Browser
) -> None:
    """Without a choice nothing is deleted; with one, all of them name the other."""
    await make(client, "workshop")
    await make(client, "sales")
    await client.post("/api/v1/extensions", json={"number": "101", "display_name": "Alice"})
    group = {"number": "6100", "display_name": "Counter", "members": ["101"], "office_hours": "sales"}
    await client.post("/api/v1/ring-groups", json=group)
    await client.put("/api/v1/extensions/101/rules", json={"office_hours": "sales"})
    await bob.open(f"{_LIST}/sales/delete")
    listed = bob.shown.text
    await bob.send("/sales/delete")
    refused = bob.answer.status_code
    await bob.send("/sales/delete", instead="other-workshop")
    left = (await client.get(_REST)).json()["items"]

    assert ("Counter" in listed, "Alice" in listed, 422) == (True, True, refused)
    assert ["workshop"] == [one["name"] for one in left]
    assert ["workshop", "workshop"] == [
        (await client.get(path)).json()["office_hours"]
        for path in ("/api/v1/ring-groups/6100", "/api/v1/extensions/101/rules")
    ]
