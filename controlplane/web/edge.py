"""What is done with every request: an id, a limit on its body, headers of security, a log entry, figures.

It wraps the whole app, so that an error that nobody expected still is an answer, logged once.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from uuid import uuid4

import structlog
from prometheus_client import CollectorRegistry, Counter, Histogram
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from controlplane.speech.recorded import MAX_GREETING_BYTES
from controlplane.web import errors
from controlplane.web.paths import API

_HEADERS: Mapping[str, str] = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": (
        "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    ),
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "X-Robots-Tag": "noindex, nofollow",
    "Cache-Control": "no-store",
}
_PROBES = frozenset({"/healthz", "/readyz", "/metrics"})
# Where a person waits for a page and not for a problem document.
_PAGES = "/portal/"
# Audio is read by the call itself, behind its token; everything else is small.
_UPLOADS = re.compile(
    rf"PUT {re.escape(API)}/(?:virtual-receptionists|mailboxes)/[^/]+/(?:greeting|spoken-name)"
    rf"|POST {_PAGES}(?:virtual-receptionists|mailboxes)/[^/]+/greetings/(?:name/)?try"
)
_FORM_BYTES = 65_536
"""What a form has beside a recording."""
_DROPPED_BYTES = 64 * 1024 * 1024
_HSTS = "max-age=31536000"


class HttpFigures:
    """Counts requests and measures how long they take, by the route's template."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._requests = Counter(
            "controlplane_http_requests",
            "Requests answered",
            ["method", "route", "status"],
            registry=registry,
        )
        self._seconds = Histogram(
            "controlplane_http_seconds", "Time to answer a request", ["method", "route"], registry=registry
        )

    def answered(self, *, method: str, route: str, status: int, seconds: float) -> None:
        """Note a request."""
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(method, route).observe(seconds)


class Edge:
    """ASGI middleware around everything else."""

    def __init__(self, app: ASGIApp, *, max_body_bytes: int, https: bool, figures: HttpFigures) -> None:
        self._app = app
        self._max_body_bytes = max_body_bytes
        self._headers = {**_HEADERS, **({"Strict-Transport-Security": _HSTS} if https else {})}
        self._figures = figures

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = _Answer(send, self._headers, head=scope["method"] == "HEAD")
        # Whatever can be read by GET can be asked for by HEAD; the body is dropped on its way out.
        inner: dict[str, Any] = {**scope, "method": "GET" if answer.head else scope["method"]}
        state: dict[str, Any] = {**scope.get("state", {}), "request_id": answer.request_id}
        inner["state"] = state
        began = time.perf_counter()
        try:
            await self._run(inner, receive, answer)
        finally:
            self._note(inner, scope["method"], answer, time.perf_counter() - began)

    async def _run(self, scope: Scope, receive: Receive, answer: _Answer) -> None:
        if "\0" in scope["path"]:
            # No name of ours has it, and the database takes no text with it.
            await errors.of_status(answer.request_id, 404)(scope, receive, answer.send)
            return
        length = Headers(scope=scope).get("content-length", "")
        most = self._max_body_bytes
        if _UPLOADS.fullmatch(f"{scope['method']} {scope['path']}"):
            form = _FORM_BYTES if scope["method"] == "POST" else 0
            most = max(most, MAX_GREETING_BYTES + form)
        limited = self._limited(receive, most)
        if length.isascii() and length.isdigit() and int(length) > most:
            if not scope["path"].startswith(_PAGES):
                await errors.of_status(answer.request_id, 413)(scope, receive, answer.send)
                return
            limited = self._dropped(receive, int(length))
        try:
            await self._app(scope, limited, answer.send)
        except Exception:
            structlog.get_logger().exception("http.failed", request_id=str(answer.request_id))
            if answer.status is not None:
                raise  # Too late for another answer: the server cuts the connection.
            await errors.of_status(answer.request_id, 500)(scope, receive, answer.send)

    @staticmethod
    def _limited(receive: Receive, most: int) -> Receive:
        """Count what arrives, for bodies that do not say their length."""
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > most:
                raise HTTPException(413)
            return message

        return counted

    @staticmethod
    def _dropped(receive: Receive, length: int) -> Receive:
        """Refuse a body when the page asks for it, and let a browser send what is not far too much.

        A browser that is still sending shows no answer, only that the connection broke.
        """

        async def refused() -> Message:
            more = length <= _DROPPED_BYTES
            while more:
                message = await receive()
                more = message["type"] == "http.request" and message.get("more_body", False)
            raise HTTPException(413)

        return refused

    def _note(self, scope: Scope, method: str, answer: _Answer, seconds: float) -> None:
        # The template and never the path: a link's token is a part of its path.
        route = getattr(scope.get("route"), "path", "unknown")
        status = answer.status or 499
        self._figures.answered(method=method, route=route, status=status, seconds=seconds)
        principal, person = (scope["state"].get(name) for name in ("principal", "signed_in"))
        log = structlog.get_logger()
        # Probes come every few seconds and say nothing when all is well.
        note = log.debug if route in _PROBES and status < HTTPStatus.BAD_REQUEST else log.info
        note(
            "http.request",
            method=method,
            route=route,
            status=status,
            duration_ms=round(seconds * 1000, 1),
            request_id=str(answer.request_id),
            **({} if principal is None else {"tenant": principal.tenant_name, "token": principal.token_name}),
            **({} if person is None else {"tenant": person.tenant_name, "user": person.user.user_name}),
        )


class _Answer:
    """Sends an answer with the headers that every answer has; `status` is None until it has begun."""

    def __init__(self, send: Send, headers: Mapping[str, str], *, head: bool) -> None:
        self._send = send
        self._headers = headers
        self.head = head
        self.request_id = uuid4()
        self.status: int | None = None

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            for name, value in self._headers.items():
                headers.setdefault(name, value)
            headers["X-Request-Id"] = str(self.request_id)
        elif message["type"] == "http.response.body" and self.head:
            message = {**message, "body": b""}
        await self._send(message)
