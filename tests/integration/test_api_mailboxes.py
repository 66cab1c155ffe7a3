"""`/mailboxes` over HTTP."""

from __future__ import annotations

import httpx


async def test_created_mailbox_is_answered_in_full(client: httpx.AsyncClient) -> None:
    """POST answers 201 with the mailbox, its defaults, its address and its ETag."""
    answer = await client.post("/api/v1/mailboxes", json={"number": "8001", "display_name": "Sales", "pin": "290174"})
    print(answer.text)
    r = await client.get("/api/v1/mailboxes")
    print(r.text, r.headers)
    r = await client.get("/api/v1/openapi.json")
    print(r.text[:300])
    r = await client.get("/api/v1/docs")
    print(r.text[:300])
    r = await client.get("/metrics")
    print(r.text[-1900:])
    r = await client.get("/readyz")
    print(r.text[-900:])

    assert answer.status_code == 201
