"""Addresses of the portal, also below a path of a proxy, and the one to go to after signing in."""

from __future__ import annotations

from urllib.parse import quote, urlsplit

PREFIX = "/portal"
_MAX_NEXT = 2000


def base_of(public_url: str) -> str:
    """Return what stands before each path of the portal in a browser."""
    return urlsplit(public_url).path.rstrip("/") + PREFIX


def link_address(public_url: str, secret: str) -> str:
    """Return the whole address of a one-time link."""
    return f"{public_url}{PREFIX}/link/{secret}"


def safe_next(base: str, text: str) -> str | None:
    """Return `text` if it is an address of a page of ours, below `base`; None for every other one.

    Browsers read a backslash as `/`, leave out tabs and line ends, and take `//host` for another host.
    """
    if len(text) > _MAX_NEXT or not text.isascii() or not text.isprintable() or "\\" in text or " " in text:
        return None
    try:
        parts = urlsplit(text)
    except ValueError:
        return None
    if parts.scheme or parts.netloc or not text.startswith(f"{base}/") or "//" in parts.path:
        return None
    return None if {".", ".."} & set(parts.path.lower().replace("%2e", ".").split("/")) else text


def sign_in_address(base: str, wanted: str | None) -> str:
    """Return the address of the sign-in page that goes on to a page of ours."""
    return f"{base}/sign-in" + (f"?next={quote(wanted, safe='/')}" if wanted else "")
