"""The operator of a mailbox: a number that it names, as other destinations are named."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from controlplane.storage.database import Database
from controlplane.storage.queue import Jobs
from tests.support.api import MAILBOX, Api
from tests.support.applying import Applier, applier
from tests.support.portal import Browser

ONE = "/api/v1/mailboxes/8001"


@pytest.fixture
async def group(client: httpx.AsyncClient, mailbox: httpx.Response) -> str:
    """Make a ring group beside the mailbox 8001; return its number."""
    made = await client.post("/api/v1/ring-groups", json={"number": "6100", "display_name": "Front desk"})
    assert (mailbox.status_code, made.status_code) == (201, 201)
    return "6100"


async def name(client: httpx.AsyncClient, operator: str | None) -> httpx.Response:
    """Name an operator of 8001, or none."""
    return await client.patch(ONE, json={"operator_number": operator})


@pytest.mark.parametrize(
    ("operator", "error_id"),
    [
        ("6999", "no-such-number"),
        ("8001", "invalid-destination"),
        ("12", "wrong-pattern"),
        ("*56", "wrong-pattern"),
    ],
)
async def test_what_is_no_operator_is_refused(
    client: httpx.AsyncClient, group: str, operator: str, error_id: str
) -> None:
    """A number that nobody has, the mailbox itself, and what is no number; when it is made, too."""
    changed = await name(client, operator)
    made = await client.post(
        "/api/v1/mailboxes", json={**MAILBOX, "number": "8001", "operator_number": operator}
    )
    other = {**MAILBOX, "number": "8002", "operator_number": "8002" if operator == "8001" else operator}
    made = await client.post("/api/v1/mailboxes", json=other)
    found = [
        one.json()["errors"][0]["error_id"] if "errors" in one.json() else one.json()["error_id"]
        for one in (changed, made)
    ]

    assert [422, 422] == [changed.status_code, made.status_code]
    assert [error_id, error_id] == found
    assert (await client.get(ONE)).json()["operator_number"] is None


async def test_a_number_that_an_operator_has_stays(client: httpx.AsyncClient, group: str) -> None:
    """It is listed as pointed at, cannot be deleted, and can be once the mailbox names none."""
    named = await name(client, group)
    pointers = (await client.get(f"/api/v1/numbers/{group}/pointers")).json()["items"]
    refused = await client.delete(f"/api/v1/ring-groups/{group}")
    await name(client, None)
    deleted = await client.delete(f"/api/v1/ring-groups/{group}")

    assert (200, group) == (named.status_code, named.json()["operator_number"])
    assert [{"kind": "mailbox", "number": "8001", "name": "Sales", "field": "operator_number"}] == pointers
    assert (409, "number-in-use", 204) == (
        refused.status_code,
        refused.json()["error_id"],
        deleted.status_code,
    )


async def test_a_deleted_mailbox_lets_its_operator_go(client: httpx.AsyncClient, group: str) -> None:
    """Nothing points at the number any more."""
    await name(client, group)
    await client.delete(ONE)

    assert 204 == (await client.delete(f"/api/v1/ring-groups/{group}")).status_code


@pytest.mark.parametrize("to", ["8002", None])
async def test_operators_are_re_pointed_with_all_the_rest(
    client: httpx.AsyncClient, group: str, to: str | None
) -> None:
    """To another number, or to none; the mailbox is another version then, so that nobody undoes it unseen."""
    await client.post("/api/v1/mailboxes", json={**MAILBOX, "number": "8002"})
    before = await name(client, group)
    answer = await client.post(f"/api/v1/numbers/{group}/re-point", json={"to": to})
    after = await client.get(ONE)

    assert ([("mailbox", "8001")], to) == (
        [(one["kind"], one["number"]) for one in answer.json()["changed"]],
        after.json()["operator_number"],
    )
    assert before.headers["etag"] != after.headers["etag"]
    assert 204 == (await client.delete(f"/api/v1/ring-groups/{group}")).status_code


async def test_a_mailbox_does_not_become_its_own_operator(client: httpx.AsyncClient, group: str) -> None:
    """All of it is refused, and names the mailbox."""
    await name(client, group)
    answer = await client.post(f"/api/v1/numbers/{group}/re-point", json={"to": "8001"})

    assert (409, "cannot-re-point", "mailbox") == (
        answer.status_code,
        answer.json()["error_id"],
        answer.json()["details"]["object"]["kind"],
    )
    assert group == (await client.get(ONE)).json()["operator_number"]


async def test_an_operator_who_takes_no_messages_is_found(client: httpx.AsyncClient, group: str) -> None:
    """`lint` says where a caller would be told that the mailbox is disabled."""
    await client.post("/api/v1/mailboxes", json={**MAILBOX, "number": "8002", "enabled": False})
    await name(client, "8002")
    found = (await client.get("/api/v1/lint")).json()["items"]

    assert [("8001", "operator_number")] == [
        (one["number"], one["field"]) for one in found if one["finding"] == "leads-to-disabled-mailbox"
    ]


async def test_operators_move_as_csv(client: httpx.AsyncClient, group: str) -> None:
    """A row may name a mailbox of a later one; an empty cell names none, and without the column it stays."""
    rows = "number,display_name,pin,operator_number\n8002,Service,280174,8003\n8003,Support,280175,6100\n"
    imported = await client.post(
        "/api/v1/import/mailboxes", content=rows, headers={"Content-Type": "text/csv"}
    )
    kept = "number,display_name\n8002,Service team\n"
    await client.post("/api/v1/import/mailboxes", content=kept, headers={"Content-Type": "text/csv"})
    exported = (await client.get("/api/v1/export/mailboxes")).text

    assert 200 == imported.status_code, imported.text
    assert ["8003", "6100"] == [
        (await client.get(f"/api/v1/mailboxes/{number}")).json()["operator_number"]
        for number in ("8002", "8003")
    ]
    assert "operator_number" in exported.splitlines()[0]


async def test_the_form_says_what_is_wrong_with_an_operator(api: Api, group: str, bob: Browser) -> None:
    """In words, beside the field; what is right is stored, and the numbers of the tenant are offered."""
    page = "/portal/mailboxes/8001"
    shown = []
    for operator in ("6999", "8001", group):
        form = (await bob.open(page)).form("/8001").fields
        shown.append(await bob.post(page, {**form, "operator_number": operator}))

    assert "Nobody has this number" in shown[0].text
    assert "This is the mailbox itself" in shown[1].text
    assert [{"operator_number": group}] == api.rows("SELECT operator_number FROM mailboxes")
    assert "6100" in [tag.get("value") for name, tag in shown[1].tags if name == "option"]


FILE = """\
tenant: {name: default}
mailboxes:
  - {number: "8001", display_name: Sales, pin: "270391", operator_number: "6100"}
  - {number: "8002", display_name: Service, pin: "270392", operator_number: "8001"}
ring-groups:
  - {number: "6100", display_name: Front desk, no_answer: {action: forward_to_number, number: "8001"}}
"""


@pytest.fixture
def files(database: Database, jobs: Jobs) -> Iterator[Applier]:
    """Return what applies files."""
    with applier(database, jobs) as made:
        yield made


async def test_a_file_names_operators_that_lead_back(files: Applier) -> None:
    """Mailbox and ring group name each other: both are made, nothing is left to do, and both are removed."""
    await files.apply(FILE)
    again = await files.plan(FILE)
    removed = await files.apply("tenant: {name: default}\nmailboxes: []\nring-groups: []\n", prune=True)

    assert [] == [one for one in again.objects if one.words != "tenant"]
    assert ["removed"] * 3 == [one.action.value for one in removed.plan.objects if one.words != "tenant"]
