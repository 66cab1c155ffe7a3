"""What the app answers is what its description says, for requests that nobody thought of."""

from __future__ import annotations

import asyncio
import copy
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from controlplane.storage.database import Database
from controlplane.storage.queue import Jobs, make_app
from hypothesis import HealthCheck, Phase, Verbosity, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import load_all_checks
from schemathesis.generation.case import Case
from schemathesis.specs.openapi import checks as openapi_checks
from tests.support.api import MAILBOX, Api, make_api
from tests.support.greetings import humming, speaking

EXAMPLES = 4


def _checks() -> list[Any]:
    load_all_checks()
    schemathesis.serializer.alias("audio/wav", "application/octet-stream")
    return [
        schemathesis.checks.not_a_server_error,
        openapi_checks.status_code_conformance,
        openapi_checks.content_type_conformance,
        openapi_checks.response_headers_conformance,
        openapi_checks.response_schema_conformance,
        openapi_checks.negative_data_rejection,
    ]


def _for_members(document: dict[str, Any]) -> dict[str, Any]:
    """Return the description for one whose token is right; strangers have tests of their own."""
    copied = copy.deepcopy(document)
    for operations in copied["paths"].values():
        for operation in operations.values():
            operation.pop("security", None)
            operation["parameters"] = [p for p in operation["parameters"] if p["name"] != "X-Tenant"]
    return copied


def _modes(operation: dict[str, Any]) -> list[GenerationMode]:
    """Right requests for each call, wrong ones where there is something to get wrong."""
    # Any bytes may be audio: a wrong body of that kind cannot be made up from the description.
    has_json = "application/json" in operation.get("requestBody", {}).get("content", {})
    can_be_wrong = has_json or any(p["in"] == "query" for p in operation["parameters"])
    return [GenerationMode.POSITIVE, *([GenerationMode.NEGATIVE] if can_be_wrong else [])]


async def _fill(api: Api, client: httpx.AsyncClient) -> None:
    """Make the objects that the examples of the description name."""
    await client.post("/api/v1/mailboxes", json=dict(MAILBOX))
    await client.post("/api/v1/extensions", json={"number": "101", "display_name": "Alice"})
    await client.post("/api/v1/ring-groups", json={"number": "6100", "display_name": "Sales"})
    queue = {"number": "6200", "display_name": "IT support", "agents": ["101"]}
    await client.post("/api/v1/call-queues", json=queue)
    await client.post("/api/v1/office-hours", json={"name": "default", "closed_now": True})
    await client.post("/api/v1/virtual-receptionists", json={"number": "6000", "display_name": "Main"})
    await client.post("/api/v1/numbers/reserved", json={"first": "9000", "last": "9099"})
    await client.post("/api/v1/trunks", json={"name": "provider", "addresses": ["203.0.113.1"]})
    await client.post(
        "/api/v1/inbound-rules",
        json={"name": "main-number", "destination": {"office_hours": {"action": "hangup"}}},
    )
    await client.post("/api/v1/tenants", json={"name": "north", "sip_domain": "north.example.com"})
    await api.message(seconds=0.2)


async def _send(api: Api, client: httpx.AsyncClient, case: Case) -> httpx.Response:
    kwargs = case.as_transport_kwargs(base_url="http://test")
    body = kwargs.get("data")
    (message,) = api.rows("SELECT id FROM messages LIMIT 1") or [{"id": ""}]
    url = kwargs["url"].replace("0b2f9a52-0c3f-4f0f-8a55-6f1f3c9a7e10", str(message["id"]))
    return await client.request(
        kwargs["method"],
        url,
        params=kwargs.get("params"),
        headers={
            key: str(value).encode("latin-1", "replace") for key, value in (kwargs["headers"] or {}).items()
        },
        json=kwargs.get("json"),
        content=body if isinstance(body, (str, bytes)) else None,
    )


@pytest.mark.timeout(600)
def test_answers_conform_to_the_description(database_url: str, tmp_path: Path) -> None:
    """For generated requests, right and wrong ones, status, type, headers and body are as described."""
    checks = _checks()
    with asyncio.Runner() as runner:
        loop = runner.get_loop()
        database = Database(database_url.replace("postgresql://", "postgresql+psycopg://"))
        api = make_api(database, Jobs(make_app(database_url)), tmp_path, database_url, max_body_bytes=1 << 20)
        client = api.client(runner.run(api.token(None)))
        runner.run(_fill(api, client))
        jobs = speaking(database, humming(tmp_path / "spoken"))
        runner.run(jobs.__aenter__())
        schema = schemathesis.openapi.from_dict(_for_members(api.app.openapi()))
        for found in schema.get_all_operations():
            operation = found.ok()
            for mode in _modes(operation.definition.raw):

                @settings(
                    max_examples=EXAMPLES,
                    derandomize=True,
                    database=None,
                    deadline=None,
                    verbosity=Verbosity.quiet,
                    phases=[Phase.explicit, Phase.generate],
                    suppress_health_check=list(HealthCheck),
                )
                @given(case=operation.as_strategy(generation_mode=mode))
                def conforms(case: Case) -> None:
                    answer = loop.run_until_complete(_send(api, client, case))
                    case.validate_response(answer, checks=checks)

                conforms()
        runner.run(jobs.__aexit__(None, None, None))
        runner.run(client.aclose())
        runner.run(database.close())
        api.close()
