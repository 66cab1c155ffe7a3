"""What is known of the configuration that a switch runs, and of what changes it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

# Who is named when nobody asked: healing, and the start of `up`.
SYSTEM = "system"


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveConfiguration:
    """What the switch says it runs: the revision's digest and the names of its SIP endpoints."""

    digest: str | None
    endpoints: frozenset[str]


class Mode(StrEnum):
    """Whether a change is published by itself, or waits for a person."""

    AUTOMATIC = "automatic"
    MANUAL = "manual"


class ObjectKind(StrEnum):
    """The kinds of object that reach the switch."""

    MAILBOX = "mailbox"
    EXTENSION = "extension"
    TENANT = "tenant"
    FEATURE_CODE = "feature-code"
    RING_GROUP = "ring-group"
    CALL_QUEUE = "call-queue"
    VIRTUAL_RECEPTIONIST = "virtual-receptionist"
    OFFICE_HOURS = "office-hours"
    INBOUND_RULE = "inbound-rule"
    TRUNK = "trunk"


class Action(StrEnum):
    """What happened to an object or a file."""

    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectChange:
    """A change of an object that is rendered: its number or name, and which fields; never their values."""

    kind: ObjectKind
    name: str
    action: Action
    by: str
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FileDifference:
    """What a revision changes in one file, as a unified difference without secrets.

    `difference` is None where it would be too long to read.
    """

    path: str
    change: Action
    difference: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EditedFile:
    """A published file that is not as it was written, or was not written by us."""

    path: str
    change: Action
