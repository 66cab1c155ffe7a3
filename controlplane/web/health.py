"""`/healthz`: alive. `/readyz`: able to work. `/metrics`: figures for Prometheus."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from sqlalchemy import text

from controlplane.domain.errors import ControlPlaneError
from controlplane.storage.writable import check_writable
from controlplane.web.deps import WebDeps, deps_of
from controlplane.web.errors import RETRY_SECONDS, FieldProblem, problem_response, request_id_of

_SECONDS = 2.0


def health_routes(registry: CollectorRegistry) -> APIRouter:
    """Return the routes, which need no token and stay out of the API's description."""
    router = APIRouter(include_in_schema=False)

    @router.get("/healthz")
    async def healthz() -> Response:
        return JSONResponse({"status": "alive"})

    @router.get("/readyz")
    async def readyz(request: Request) -> Response:
        checks = _checks(deps_of(request))
        faults = await asyncio.gather(*(_fault(check) for check in checks.values()))
        states = dict(zip(checks, faults, strict=True))
        if any(states.values()):
            return problem_response(
                request_id_of(request),
                status=503,
                error_id="not-ready",
                detail=" ".join(f"{name}: {fault}." for name, fault in states.items() if fault),
                errors=[
                    FieldProblem(field=name, error_id="not-ready", detail=fault)
                    for name, fault in states.items()
                    if fault
                ],
                headers={"Retry-After": RETRY_SECONDS},
            )
        return JSONResponse({"status": "ready", "checks": dict.fromkeys(states, "ok")})

    @router.get("/metrics")
    async def metrics() -> Response:
        return Response(generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    return router


def _checks(deps: WebDeps) -> dict[str, Callable[[], Awaitable[object]]]:
    async def postgres() -> None:
        async with deps.db.transaction() as session:
            await session.execute(text("SELECT 1"))

    async def spool() -> None:
        await asyncio.to_thread(check_writable, deps.spool)

    checks: dict[str, Callable[[], Awaitable[object]]] = {"postgres": postgres, "spool": spool}
    if deps.switch_answers is not None:
        checks["switch"] = deps.switch_answers
    return checks


async def _fault(check: Callable[[], Awaitable[object]]) -> str:
    """Return what is wrong, without addresses or paths; empty if nothing is."""
    try:
        async with asyncio.timeout(_SECONDS):
            await check()
    except TimeoutError:
        return "no answer in time"
    except (ControlPlaneError, OSError) as error:
        return f"not available ({type(error).__name__})"
    return ""
