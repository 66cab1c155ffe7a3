"""Who may ask: tokens, tenants, and what strangers are told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from controlplane.domain.errors import InvalidValue, NotFound
from controlplane.services.tokens import create_token, revoke_token
from tests.support.api import MAILBOX, Api

URL = "/api/v1/mailboxes"


def _calls(document: dict[str, Any]) -> list[tuple[str, str]]:
    return [
        (method.upper(), path.replace("{message_id}", str(uuid4())).replace("{number}", "8001"))
        for path, operations in document["paths"].items()
        for method in operations
    ]


async def test_every_call_refuses_the_stranger(api: Api, stranger: httpx.AsyncClient) -> None:
    """Without a token each call of the API is answered by 401 that says how to ask."""
    found = {}
    for method, path in _calls(api.app.openapi()):
        answer = await stranger.request(method, path.replace("{name}", "default"))
        found[method, path] = (answer.status_code, answer.headers.get("www-authenticate"))

    assert set(found.values()) == {(401, 'Bearer realm="shared-voicemail"')}


async def test_tokens_that_are_not_in_force_are_refused(api: Api) -> None:
    """Unknown, expired, revoked and malformed tokens are all answered by the same 401."""
    expired = await api.token(expires_at=datetime.now(UTC) + timedelta(hours=1))
    token_id, revoked = await create_token(api.deps.db, name="x", tenant=None, expires_at=None, by="tests")
    await revoke_token(api.deps.db, token_id=token_id, by="tests")
    api.clock.ahead = timedelta(hours=2)
    texts = ["svm_unknown", expired, revoked, "", "x" * 5000, "svm_ü".encode().decode("latin-1"), "svm_"]
    answers = []
    for text in texts:
        async with api.client() as client:
            headers = {"Authorization": f"Bearer {text}".encode("latin-1")}
            answers.append(await client.get(URL, headers=headers))

    assert {(a.status_code, a.json()["title"]) for a in answers} <= {
        (401, "Invalid token"),
        (401, "Unauthorized"),
    }
    assert answers[0].headers["www-authenticate"].endswith('error="invalid_token"')


async def test_other_schemes_are_refused(api: Api) -> None:
    """Basic and a bare token are no bearer token."""
    token = await api.token()
    answers = []
    for header in (f"Basic {token}", token, "Bearer"):
        async with api.client(Authorization=header) as client:
            answers.append((await client.get(URL)).status_code)

    assert answers == [401, 401, 401]


async def test_a_token_is_stored_by_its_hash(api: Api) -> None:
    """Nothing in the table is the token; it has 256 random bits."""
    token = await api.token()
    (row,) = api.rows("SELECT * FROM api_tokens")

    assert token not in str(row)
    assert (token[:4], len(token)) == ("svm_", 47)


async def test_a_system_token_names_its_tenant(api: Api, system: httpx.AsyncClient) -> None:
    """Without X-Tenant a system token works on `default`, with it on the tenant named."""
    await api.tenant("north")
    made = await system.post(URL, json=dict(MAILBOX), headers={"X-Tenant": "north"})
    here = await system.get(f"{URL}/8001")
    there = await system.get(f"{URL}/8001", headers={"X-Tenant": "north"})

    assert [a.status_code for a in (made, here, there)] == [201, 404, 200]


async def test_an_unknown_tenant_is_not_found(system: httpx.AsyncClient) -> None:
    """A system token that names a tenant that does not exist is answered by 404."""
    answer = await system.get(URL, headers={"X-Tenant": "south"})

    assert (answer.status_code, answer.json()["error_id"]) == (404, "no-such-tenant")


async def test_a_tenants_token_names_no_other(api: Api, client: httpx.AsyncClient) -> None:
    """A tenant's token may name its own; another one is not found, whether it exists or not."""
    await api.tenant("north")
    own = await client.get(URL, headers={"X-Tenant": "default"})
    others = [await client.get(URL, headers={"X-Tenant": name}) for name in ("north", "south")]

    assert own.status_code == 200
    assert [(a.status_code, a.json()["error_id"]) for a in others] == [(404, "no-such-tenant")] * 2


async def test_wrong_tokens_cannot_be_made(api: Api) -> None:
    """A token needs a name, a tenant that exists, and an end that lies ahead."""
    past = datetime.now(UTC) - timedelta(seconds=1)
    with pytest.raises(NotFound):
        await create_token(api.deps.db, name="x", tenant="south", expires_at=None, by="tests")
    for name, end in (("", None), ("x" * 65, None), ("a\nb", None), ("x", past)):
        with pytest.raises(InvalidValue):
            await create_token(api.deps.db, name=name, tenant=None, expires_at=end, by="tests")

    assert api.rows("SELECT id FROM api_tokens") == []


async def test_revoking_twice_is_not_found(api: Api) -> None:
    """A token is revoked once."""
    token_id, _ = await create_token(api.deps.db, name="x", tenant=None, expires_at=None, by="tests")
    await revoke_token(api.deps.db, token_id=token_id, by="tests")

    with pytest.raises(NotFound):
        await revoke_token(api.deps.db, token_id=token_id, by="tests")
