"""`/configuration` and `/languages` over HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from controlplane.services.publishing import Publisher, publish
from controlplane.speech.catalogue import available_languages
from tests.support.api import MAILBOX, Api

URL = "/api/v1/configuration"


def _revision(api: Api, state: str, error: str | None = None) -> None:
    api.rows(
        "INSERT INTO configuration_revisions (digest, state, error) VALUES ('d', %s, %s) RETURNING 1",
        state,
        error,
    )


async def _extension(client: httpx.AsyncClient, number: str) -> None:
    made = await client.post("/api/v1/extensions", json={"number": number, "display_name": "Alice"})
    assert made.status_code == 201, made.text


async def _read(client: httpx.AsyncClient, path: str = "") -> Any:
    answer = await client.get(URL + path)
    assert answer.status_code == 200, answer.text
    return answer.json()


def _live(api: Api) -> Path:
    return (api.deps.publisher.folder.root / "live").resolve()


@pytest.fixture
async def published(api: Api) -> Publisher:
    """Publish once, without a switch."""
    await publish(api.deps.publisher)
    return api.deps.publisher


async def test_nothing_is_published_at_first(client: httpx.AsyncClient) -> None:
    """Before the first revision the state is `none`, and a tenant's token is told of no files."""
    assert await _read(client) == {
        "state": "none",
        "mode": "automatic",
        "mode_chosen_by": None,
        "by_hand": None,
        "live": None,
        "pending": {
            "revision": None,
            "refused": None,
            "changes": [],
            "changes_left_out": 0,
            "files": None,
        },
        "edited": None,
        "revisions": [],
    }


async def test_a_change_is_pending_until_its_job_has_run(api: Api, client: httpx.AsyncClient) -> None:
    """A queued job makes the state pending; without one it is that of the newest revision."""
    _revision(api, "live")
    before = (await _read(client))["state"]
    await client.post("/api/v1/mailboxes", json=dict(MAILBOX))
    during = (await _read(client))["state"]
    api.jobs()
    after = (await _read(client))["state"]

    assert (before, during, after) == ("live", "pending", "live")


async def test_why_a_revision_failed_is_told_to_system_tokens(
    api: Api, client: httpx.AsyncClient, system: httpx.AsyncClient
) -> None:
    """All see that it failed; the error may name another tenant's objects."""
    _revision(api, "live")
    _revision(api, "failed", "The switch does not know 1 endpoints: north-101.")
    told = {}
    for name, who in (("tenant", client), ("system", system)):
        body = await _read(who)
        told[name] = (body["state"], [(r["state"], r["error"]) for r in body["revisions"]])

    assert told == {
        "tenant": ("failed", [("failed", None), ("live", None)]),
        "system": (
            "failed",
            [("failed", "The switch does not know 1 endpoints: north-101."), ("live", None)],
        ),
    }


async def test_a_superseded_revision_is_not_the_state(api: Api, client: httpx.AsyncClient) -> None:
    """What was noted and then undone says nothing of what the switch runs."""
    _revision(api, "live")
    _revision(api, "superseded")

    assert (await _read(client))["state"] == "live"


async def test_a_revision_says_what_it_changed(
    client: httpx.AsyncClient, system: httpx.AsyncClient, published: Publisher
) -> None:
    """The objects with who changed them, and each file without secrets."""
    await _extension(client, "103")
    await client.patch("/api/v1/extensions/103", json={"display_name": "Bob", "sip_password": None})
    await publish(published)
    body = await _read(system, "/revisions/2")

    assert ("live", "token tests") == (body["state"], body["author"])
    assert [
        ("extension", "103", "added", [], "token tests"),
        ("extension", "103", "changed", ["display_name", "sip_password"], "token tests"),
    ] == [
        (change["kind"], change["name"], change["action"], change["fields"], change["author"])
        for change in body["changes"]
    ]
    shown = {file["path"]: file["difference"] for file in body["files"]}
    (phones,) = [text for path, text in shown.items() if path.startswith("asterisk/pjsip/")]
    assert {"+[103](cp-phone)", "+md5_cred=***"} <= set(phones.splitlines())


async def test_a_tenant_is_told_of_its_own_objects_alone(
    client: httpx.AsyncClient, published: Publisher, foreigner: httpx.AsyncClient, system: httpx.AsyncClient
) -> None:
    """Neither changes of others, nor files, nor who published, nor edits."""
    await _extension(client, "103")
    await _extension(foreigner, "104")
    waiting: dict[str, list[str]] = {}
    for name, who in (("default", client), ("north", foreigner), ("system", system)):
        body = await _read(who)
        waiting[name] = [change["name"] for change in body["pending"]["changes"]]
    await publish(published)
    body = await _read(foreigner, "/revisions/2")

    assert {"default": ["103"], "north": ["north", "104"], "system": ["north", "103", "104"]} == waiting
    assert (["north", "104"], None, None, None, None) == (
        [change["name"] for change in body["changes"]],
        *(body[field] for field in ("files", "author", "error", "edited_copy")),
    )


async def test_a_dry_run_changes_nothing(
    client: httpx.AsyncClient, system: httpx.AsyncClient, published: Publisher, api: Api
) -> None:
    """It renders, checks and shows, and leaves no row, no job, no file."""
    await _extension(client, "103")
    api.jobs()
    before = (_live(api), len(api.rows("SELECT 1 FROM configuration_revisions")))
    answer = await system.post(f"{URL}/publish?dry_run=true")
    body = answer.json()

    assert (200, ["103"], []) == (
        answer.status_code,
        [change["name"] for change in body["changes"]],
        body["edited"],
    )
    assert "asterisk/pjsip.conf" in {file["path"] for file in body["files"]}
    assert (before, []) == ((_live(api), len(api.rows("SELECT 1 FROM configuration_revisions"))), api.jobs())


async def test_a_dry_run_says_what_cannot_be_rendered(system: httpx.AsyncClient, api: Api) -> None:
    """A value that no template takes is told now, and not after publishing."""
    api.rows("UPDATE feature_codes SET feature = 'make-coffee' RETURNING 1")
    answer = await system.post(f"{URL}/publish?dry_run=true")
    api.rows("UPDATE feature_codes SET feature = 'check-messages' RETURNING 1")

    assert (409, "configuration-not-rendered") == (answer.status_code, answer.json()["error_id"])


async def test_publishing_is_a_job_that_names_who_asked(system: httpx.AsyncClient, api: Api) -> None:
    """The answer comes at once, and says that something is on its way."""
    answer = await system.post(f"{URL}/publish")

    assert (202, "pending") == (answer.status_code, answer.json()["state"])
    expected = {"by": "token tests", "overwrite": False, "tenant_ids": None}
    assert [("configuration.publish_by_hand", expected)] == api.jobs()


async def test_files_edited_by_hand_are_shown(
    system: httpx.AsyncClient, published: Publisher, api: Api
) -> None:
    """Changed, removed and added ones, by their paths."""
    folder = _live(api) / "asterisk"
    (folder / "pjsip.conf").write_text("; mine\n")
    (folder / "rtp.conf").unlink()
    (folder / "mine.conf").write_text("; mine\n")

    assert [
        {"path": "asterisk/mine.conf", "change": "added"},
        {"path": "asterisk/pjsip.conf", "change": "changed"},
        {"path": "asterisk/rtp.conf", "change": "removed"},
    ] == (await _read(system))["edited"]


async def test_edits_are_not_overwritten_unless_that_is_said(
    system: httpx.AsyncClient, published: Publisher, api: Api
) -> None:
    """The refusal names the files and the remedy; with `overwrite` the job is told so."""
    (_live(api) / "asterisk" / "pjsip.conf").write_text("; mine\n")
    refused = await system.post(f"{URL}/publish")
    jobs_then = api.jobs()
    taken = await system.post(f"{URL}/publish?overwrite=true")

    assert (409, "configuration-edited", {"files": ["asterisk/pjsip.conf"]}, []) == (
        refused.status_code,
        refused.json()["error_id"],
        refused.json()["details"],
        jobs_then,
    )
    assert "overwrite=true" in refused.json()["detail"]
    assert (202, True) == (taken.status_code, api.jobs()[0][1]["overwrite"])


async def test_the_mode_is_chosen(system: httpx.AsyncClient, client: httpx.AsyncClient, api: Api) -> None:
    """Going back to automatic publishes what waited."""
    modes = []
    for mode in ("manual", "manual", "automatic"):
        answer = await system.patch(URL, json={"mode": mode})
        modes.append((answer.status_code, (await _read(client))["mode"], [name for name, _ in api.jobs()]))

    assert [
        (200, "manual", []),
        (200, "manual", []),
        (200, "automatic", ["configuration.publish"]),
    ] == modes


@pytest.mark.parametrize(
    ("body", "error_id"),
    [
        ({"mode": "sometimes"}, "not-one-of"),
        ({}, "missing-field"),
        ({"mode": None}, "not-one-of"),
        ({"mode": "manual", "tenant": "north"}, "unknown-field"),
    ],
)
async def test_a_mode_that_does_not_exist_is_refused(
    system: httpx.AsyncClient, body: dict[str, object], error_id: str
) -> None:
    """The problem names the field."""
    answer = await system.patch(URL, json=body)

    assert (422, error_id) == (answer.status_code, answer.json()["error_id"])


@pytest.mark.parametrize(
    ("method", "path"), [("GET", ""), ("GET", "/revisions"), ("GET", "/revisions/1"), ("POST", "/publish")]
)
async def test_strangers_are_refused(stranger: httpx.AsyncClient, method: str, path: str) -> None:
    """Without a token nothing is told."""
    assert 401 == (await stranger.request(method, URL + path)).status_code


async def test_revisions_come_in_pages(api: Api, client: httpx.AsyncClient) -> None:
    """Newest first, each once."""
    for state in ("superseded", "superseded", "live"):
        _revision(api, state)
    numbers, after = [], None
    while True:
        page = await _read(client, "/revisions?limit=2" + (f"&after={after}" if after else ""))
        numbers.append([item["number"] for item in page["items"]])
        after = page["next"]
        if after is None:
            break

    assert [[3, 2], [1]] == numbers


@pytest.mark.parametrize("after", ["x", "WyJ4Il0", "WyItMSJd", "WyI5OTk5OTk5OTk5OTk5OTk5OTk5OSJd"])
async def test_what_is_no_cursor_is_refused(client: httpx.AsyncClient, after: str) -> None:
    """A cursor of another list, a word, and a number that no database holds."""
    answer = await client.get(f"{URL}/revisions?after={after}")

    assert (422, "invalid-cursor") == (answer.status_code, answer.json()["error_id"])


@pytest.mark.parametrize(
    ("number", "expected"),
    [("7", (404, "no-such-revision")), ("0", (422, "out-of-range")), ("x", (422, "wrong-type"))],
)
async def test_a_revision_that_is_not_there(
    client: httpx.AsyncClient, number: str, expected: tuple[int, str]
) -> None:
    """It is said whether the number is wrong or nobody's."""
    answer = await client.get(f"{URL}/revisions/{number}")

    assert expected == (answer.status_code, answer.json()["error_id"])


async def test_many_changes_are_counted_and_the_newest_shown(
    api: Api, client: httpx.AsyncClient, default_tenant: UUID
) -> None:
    """A list that nobody reads to its end is cut, and says how much was left out."""
    api.rows(
        "INSERT INTO configuration_changes (tenant_id, kind, name, action, author)"
        " SELECT %s, 'extension', n::text, 'added', 'cli' FROM generate_series(1000, 1249) n RETURNING 1",
        default_tenant,
    )
    pending = (await _read(client))["pending"]

    assert (200, "1050", "1249", 50) == (
        len(pending["changes"]),
        pending["changes"][0]["name"],
        pending["changes"][-1]["name"],
        pending["changes_left_out"],
    )


async def test_languages_with_prompts_are_listed(client: httpx.AsyncClient) -> None:
    """Each catalogue is listed with its name."""
    items = (await client.get("/api/v1/languages")).json()["items"]

    assert [item["tag"] for item in items] == available_languages()
    assert {"tag": "de", "name": "German", "own_name": "Deutsch"} in items
    assert {"tag": "en", "name": "English", "own_name": "English"} in items
