"""The call forward rules of extensions over REST, and what the switches are given of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from controlplane.services.routes import reconcile_routes
from controlplane.storage.database import Database
from tests.support.api import PIN, Api

URL = "/api/v1/extensions/101/rules"
VOICEMAIL: dict[str, Any] = {"action": "forward_to_voicemail", "number": None}
TO_MAILBOX: dict[str, Any] = {"action": "forward_to_number", "number": "8001"}
FAR_MAILBOX = "8" * 64
DEFAULTS: dict[str, Any] = {
    "office_hours": None,
    "exceptions": [],
    "always": None,
    "do_not_disturb": False,
    "do_not_disturb_destination": None,
    "busy": None,
    "no_answer": None,
    "no_answer_seconds": 30,
    "not_registered": None,
    "mailbox": None,
    "mwi_mailboxes": [],
}


def by_hours(destination: dict[str, Any]) -> dict[str, Any]:
    """Return a rule that is the same all day."""
    return {"office_hours": destination, "outside_hours": None, "holidays": None}


def busy(action: str, number: str | None = None) -> dict[str, Any]:
    """Return rules with one destination."""
    return {"busy": by_hours({"action": action, "number": number})}


@pytest.fixture(autouse=True)
async def numbers(api: Api, client: httpx.AsyncClient) -> None:
    """Make the extensions 101 and 102 and the mailboxes 8001 and 8002."""
    for number in ("101", "102"):
        made = await client.post("/api/v1/extensions", json={"number": number, "display_name": number})
        assert 201 == made.status_code, made.text
    for number in ("8001", "8002"):
        body = {"number": number, "display_name": "Sales", "pin": PIN}
        made = await client.post("/api/v1/mailboxes", json=body)
        assert 201 == made.status_code, made.text
    api.jobs()


async def plan(database: Database, tenant: UUID, routes: Path, number: str) -> list[str]:
    """Return the lines of a route file after kind and id."""
    await reconcile_routes(database, routes, tenant_id=tenant, numbers=[number])
    return (routes / str(tenant) / number[-2:] / number).read_text().split("\n")[2:-1]


def refused(answer: httpx.Response) -> tuple[int, str, str | None]:
    """Return status, error and field of a refusal."""
    errors = answer.json().get("errors") or [{}]
    return (answer.status_code, answer.json()["error_id"], errors[0].get("field"))


async def test_an_extension_has_no_rules_at_first(client: httpx.AsyncClient) -> None:
    """Every field has its default."""
    answer = await client.get(URL)

    assert (200, DEFAULTS) == (answer.status_code, answer.json())
    assert answer.headers["etag"]


async def test_rules_are_set_and_read(
    client: httpx.AsyncClient, api: Api, database: Database, default_tenant: UUID, tmp_path: Path
) -> None:
    """What is sent is what is read; the route file follows by a job, and no revision is asked for."""
    rules = {
        **DEFAULTS,
        "exceptions": [
            {"caller": "+4930*", "destination": {"action": "ring", "number": None}, "when": "outside_hours"}
        ],
        "busy": {
            "office_hours": TO_MAILBOX,
            "outside_hours": {"action": "hangup", "number": None},
            "holidays": None,
        },
        "no_answer": by_hours(VOICEMAIL),
        "no_answer_seconds": 15,
        "do_not_disturb": True,
        "mailbox": "8002",
        "mwi_mailboxes": ["8002", "8001"],
    }
    answer = await client.put(URL, json=rules)
    jobs = api.jobs()
    read = await client.get(URL)

    assert (200, rules, rules) == (answer.status_code, answer.json(), read.json())
    assert [
        ("configuration.routes", {"tenant_id": str(default_tenant), "numbers": ["101"]}),
        ("mwi.send", {"number": "101"}),
    ] == jobs
    busy = ["8001", "hangup", "hangup"]
    assert ["", "4930*>c>ring", "", "", "", "1", *busy, *busy, *["8002"] * 3, "", "", "", "15"] == await plan(
        database, default_tenant, tmp_path / "routes", "101"
    )


async def test_the_same_rules_again_change_nothing(client: httpx.AsyncClient, api: Api) -> None:
    """A repeat makes no new version and no job."""
    first = await client.put(URL, json={"busy": by_hours(TO_MAILBOX)})
    api.jobs()
    again = await client.put(URL, json={"busy": by_hours(TO_MAILBOX)})

    assert (first.headers["etag"], []) == (again.headers["etag"], api.jobs())


async def test_what_is_left_out_is_gone(client: httpx.AsyncClient) -> None:
    """PUT sets all rules."""
    await client.put(URL, json={"busy": by_hours(TO_MAILBOX), "mailbox": "8001"})
    answer = await client.put(URL, json={})

    assert DEFAULTS == answer.json()


async def test_stale_rules_are_refused(client: httpx.AsyncClient) -> None:
    """With If-Match nobody's change is undone unseen; a change of the extension counts too."""
    read = await client.get(URL)
    await client.patch("/api/v1/extensions/101", json={"display_name": "Alice"})
    stale = await client.put(URL, json={}, headers={"If-Match": read.headers["etag"]})
    fresh = await client.put(
        URL, json={"mailbox": "8001"}, headers={"If-Match": (await client.get(URL)).headers["etag"]}
    )

    assert ((412, "stale-etag"), 200) == ((stale.status_code, stale.json()["error_id"]), fresh.status_code)


@pytest.mark.parametrize(
    ("rules", "error_id", "field"),
    [
        (busy("forward_to_number", "999"), "no-such-number", "busy.office_hours.number"),
        (busy("ring"), "invalid-destination", "busy.office_hours.action"),
        (busy("repeat"), "invalid-destination", "busy.office_hours.action"),
        (busy("forward_to_number"), "invalid-destination", "busy.office_hours.number"),
        (busy("forward_to_voicemail"), "no-mailbox-owned", "busy.office_hours.action"),
        (busy("forward_to_voicemail", "102"), "no-mailbox-owned", "busy.office_hours.number"),
        (busy("forward_to_voicemail", "8001"), "no-mailbox-owned", "busy.office_hours.number"),
        ({"mailbox": "102"}, "wrong-kind-of-number", "mailbox"),
        ({"mailbox": "999"}, "no-such-number", "mailbox"),
        ({"mwi_mailboxes": ["8001", "102"]}, "wrong-kind-of-number", "mwi_mailboxes.1"),
        ({"mwi_mailboxes": ["999"]}, "no-such-number", "mwi_mailboxes.0"),
        ({"mwi_mailboxes": ["8001", "8001"]}, "invalid-value", "mwi_mailboxes.1"),
        ({"mwi_mailboxes": "8001"}, "wrong-type", "mwi_mailboxes"),
        ({"mwi_mailboxes": [str(n) for n in range(8000, 8051)]}, "too-long", "mwi_mailboxes"),
        ({"office_hours": "nights"}, "no-such-office-hours", "office_hours"),
        (
            {"exceptions": [{"caller": "49-50-60", "destination": {"action": "hangup"}}]},
            "invalid-mask",
            "exceptions.0.caller",
        ),
        ({"no_answer_seconds": 4}, "invalid-values", "no_answer_seconds"),
    ],
)
async def test_wrong_rules_are_refused(
    client: httpx.AsyncClient, rules: dict[str, Any], error_id: str, field: str
) -> None:
    """The answer names the field and what is wrong, and nothing was changed."""
    answer = await client.put(URL, json=rules)
    named = answer.json()["errors"][0]

    assert (422, field) == (answer.status_code, named["field"])
    assert error_id in {answer.json()["error_id"], named["error_id"], "invalid-values"}
    assert DEFAULTS == (await client.get(URL)).json()


async def test_exceptions_fit_into_what_a_switch_reads(client: httpx.AsyncClient) -> None:
    """Fifty exceptions with the longest numbers are too long together; fifty usual ones are not."""
    long = [{"caller": "4" * 32, "destination": {"action": "forward_to_number", "number": "8" * 64}}] * 50
    usual = [{"caller": f"49301234{count:02}", "destination": {"action": "ring"}} for count in range(50)]
    answers = [await client.put(URL, json={"exceptions": one}) for one in (long, usual)]

    assert ["too-many", None] == [answer.json().get("error_id") for answer in answers]


async def test_exceptions_into_voicemails_are_as_long_as_the_numbers_of_these(
    client: httpx.AsyncClient,
) -> None:
    """What counts is what a switch reads: the mailbox, not who owns it, whatever changes that."""
    body = {"number": FAR_MAILBOX, "display_name": "Archive", "pin": PIN}
    made = await client.post("/api/v1/mailboxes", json=body)
    assert 201 == made.status_code, made.text
    of_102 = URL.replace("101", "102")
    own, others = (
        [{"caller": f"{'4' * 18}-{'5' * 18}", "destination": {**VOICEMAIL, "number": number}}] * 49
        for number in (None, "102")
    )

    async def put(url: str, rules: dict[str, Any]) -> tuple[str, str] | None:
        answer = (await client.put(url, json=rules)).json()
        return (answer["errors"][0]["field"], answer["error_id"]) if "errors" in answer else None

    into_own = await put(URL, {"mailbox": FAR_MAILBOX, "exceptions": own})
    into_far = [await put(of_102, {"mailbox": FAR_MAILBOX}), await put(URL, {"exceptions": others})]
    into_near = [await put(of_102, {"mailbox": "8001"}), await put(URL, {"exceptions": others})]
    moved = await put(of_102, {"mailbox": FAR_MAILBOX})
    re_pointed = (await client.post("/api/v1/numbers/8001/re-point", json={"to": FAR_MAILBOX})).json()

    assert [("exceptions", "too-many"), [None, ("exceptions", "too-many")], [None, None]] == [
        into_own,
        into_far,
        into_near,
    ]
    assert (("mailbox", "too-many"), "cannot-re-point") == (moved, re_pointed["error_id"])


async def test_an_extension_of_another_tenant_does_not_exist(foreigner: httpx.AsyncClient) -> None:
    """Its rules can be neither read nor set."""
    answers = [await foreigner.get(URL), await foreigner.put(URL, json={})]

    assert [(404, "no-such-extension")] * 2 == [(one.status_code, one.json()["error_id"]) for one in answers]


async def test_a_number_that_a_rule_names_stays(client: httpx.AsyncClient) -> None:
    """What a rule points at cannot be deleted, until the rule points elsewhere."""
    await client.put(URL, json={"busy": by_hours(TO_MAILBOX)})
    kept = await client.delete("/api/v1/mailboxes/8001")
    await client.put(URL, json={})

    assert (409, "number-in-use") == (kept.status_code, kept.json()["error_id"])
    assert [{"kind": "extension", "number": "101", "name": "101", "field": "busy.office_hours.number"}] == (
        kept.json()["details"]["pointers"]
    )
    assert 204 == (await client.delete("/api/v1/mailboxes/8001")).status_code


async def test_a_mailbox_whose_lamp_is_shown_stays(client: httpx.AsyncClient) -> None:
    """It is deleted once no phone shows it; re-pointing to nothing takes it out of the list."""
    await client.put(URL, json={"mwi_mailboxes": ["8001", "8002"]})
    kept = await client.delete("/api/v1/mailboxes/8001")
    await client.post("/api/v1/numbers/8001/re-point", json={"to": None})
    gone = await client.delete("/api/v1/mailboxes/8001")

    assert (409, "mwi_mailboxes.0") == (kept.status_code, kept.json()["details"]["pointers"][0]["field"])
    assert (204, ["8002"]) == (gone.status_code, (await client.get(URL)).json()["mwi_mailboxes"])


async def test_who_forwards_to_a_voicemail_follows_it(
    client: httpx.AsyncClient, api: Api, database: Database, default_tenant: UUID, tmp_path: Path
) -> None:
    """When an extension owns another mailbox, all that forward to its voicemail get it."""
    await client.put("/api/v1/extensions/102/rules", json={"mailbox": "8001"})
    of_102 = {"action": "forward_to_voicemail", "number": "102"}
    await client.put(URL, json={"always": by_hours(of_102)})
    group = {"number": "6100", "display_name": "Sales", "no_answer": of_102}
    assert 201 == (await client.post("/api/v1/ring-groups", json=group)).status_code
    other = {
        "number": "6101",
        "display_name": "Other",
        "no_answer": {"action": "forward_to_number", "number": "102"},
    }
    assert 201 == (await client.post("/api/v1/ring-groups", json=other)).status_code
    before = await plan(database, default_tenant, tmp_path / "routes", "101")
    api.jobs()
    await client.put("/api/v1/extensions/102/rules", json={"mailbox": "8002"})
    jobs = api.jobs()

    expected = {"tenant_id": str(default_tenant), "numbers": ["101", "102", "6100"]}
    assert [("configuration.routes", expected), ("mwi.send", {"number": "102"})] == jobs
    assert ("8001", "8002") == (
        before[2],
        (await plan(database, default_tenant, tmp_path / "routes", "101"))[2],
    )


async def test_a_voicemail_in_use_cannot_be_taken_away(client: httpx.AsyncClient) -> None:
    """The answer lists who forwards to it; what forwards to the extension's number does not count."""
    await client.put("/api/v1/extensions/102/rules", json={"mailbox": "8001"})
    of_102 = {"action": "forward_to_voicemail", "number": "102"}
    to_102 = {"action": "forward_to_number", "number": "102"}
    await client.put(URL, json={"always": by_hours(of_102), "busy": by_hours(to_102)})
    answer = await client.put("/api/v1/extensions/102/rules", json={})

    assert (409, "voicemail-in-use") == (answer.status_code, answer.json()["error_id"])
    assert [{"kind": "extension", "number": "101", "name": "101", "field": "always.office_hours.number"}] == (
        answer.json()["details"]["pointers"]
    )
    assert "8001" == (await client.get("/api/v1/extensions/102/rules")).json()["mailbox"]


async def test_a_group_cannot_forward_to_a_voicemail_that_nobody_owns(client: httpx.AsyncClient) -> None:
    """Whatever has a destination: it names an extension that owns a mailbox, or is refused."""
    answers = [
        await client.post(
            "/api/v1/ring-groups", json={"number": "6100", "display_name": "Sales", "no_answer": one}
        )
        for one in (VOICEMAIL, {"action": "forward_to_voicemail", "number": "102"})
    ]

    assert [(422, "no-mailbox-owned", "no_answer.number")] * 2 == [refused(one) for one in answers]


async def test_a_body_that_is_not_json_is_refused(client: httpx.AsyncClient) -> None:
    """PUT takes JSON, as every call with a body does."""
    answer = await client.put(URL, content=b"{}", headers={"Content-Type": "text/plain"})

    assert (415, "unsupported-media-type") == (answer.status_code, answer.json()["error_id"])
