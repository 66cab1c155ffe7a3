"""Every table of the product. Constraints have names, and their errors are told by them.

Deleting: a mailbox keeps its row (`deleted_at`) as long as messages refer to it, but loses its
row in `numbers`; extensions and tokens are removed.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from controlplane.domain.limits import LIMITS

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Table(DeclarativeBase):
    """Base of all tables."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {  # noqa: RUF012 (SQLAlchemy reads it from the class)
        datetime: DateTime(timezone=True),
        str: Text,
        dict[str, Any]: JSONB,
        list[str]: ARRAY(Text),
        bytes: LargeBinary,
    }


def _now() -> Mapped[datetime]:
    return mapped_column(server_default=func.now())


def _limits() -> tuple[CheckConstraint, ...]:
    return tuple(
        CheckConstraint(f"{name} BETWEEN {allowed.start} AND {allowed.stop - 1}", name=name)
        for name, allowed in LIMITS.items()
    )


class TenantRow(Table):
    """One organisation = one SIP domain.

    `trash_days` None: those of the settings; 0 of the other limits: none.
    """

    __tablename__ = "tenants"
    __table_args__ = (
        UniqueConstraint("name"),
        UniqueConstraint("sip_domain"),
        CheckConstraint("name ~ '^[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?$'", name="name"),
        *_limits(),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    sip_domain: Mapped[str]
    language: Mapped[str]
    time_zone: Mapped[str]
    retain_days: Mapped[int] = mapped_column(server_default=text("30"))
    trash_days: Mapped[int | None]
    max_messages: Mapped[int] = mapped_column(server_default=text("0"))
    max_total_seconds: Mapped[int] = mapped_column(server_default=text("0"))
    email_subject: Mapped[str | None]
    email_introduction: Mapped[str | None]
    version: Mapped[int] = mapped_column(server_default=text("1"))
    created_at: Mapped[datetime] = _now()
    updated_at: Mapped[datetime] = _now()


class NumberRow(Table):
    """Who owns a number; one number space per tenant over all kinds of object."""

    __tablename__ = "numbers"
    __table_args__ = (
        CheckConstraint("number ~ '^[0-9]{3,64}$'", name="number"),
        UniqueConstraint("object_id"),
    )

    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id"), primary_key=True)
    number: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    object_id: Mapped[UUID]


class FeatureCodeRow(Table):
    """What a feature code such as `*56` does; one that is not `enabled` is kept, and not rendered."""

    __tablename__ = "feature_codes"
    __table_args__ = (
        CheckConstraint("code ~ '^[*#]{1,3}[0-9]{0,4}$' AND length(code) BETWEEN 2 AND 7", name="code"),
    )

    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"), primary_key=True)
    code: Mapped[str] = mapped_column(primary_key=True)
    feature: Mapped[str]
    enabled: Mapped[bool] = mapped_column(server_default=text("true"))


class MailboxRow(Table):
    """A voicemail box. `language` None means the tenant's, and so it is with its limits.

    `recorded_greetings` has for each key of `storage.recording_keys` (a source without its plus sign, `""`
    for all others) what `services.greeting_list.Recorded` says; the recordings themselves are in
    `greeting_recordings`. `kind_greetings` are the texts of kinds and further languages.

    `operator_number` is in `pointers` too.
    `pin_refused_at` is set once the PIN was tried too often by extensions, `pin_refused_outside_at` once it
    was by callers from outside; both are unset when it is changed.
    """

    __tablename__ = "mailboxes"
    __table_args__ = (
        CheckConstraint("length(display_name) BETWEEN 1 AND 64", name="display_name"),
        CheckConstraint("cardinality(email_recipients) <= 15", name="email_recipients"),
        CheckConstraint("say_datetime IN ('off', '12h', '24h')", name="say_datetime"),
        CheckConstraint("email_attachment_format IN ('mp3', 'wav')", name="email_attachment_format"),
        CheckConstraint("email_attachment_max_mb BETWEEN 1 AND 15", name="email_attachment_max_mb"),
        CheckConstraint("after_mail IN ('keep', 'mark_read', 'trash')", name="after_mail"),
        CheckConstraint(
            "min_message_seconds BETWEEN 0 AND 60 AND max_message_seconds BETWEEN 1 AND 3600 "
            "AND min_message_seconds < max_message_seconds",
            name="message_seconds",
        ),
        *_limits(),
        Index(None, "tenant_id", "number", unique=True, postgresql_where=text("deleted_at IS NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id"))
    number: Mapped[str]
    display_name: Mapped[str]
    language: Mapped[str | None]
    pin_hash: Mapped[str]
    pin_changed_at: Mapped[datetime] = _now()
    pin_refused_at: Mapped[datetime | None]
    pin_refused_outside_at: Mapped[datetime | None]
    pin_required: Mapped[bool] = mapped_column(server_default=text("true"))
    enabled: Mapped[bool] = mapped_column(server_default=text("true"))
    email_recipients: Mapped[list[str]] = mapped_column(server_default=text("'{}'"))
    email_notification: Mapped[bool] = mapped_column(server_default=text("false"))
    email_attachment: Mapped[bool] = mapped_column(server_default=text("true"))
    email_attachment_format: Mapped[str] = mapped_column(server_default=text("'mp3'"))
    email_attachment_max_mb: Mapped[int] = mapped_column(server_default=text("15"))
    email_notice_only: Mapped[list[str]] = mapped_column(server_default=text("'{}'"))
    after_mail: Mapped[str] = mapped_column(server_default=text("'keep'"))
    email_subject: Mapped[str | None]
    email_introduction: Mapped[str | None]
    say_datetime: Mapped[str] = mapped_column(server_default=text("'off'"))
    review: Mapped[bool] = mapped_column(server_default=text("false"))
    greeting: Mapped[str | None]
    operator_number: Mapped[str | None]
    log_in_from_greeting: Mapped[bool] = mapped_column(server_default=text("false"))
    source_greetings: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, server_default=text("'[]'"))
    recorded_greetings: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    kind_greetings: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, server_default=text("'[]'"))
    min_message_seconds: Mapped[int] = mapped_column(server_default=text("1"))
    max_message_seconds: Mapped[int] = mapped_column(server_default=text("300"))
    retain_days: Mapped[int | None]
    trash_days: Mapped[int | None]
    max_messages: Mapped[int | None]
    max_total_seconds: Mapped[int | None]
    version: Mapped[int] = mapped_column(server_default=text("1"))
    created_at: Mapped[datetime] = _now()
    updated_at: Mapped[datetime] = _now()
    updated_by: Mapped[str | None]
    deleted_at: Mapped[datetime | None]


class ExtensionRow(Table):
    """A SIP phone's account. `sip_a1_hash` is MD5(number:realm:password), RFC 7616 3.4.2.

    `rules` is a document of `domain.routing.extension_rules`.
    """

    __tablename__ = "extensions"
    __table_args__ = (
        UniqueConstraint("tenant_id", "number"),
        CheckConstraint("length(display_name) BETWEEN 1 AND 64", name="display_name"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id"))
    number: Mapped[str]
    display_name: Mapped[str]
    sip_a1_hash: Mapped[str]
    rules: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    version: Mapped[int] = mapped_column(server_default=text("1"))
    created_at: Mapped[datetime] = _now()
    updated_at: Mapped[datetime] = _now()


class RoutingObjectRow(Table):
    """What routes calls: a ring group, call queue, virtual receptionist, inbound rule, trunk or office hours.

    `settings` is a document of `domain.routing.kinds`; the numbers in it are in `pointers` too.
    """

    __tablename__ = "routing_objects"
    __table_args__ = (
        UniqueConstraint("tenant_id", "number"),
        CheckConstraint("length(name) BETWEEN 1 AND 64", name="name"),
        CheckConstraint(
            "(kind IN ('ring-group', 'call-queue', 'virtual-receptionist')) = (number IS NOT NULL)",
            name="number",
        ),
        Index(
            "ix_routing_objects_named",
            "tenant_id",
            "kind",
            "name",
            unique=True,
            postgresql_where=text("number IS NULL"),
        ),
        Index(None, "tenant_id", "kind", "number"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id"))
    kind: Mapped[str]
    number: Mapped[str | None]
    name: Mapped[str]
    settings: Mapped[dict[str, Any]]
    version: Mapped[int] = mapped_column(server_default=text("1"))
    created_at: Mapped[datetime] = _now()
    updated_at: Mapped[datetime] = _now()


class RecordedGreetingRow(Table):
    """A greeting that somebody recorded for a virtual receptionist: WAV, 8 kHz, 16 bit, mono."""

    __tablename__ = "recorded_greetings"

    object_id: Mapped[UUID] = mapped_column(
        ForeignKey("routing_objects.id", ondelete="CASCADE"), primary_key=True
    )
    wav: Mapped[bytes]


class GreetingRecordingRow(Table):
    """A greeting that somebody recorded for a mailbox: WAV, 8 kHz, 16 bit, mono; `digest` is its SHA-256."""

    __tablename__ = "greeting_recordings"
    __table_args__ = (Index(None, "digest"),)

    mailbox_id: Mapped[UUID] = mapped_column(ForeignKey("mailboxes.id", ondelete="CASCADE"), primary_key=True)
    digest: Mapped[str] = mapped_column(primary_key=True)
    wav: Mapped[bytes]


class GreetingDraftRow(Table):
    """A greeting that somebody listens to before it is used: a recording (`wav`), or a text and its language.

    `object_id` is the mailbox or virtual receptionist that it is for, `source` as in `recorded_greetings`
    (its name, too); `kind` and `last_day` as in `kind_greetings`.
    """

    __tablename__ = "greeting_drafts"
    __table_args__ = (
        CheckConstraint("(wav IS NULL) <> (text IS NULL)", name="wav"),
        CheckConstraint("kind IN ('temporary', 'holiday', 'closed', 'busy', 'standard')", name="kind"),
        Index(None, "made_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"))
    object_id: Mapped[UUID]
    made_by: Mapped[str]
    made_at: Mapped[datetime] = _now()
    source: Mapped[str]
    kind: Mapped[str] = mapped_column(server_default=text("'standard'"))
    last_day: Mapped[date | None]
    wav: Mapped[bytes | None]
    text: Mapped[str | None]
    language: Mapped[str | None]


class SpokenTextRow(Table):
    """Sentences that somebody wants to hear, spoken by a job: `wav`, or `failed`. Kept for a day.

    `digest` is the SHA-256 of language and sentences.
    """

    __tablename__ = "spoken_texts"
    __table_args__ = (Index(None, "made_at"),)

    digest: Mapped[str] = mapped_column(primary_key=True)
    language: Mapped[str]
    sentences: Mapped[list[str]]
    wav: Mapped[bytes | None]
    failed: Mapped[bool] = mapped_column(server_default=text("false"))
    made_at: Mapped[datetime] = _now()


class PointerRow(Table):
    """That an object points at a number, which then cannot be deleted. `slot` is the path of the field.

    Checked at once, or at the end of a transaction that says `SET CONSTRAINTS ALL DEFERRED`.
    """

    __tablename__ = "pointers"
    __table_args__ = (
        ForeignKeyConstraint(
            ["tenant_id", "number"],
            ["numbers.tenant_id", "numbers.number"],
            name="fk_pointers_number",
            deferrable=True,
            initially="IMMEDIATE",
        ),
        Index(None, "tenant_id", "number"),
    )

    object_id: Mapped[UUID] = mapped_column(primary_key=True)
    slot: Mapped[str] = mapped_column(primary_key=True)
    tenant_id: Mapped[UUID]
    number: Mapped[str]


class QueueAgentRow(Table):
    """Whether an agent is logged in at a call queue; without a row he is."""

    __tablename__ = "queue_agents"

    queue_id: Mapped[UUID] = mapped_column(
        ForeignKey("routing_objects.id", ondelete="CASCADE"), primary_key=True
    )
    number: Mapped[str] = mapped_column(primary_key=True)
    logged_in: Mapped[bool]
    changed_at: Mapped[datetime] = _now()


class TrunkRegistrationRow(Table):
    """How the last try to register a trunk ended; `since` when it is registered, or is not."""

    __tablename__ = "trunk_registrations"

    trunk_id: Mapped[UUID] = mapped_column(
        ForeignKey("routing_objects.id", ondelete="CASCADE"), primary_key=True
    )
    registered: Mapped[bool]
    sip_code: Mapped[int | None]
    failure: Mapped[str | None]
    since: Mapped[datetime]


class ReservedNumberRow(Table):
    """Numbers that something else than us answers; both ends have the same length."""

    __tablename__ = "reserved_numbers"
    __table_args__ = (
        CheckConstraint(
            "first ~ '^[0-9]{3,64}$' AND last ~ '^[0-9]{3,64}$' AND length(first) = length(last) "
            "AND first <= last",
            name="range",
        ),
    )

    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"), primary_key=True)
    first: Mapped[str] = mapped_column(String(collation="C"), primary_key=True)
    last: Mapped[str] = mapped_column(String(collation="C"))
    note: Mapped[str]
    created_at: Mapped[datetime] = _now()


class MessageRow(Table):
    """One recording left by a caller; its audio is in the recording store under its id.

    `trace_id` is the Call-ID of its INVITE. `restored_at` is when it was taken out of the trash last.
    """

    __tablename__ = "messages"
    __table_args__ = (
        CheckConstraint("state IN ('new', 'saved', 'deleted')", name="state"),
        CheckConstraint(
            "(state = 'deleted') = (state_before IS NOT NULL) AND state_before IS DISTINCT FROM 'deleted'",
            name="state_before",
        ),
        Index(None, "mailbox_id", "state", "received_at", "id"),
        # Two states together in the order of their time, as pages show them.
        Index(
            "ix_messages_kept",
            "mailbox_id",
            "received_at",
            "id",
            postgresql_where=text("state <> 'deleted'"),
        ),
        # The few that a caller marked: heard first, and shown first.
        Index("ix_messages_urgent", "mailbox_id", "received_at", "id", postgresql_where=text("urgent")),
        Index(
            "ix_messages_urgent_of_tenant", "tenant_id", "received_at", "id", postgresql_where=text("urgent")
        ),
        Index(None, "tenant_id", "received_at", "id"),
        Index("ix_messages_trash", "state_changed_at", postgresql_where=text("state = 'deleted'")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id"))
    mailbox_id: Mapped[UUID] = mapped_column(ForeignKey("mailboxes.id"))
    call_id: Mapped[str]
    caller_number: Mapped[str]
    caller_name: Mapped[str]
    received_at: Mapped[datetime]
    duration_ms: Mapped[int]
    state: Mapped[str] = mapped_column(server_default=text("'new'"))
    state_before: Mapped[str | None]
    state_changed_at: Mapped[datetime] = _now()
    state_changed_by: Mapped[str | None]
    reached_by: Mapped[dict[str, Any]]
    urgent: Mapped[bool] = mapped_column(server_default=text("false"))
    restored_at: Mapped[datetime | None]
    trace_id: Mapped[str | None]
    version: Mapped[int] = mapped_column(server_default=text("1"))
    created_at: Mapped[datetime] = _now()


class MessageWayRow(Table):
    """That the call of a message passed a number, or dialled it from outside (without its plus sign).

    A trigger on `messages` writes it. In this order pages are read by the way that messages came.
    """

    __tablename__ = "message_ways"
    __table_args__ = (Index(None, "message_id"),)

    mailbox_id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(primary_key=True)
    received_at: Mapped[datetime] = mapped_column(primary_key=True)
    message_id: Mapped[UUID] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True)


class MessagePeaksRow(Table):
    """How loud a message is along its length, a byte for each part (`domain.peaks`)."""

    __tablename__ = "message_peaks"

    message_id: Mapped[UUID] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True)
    peaks: Mapped[bytes]


class RecordingTakenRow(Table):
    """That a recording id was dealt with; outlives the message. `outcome`: message, too_short, discarded."""

    __tablename__ = "recordings_taken"
    __table_args__ = (Index(None, "taken_at"),)

    recording_id: Mapped[UUID] = mapped_column(primary_key=True)
    mailbox_id: Mapped[UUID | None]
    outcome: Mapped[str]
    taken_at: Mapped[datetime] = _now()


class MessageMailRow(Table):
    """The mail about one message to one recipient. `status`: queued, sent, failed.

    `asked` counts how often somebody asked for another one, which is then sent whatever the mailbox says.
    """

    __tablename__ = "message_mails"
    __table_args__ = (CheckConstraint("status IN ('queued', 'sent', 'failed')", name="status"),)

    message_id: Mapped[UUID] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True)
    recipient: Mapped[str] = mapped_column(primary_key=True)
    status: Mapped[str] = mapped_column(server_default=text("'queued'"))
    attempts: Mapped[int] = mapped_column(server_default=text("0"))
    asked: Mapped[int] = mapped_column(server_default=text("0"))
    error: Mapped[str | None]
    updated_at: Mapped[datetime] = _now()


class QuotaWarningRow(Table):
    """That the recipients of a mailbox were told that it is almost full; gone once it is not."""

    __tablename__ = "quota_warnings"

    mailbox_id: Mapped[UUID] = mapped_column(ForeignKey("mailboxes.id", ondelete="CASCADE"), primary_key=True)
    warned_at: Mapped[datetime] = _now()


class MailTemplateFaultRow(Table):
    """That a template could not be used for mails, which were sent with the standard words instead.

    `owner_id` is the mailbox's, or the tenant's; `field` is `email_subject` or `email_introduction`. The row
    goes when the template is changed.
    """

    __tablename__ = "mail_template_faults"
    __table_args__ = (
        CheckConstraint("field IN ('email_subject', 'email_introduction')", name="field"),
        Index(None, "tenant_id"),
        Index(None, "mailbox_id"),
    )

    owner_id: Mapped[UUID] = mapped_column(primary_key=True)
    field: Mapped[str] = mapped_column(primary_key=True)
    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"))
    mailbox_id: Mapped[UUID | None] = mapped_column(ForeignKey("mailboxes.id", ondelete="CASCADE"))
    sentence: Mapped[str]
    mails: Mapped[int] = mapped_column(server_default=text("1"))
    first_at: Mapped[datetime] = _now()
    last_at: Mapped[datetime] = _now()


class MailTrialRow(Table):
    """A mail that somebody sends to see what it is like. `status`: queued, sent, failed. Kept for a day.

    It is as those of a mailbox are, or as those of the tenant for mailboxes without words of their own.
    """

    __tablename__ = "mail_trials"
    __table_args__ = (
        CheckConstraint("status IN ('queued', 'sent', 'failed')", name="status"),
        CheckConstraint("num_nonnulls(mailbox_id, tenant_id) = 1", name="owner"),
        Index(None, "mailbox_id"),
        Index(None, "tenant_id"),
        Index(None, "made_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    mailbox_id: Mapped[UUID | None] = mapped_column(ForeignKey("mailboxes.id", ondelete="CASCADE"))
    tenant_id: Mapped[UUID | None] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"))
    recipient: Mapped[str]
    made_by: Mapped[str]
    made_at: Mapped[datetime] = _now()
    status: Mapped[str] = mapped_column(server_default=text("'queued'"))
    error: Mapped[str | None]


class PinTryRow(Table):
    """One try of a PIN; `correct` stays false unless it was verified as right.

    `source` is the extension's number, or `outside` for all callers from outside.
    """

    __tablename__ = "pin_tries"
    __table_args__ = (
        Index(None, "mailbox_id", "tried_at"),
        Index(None, "tenant_id", "source", "tried_at"),
        Index(None, "tried_at"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"))
    mailbox_id: Mapped[UUID | None]
    source: Mapped[str]
    tried_at: Mapped[datetime] = _now()
    correct: Mapped[bool] = mapped_column(Boolean, server_default=text("false"))


class ApiTokenRow(Table):
    """A bearer token, by its SHA-256 (it is 256 random bits). `tenant_id` None: a system token.

    With `user_id` it has the rights of that user, and goes with them.
    """

    __tablename__ = "api_tokens"
    __table_args__ = (UniqueConstraint("token_sha256"), Index(None, "user_id"))

    id: Mapped[UUID] = mapped_column(primary_key=True)
    tenant_id: Mapped[UUID | None] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"))
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    name: Mapped[str]
    token_sha256: Mapped[bytes]
    created_at: Mapped[datetime] = _now()
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class UserRow(Table):
    """Somebody who signs in to the portal. `tenant_id` None: a system admin.

    Without a `password_hash` only a link lets them in. An extension is of one person at most.
    """

    __tablename__ = "users"
    __table_args__ = (
        UniqueConstraint("user_name"),
        UniqueConstraint("extension_id"),
        Index(None, "tenant_id", "user_name"),
        CheckConstraint("user_name ~ '^[a-z0-9]([a-z0-9._@+-]{0,62}[a-z0-9])?$'", name="user_name"),
        CheckConstraint("length(display_name) BETWEEN 1 AND 64", name="display_name"),
        CheckConstraint("role IN ('system_admin', 'tenant_admin', 'member')", name="role"),
        CheckConstraint("(role = 'system_admin') = (tenant_id IS NULL)", name="tenant"),
        CheckConstraint("extension_id IS NULL OR tenant_id IS NOT NULL", name="extension"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    tenant_id: Mapped[UUID | None] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"))
    user_name: Mapped[str]
    display_name: Mapped[str]
    role: Mapped[str]
    language: Mapped[str | None]
    password_hash: Mapped[str | None]
    played_is_read: Mapped[bool] = mapped_column(server_default=text("true"))
    enabled: Mapped[bool] = mapped_column(server_default=text("true"))
    version: Mapped[int] = mapped_column(server_default=text("1"))
    created_at: Mapped[datetime] = _now()
    updated_at: Mapped[datetime] = _now()
    last_signed_in_at: Mapped[datetime | None]
    extension_id: Mapped[UUID | None] = mapped_column(ForeignKey("extensions.id", ondelete="SET NULL"))
    pin_spared: Mapped[bool] = mapped_column(server_default=text("false"))


class TeamRow(Table):
    """People of a tenant who get rights at mailboxes together."""

    __tablename__ = "teams"
    __table_args__ = (
        UniqueConstraint("tenant_id", "name"),
        CheckConstraint("length(name) BETWEEN 1 AND 64", name="name"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"))
    name: Mapped[str]
    version: Mapped[int] = mapped_column(server_default=text("1"))
    created_at: Mapped[datetime] = _now()
    updated_at: Mapped[datetime] = _now()


class TeamPersonRow(Table):
    """That a user is in a team."""

    __tablename__ = "team_people"
    __table_args__ = (Index(None, "user_id"),)

    team_id: Mapped[UUID] = mapped_column(ForeignKey("teams.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)


class MailboxMemberRow(Table):
    """What a user or a team may do with a mailbox. A mailbox without any is open to who knows its PIN."""

    __tablename__ = "mailbox_members"
    __table_args__ = (
        UniqueConstraint("mailbox_id", "user_id"),
        UniqueConstraint("mailbox_id", "team_id"),
        CheckConstraint("(user_id IS NULL) <> (team_id IS NULL)", name="one"),
        CheckConstraint(
            "cardinality(rights) > 0 AND rights <@ ARRAY['listen', 'download', 'delete', 'manage']",
            name="rights",
        ),
        Index(None, "user_id"),
        Index(None, "team_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    mailbox_id: Mapped[UUID] = mapped_column(ForeignKey("mailboxes.id", ondelete="CASCADE"))
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    team_id: Mapped[UUID | None] = mapped_column(ForeignKey("teams.id", ondelete="CASCADE"))
    rights: Mapped[list[str]]
    version: Mapped[int] = mapped_column(server_default=text("1"))
    created_at: Mapped[datetime] = _now()
    updated_at: Mapped[datetime] = _now()


class UserSessionRow(Table):
    """A browser that is signed in, by the SHA-256 of its cookie (256 random bits).

    `tenant_id` is the tenant that a system admin chose; None: none yet.
    """

    __tablename__ = "user_sessions"
    __table_args__ = (UniqueConstraint("token_sha256"), Index(None, "user_id"), Index(None, "last_seen_at"))

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    token_sha256: Mapped[bytes]
    tenant_id: Mapped[UUID | None] = mapped_column(ForeignKey("tenants.id", ondelete="SET NULL"))
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]


class SignInTryRow(Table):
    """One try of a password; `correct` stays false unless it was verified as right.

    `account` is a digest of what was typed: people type passwords into the wrong field.
    """

    __tablename__ = "sign_in_tries"
    __table_args__ = (
        Index(None, "account", "tried_at"),
        Index(None, "address", "tried_at"),
        Index(None, "tried_at"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    account: Mapped[bytes]
    address: Mapped[str]
    tried_at: Mapped[datetime]
    correct: Mapped[bool] = mapped_column(Boolean, server_default=text("false"))


class SignInLinkRow(Table):
    """A link that lets in once, by the SHA-256 of its secret; removed when it is used.

    `purpose`: `first_admin` makes a system admin and has no user yet, `sign_in` only signs in, `password`
    sets a password.
    """

    __tablename__ = "sign_in_links"
    __table_args__ = (
        UniqueConstraint("token_sha256"),
        CheckConstraint("purpose IN ('first_admin', 'sign_in', 'password')", name="purpose"),
        CheckConstraint("(purpose = 'first_admin') = (user_id IS NULL)", name="user"),
        Index(None, "user_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    purpose: Mapped[str]
    token_sha256: Mapped[bytes]
    expires_at: Mapped[datetime]


class IdempotencyKeyRow(Table):
    """The answer to a request that carried an `Idempotency-Key`; kept for a day."""

    __tablename__ = "idempotency_keys"
    __table_args__ = (Index(None, "created_at"),)

    token_id: Mapped[UUID] = mapped_column(ForeignKey("api_tokens.id", ondelete="CASCADE"), primary_key=True)
    key: Mapped[str] = mapped_column(String(255), primary_key=True)
    request_sha256: Mapped[bytes]
    status: Mapped[int | None] = mapped_column(Integer)
    headers: Mapped[dict[str, Any] | None]
    body: Mapped[bytes | None]
    created_at: Mapped[datetime] = _now()


class ConfigurationRevisionRow(Table):
    """One rendered revision of the switch's configuration. `state`: pending, live, failed, superseded.

    `files` is what it changes in each file, without secrets; None where that is not known.
    `put_back` says of a failed one whether the switch was seen to run the last good one again.
    `edited_copy` is where files are kept that were edited by hand and that it replaced.
    """

    __tablename__ = "configuration_revisions"
    __table_args__ = (CheckConstraint("state IN ('pending', 'live', 'failed', 'superseded')", name="state"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    digest: Mapped[str]
    state: Mapped[str]
    error: Mapped[str | None]
    author: Mapped[str] = mapped_column(server_default=text("'system'"))
    files: Mapped[list[dict[str, Any]] | None] = mapped_column(JSONB(none_as_null=True))
    put_back: Mapped[bool | None]
    edited_copy: Mapped[str | None]
    created_at: Mapped[datetime] = _now()
    live_at: Mapped[datetime | None]


class ConfigurationChangeRow(Table):
    """A change of an object that is rendered; written with the change itself. `live_at` None: not live yet.

    `name` is a number, a tenant's name or a code; `fields` are names, never values. It outlives its tenant.
    """

    __tablename__ = "configuration_changes"
    __table_args__ = (
        CheckConstraint("action IN ('added', 'changed', 'removed')", name="action"),
        Index("ix_configuration_changes_waiting", "id", postgresql_where=text("live_at IS NULL")),
        # Each page of the portal counts what waits of its tenant.
        Index(
            "ix_configuration_changes_of_tenant",
            "tenant_id",
            "kind",
            "name",
            postgresql_where=text("live_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    tenant_id: Mapped[UUID]
    kind: Mapped[str]
    name: Mapped[str]
    action: Mapped[str]
    fields: Mapped[list[str]] = mapped_column(server_default=text("'{}'"))
    author: Mapped[str]
    changed_at: Mapped[datetime] = _now()
    live_at: Mapped[datetime | None]


class ConfigurationRevisionChangeRow(Table):
    """That a revision was the first to try a change, or tried it again after it had failed."""

    __tablename__ = "configuration_revision_changes"
    __table_args__ = (Index(None, "change_id"),)

    revision_id: Mapped[int] = mapped_column(
        ForeignKey(
            "configuration_revisions.id",
            ondelete="CASCADE",
            name="fk_configuration_revision_changes_revision",
        ),
        primary_key=True,
    )
    change_id: Mapped[int] = mapped_column(
        ForeignKey(
            "configuration_changes.id", ondelete="CASCADE", name="fk_configuration_revision_changes_change"
        ),
        primary_key=True,
    )


class ConfigurationModeRow(Table):
    """How tenants publish for which nobody chose, as the settings said last: no row, or one."""

    __tablename__ = "configuration_mode"
    __table_args__ = (
        CheckConstraint("single", name="single"),
        CheckConstraint("mode IN ('automatic', 'manual')", name="mode"),
    )

    single: Mapped[bool] = mapped_column(primary_key=True, server_default=text("true"))
    mode: Mapped[str]
    chosen_by: Mapped[str]
    chosen_at: Mapped[datetime] = _now()


class PublishingModeRow(Table):
    """Whether a tenant's changes are published by themselves; without a row they are.

    `chosen_by` None: the settings. `copied_at` None: there is no copy of what is published yet.
    `live_changes` are the ids of the changes in that copy, `next_changes` of those in the one that is being
    published; None: none is. `failed_revision` is the one that was refused when a person published last.
    `files_wait` is how often it was noted that route files and files of office hours are still to follow.
    """

    __tablename__ = "publishing_modes"
    __table_args__ = (CheckConstraint("mode IN ('automatic', 'manual')", name="mode"),)

    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"), primary_key=True)
    mode: Mapped[str]
    chosen_by: Mapped[str | None]
    chosen_at: Mapped[datetime] = _now()
    copied_at: Mapped[datetime | None]
    live_changes: Mapped[list[int]] = mapped_column(ARRAY(BigInteger), server_default=text("'{}'"))
    next_changes: Mapped[list[int] | None] = mapped_column(ARRAY(BigInteger))
    failed_revision: Mapped[int | None] = mapped_column(BigInteger)
    files_wait: Mapped[int] = mapped_column(server_default=text("0"))


class PublishedObjectRow(Table):
    """An object of a tenant that publishes by hand, as it was when that tenant was last published.

    With `is_next` as it is being published. `key` is the object's id, or a feature code. `settings` are those
    of the table that it comes from, its digest or password too, and are shown to nobody.
    """

    __tablename__ = "published_objects"
    __table_args__ = (
        Index("ix_published_objects_number", "tenant_id", "is_next", "kind", "number"),
        Index(None, "key"),
    )

    tenant_id: Mapped[UUID] = mapped_column(
        ForeignKey("publishing_modes.tenant_id", ondelete="CASCADE"), primary_key=True
    )
    is_next: Mapped[bool] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[str | None]
    name: Mapped[str]
    settings: Mapped[dict[str, Any]]


class AuditEntryRow(Table):
    """Who did what, by which way; written by triggers with each change, and never changed.

    `tenant_id` None: something of the whole installation. `details` has `before`, `after` and the names of
    `secrets` that were set, of a message its `caller` and `received_at`; never a value of a secret.
    `subject` is the object that it concerns: itself, or a message's mailbox. It outlives its tenant.
    """

    __tablename__ = "audit_entries"
    __table_args__ = (
        CheckConstraint(
            "action IN ('added', 'changed', 'removed', 'heard', 'downloaded', 'marked_read', "
            "'marked_unread', 'deleted', 'restored', 'purged', 'logged_in', 'logged_out', 'retried', "
            "'discarded', 'forwarded', 'refused', 'called_back', 'left_elsewhere')",
            name="action",
        ),
        Index(None, "tenant_id", "happened_at", "id"),
        Index(None, "tenant_id", "object_key", "happened_at", "id"),
        Index(None, "tenant_id", "subject", "happened_at", "id"),
        Index(None, "tenant_id", "author", "happened_at", "id"),
        Index(None, "happened_at"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    tenant_id: Mapped[UUID | None]
    happened_at: Mapped[datetime] = _now()
    author: Mapped[str]
    action: Mapped[str]
    kind: Mapped[str]
    object_key: Mapped[str]
    subject: Mapped[str]
    details: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))


class RunningProcessRow(Table):
    """A process of ours, which says each few seconds that it runs; `faults` are by what it cannot do."""

    __tablename__ = "running_processes"
    __table_args__ = (CheckConstraint("kind IN ('web', 'calls', 'events', 'jobs')", name="kind"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    host: Mapped[str]
    started_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    faults: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))


class PresentCallRow(Table):
    """A call that is in a mailbox now; it counts as long as its process is seen."""

    __tablename__ = "present_calls"
    __table_args__ = (CheckConstraint("doing IN ('leaving', 'listening')", name="doing"),)

    process_id: Mapped[UUID] = mapped_column(
        ForeignKey("running_processes.id", ondelete="CASCADE"), primary_key=True
    )
    call_id: Mapped[str] = mapped_column(primary_key=True)
    tenant_id: Mapped[UUID]
    mailbox_id: Mapped[UUID]
    doing: Mapped[str]
    who: Mapped[str]
    extension: Mapped[str | None]
    since: Mapped[datetime]
    message_id: Mapped[UUID | None]
    message_since: Mapped[datetime | None]


class PresentPlayerRow(Table):
    """A player in a browser that plays a message now; it counts as long as it says so again."""

    __tablename__ = "present_players"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    tenant_id: Mapped[UUID]
    mailbox_id: Mapped[UUID]
    message_id: Mapped[UUID]
    since: Mapped[datetime]
    seen_at: Mapped[datetime]
