"""Where each object of a tenant has its page: links to what points at a number, or has it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

from controlplane.domain.numbers import NumberKind
from controlplane.domain.routing.kinds import RoutingKind

_PAGES: Final[Mapping[str, str]] = {
    NumberKind.MAILBOX.value: "/mailboxes",
    NumberKind.CALL_QUEUE.value: "/call-queues",
    NumberKind.RING_GROUP.value: "/ring-groups",
    NumberKind.EXTENSION.value: "/extensions",
    NumberKind.VIRTUAL_RECEPTIONIST.value: "/virtual-receptionists",
    RoutingKind.INBOUND_RULE.value: "/inbound-rules",
    RoutingKind.TRUNK.value: "/trunks",
    RoutingKind.OFFICE_HOURS.value: "/office-hours",
}
"""Kinds of objects that have pages, and below what."""


def page_of(kind: str, key: str) -> str | None:
    """Return the path of an object's page in the portal, by its number or name; None if its kind has none."""
    below = _PAGES.get(kind)
    return None if below is None else f"{below}/{quote(key, safe='')}"
