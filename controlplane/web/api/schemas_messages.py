"""Messages in JSON."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from controlplane.domain.message import MessageState, ReachedReason
from controlplane.services.forwarding import Forwarded
from controlplane.services.message_changes import BulkAction, BulkOutcome, MessageOutcome, Requested
from controlplane.services.messages import MessageView
from controlplane.web.api.fields import Input, Output, example

_ID = "0b2f9a52-0c3f-4f0f-8a55-6f1f3c9a7e10"
MESSAGE: dict[str, Any] = {
    "id": _ID,
    "mailbox": "8001",
    "mailbox_id": "3f0f6c0e-5b3f-4a0e-9f5e-0d7b6a4f2c11",
    "mailbox_deleted": False,
    "caller_number": "102",
    "caller_name": "Alice",
    "received_at": "2026-03-02T10:15:00Z",
    "duration_ms": 12400,
    "state": "new",
    "state_changed_at": "2026-03-02T10:15:13Z",
    "state_changed_by": None,
    "urgent": False,
    "reached_by": {"did": None, "reason": "direct", "path": []},
    "mails": [
        {
            "recipient": "sales@example.com",
            "status": "sent",
            "attempts": 1,
            "error": None,
            "updated_at": "2026-03-02T10:15:14Z",
        }
    ],
}


class ReachedStepOut(Output):
    """One object that the call passed on its way."""

    kind: str
    number: str
    key: str | None
    reason: ReachedReason
    waited_seconds: int | None


class ReachedByOut(Output):
    """How a message got into its mailbox."""

    did: str | None
    reason: ReachedReason
    path: list[ReachedStepOut]


class MailOut(Output):
    """How far the mail about a message to one recipient is."""

    recipient: str
    status: Literal["queued", "sent", "failed"]
    attempts: int
    error: str | None = Field(description="What the mail server said last.")
    updated_at: datetime


class MessageOut(Output):
    """A message: one recording left by a caller."""

    model_config = example(MESSAGE)

    id: UUID
    mailbox: str = Field(description="The number of its mailbox.")
    mailbox_id: UUID
    mailbox_deleted: bool = Field(description="Its number may belong to another object by now.")
    caller_number: str = Field(description="As the switch reported it; empty if unknown.")
    caller_name: str = Field(description="As the switch reported it; empty if unknown.")
    received_at: datetime
    duration_ms: int
    state: MessageState
    state_changed_at: datetime
    state_changed_by: str | None
    urgent: bool = Field(description="Its caller marked it so.")
    reached_by: ReachedByOut
    mails: list[MailOut]

    @classmethod
    def of(cls, view: MessageView) -> MessageOut:
        """Make it from the service's value."""
        message = view.message
        return cls(
            id=message.id,
            mailbox=view.mailbox_number,
            mailbox_id=message.mailbox_id,
            mailbox_deleted=view.mailbox_deleted,
            caller_number=message.caller.number,
            caller_name=message.caller.name,
            received_at=message.received_at,
            duration_ms=message.duration_ms,
            state=message.state,
            state_changed_at=view.state_changed_at,
            state_changed_by=view.state_changed_by,
            urgent=message.urgent,
            reached_by=ReachedByOut.model_validate(message.reached_by.to_json()),
            mails=[
                MailOut.model_validate(
                    {
                        "recipient": mail.recipient,
                        "status": mail.status,
                        "attempts": mail.attempts,
                        "error": mail.error,
                        "updated_at": mail.updated_at,
                    }
                )
                for mail in view.mails
            ],
        )


class MessagePage(Output):
    """Some messages, newest first."""

    model_config = example({"items": [MESSAGE], "next": None})

    items: list[MessageOut]
    next: str | None = Field(description="`after` of the following page; `null` on the last one.")


class MessagePatch(Input):
    """The state a message is to have; `restored` is the one before the trash."""

    model_config = example({"state": "saved"})

    state: Annotated[Requested, Field(strict=False)]


class BulkIn(Input):
    """What is to be done with many messages."""

    model_config = example({"ids": [_ID], "action": "mark_read"})

    ids: Annotated[
        list[Annotated[UUID, Field(strict=False)]],
        Field(min_length=1, max_length=1000, description="Which messages; one named twice is done once."),
    ]
    action: Annotated[
        BulkAction,
        Field(
            strict=False,
            description="`mark_read` concerns new messages, `mark_unread` saved ones, `restore` the trash.",
        ),
    ]


class BulkResult(Output):
    """How one message fared."""

    id: UUID
    outcome: MessageOutcome = Field(description="`unchanged`: the action does not apply to its state.")
    state: MessageState | None = Field(description="Its state now; `null` if there is no such message.")

    @classmethod
    def of(cls, outcome: BulkOutcome) -> BulkResult:
        """Make it from the service's value."""
        return cls(id=outcome.id, outcome=outcome.outcome, state=outcome.state)


class BulkOut(Output):
    """How each message fared, in the order of the request."""

    model_config = example({"results": [{"id": _ID, "outcome": "done", "state": "saved"}]})

    results: list[BulkResult]


class ForwardTo(Input):
    """Where a copy of a message is to go."""

    model_config = example({"to": "8002"})

    to: Annotated[
        str,
        Field(max_length=64, pattern=r"^[0-9]+$", description="The number of another mailbox of the tenant."),
    ]


class ForwardedOut(Output):
    """The copy of a message that was forwarded."""

    model_config = example({"id": "5f0c8f0e-8f0b-5c9b-9b43-0a4c1f7f2d10", "mailbox": "8002"})

    id: UUID = Field(description="That of the copy.")
    mailbox: str = Field(description="The number of the mailbox that has it.")

    @classmethod
    def of(cls, forwarded: Forwarded) -> ForwardedOut:
        """Make it from the service's value."""
        return cls(id=forwarded.id, mailbox=forwarded.mailbox_number)
