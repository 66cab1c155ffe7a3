"""The end of the demonstration: the message that was left, in the portal.

The first admin is made by the link of `up`, as a person would do it; the message's page and its recording are
fetched as that admin. In a terminal the page is then opened in the browser, and the instance stays until
somebody has looked at it.
"""

from __future__ import annotations

import html
import http.cookiejar
import secrets
import sys
import urllib.parse
import urllib.request
import webbrowser
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

USER = "demo"


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownMessage:
    """A message in the portal: the words of its page, its recording, and who may open it, where."""

    address: str
    page: str
    recording: bytes
    user_name: str
    password: str


class _Visitor:
    """A browser without script that keeps cookies."""

    def __init__(self, origin: str) -> None:
        self._origin = origin
        jar = http.cookiejar.CookieJar()
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))

    def get(self, address: str) -> bytes:
        """Open an address; raises OSError."""
        return self._ask(urllib.request.Request(address))  # noqa: S310 (http to our own instance)

    def send(self, address: str, form: Mapping[str, str]) -> bytes:
        """Send a form and follow where it leads; raises OSError."""
        body = urllib.parse.urlencode(form).encode()
        return self._ask(urllib.request.Request(address, body, {"Origin": self._origin}))  # noqa: S310 (see above)

    def _ask(self, request: urllib.request.Request) -> bytes:
        with self._opener.open(request, timeout=10) as answer:
            return bytes(answer.read())


def look_at(ready: Mapping[str, Any], message_id: str) -> ShownMessage:
    """Sign in by the link of `up`, which that uses up, and fetch a message's page and recording.

    Raises OSError when the portal answers with an error.
    """
    origin = str(ready["portal_link"]).partition("/portal/")[0]
    visitor = _Visitor(origin)
    password = secrets.token_urlsafe(9)
    visitor.send(
        str(ready["portal_link"]),
        {"user_name": USER, "display_name": "Demo", "password": password, "password_again": password},
    )
    address = f"{origin}/portal/messages/{message_id}"
    return ShownMessage(
        address=address,
        page=html.unescape(visitor.get(address).decode()),
        recording=visitor.get(f"{address}/audio?format=wav"),
        user_name=USER,
        password=password,
    )


def keep_open(shown: ShownMessage, *, browse: Callable[[str], object] = webbrowser.open) -> None:
    """Open the message in the person's browser and return when Enter was pressed (or Ctrl-C, Ctrl-D)."""
    wanted = urllib.parse.urlsplit(shown.address)
    address = f"{wanted.scheme}://{wanted.netloc}/portal/sign-in?next={urllib.parse.quote(wanted.path)}"
    print(f"\nThe message in the portal: {address}")
    print(f"    user name: {shown.user_name}    password: {shown.password}")
    # A machine without a screen has no browser; then the lines above must do.
    browse(address)
    print("Press Enter to end the demonstration.", flush=True)
    try:
        sys.stdin.readline()
    except KeyboardInterrupt:
        print()
