"""The audit log in JSON."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import AwareDatetime, Field

from controlplane.domain.audit import AuditAction, AuditEntry, AuditWay
from controlplane.services.audit import AuditFilter
from controlplane.web.api.fields import Output, example
from controlplane.web.paging import OnlyPages

_TEXT = {"max_length": 128, "pattern": r"^[^\x00]*$"}
_ENTRY: dict[str, Any] = {
    "id": 4711,
    "happened_at": "2026-03-02T10:15:00Z",
    "author": "user alice",
    "way": "web",
    "action": "changed",
    "kind": "mailbox",
    "object": "8001",
    "subject": "8001",
    "before": {"display_name": "Sales"},
    "after": {"display_name": "Sales and Service"},
    "secrets": [],
    "caller": None,
    "received_at": None,
}


class AuditPaging(OnlyPages):
    """Which entries are read."""

    author: Annotated[
        str | None,
        Field(**_TEXT, description="A label such as `user alice`, or its end, such as `alice` or `101`."),
    ] = None
    action: AuditAction | None = None
    way: AuditWay | None = None
    kind: Annotated[
        str | None, Field(**_TEXT, description="`mailbox`, `message`, `extension`, `user`, and so on.")
    ] = None
    object: Annotated[
        str | None, Field(**_TEXT, description="Its number or name, or the id of a message.")
    ] = None
    subject: Annotated[
        str | None, Field(**_TEXT, description="A number or name: of a mailbox its messages' entries too.")
    ] = None
    since: Annotated[AwareDatetime | None, Field(description="Not before this moment.")] = None
    until: Annotated[AwareDatetime | None, Field(description="Before this moment.")] = None

    def wanted(self) -> AuditFilter:
        """Return what it asks for."""
        return AuditFilter(
            author=self.author or None,
            actions=() if self.action is None else (self.action,),
            kind=self.kind,
            object_key=self.object,
            subject=self.subject,
            way=self.way,
            since=self.since,
            until=self.until,
        )


class AuditEntryOut(Output):
    """Who did what."""

    model_config = example(_ENTRY)

    id: int
    happened_at: datetime
    author: str = Field(description="`user …`, `token …`, `extension …`, `mail link`, `system`, a command.")
    way: AuditWay
    action: AuditAction
    kind: str
    object: str = Field(description="The number or name of the object, or the id of the message.")
    subject: str = Field(description="The object that it concerns: itself, or a message's mailbox.")
    before: dict[str, Any] = Field(description="Fields as they were: those that differ, or all of what went.")
    after: dict[str, Any] = Field(description="The same as they are now.")
    secrets: list[str] = Field(description="PINs and passwords that were set; never what they are.")
    caller: str | None = Field(description="Of a message: who left it.")
    received_at: datetime | None = Field(description="Of a message: when.")

    @classmethod
    def of(cls, entry: AuditEntry) -> AuditEntryOut:
        """Make it from the service's value."""
        return cls(
            id=entry.id,
            happened_at=entry.happened_at,
            author=entry.author,
            way=entry.way,
            action=entry.action,
            kind=entry.kind,
            object=entry.object_key,
            subject=entry.subject,
            before=dict(entry.before),
            after=dict(entry.after),
            secrets=list(entry.secrets),
            caller=entry.caller,
            received_at=entry.received_at,
        )


class AuditPageOut(Output):
    """Entries, newest first."""

    model_config = example({"items": [_ENTRY], "next": None})

    items: list[AuditEntryOut]
    next: str | None = Field(description="Pass it as `after`; null on the last page.")
