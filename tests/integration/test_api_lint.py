"""Findings over REST."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import httpx
from tests.support.api import MAILBOX, Api

URL = "/api/v1/lint"


async def test_findings_are_listed_and_counted(client: httpx.AsyncClient, mailbox: httpx.Response) -> None:
    """Each has an object, a sentence and a remedy; `limit` and filters cut the list."""
    await client.post("/api/v1/mailboxes", json={**MAILBOX, "number": "8002", "display_name": "8002"})
    await client.post("/api/v1/ring-groups", json={"number": "6100", "display_name": "Sales"})
    everything = (await client.get(URL)).json()
    first = (await client.get(URL, params={"limit": 1})).json()
    names = (await client.get(URL, params={"finding": "name-says-nothing"})).json()
    warnings = (await client.get(URL, params={"severity": "warning"})).json()

    assert {
        "nobody-rings": 1,
        "mailbox-without-mail": 2,
        "name-says-nothing": 1,
        "nothing-points-at-it": 3,
    } == everything["totals"]
    assert ([("ring-group", "6100", "members")], everything["totals"]) == (
        [(one["kind"], one["number"], one["field"]) for one in first["items"]],
        first["totals"],
    )
    assert (["8002"], ["6100"]) == (
        [one["number"] for one in names["items"]],
        [one["number"] for one in warnings["items"]],
    )


async def test_a_mailbox_that_nobody_reads(
    api: Api, client: httpx.AsyncClient, mailbox: httpx.Response
) -> None:
    """New messages from long ago, and none touched since; one that is marked as read is a reader."""
    long_ago = datetime.now(UTC) - timedelta(days=40)
    await api.message(received_at=long_ago)
    second = await api.message(received_at=long_ago)
    unread = (await client.get(URL, params={"finding": "mailbox-not-read"})).json()["items"]
    await client.patch(f"/api/v1/messages/{second}", json={"state": "saved"})
    read = (await client.get(URL, params={"finding": "mailbox-not-read"})).json()["items"]

    assert (["8001"], []) == ([one["number"] for one in unread], read)


async def test_an_unknown_finding_is_refused(client: httpx.AsyncClient) -> None:
    """The parameter is named."""
    refused = await client.get(URL, params={"finding": "nothing"})

    assert (422, "finding") == (refused.status_code, refused.json()["errors"][0]["field"])


async def test_another_tenant_has_findings_of_its_own(
    foreigner: httpx.AsyncClient, mailbox: httpx.Response
) -> None:
    """Nothing of another tenant is looked at."""
    assert {"items": [], "totals": {}} == (await foreigner.get(URL)).json()
