"""The server of calls: takes them from a switch and hands each to the flow it asks for.

It promises:

- Strangers, by address or by secret, get nothing and cost little. Who says nothing, or half a
  line, is dropped after a limit, and earlier when many of them wait: a switch speaks at once.
- A call that we do not take is closed, and the dialplan goes on by itself; so do calls whose flow
  fails. One closing line a call says how it ended.
- A connection that is made and closed, as a health check does, is no fault.
- Bytes that are not the protocol end their own connection, before and during a call, and no other.
"""

from __future__ import annotations

import asyncio
import ipaddress
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import ClassVar, Final, Generic, TypeVar

import structlog
from prometheus_client import CollectorRegistry
from structlog.contextvars import bound_contextvars

from controlplane.callflows.call import Call, Entry
from controlplane.callflows.ending import Ending, Outcome
from controlplane.callflows.prompts import PromptFiles
from controlplane.domain.errors import CallEnded, CallerHungUp
from controlplane.switches.faults import ConnectionFaults, FaultKind

Handler = Callable[[Call], Awaitable[Ending]]
"""A flow; what it raises is logged, and the dialplan goes on."""

WAITING_LIMIT: Final = 64
"""Connections that have not yet said what they want, beyond the calls that may come at once; the
oldest one has to go for a new one."""

_LOG_SECONDS: Final = 1.0


class RefusedRequest(Exception):
    """A request that is not from our dialplan. The text quotes nothing of it."""


class Link(asyncio.Protocol, ABC):
    """A connection of a switch."""

    @property
    @abstractmethod
    def peer_address(self) -> str:
        """The address of the peer; empty if it is unknown."""

    @property
    @abstractmethod
    def said_something(self) -> bool:
        """Whether a byte came; a health check says nothing."""

    @property
    @abstractmethod
    def breach(self) -> str:
        """How the peer broke the protocol, quoting nothing of it; empty if it did not."""

    @abstractmethod
    def close(self) -> None:
        """End the connection; the dialplan goes on. Idempotent."""


L = TypeVar("L", bound=Link)


class CallServer(ABC, Generic[L]):
    """Listens for a switch and runs a handler a call.

    `allowed_addresses` are IP networks (ValueError for another text); `max_calls` counts calls
    that were taken. `first_line_seconds` bounds the time until the request is complete. Who says
    `secret` is let in, and hears `prompts`. What is refused or broken is counted in `faults`; `ended` is
    told of each call that is over, by what was asked for and how it ended.
    """

    protocol: ClassVar[str]
    """Names it in the log."""

    def __init__(
        self,
        handlers: Mapping[Entry, Handler],
        *,
        prompts: PromptFiles,
        secret: str,
        allowed_addresses: Sequence[str],
        max_calls: int,
        first_line_seconds: float,
        faults: ConnectionFaults | None = None,
        ended: Callable[[str, str], None] = lambda _entry, _outcome: None,
    ) -> None:
        self._ended = ended
        self._faults = faults or ConnectionFaults(CollectorRegistry(), socket=self.protocol)
        self._prompts = prompts
        self._secret = secret
        self._handlers = dict(handlers)
        self._allowed = [ipaddress.ip_network(network, strict=False) for network in allowed_addresses]
        self._max_calls = max_calls
        # All calls that we take may come while we are busy: none of them is silent for that.
        self._waiting_limit = WAITING_LIMIT + max_calls
        self._first_line_seconds = first_line_seconds
        self._server: asyncio.Server | None = None
        self._waiting: dict[L, None] = {}
        self._calls: set[L] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._refusals = _RefusalLog(self.protocol)

    async def start(self, host: str, port: int) -> None:
        """Listen; raises OSError. Port 0 chooses a free one."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: self._link(self._on_made), host, port, backlog=self._waiting_limit
        )

    @property
    def address(self) -> tuple[str, int]:
        """Where the server listens."""
        assert self._server is not None
        host, port = self._server.sockets[0].getsockname()[:2]
        return str(host), int(port)

    @property
    def is_serving(self) -> bool:
        """Whether new calls are taken; no longer once it drains."""
        return self._server is not None and self._server.is_serving()

    @property
    def calls_in_progress(self) -> int:
        """How many calls run now."""
        return len(self._calls)

    async def drain(self, seconds: float) -> None:
        """Take no new call, wait for those in progress up to `seconds`, then leave them to the dialplan."""
        if self._server is not None:
            self._server.close()
        for link in list(self._waiting):
            link.close()
        tasks = set(self._tasks)
        if not tasks:
            return
        _, unfinished = await asyncio.wait(tasks, timeout=seconds)
        for task in unfinished:
            task.cancel()
        if unfinished:
            await asyncio.wait(unfinished)

    @abstractmethod
    def _link(self, on_made: Callable[[L], None]) -> L:
        """Return the protocol of a new connection."""

    @abstractmethod
    async def _request(self, link: L, *, seconds: float) -> Call:
        """Read what is asked for; raises TimeoutError, CallEnded, RefusedRequest."""

    def _on_made(self, link: L) -> None:
        if not self._is_allowed(link.peer_address):
            self._refuse(FaultKind.ADDRESS)
            link.close()
            return
        if len(self._waiting) >= self._waiting_limit:
            self._refuse(FaultKind.SILENT)
            oldest = next(iter(self._waiting))
            del self._waiting[oldest]
            oldest.close()
        self._waiting[link] = None
        task = asyncio.get_running_loop().create_task(self._serve(link))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _is_allowed(self, peer: str) -> bool:
        try:
            address = ipaddress.ip_address(peer.partition("%")[0])
        except ValueError:
            return False
        mapped = getattr(address, "ipv4_mapped", None)
        return any((mapped or address) in network for network in self._allowed)

    async def _serve(self, link: L) -> None:
        try:
            call = await self._accept(link)
            if call is not None:
                await self._run(call)
                if link.breach:
                    self._refuse(FaultKind.MALFORMED, link.breach)
        finally:
            self._waiting.pop(link, None)
            self._calls.discard(link)
            link.close()

    async def _accept(self, link: L) -> Call | None:
        """Read the request; None, and a note in the log, if it is not for us."""
        try:
            call = await self._request(link, seconds=self._first_line_seconds)
        except TimeoutError:
            self._refuse(FaultKind.SILENT)
            return None
        except CallEnded as error:
            if link.said_something:
                self._refuse(FaultKind.MALFORMED if link.breach else FaultKind.LOST, str(error))
            return None
        except RefusedRequest as error:
            self._refuse(FaultKind.REFUSED, str(error))
            return None
        if len(self._calls) >= self._max_calls:
            self._refuse(FaultKind.FULL)
            return None
        self._waiting.pop(link, None)
        self._calls.add(link)
        return call

    def _refuse(self, kind: FaultKind, reason: str = "") -> None:
        """Count what was wrong, and log it; `reason` says more than the kind."""
        self._faults.count(kind)
        self._refusals.note(reason or kind.value)

    async def _run(self, call: Call) -> None:
        """Run the flow; the edge of a call: whatever it raises is logged once, here."""
        log = structlog.get_logger()
        facts = call.facts
        began = time.monotonic()
        ending: Ending | None = None
        outcome = "cancelled"
        traced = {"trace_id": facts.trace_id} if facts.trace_id else {}
        with bound_contextvars(call_id=facts.call_id, entry=facts.entry.value, **traced):
            log.info("call.began", tenant_id=str(facts.tenant_id), extension=facts.extension)
            try:
                ending = await self._handlers[facts.entry](call)
                outcome = ending.outcome.value
            except CallEnded as error:
                outcome = Outcome.HUNG_UP if isinstance(error, CallerHungUp) else Outcome.CALL_LOST
            except Exception:
                outcome = "failed"
                log.exception("call.failed")
            finally:
                log.info(
                    "call.ended",
                    outcome=outcome,
                    seconds=round(time.monotonic() - began, 3),
                    **_details(ending),
                )
                self._ended(facts.entry.value, str(outcome))


def _details(ending: Ending | None) -> dict[str, str]:
    """Return what the closing line of a call has beside the outcome."""
    if ending is None:
        return {}
    details = {"mailbox_number": ending.mailbox_number} if ending.mailbox_number else {}
    if ending.recording_id is not None:
        details["recording_id"] = str(ending.recording_id)
    if ending.error is not None:
        details["error"] = f"{type(ending.error).__name__}: {ending.error}"
    return details


class _RefusalLog:
    """Logs why connections were refused, at most one line a second and reason."""

    def __init__(self, protocol: str) -> None:
        self._event = f"{protocol}.refused"
        self._suppressed: dict[str, int] = {}
        self._next: dict[str, float] = {}

    def note(self, reason: str) -> None:
        """Log, or count for the next line."""
        now = time.monotonic()
        if now < self._next.get(reason, 0.0):
            self._suppressed[reason] = self._suppressed.get(reason, 0) + 1
            return
        self._next[reason] = now + _LOG_SECONDS
        more = self._suppressed.pop(reason, 0)
        structlog.get_logger().warning(self._event, reason=reason, more=more)
