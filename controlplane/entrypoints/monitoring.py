"""How `calls`, `events` and `jobs` tell how they are, on a port of their own: `web` has its routes for it.

`/healthz`: the process lives. `/readyz`: it can do its work, or 503 with what is wrong.
`/metrics`: the figures of this process, for Prometheus. Nothing here needs a token, and nothing
names an address or a path.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import structlog
from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest

from controlplane.domain.errors import ControlPlaneError
from controlplane.entrypoints.listening import listen
from controlplane.settings import Monitoring

_CHECK_SECONDS = 2.0
_STOP_SECONDS = 1
_JSON = "application/json"
_FIGURES = "text/plain; version=0.0.4; charset=utf-8"

Check = Callable[[], Awaitable[object]]
"""Raises NotReady, ControlPlaneError or OSError where something is not as it should be."""


class NotReady(Exception):
    """What a process lacks to do its work; the text is for people."""


def holds(fact: Callable[[], bool], otherwise: str) -> Check:
    """Return the check of a fact that the process knows."""

    async def check() -> None:
        if not fact():
            raise NotReady(otherwise)

    return check


@asynccontextmanager
async def monitoring(
    settings: Monitoring,
    registry: CollectorRegistry,
    checks: Mapping[str, Check],
    *,
    measure: Check | None = None,
) -> AsyncIterator[None]:
    """Serve while the body runs; nothing where no port is set. Raises CannotStart.

    `measure` brings figures up to date that nobody counts as things happen, when they are asked for.
    """
    if settings.port is None:
        yield
        return
    # Nobody pays for the server who does not want it.
    import uvicorn  # noqa: PLC0415 (see above)

    class Server(uvicorn.Server):
        """A server that leaves the signals to the process that it is a part of."""

        @contextmanager
        def capture_signals(self) -> Iterator[None]:
            yield

    ProcessCollector(registry=registry)
    listener = listen(settings.host, settings.port, group="MONITORING")
    config = uvicorn.Config(
        _app(registry, checks, measure),
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_STOP_SECONDS,
    )
    server = Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield
    finally:
        server.should_exit = True
        await serving


async def faults_of(checks: Mapping[str, Check]) -> dict[str, str]:
    """Return what is wrong by the checks that found it; empty if nothing is."""
    found = await asyncio.gather(*(_fault(check) for check in checks.values()))
    return {name: fault for name, fault in zip(checks, found, strict=True) if fault}


async def _readiness(checks: Mapping[str, Check]) -> tuple[int, dict[str, object]]:
    faults = await asyncio.gather(*(_fault(check) for check in checks.values()))
    states = {name: fault or "ok" for name, fault in zip(checks, faults, strict=True)}
    ready = not any(faults)
    return (200 if ready else 503), {"status": "ready" if ready else "not ready", "checks": states}


async def _fault(check: Check) -> str:
    """Return what is wrong; empty if nothing is."""
    try:
        async with asyncio.timeout(_CHECK_SECONDS):
            await check()
    except TimeoutError:
        return "no answer in time"
    except NotReady as error:
        return str(error)
    except (ControlPlaneError, OSError) as error:
        return f"not available ({type(error).__name__})"
    except Exception as error:  # noqa: BLE001 (the edge of a request: it must be answered)
        structlog.get_logger().error("monitoring.check_failed", error=type(error).__name__)
        return "failed"
    return ""


def _app(
    registry: CollectorRegistry, checks: Mapping[str, Check], measure: Check | None
) -> Callable[..., Awaitable[None]]:
    """Return the three answers as an ASGI app."""

    async def app(scope: dict[str, Any], _receive: object, send: Callable[..., Awaitable[None]]) -> None:
        if scope["type"] != "http":
            return
        if measure is not None and scope["path"] == "/metrics":
            await _fault(measure)  # (what cannot be measured is left out; `/readyz` says why)
        status, kind, body = await _answer(scope["method"], scope["path"], registry, checks)
        head = [(b"content-type", kind.encode()), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": head})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})

    return app


async def _answer(
    method: str, path: str, registry: CollectorRegistry, checks: Mapping[str, Check]
) -> tuple[int, str, bytes]:
    if method not in {"GET", "HEAD"}:
        return 405, _JSON, b'{"status": "method not allowed"}'
    match path:
        case "/healthz":
            return 200, _JSON, b'{"status": "alive"}'
        case "/readyz":
            status, told = await _readiness(checks)
            return status, _JSON, json.dumps(told).encode()
        case "/metrics":
            return 200, _FIGURES, generate_latest(registry)
        case _:
            return 404, _JSON, b'{"status": "not found"}'
