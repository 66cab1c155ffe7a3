"""Feature codes over REST: defaults, changes, clashes."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from controlplane.domain.numbers import Feature
from tests.support.api import Api

URL = "/api/v1/feature-codes"


async def test_a_tenant_is_born_with_codes(client: httpx.AsyncClient, foreigner: httpx.AsyncClient) -> None:
    """Each feature has one, the same for the first tenant and for later ones."""
    ours, theirs = await client.get(URL), await foreigner.get(URL)

    assert 200 == ours.status_code, ours.text
    assert ours.json() == theirs.json()
    codes = {item["feature"]: (item["code"], item["enabled"]) for item in ours.json()["items"]}
    assert {feature.value for feature in Feature} == set(codes)
    assert {
        "check-messages": ("*56", True),
        "closed-now": ("*16", True),
        "do-not-disturb-on": ("*78", True),
        "do-not-disturb-off": ("*79", True),
        "queue-log-in": ("*38", True),
        "queue-log-out": ("*39", True),
    }.items() <= codes.items()


async def test_a_code_is_changed_and_published(api: Api, client: httpx.AsyncClient) -> None:
    """The new code is a part of the next revision, with what changed; the same again is no change."""
    changed = await client.put(f"{URL}/closed-now", json={"code": "#20"})
    jobs = [name for name, _ in api.jobs()]
    again = await client.put(f"{URL}/closed-now", json={"code": "#20"})

    assert (200, {"feature": "closed-now", "code": "#20", "enabled": True}) == (
        changed.status_code,
        changed.json(),
    )
    assert (["configuration.publish"], []) == (jobs, api.jobs())
    assert changed.json() == again.json()
    (waiting,) = api.rows("SELECT kind, name, action, fields, author FROM configuration_changes")
    assert ("feature-code", "#20", "changed", ["code"]) == tuple(
        waiting[key] for key in ("kind", "name", "action", "fields")
    )


async def test_a_code_is_taken_out_of_use(api: Api, client: httpx.AsyncClient) -> None:
    """It keeps its code, and nobody can dial it."""
    off = await client.put(f"{URL}/closed-now", json={"code": "*16", "enabled": False})
    (row,) = api.rows("SELECT enabled FROM feature_codes WHERE feature = 'closed-now'")

    assert (200, False, False) == (off.status_code, off.json()["enabled"], row["enabled"])


@pytest.mark.parametrize(
    ("code", "feature"),
    [("*56", "check-messages"), ("*5", "check-messages"), ("*561", "check-messages"), ("*7", None)],
)
async def test_a_clash_is_refused(client: httpx.AsyncClient, code: str, feature: str | None) -> None:
    """A code that equals another, begins with it, or is its beginning; the answer names that one."""
    refused = await client.put(f"{URL}/closed-now", json={"code": code})

    assert (409, "feature-code-taken", "code") == (
        refused.status_code,
        refused.json()["error_id"],
        refused.json()["errors"][0]["field"],
    )
    named = refused.json()["details"]["feature"]
    assert named == feature or (feature is None and named.startswith("do-not-disturb"))
    unchanged = (await client.get(URL)).json()["items"]
    assert "*16" in {item["code"] for item in unchanged}


async def test_a_clash_with_a_code_out_of_use_says_so(client: httpx.AsyncClient) -> None:
    """It could be taken into use again."""
    await client.put(f"{URL}/do-not-disturb-on", json={"code": "*78", "enabled": False})
    refused = await client.put(f"{URL}/closed-now", json={"code": "*78"})

    assert (409, False) == (refused.status_code, refused.json()["details"]["enabled"])
    assert "not enabled" in refused.json()["detail"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"code": "16"},
        {"code": "*"},
        {"code": "*12345"},
        {"code": "****1"},
        {"code": "*1a"},
        {"code": "*\u0661"},
        {"code": "*16\n"},
        {"code": 16},
        {"code": "*16", "enabled": "yes"},
        {"code": "*16", "more": 1},
    ],
)
async def test_what_is_no_code_is_refused(client: httpx.AsyncClient, body: dict[str, Any]) -> None:
    """The format is that of the database."""
    refused = await client.put(f"{URL}/closed-now", json=body)

    assert 422 == refused.status_code, refused.text
    assert {"code", "enabled", "more"} >= {error["field"] for error in refused.json()["errors"]}


async def test_a_feature_that_is_none_is_refused(client: httpx.AsyncClient) -> None:
    """There are no codes of one's own."""
    assert 422 == (await client.put(f"{URL}/make-coffee", json={"code": "*99"})).status_code


async def test_tenants_have_codes_of_their_own(
    client: httpx.AsyncClient, foreigner: httpx.AsyncClient
) -> None:
    """What one changes, the other keeps."""
    await client.put(f"{URL}/closed-now", json={"code": "*20"})
    theirs = {item["feature"]: item["code"] for item in (await foreigner.get(URL)).json()["items"]}

    assert "*16" == theirs["closed-now"]


async def test_a_body_that_is_no_json_is_refused(client: httpx.AsyncClient) -> None:
    """As everywhere."""
    refused = await client.put(
        f"{URL}/closed-now", content=b"code=*16", headers={"Content-Type": "text/plain"}
    )

    assert (415, "unsupported-media-type") == (refused.status_code, refused.json()["error_id"])
