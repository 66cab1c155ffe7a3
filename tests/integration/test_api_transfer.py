"""Import and export over REST."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import httpx
import psycopg
import pytest
from controlplane.services.transfer.moving import ResourceName, import_csv
from controlplane.services.transfer.resource import Importing, Outcome
from controlplane.storage.database import Database
from tests.support.api import MAILBOX, PIN, Api
from tests.support.product import until

API = "/api/v1"


async def _import(
    client: httpx.AsyncClient, resource: str, text: str, *, dry_run: bool = False
) -> httpx.Response:
    return await client.post(
        f"{API}/import/{resource}",
        content=text.encode(),
        headers={"Content-Type": "text/csv"},
        params={"dry_run": "true"} if dry_run else {},
    )


def _outcomes(answer: httpx.Response) -> list[tuple[int, str, str]]:
    assert 200 == answer.status_code, answer.text
    return [(row["row"], row["key"], row["outcome"]) for row in answer.json()["rows"]]


async def _everything(client: httpx.AsyncClient) -> list[Any]:
    return [
        (await client.get(f"{API}/{path}")).json()
        for path in ("mailboxes", "extensions", "extensions/101/rules", "numbers/101/pointers")
    ]


async def test_mailboxes_are_made_and_changed(api: Api, client: httpx.AsyncClient) -> None:
    """A new row makes one, a known number changes it, the same again changes nothing; jobs are few."""
    text = (
        "number,display_name,pin,email_recipients,review\n"
        f"8001,Sales,{PIN},a@example.com b@example.com,\n8002,=1+1,{PIN},,true\n"
    )
    made = await _import(client, "mailboxes", text)
    jobs = [(name, args.get("numbers")) for name, args in api.jobs()]
    changed = await _import(client, "mailboxes", "number,display_name\n8001,Sales team\n8002,=1+1\n")
    mailbox = (await client.get(f"{API}/mailboxes/8001")).json()

    assert [(2, "8001", "created"), (3, "8002", "created")] == _outcomes(made)
    assert [(2, "8001", "changed"), (3, "8002", "unchanged")] == _outcomes(changed)
    assert ("Sales team", ["a@example.com", "b@example.com"]) == (
        mailbox["display_name"],
        mailbox["email_recipients"],
    )
    assert [("configuration.routes", ["8001", "8002"])] == [job for job in jobs if job[1] is not None]


async def test_a_dry_run_changes_nothing(api: Api, client: httpx.AsyncClient) -> None:
    """It says what would become of each row, and why one would be refused; no job is deferred."""
    text = (
        f"number,display_name,pin\n8001,Sales,{PIN}\n8002,Support,1111\n80,Short,{PIN}\n"
        f"8001,Again,{PIN}\n8003,Pinless,\n"
    )
    dry = await _import(client, "mailboxes", text, dry_run=True)

    assert [
        (2, "8001", "created"),
        (3, "8002", "refused"),
        (4, "80", "refused"),
        (5, "8001", "refused"),
        (6, "8003", "refused"),
    ] == _outcomes(dry)
    assert [
        ("pin", "pin-one-digit"),
        ("number", "invalid-number"),
        ("number", "named-twice"),
        ("pin", "missing-field"),
    ] == [(error["field"], error["error_id"]) for row in dry.json()["rows"] for error in row["errors"]]
    assert ([], []) == ((await client.get(f"{API}/mailboxes")).json()["items"], api.jobs())


async def test_one_row_that_is_refused_stops_all(api: Api, client: httpx.AsyncClient) -> None:
    """The problem names the row and the field, and nothing was changed; the PIN is not repeated."""
    refused = await _import(
        client, "mailboxes", f"number,display_name,pin\n8001,Sales,{PIN}\n8002,Support,777777\n"
    )
    problem = refused.json()

    assert (422, "import-refused", [("rows[3].pin", "pin-one-digit")]) == (
        refused.status_code,
        problem["error_id"],
        [(error["field"], error["error_id"]) for error in problem["errors"]],
    )
    assert ([], []) == ((await client.get(f"{API}/mailboxes")).json()["items"], api.jobs())
    assert "777777" not in refused.text


async def test_extensions_of_one_file_may_point_at_each_other(client: httpx.AsyncClient) -> None:
    """In any order; a new one without a password gets one, shown once."""
    await client.post(f"{API}/mailboxes", json=dict(MAILBOX))
    text = (
        "number,display_name,sip_password,mailbox,busy,busy.outside_hours,exceptions\n"
        "101,Alice,,8001,102,voicemail,4930* always 8001\n"
        "102,Bob,Wq7-vmZ9_xbT2,,voicemail:101,,\n"
    )
    made = await _import(client, "extensions", text)
    rules = (await client.get(f"{API}/extensions/101/rules")).json()
    passwords = [row["sip_password"] for row in made.json()["rows"]]

    assert [(2, "101", "created"), (3, "102", "created")] == _outcomes(made)
    assert (20, None) == (len(passwords[0]), passwords[1])
    assert ("102", "forward_to_voicemail", "8001") == (
        rules["busy"]["office_hours"]["number"],
        rules["busy"]["outside_hours"]["action"],
        rules["exceptions"][0]["destination"]["number"],
    )


async def test_a_repeated_import_is_answered_without_passwords(client: httpx.AsyncClient) -> None:
    """With the same key the first answer comes again, and nothing that opens a phone was kept."""
    headers = {"Content-Type": "text/csv", "Idempotency-Key": "once"}
    answers = [
        await client.post(
            f"{API}/import/extensions", content="number,display_name\n101,Alice\n", headers=headers
        )
        for _ in range(2)
    ]
    rows = [answer.json()["rows"][0] for answer in answers]

    assert (["created", "created"], 20, None) == (
        [row["outcome"] for row in rows],
        len(rows[0]["sip_password"]),
        rows[1]["sip_password"],
    )


async def test_a_loop_in_a_file_is_refused(client: httpx.AsyncClient) -> None:
    """The row that closes it is named, with its column."""
    text = "number,display_name,busy\n101,Alice,102\n102,Bob,101\n"
    refused = await _import(client, "extensions", text)

    assert (422, [("rows[3].busy.office_hours.number", "forwarding-loop")]) == (
        refused.status_code,
        [(error["field"], error["error_id"]) for error in refused.json()["errors"]],
    )


async def test_an_export_round_trips(api: Api, client: httpx.AsyncClient) -> None:
    """What was exported and is imported again changes nothing, and has no secret in it."""
    await _import(
        client,
        "mailboxes",
        "number,display_name,language,pin,say_datetime,email_recipients\n"
        f"8001,=Sales,de,{PIN},24h,a@example.com\n",
    )
    await _import(
        client,
        "extensions",
        "number,display_name,sip_password,mailbox,mwi_mailboxes,no_answer,no_answer_seconds,always,always.outside_hours\n"
        "101,'Alice,Wq7-vmZ9_xbT2,8001,8001,voicemail,12,ring,8001\n",
    )
    await _import(
        client,
        "inbound-rules",
        "name,dids,callers,priority,destination,destination.holidays\n"
        "main,+4930* 49401-49499,+49171,5,101,hangup\n",
    )
    before = await _everything(client)
    api.jobs()
    files = {
        name: await client.get(f"{API}/export/{name}")
        for name in ("mailboxes", "extensions", "inbound-rules")
    }
    again = [await _import(client, name, file.text) for name, file in files.items()]

    assert [[(2, key, "unchanged")] for key in ("8001", "101", "main")] == [_outcomes(one) for one in again]
    assert (before, []) == (await _everything(client), api.jobs())
    assert [] == [file for file in files.values() if PIN in file.text or "Wq7" in file.text]
    assert ["text/csv; charset=utf-8; header=present"] * 3 == [
        file.headers["content-type"] for file in files.values()
    ]


async def test_an_import_may_take_longer_than_anything_else(api: Api, default_tenant: UUID) -> None:
    """Thousands of rows are one transaction, for which the limit of all others would be too short."""
    limit = 1.0
    locked = "SELECT count(*) AS count FROM pg_stat_activity WHERE query LIKE %s AND state = 'active'"

    def hold_the_tenant() -> None:
        with psycopg.connect(api.url) as connection:
            connection.execute("SELECT 1 FROM tenants FOR UPDATE")
            connection.execute("SELECT pg_sleep(%s)", [limit * 2])

    db = Database(api.url.replace("postgresql://", "postgresql+psycopg://"), timeout_seconds=limit)
    holding = asyncio.create_task(asyncio.to_thread(hold_the_tenant))
    try:
        await until(lambda: 0 < api.rows(locked, "SELECT pg_sleep%")[0]["count"], "the lock of another one")
        (outcome,) = await import_csv(
            Importing(
                db=db,
                jobs=api.deps.jobs,
                hasher=api.hasher,
                pin_policy=api.deps.pin_policy,
                tenant_id=default_tenant,
                realm=api.deps.realm,
                by="tests",
            ),
            name=ResourceName.MAILBOXES,
            data=f"number,display_name,pin\n8001,Sales,{PIN}\n".encode(),
            dry_run=False,
        )
    finally:
        await holding
        await db.close()

    assert Outcome.CREATED is outcome.outcome


async def test_an_inbound_rule_needs_a_destination(client: httpx.AsyncClient) -> None:
    """A new rule without one, and one that points at nobody, are refused."""
    refused = await _import(client, "inbound-rules", "name,destination\nmain,\nother,999\n")

    assert [
        ("rows[2].destination", "missing-field"),
        ("rows[3].destination.office_hours.number", "no-such-number"),
    ] == [(error["field"], error["error_id"]) for error in refused.json()["errors"]]


@pytest.mark.parametrize(
    ("resource", "content_type", "text", "status", "error_id"),
    [
        ("mailboxes", "application/json", "{}", 415, "unsupported-media-type"),
        ("mailboxes", "text/csv", "number,secret\n", 422, "unknown-field"),
        ("mailboxes", "text/csv", "", 422, "malformed-csv"),
        ("tenants", "text/csv", "number\n", 422, "not-one-of"),
    ],
)
async def test_what_is_no_such_file_is_refused(
    client: httpx.AsyncClient, *, resource: str, content_type: str, text: str, status: int, error_id: str
) -> None:
    """Another type, another column, nothing, another resource."""
    refused = await client.post(
        f"{API}/import/{resource}", content=text, headers={"Content-Type": content_type}
    )

    assert (status, error_id) == (refused.status_code, refused.json()["error_id"])


async def test_strangers_get_nothing(stranger: httpx.AsyncClient, foreigner: httpx.AsyncClient) -> None:
    """Without a token 401; another tenant's export has a header alone."""
    refused = [
        await stranger.get(f"{API}/export/mailboxes"),
        await _import(stranger, "mailboxes", "number\n"),
    ]
    foreign = await foreigner.get(f"{API}/export/mailboxes")

    assert ([401, 401], 1) == ([one.status_code for one in refused], len(foreign.text.splitlines()))
