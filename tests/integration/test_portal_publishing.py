"""Apply changes in the portal: the bar on each page, what waits, publishing it, and what was published."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from controlplane.services.publishing import Publisher, publish
from sqlalchemy import event
from tests.support.api import MAILBOX, Api
from tests.support.fake_switch import FakeSwitch
from tests.support.hostile import HOSTILE_TEXTS
from tests.support.portal import Browser

PAGE = "/portal/publishing"
REST = "/api/v1"
HANG_UP = {"action": "hangup"}


@pytest.fixture
async def published(api: Api) -> Publisher:
    """Publish once, without a switch."""
    await publish(api.deps.publisher)
    return api.deps.publisher


async def _manual(client: httpx.AsyncClient) -> None:
    """Have the tenant wait for a person."""
    answer = await client.patch(f"{REST}/configuration", json={"mode": "manual"})
    assert 200 == answer.status_code, answer.text


async def _make(client: httpx.AsyncClient, kind: str, **body: object) -> None:
    answer = await client.post(f"{REST}/{kind}", json=body)
    assert 201 == answer.status_code, answer.text


async def test_bar_says_what_waits(
    api: Api, client: httpx.AsyncClient, bob: Browser, published: Publisher
) -> None:
    """By itself nothing needs to be done; by hand each page counts the objects that wait, once each."""
    by_itself = (await bob.open("/portal/mailboxes")).text
    await _manual(client)
    await _make(client, "extensions", number="103", display_name="Carol")
    await client.patch(f"{REST}/extensions/103", json={"display_name": "Caroline"})
    await _make(client, "mailboxes", **MAILBOX)
    waiting = (await bob.open("/portal/mailboxes")).text

    assert "All changes are applied Revision 1" in by_itself
    assert "2 changes wait to be applied. Apply changes" in waiting


async def test_bar_costs_no_page_more_than_three_queries(
    api: Api, client: httpx.AsyncClient, bob: Browser, published: Publisher
) -> None:
    """However much waits; and a part of a page, which has no frame, asks for nothing of it."""
    await _manual(client)
    asked: list[str] = []
    event.listen(
        api.deps.db._engine.sync_engine,
        "before_cursor_execute",
        lambda _c, _k, statement, *_: asked.append(statement),
    )
    costs = []
    for number in ("103", "104", "105"):
        await _make(client, "extensions", number=number, display_name="Carol")
        asked.clear()
        await bob.open("/portal/account")
        costs.append(len([one for one in asked if "configuration" in one or "publishing" in one]))
    asked.clear()
    await bob.client.get("/portal/mailboxes", headers={"HX-Request": "true"})

    assert [3, 3, 3] == costs
    assert [] == [one for one in asked if "configuration" in one or "publishing" in one]


async def test_waiting_changes_in_words(
    api: Api, client: httpx.AsyncClient, bob: Browser, published: Publisher
) -> None:
    """Object by object: who changed what, from what to what, the newest first; no secret is shown."""
    await _make(client, "extensions", number="101", display_name="Alice", sip_password="a-long-password-1")
    await _make(client, "mailboxes", **MAILBOX)
    group = {"number": "6100", "display_name": "Sales", "members": ["101"], "no_answer": HANG_UP}
    await _make(client, "ring-groups", **group)
    await _make(client, "extensions", number="109", display_name="Leaves")
    await _manual(client)
    no_answer = {"action": "forward_to_number", "number": "8001"}
    await client.patch(f"{REST}/ring-groups/6100", json={"ring_seconds": 30, "no_answer": no_answer})
    await client.patch(
        f"{REST}/extensions/101", json={"sip_password": "a-long-password-2", "display_name": "Ann"}
    )
    await client.delete(f"{REST}/extensions/109")
    text = (await bob.open(PAGE)).text

    assert "Deleted Extension Leaves 109 A program with the token “tests”" in text
    assert "Changed Extension Ann 101 Display Name : before: Alice → now: Ann SIP password changed" in text
    assert "Changed Ring Group Sales 6100 Rings for (seconds) : before: 20 → now: 30" in text
    assert "Destination if no answer : before: hang up → now: to number 8001" in text
    assert text.index("109") < text.index("Ann") < text.index("Ring Group Sales")
    assert "a-long-password" not in text


async def test_what_was_changed_back_is_told(
    api: Api, client: httpx.AsyncClient, bob: Browser, published: Publisher
) -> None:
    """It waits all the same, until it is published."""
    await _make(client, "extensions", number="101", display_name="Alice")
    await _manual(client)
    for name in ("Ann", "Alice"):
        await client.patch(f"{REST}/extensions/101", json={"display_name": name})

    assert "It was changed and changed back." in (await bob.open(PAGE)).text


async def test_changes_are_applied(
    api: Api, client: httpx.AsyncClient, bob: Browser, published: Publisher
) -> None:
    """The button asks a job as REST does; the page says how far it is, and afterwards that all is applied."""
    await _manual(client)
    await _make(client, "extensions", number="103", display_name="Carol")
    await bob.open(PAGE)
    api.jobs()
    asked = (await bob.send("/publishing")).text
    ((task, arguments),) = api.jobs()
    await publish(published, by=str(arguments["by"]), waiting=None)
    done = (await bob.open(PAGE)).text

    assert "The changes are being applied." in asked
    assert "Their turn comes" in asked
    assert ("configuration.publish_by_hand", "user bob", False) == (
        task,
        arguments["by"],
        arguments["overwrite"],
    )
    assert len(arguments["tenant_ids"]) == 1
    assert "Everything is applied." in done


async def test_nobody_publishes_for_another_tenant(
    api: Api, foreigner: httpx.AsyncClient, bob: Browser, published: Publisher
) -> None:
    """Bob is told nothing of what waits of others, and publishes his own tenant alone."""
    await _manual(foreigner)
    await _make(foreigner, "extensions", number="777", display_name="Stranger")
    api.jobs()
    text = (await bob.open(PAGE)).text
    token = bob.shown.form("/publishing/mode").fields["csrf"]
    await bob.post(PAGE, {"csrf": token, "tenant_ids": "north"})
    ((_, arguments),) = api.jobs()
    (own,) = api.rows("SELECT id FROM tenants WHERE name = 'default'")

    assert ("777" in text, "Stranger" in text) == (False, False)
    assert [str(own["id"])] == arguments["tenant_ids"]


async def test_what_the_switch_refuses_is_told(
    api: Api, client: httpx.AsyncClient, alice: Browser, tmp_path: Path
) -> None:
    """Loudly on each page, with what the switch said for who may know it, and what to do."""
    switch = FakeSwitch(root=api.deps.publisher.folder.root)
    publisher = replace(api.deps.publisher, control=switch)
    await publish(publisher)
    await _manual(client)
    await _make(client, "extensions", number="103", display_name="Carol")
    switch.says_no = "Line 3 is wrong."
    await publish(publisher, by="user alice", waiting=None)
    bar = (await alice.open("/portal/users")).text
    text = (await alice.open(PAGE)).text

    assert "The changes could not be applied. Calls go on as before. See what happened" in bar
    assert "The switch did not take these changes The last good configuration is in place" in text
    assert "Line 3 is wrong." in text
    assert alice.shown.has_form("/publishing")


async def test_edited_files_stop_a_tenant_and_a_system_admin_replaces_them(
    api: Api, client: httpx.AsyncClient, alice: Browser, bob: Browser, published: Publisher
) -> None:
    """Bob is told whom to ask; Alice sees the file, and says that it may be replaced."""
    await _manual(client)
    await _make(client, "extensions", number="103", display_name="Carol")
    edited = next((published.folder.root / "live").rglob("pjsip.conf"))
    edited.write_text("; mine\n")
    api.jobs()
    await bob.open(PAGE)
    refused = (await bob.send("/publishing", overwrite="yes")).text
    status, after_bob = bob.answer.status_code, api.jobs()
    seen = (await alice.open(PAGE)).text
    await alice.send("/publishing", overwrite="yes")
    ((_, arguments),) = api.jobs()

    assert (409, []) == (status, after_bob)
    assert "A system admin can see which ones and replace them." in refused
    assert "asterisk/pjsip.conf Changed" in seen
    assert (True, "user alice") == (arguments["overwrite"], arguments["by"])


async def test_way_of_publishing_is_chosen(api: Api, bob: Browser, published: Publisher) -> None:
    """As REST chooses it; what is neither is refused beside the choice."""
    await bob.open(PAGE)
    await bob.send("/publishing/mode", mode="manual")
    chosen = bob.shown.text
    await bob.send("/publishing/mode", mode="never")

    assert "Changes wait from now on until somebody applies them." in chosen
    assert "Chosen by: bob" in chosen
    assert 422 == bob.answer.status_code


async def test_files_are_shown_to_system_admins(
    api: Api, client: httpx.AsyncClient, alice: Browser, bob: Browser, published: Publisher
) -> None:
    """Line by line, without secrets; others are told why not."""
    await _manual(client)
    await _make(client, "extensions", number="103", display_name="Carol")
    shown = (await alice.open(f"{PAGE}/files")).text
    hidden = (await bob.open(f"{PAGE}/files")).text

    assert "phones.conf Changed" in shown or "phones.conf New" in shown
    assert "***" in shown
    assert "Files may hold what belongs to other tenants" in hidden
    assert "phones" not in hidden


async def test_history(
    api: Api, client: httpx.AsyncClient, alice: Browser, bob: Browser, published: Publisher
) -> None:
    """Who, when, what and how it went; an own page for each revision, and pages of them."""
    await _make(client, "extensions", number="103", display_name="Carol")
    await publish(published)
    listed = (await bob.open(f"{PAGE}/revisions")).text
    own = (await bob.open(f"{PAGE}/revisions/2")).text
    all_of_it = (await alice.open(f"{PAGE}/revisions/2")).text
    await bob.open(f"{PAGE}/revisions/77")
    missing = bob.answer.status_code
    api.rows(
        "INSERT INTO configuration_revisions (digest, state)"
        " SELECT 'd', 'superseded' FROM generate_series(1, 30) RETURNING 1"
    )
    await bob.open(f"{PAGE}/revisions")
    following = next(one["href"] for one in bob.shown.with_attribute("href") if "?after=" in one["href"])
    last = (await bob.open(following)).text

    assert "Revision 2" in listed
    assert "live" in listed
    assert "New Extension 103" in own
    assert ("phones" in own, "phones" in all_of_it) == (False, True)
    assert "A program with the token “tests”" in all_of_it
    assert 404 == missing
    assert "Revision 2" in last
    assert "Revision 32" not in last


async def test_many_changes_are_cut(
    api: Api, client: httpx.AsyncClient, bob: Browser, published: Publisher
) -> None:
    """The page lists the newest and counts the others, of objects and of fields."""
    await _make(client, "virtual-receptionists", number="6000", display_name="Main")
    await _manual(client)
    api.rows(
        "INSERT INTO configuration_changes (tenant_id, kind, name, action, author)"
        " SELECT id, 'extension', number::text, 'changed', 'user bob'"
        " FROM tenants, generate_series(1000, 1300) AS number"
        " WHERE tenants.name = 'default' RETURNING 1"
    )
    keys = [{"keys": str(key), "destination": {"office_hours": HANG_UP}} for key in range(10, 30)]
    changed = await client.patch(f"{REST}/virtual-receptionists/6000", json={"keys": keys})
    assert 200 == changed.status_code, changed.text
    text = (await bob.open(PAGE)).text
    bar = (await bob.open("/portal/account")).text

    assert "Key, 1, Key : before: nothing → now: 10" in text
    assert "and 28 more" in text
    assert "older changes are not listed." in text
    assert len(bob.answer.content) < 150_000
    assert "More than 99 changes wait to be applied." in bar


async def test_hostile_names_stay_text(
    api: Api, client: httpx.AsyncClient, alice: Browser, published: Publisher
) -> None:
    """In what waits, in from what to what, and in the files; the page stays small."""
    await _make(client, "extensions", number="101", display_name="Alice")
    await _make(client, "virtual-receptionists", number="6000", display_name="Main")
    await _manual(client)
    hostile = " ".join(text for text in HOSTILE_TEXTS if text.isprintable() and len(text) < 200)
    changed = await client.patch(f"{REST}/virtual-receptionists/6000", json={"greeting": hostile[:1900]})
    assert 200 == changed.status_code, changed.text
    await client.patch(f"{REST}/extensions/101", json={"display_name": '"><img src=x onerror=alert(1)>'})
    api.rows("UPDATE configuration_changes SET author = %s RETURNING 1", f"user {hostile}")
    for path in (PAGE, f"{PAGE}/files"):
        shown = await alice.open(path)

        assert "onerror=alert" in shown.text, path
        assert {"img"} & {tag for tag, _ in shown.tags} == set()
        assert all("src" in attributes for tag, attributes in shown.tags if tag == "script")
        assert len(alice.answer.content) < 150_000
