"""`/configuration` and `/languages` over HTTP."""

from __future__ import annotations

import httpx
from controlplane.speech.catalogue import available_languages
from tests.support.api import MAILBOX, Api

URL = "/api/v1/configuration"


def _revision(api: Api, state: str, error: str | None = None) -> None:
    api.rows(
        "INSERT INTO configuration_revisions (digest, state, error) VALUES ('d', %s, %s) RETURNING 1",
        state,
        error,
    )


async def test_nothing_is_published_at_first(client: httpx.AsyncClient) -> None:
    """Before the first revision the state is `none`."""
    assert (await client.get(URL)).json() == {"state": "none", "revisions": []}


async def test_a_change_is_pending_until_its_job_has_run(api: Api, client: httpx.AsyncClient) -> None:
    """A queued job makes the state pending; without one it is that of the newest revision."""
    _revision(api, "live")
    before = (await client.get(URL)).json()["state"]
    await client.post("/api/v1/mailboxes", json=dict(MAILBOX))
    during = (await client.get(URL)).json()["state"]
    api.jobs()
    after = (await client.get(URL)).json()["state"]

    assert (before, during, after) == ("live", "pending", "live")


async def test_why_a_revision_failed_is_told_to_system_tokens(
    api: Api, client: httpx.AsyncClient, system: httpx.AsyncClient
) -> None:
    """All see that it failed; the error may name another tenant's objects."""
    _revision(api, "live")
    _revision(api, "failed", "The switch does not know 1 endpoints: north-101.")
    told = {}
    for name, who in (("tenant", client), ("system", system)):
        body = (await who.get(URL)).json()
        told[name] = (body["state"], [(r["state"], r["error"]) for r in body["revisions"]])

    assert told == {
        "tenant": ("failed", [("failed", None), ("live", None)]),
        "system": (
            "failed",
            [("failed", "The switch does not know 1 endpoints: north-101."), ("live", None)],
        ),
    }


async def test_languages_with_prompts_are_listed(client: httpx.AsyncClient) -> None:
    """Each catalogue is listed with its name."""
    items = (await client.get("/api/v1/languages")).json()["items"]

    assert [item["tag"] for item in items] == available_languages()
    assert {"tag": "de", "name": "German", "own_name": "Deutsch"} in items
    assert {"tag": "en", "name": "English", "own_name": "English"} in items
