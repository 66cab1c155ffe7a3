"""The API's description: complete, kept, true to what the app does, and a page without foreign hosts."""

from __future__ import annotations

import json
import re
from typing import Any

import httpx
from controlplane.web.docs_page import calls_of
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.json import JSONSnapshotExtension
from tests.support.api import Api


def _operations(api: Api) -> dict[str, dict[str, Any]]:
    return {
        operation["operationId"]: operation
        for operations in api.app.openapi()["paths"].values()
        for operation in operations.values()
    }


def test_the_description_is_as_it_was_agreed(api: Api, snapshot: SnapshotAssertion) -> None:
    """Each change of the contract shows in the snapshot."""
    document = {**api.app.openapi(), "info": {}}

    assert document == snapshot(extension_class=JSONSnapshotExtension)


def test_every_call_describes_its_problems(api: Api) -> None:
    """Every call names the answers that every call may have, as problem documents."""
    lacking = {
        (name, status)
        for name, operation in _operations(api).items()
        for status in ("401", "404", "422", "503")
        if list(operation["responses"].get(status, {}).get("content", {})) != ["application/problem+json"]
    }

    assert lacking == set()


def test_every_call_has_an_example(api: Api) -> None:
    """Every call has a command to try, and every body of JSON an example."""
    document = api.app.openapi()
    lacking = [
        call.id
        for call in calls_of(document, public_url="http://test")
        if "…'" in call.example.replace("svm_…'", "")
        or ("-d 'null'" in call.example)
        or (
            not any(answer.example for answer in call.answers if answer.status in {"200", "201", "202"})
            and not {"204", "206"} & {answer.status for answer in call.answers}
        )
    ]

    assert lacking == []


def test_no_answer_has_a_pin_in_its_example(api: Api) -> None:
    """A PIN stands in examples of requests only."""
    schemas = api.app.openapi()["components"]["schemas"]
    holding = [
        name for name, schema in schemas.items() if '"pin"' in json.dumps(schema.get("properties", {}))
    ]
    shown = [name for name, schema in schemas.items() if '"pin"' in json.dumps(schema.get("examples", []))]

    assert (set(holding), shown) == ({"MailboxIn", "MailboxPatch"}, ["MailboxIn"])


async def test_the_examples_of_requests_are_accepted(api: Api, client: httpx.AsyncClient) -> None:
    """What the page says to send is taken as it stands."""
    schemas = api.app.openapi()["components"]["schemas"]
    made = await client.post("/api/v1/mailboxes", json=schemas["MailboxIn"]["examples"][0])
    changed = await client.patch("/api/v1/mailboxes/8001", json=schemas["MailboxPatch"]["examples"][0])
    extension = await client.post("/api/v1/extensions", json=schemas["ExtensionIn"]["examples"][0])
    async with api.client(await api.token(None)) as system:
        tenant = await system.post("/api/v1/tenants", json=schemas["TenantIn"]["examples"][0])

    assert [a.status_code for a in (made, changed, extension, tenant)] == [201, 200, 201, 201]


async def test_the_page_lists_every_call_and_loads_nothing_foreign(
    api: Api, stranger: httpx.AsyncClient
) -> None:
    """The page has an entry per call; its style is ours; it has no script."""
    page = (await stranger.get("/api/v1/docs")).text
    loaded = re.findall(r'<link[^>]* href="([^"]+)"|<script|<img|src=', page)

    assert [name for name in _operations(api) if f'<article id="{name}">' not in page] == []
    assert loaded == ["data:,", "../../static/page.css", "../../static/docs.css"]


async def test_the_description_needs_no_token(stranger: httpx.AsyncClient) -> None:
    """Programs may read it before they have a token."""
    answer = await stranger.get("/api/v1/openapi.json")

    assert (answer.status_code, answer.json()["openapi"][:3]) == (200, "3.1")
