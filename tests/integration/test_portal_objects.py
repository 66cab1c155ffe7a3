"""The pages of objects that route calls: a list, adding, changing, deleting, and choosing a destination."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from tests.support.api import PIN
from tests.support.hostile import HOSTILE_TEXTS
from tests.support.portal import Browser

_ADD = "/portal/ring-groups/add"


async def put(client: httpx.AsyncClient, path: str, **body: Any) -> None:
    """Make an object over REST."""
    answer = await client.post(f"/api/v1/{path}", json=body)
    assert answer.status_code == 201, answer.text


@pytest.fixture
async def office(client: httpx.AsyncClient) -> None:
    """Make two mailboxes and three extensions."""
    for number, name in (("8001", "Sales"), ("8002", "Support")):
        await put(client, "mailboxes", number=number, display_name=name, pin=PIN)
    for number, name in (("101", "Alice"), ("102", "Bob"), ("103", "Carol")):
        await put(client, "extensions", number=number, display_name=name)


async def group(client: httpx.AsyncClient, number: str = "6100") -> dict[str, Any]:
    """Return a ring group as REST shows it."""
    answer = await client.get(f"/api/v1/ring-groups/{number}")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def press(browser: Browser, do: str, **fields: str) -> str:
    """Press a button of the form that is shown; return the page's words."""
    return (await browser.send(browser.path.partition("?")[0], do=do, **fields)).text


async def test_ring_group_is_added(client: httpx.AsyncClient, bob: Browser, office: None) -> None:
    """By typing alone; the list tells of it."""
    await bob.open(_ADD)
    shown = await bob.send(
        "/add",
        number="6100",
        display_name="Counter",
        **{
            "members-0": "101, 102",
            "strategy": "in_order",
            "no_answer-action": "forward_to_number",
            "no_answer-number": "8001",
        },
    )
    made = await group(client)

    assert "Ring Group 6100 “Counter” is there." in shown.text
    assert "2 members Sales (8001)" in shown.text
    assert (["101", "102"], "in_order", {"action": "forward_to_number", "number": "8001"}) == (
        made["members"],
        made["strategy"],
        made["no_answer"],
    )


async def test_lamp_for_other_mailboxes_is_set(client: httpx.AsyncClient, bob: Browser, office: None) -> None:
    """Several in one field, as members of a group are; what is no mailbox is refused beside its entry."""
    await bob.open("/portal/extensions/101")
    wrong = await bob.send("/extensions/101", **{"mwi_mailboxes-0": "8001, 102"})
    await bob.open("/portal/extensions/101")
    await bob.send("/extensions/101", **{"mwi_mailboxes-0": "8001, 8002"})
    rules = (await client.get("/api/v1/extensions/101/rules")).json()

    assert "102 belongs to a" in wrong.text
    assert ["8001", "8002"] == rules["mwi_mailboxes"]


async def test_destination_is_chosen(client: httpx.AsyncClient, bob: Browser, office: None) -> None:
    """The picker is a page of its own; all that was typed comes back with the number."""
    await bob.open(_ADD)
    words = await press(bob, "pick no_answer", number="6100", display_name="Counter")
    assert "Select extension number" in words
    words = await press(bob, "find no_answer", **{"pick-kind": "mailbox", "pick-q": "supp"})
    assert ("8002" in words, "8001" in words, "101" in words) == (True, False, False)
    words = await press(bob, "ok no_answer")
    assert "Select a number first." in words
    await press(bob, "ok no_answer", picked="8002")
    form = bob.shown.form("/add").fields
    assert ("6100", "Counter", "forward_to_number", "8002") == tuple(
        form[name] for name in ("number", "display_name", "no_answer-action", "no_answer-number")
    )
    assert "Shared Voicemail “Support”" in bob.shown.text
    await press(bob, "save")

    assert {"action": "forward_to_number", "number": "8002"} == (await group(client))["no_answer"]


async def test_hostile_names_break_no_page(client: httpx.AsyncClient, bob: Browser) -> None:
    """They stand in lists, forms, the picker and the page that deletes as they are, and are never run."""
    made = {}
    for place, text in enumerate(HOSTILE_TEXTS):
        clean = text.encode("utf-8", "replace").decode()[:64]
        body = {"number": str(200 + place), "display_name": clean}
        answer = await client.post("/api/v1/extensions", json=body)
        if answer.status_code == 201:
            made[body["number"]] = answer.json()["display_name"]
    members = list(made)[:45]
    await put(client, "ring-groups", number="6100", display_name=list(made.values())[3], members=members)
    await bob.open("/portal/ring-groups/6100")
    pages = [bob.shown.text]
    tags = {tag for tag, _ in bob.shown.tags}
    for path in ("/portal/extensions", "/portal/destinations", f"/portal/extensions/{members[0]}/delete"):
        pages.append((await bob.open(path)).text)
        assert bob.answer.status_code == 200
        tags |= {tag for tag, _ in bob.shown.tags}

    assert len(made) > 50
    assert all(" ".join(made[number].split()) in pages[0] for number in members)
    assert tags.isdisjoint({"img", "iframe", "b", "marquee", "object", "style"})


async def test_faults_stand_beside_the_fields(client: httpx.AsyncClient, bob: Browser, office: None) -> None:
    """Who has the number, what is out of bounds, which number nobody has, and which is of another kind."""
    await bob.open("/portal/call-queues/add")
    fields = {"number": "8001", "display_name": "", "ring_seconds": "2", "agents-0": "8002 777"}
    shown = await bob.send(
        "/add", **fields, **{"no_answer-action": "forward_to_number", "no_answer-number": "999"}
    )

    assert 422 == bob.answer.status_code
    assert [] == [
        words
        for words in (
            "8001 belongs to “Sales” (Shared Voicemail). Choose another number.",
            "Enter a name.",
            "Enter a whole number from 5 to 300.",
            "8002 belongs to a Shared Voicemail, which cannot stand here.",
            "Nothing has the number 777.",
            "Nothing has the number 999.",
        )
        if words not in shown.text
    ]
    assert "queues" in bob.path
    assert [] == (await client.get("/api/v1/call-queues")).json()["items"]


async def test_second_of_two_is_told(client: httpx.AsyncClient, bob: Browser, office: None) -> None:
    """What the first changed is told and in the form, beside what the second typed; both are saved then."""
    await put(client, "ring-groups", number="6100", display_name="Counter", members=["101"])
    await bob.open("/portal/ring-groups/6100")
    other = {"no_answer": {"action": "forward_to_number", "number": "8001"}, "ring_seconds": 30}
    await client.patch("/api/v1/ring-groups/6100", json=other)
    shown = await bob.send("/6100", display_name="Desk", ring_seconds="40")
    assert 412 == bob.answer.status_code
    assert "A program with the token “tests” was first It was changed at" in shown.text
    assert "Destination if no answer: 8001 Sales" in shown.text
    assert "Ring duration, in seconds: 30 (you entered something else" in shown.text
    await bob.send("/6100")
    saved = await group(client)

    assert ("Desk", 40, other["no_answer"]) == (
        saved["display_name"],
        saved["ring_seconds"],
        saved["no_answer"],
    )


async def test_deleting_re_points_first(client: httpx.AsyncClient, bob: Browser, office: None) -> None:
    """It says what points here, wants to know what is to happen, points it elsewhere, and deletes."""
    await put(client, "ring-groups", number="6100", display_name="Counter")
    to_group = {"action": "forward_to_number", "number": "6100"}
    await put(client, "call-queues", number="6200", display_name="IT", no_answer=to_group)
    shown = await bob.open("/portal/ring-groups/6100/delete")
    assert "Call Queue IT (6200) · Destination if no answer" in shown.text
    assert {"/portal/call-queues/6200"} <= {each["href"] for each in shown.with_attribute("href")}
    shown = await bob.send("/delete")
    assert "Choose what is to happen with the calls that come to 6100." in shown.text
    shown = await bob.send("/delete", instead="number", to="8002")
    queue = (await client.get("/api/v1/call-queues/6200")).json()

    assert "Ring Group 6100 “Counter” is deleted." in shown.text
    assert {"action": "forward_to_number", "number": "8002"} == queue["no_answer"]


async def test_list_is_searched_sorted_and_paged(
    client: httpx.AsyncClient, bob: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By number and name, both ways, page after page, each object once."""
    for number, name in (("6101", "Zebra"), ("6102", "apple"), ("6103", "Mango"), ("6104", "apple")):
        await put(client, "ring-groups", number=number, display_name=name)

    async def listed(path: str) -> list[str]:
        shown = await bob.open(path)
        return [each["value"] for each in shown.with_attribute("value") if each.get("type") == "radio"]

    assert ["6101", "6102", "6103", "6104"] == await listed("/portal/ring-groups")
    assert ["6104", "6103", "6102", "6101"] == await listed("/portal/ring-groups?sort=-key")
    assert ["6102", "6104", "6103", "6101"] == await listed("/portal/ring-groups?sort=name")
    assert ["6101", "6103", "6102", "6104"] == await listed("/portal/ring-groups?sort=-name")
    assert ["6102", "6104"] == await listed("/portal/ring-groups?q=APPL")
    monkeypatch.setattr("controlplane.web.portal.objects_page._SHOWN", 1)
    found, path = [], "/portal/ring-groups?sort=-name"
    while path:
        found += await listed(path)
        links = [each["href"] for each in bob.shown.with_attribute("href") if "after=" in each["href"]]
        path = links[0] if links else ""

    assert ["6101", "6103", "6102", "6104"] == found


@pytest.mark.parametrize("after", ["x", "WyIxIl0", "WyJhIiwgImIiLCAiYyJd"])
async def test_wrong_cursor_is_a_page(bob: Browser, after: str) -> None:
    """No address breaks a list."""
    await bob.open(f"/portal/ring-groups?after={after}")

    assert 422 == bob.answer.status_code


async def test_extension_gets_a_password_and_rules(
    client: httpx.AsyncClient, bob: Browser, office: None
) -> None:
    """Its password is shown once; its rules have destinations by office hours."""
    await bob.open("/portal/extensions/add")
    shown = await bob.send("/add", number="104", display_name="Dora")
    (password,) = (each["value"] for each in shown.with_attribute("data-copy"))
    assert (20, False) == (len(password), password in (await bob.open("/portal/extensions/104")).text)
    rules = {
        "mailbox": "8001",
        "no_answer-office_hours-action": "forward_to_voicemail",
        "no_answer-holidays-action": "forward_to_number",
        "no_answer-holidays-number": "8002",
    }
    shown = await bob.send("/104", do="save", display_name="Dora D.", **rules)
    assert "Dora D. is saved." in shown.text
    saved = (await client.get("/api/v1/extensions/104/rules")).json()

    own = {"action": "forward_to_voicemail", "number": None}
    support = {"action": "forward_to_number", "number": "8002"}
    assert {"office_hours": own, "outside_hours": None, "holidays": support} == saved["no_answer"]
    assert "8001" == saved["mailbox"]


async def test_password_is_set_anew(client: httpx.AsyncClient, bob: Browser, office: None) -> None:
    """One of one's own, or one made by chance; a bad one is told beside its field."""
    await bob.open("/portal/extensions/101")
    shown = await bob.send("/password", sip_password="101 is mine")
    assert (422, True) == (bob.answer.status_code, "not the number in it" in shown.text)
    shown = await bob.send("/password", sip_password="a-long-one-of-mine")

    assert ["a-long-one-of-mine"] == [each["value"] for each in shown.with_attribute("data-copy")]


async def test_agent_is_logged_out(client: httpx.AsyncClient, bob: Browser, office: None) -> None:
    """From the page of the queue, which says who is logged in."""
    await put(client, "call-queues", number="6200", display_name="IT", agents=["101", "102"])
    await bob.open("/portal/call-queues/6200")
    shown = await bob.send("/agents/101")
    agents = (await client.get("/api/v1/call-queues/6200/agents")).json()["items"]

    assert "Alice is logged out and is offered no calls." in shown.text
    assert [("101", False), ("102", True)] == [(one["number"], one["logged_in"]) for one in agents]


async def test_no_button_breaks_a_form(bob: Browser, office: None) -> None:
    """Whatever a button is said to do, the form or the picker comes back, or says what is wrong."""
    verbs = ("find", "on", "ok", "back", "down", "drop", "put", "row", "nothing")
    places = ("", " agents -1", " x-0-y 1", " no_answer-number", " number 0", " exit_key", " ", " agents-0")
    wanted = [f"{verb} agents {'9' * 5000}" for verb in ("up", *verbs)] + [f"pick{place}" for place in places]
    wanted += [f"{verb} no_answer ²" for verb in verbs]
    form = (await bob.open("/portal/call-queues/add")).form("/add").fields
    answers = set()
    for do in wanted:
        await bob.post("/portal/call-queues/add", {**form, "do": do, "agents-0": "101", "picked": "102"})
        answers.add(bob.answer.status_code)

    assert {200, 422} == answers


async def test_picker_asks_for_an_extension_where_a_voicemail_is_meant(bob: Browser, office: None) -> None:
    """What cannot be meant is not offered; several at once only for lists."""
    await bob.open("/portal/call-queues/add")
    words = await press(bob, "pick no_answer", **{"no_answer-action": "forward_to_voicemail"})
    assert ("101" in words, "8001" in words) == (True, False)
    await bob.open("/portal/call-queues/add")
    await press(bob, "pick agents")
    await press(bob, "ok agents", picked="102")

    assert "102" == bob.shown.form("/add").fields["agents-0"]


@pytest.mark.parametrize("agents", [40, 200])
async def test_page_is_light(bob: Browser, agents: int) -> None:
    """All that a browser loads for a queue with many agents is less than 150 kB: 200 are lines of text."""
    await bob.open("/portal/call-queues/add")
    numbers = [str(10**19 + number) for number in range(agents)]
    await press(bob, "put agents", **{"agents-0": " ".join(numbers)})
    weight = len(bob.answer.content)
    for _, tag in bob.shown.tags:
        address = tag.get("src") or (tag.get("href") if tag.get("rel") == "stylesheet" else None)
        if address and "/static/" in address:
            weight += len((await bob.client.get(address)).content)
    form = bob.shown.form("/add").fields

    assert weight < 150_000
    assert numbers == " ".join(text for name, text in form.items() if name.startswith("agents-")).split()


async def test_german_pages(bob: Browser, office: None) -> None:
    """Each page is said in German to who wants it."""
    await bob.open("/portal/account")
    await bob.send("/account", language="de")
    pages = [
        (await bob.open(path)).text
        for path in (
            "/portal/call-queues",
            "/portal/call-queues/add",
            "/portal/extensions/101",
            "/portal/destinations",
        )
    ]

    assert [True] * 4 == [
        words in page
        for words, page in zip(
            (
                "Noch keine Warteschlange",
                "Ziel, wenn niemand abhebt",
                "Weiterleitungsziel, wenn besetzt ist",
                "Alle Arten",
            ),
            pages,
            strict=True,
        )
    ]
