"""`/healthz`, `/readyz` and `/metrics`."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from controlplane.domain.errors import SwitchUnavailable, Unavailable
from tests.support.api import Api


async def test_alive_needs_nothing(stranger: httpx.AsyncClient) -> None:
    """/healthz answers without a token."""
    assert (await stranger.get("/healthz")).json() == {"status": "alive"}


async def test_ready_when_all_parts_answer(api: Api, stranger: httpx.AsyncClient) -> None:
    """/readyz asks Postgres, the spool and the switch, and leaves nothing in the spool."""
    answer = await stranger.get("/readyz")

    assert (answer.status_code, answer.json()["checks"]) == (
        200,
        {"postgres": "ok", "spool": "ok", "switch": "ok"},
    )
    assert list(api.deps.spool.iterdir()) == []


async def test_a_switch_that_does_not_answer_is_named(api: Api, stranger: httpx.AsyncClient) -> None:
    """503 names the part that is missing, and nothing of its address."""
    api.switch.fault = SwitchUnavailable("no connection to 10.0.0.5:5038")
    answer = await stranger.get("/readyz")

    assert (answer.status_code, answer.json()["error_id"]) == (503, "not-ready")
    assert [error["field"] for error in answer.json()["errors"]] == ["switch"]
    assert "10.0.0.5" not in answer.text


async def test_a_spool_that_cannot_be_written_is_named(api: Api, stranger: httpx.AsyncClient) -> None:
    """Without its folder the spool is not ready."""
    api.deps.spool.rmdir()
    answer = await stranger.get("/readyz")

    assert [error["field"] for error in answer.json()["errors"]] == ["spool"]


async def test_a_silent_switch_does_not_hold_the_answer(
    api: Api, stranger: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A part that never answers is told after a limit."""
    monkeypatch.setattr("controlplane.web.health._SECONDS", 0.05)
    monkeypatch.setattr(type(api.switch), "answers", lambda _: asyncio.Event().wait())
    object.__setattr__(api.deps, "switch_answers", api.switch.answers)
    answer = await stranger.get("/readyz")

    assert answer.json()["errors"][0]["detail"] == "no answer in time"


async def test_a_database_that_is_away_is_named(
    api: Api, stranger: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without Postgres the process is alive and not ready."""

    def away(_: object) -> None:
        raise Unavailable("The database cannot be reached.")

    monkeypatch.setattr(type(api.deps.db), "transaction", away)
    ready = await stranger.get("/readyz")
    alive = await stranger.get("/healthz")

    assert [error["field"] for error in ready.json()["errors"]] == ["postgres"]
    assert alive.status_code == 200


async def test_requests_are_counted_by_route(client: httpx.AsyncClient) -> None:
    """/metrics counts answers by method, template and status."""
    series = 'controlplane_http_requests_total{method="GET",route="/api/v1/numbers/{number}",status="404"} '
    counted = []
    for _ in range(2):
        await client.get("/api/v1/numbers/8001")
        (line,) = [
            line for line in (await client.get("/metrics")).text.splitlines() if line.startswith(series)
        ]
        counted.append(float(line.split()[-1]))

    assert 1.0 == counted[1] - counted[0]
