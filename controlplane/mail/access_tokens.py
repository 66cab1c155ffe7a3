"""Access tokens (OAuth 2.0, RFC 6749) with which the mail server lets us in instead of by a password."""

from __future__ import annotations

import asyncio
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlencode

from controlplane.domain.caller import clean
from controlplane.domain.errors import DeliveryError

_MAX_BYTES: Final = 65_536
_EARLY_SECONDS: Final = 120.0
"""A token is renewed that long before it ends: a mail takes its time, and clocks differ."""
_LEAST_SECONDS: Final = 30.0


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """What is sent there is secret, and is meant for the address that was set."""

    def redirect_request(self, *_arguments: Any, **_named: Any) -> None:
        """Follow nothing: the answer is an error then."""


@dataclass(slots=True, kw_only=True)
class AccessTokens:
    """Fetches tokens, and keeps one until shortly before it ends.

    With a `refresh_token` in the name of the account that it is of, else in that of the client itself. A
    server may answer with another refresh token, which is then used until this process ends.
    """

    token_url: str
    client_id: str
    client_secret: str | None = field(default=None, repr=False)
    refresh_token: str | None = field(default=None, repr=False)
    scope: str | None = None
    timeout_seconds: float = 30.0
    clock: Callable[[], float] = time.monotonic
    _token: str | None = field(default=None, init=False, repr=False)
    _until: float = field(default=0.0, init=False, repr=False)
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock, init=False, repr=False)

    async def token(self, *, but: str | None = None) -> str:
        """Return a token that is good now, and another one than `but`, which was refused.

        Raises DeliveryError, never a permanent one: an administrator can put right what is refused.
        """
        async with self._lock:
            if self._token is None or self._token == but or self.clock() >= self._until:
                self._token = None
                asked = self.clock()
                answer = await asyncio.to_thread(self._fetch)
                self._keep(answer, asked)
            assert self._token is not None
            return self._token

    def _keep(self, answer: dict[str, Any], asked: float) -> None:
        token, seconds = answer.get("access_token"), answer.get("expires_in", 0)
        if not isinstance(token, str) or not token.isascii() or not token.isprintable() or not token:
            raise _cannot("answered without an access token")
        try:
            lasts = float(seconds) - _EARLY_SECONDS
        except (TypeError, ValueError):
            lasts = 0.0
        self._token, self._until = token, asked + max(lasts, _LEAST_SECONDS)
        renewed = answer.get("refresh_token")
        if self.refresh_token is not None and isinstance(renewed, str) and renewed:
            self.refresh_token = renewed

    def _fetch(self) -> dict[str, Any]:
        asked = {"client_id": self.client_id, "grant_type": "client_credentials"}
        if self.refresh_token is not None:
            asked |= {"grant_type": "refresh_token", "refresh_token": self.refresh_token}
        if self.client_secret is not None:
            asked["client_secret"] = self.client_secret
        if self.scope is not None:
            asked["scope"] = self.scope
        request = urllib.request.Request(  # noqa: S310 (the settings refuse other schemes)
            self.token_url, urlencode(asked).encode(), {"Accept": "application/json"}
        )
        opener = urllib.request.build_opener(_NoRedirect)
        try:
            with opener.open(request, timeout=self.timeout_seconds) as answer:
                return _object(answer.read(_MAX_BYTES))
        except urllib.error.HTTPError as error:
            with error:
                told = _object(error.read(_MAX_BYTES))
            words = " ".join(str(told.get(name, "")) for name in ("error", "error_description"))
            raise _cannot(f"refused the log-in ({error.code} {clean(words)}".rstrip() + ")") from error
        except TimeoutError as error:
            raise _cannot("did not answer in time") from error
        except (OSError, ValueError) as error:
            reason = getattr(error, "reason", None) or type(error).__name__
            raise _cannot(f"cannot be reached: {clean(str(reason))}") from error


def _object(content: bytes) -> dict[str, Any]:
    try:
        read = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return read if isinstance(read, dict) else {}


def _cannot(what: str) -> DeliveryError:
    return DeliveryError(f"The token server of the mail server {what}.", permanent=False)
