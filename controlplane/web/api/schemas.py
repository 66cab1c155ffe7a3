"""Numbers, extensions, tenants, languages and the configuration in JSON."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, cast
from uuid import UUID

from pydantic import Field, SecretStr

from controlplane.domain.extension import Extension
from controlplane.domain.limits import DEFAULT_RETAIN_DAYS
from controlplane.domain.numbers import NumberKind
from controlplane.domain.tenant import Tenant
from controlplane.services.extensions import ExtensionChanges
from controlplane.services.numbers import NumberOwner
from controlplane.services.tenants import TenantChanges
from controlplane.web.api.fields import (
    MAX_MESSAGES,
    MAX_TOTAL_SECONDS,
    RETAIN_DAYS,
    TRASH_DAYS,
    DisplayName,
    Input,
    Language,
    MailIntroduction,
    MailSubject,
    MaxMessages,
    MaxTotalSeconds,
    NumberField,
    Output,
    RetainDays,
    TrashDays,
    example,
    left_out,
)

_NEXT = Field(description="`after` of the following page; `null` on the last one.")
_TIMES = {"created_at": "2026-03-02T09:00:00Z", "updated_at": "2026-03-02T09:00:00Z"}

NUMBER: dict[str, Any] = {
    "number": "8001",
    "kind": "mailbox",
    "display_name": "Sales",
    "object_id": "3f0f6c0e-5b3f-4a0e-9f5e-0d7b6a4f2c11",
}


class NumberOut(Output):
    """A number in use and what has it."""

    model_config = example(NUMBER)

    number: str
    kind: NumberKind
    display_name: str
    object_id: UUID

    @classmethod
    def of(cls, owner: NumberOwner) -> NumberOut:
        """Make it from the service's value."""
        return cls(
            number=owner.number, kind=owner.kind, display_name=owner.display_name, object_id=owner.object_id
        )


class NumberPage(Output):
    """Some numbers, in the order of their digits."""

    model_config = example({"items": [NUMBER], "next": None})

    items: list[NumberOut]
    next: str | None = _NEXT


EXTENSION: dict[str, Any] = {
    "id": "9f3a7d56-2c1b-4d62-8d8f-5f0c7d3b1a22",
    "number": "101",
    "display_name": "Alice",
    **_TIMES,
}
_PasswordField = Annotated[
    SecretStr,
    Field(
        min_length=8,
        max_length=64,
        description="8 to 64 visible ASCII characters without blanks. `null`: one is made and shown once.",
    ),
]


class ExtensionIn(Input):
    """An extension to be made."""

    model_config = example({"number": "101", "display_name": "Alice"})

    number: NumberField
    display_name: DisplayName
    sip_password: _PasswordField | None = None


class ExtensionPatch(Input):
    """What is to change; fields that are left out stay as they are."""

    model_config = example({"display_name": "Alice Smith"})

    display_name: DisplayName = left_out()
    sip_password: _PasswordField | None = left_out("`null` makes a new one and shows it once.")

    def changes(self) -> ExtensionChanges:
        """Return what the service takes."""
        changes = ExtensionChanges()
        if "display_name" in self.model_fields_set:
            changes["display_name"] = self.display_name
        if "sip_password" in self.model_fields_set:
            password = self.sip_password
            changes["sip_password"] = None if password is None else password.get_secret_value()
        return changes


class ExtensionOut(Output):
    """An extension; its password is not told."""

    model_config = example(EXTENSION)

    id: UUID
    number: str
    display_name: str
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, extension: Extension) -> ExtensionOut:
        """Make it from the service's value."""
        return cls(
            id=extension.id,
            number=extension.number,
            display_name=extension.display_name,
            created_at=extension.created_at,
            updated_at=extension.updated_at,
        )


class ExtensionWithPassword(ExtensionOut):
    """An extension, and its password if it was set by this request."""

    model_config = example({**EXTENSION, "sip_password": "shown-once-write-it-down"})

    sip_password: str | None = Field(
        description="Shown this once. `null` if it was not changed, or the request was a repeated one."
    )

    @classmethod
    def with_password(cls, extension: Extension, sip_password: str | None) -> ExtensionWithPassword:
        """Make it from the service's values."""
        return cls(**ExtensionOut.of(extension).model_dump(), sip_password=sip_password)


class ExtensionPage(Output):
    """Some extensions, in the order of their numbers' digits."""

    model_config = example({"items": [EXTENSION], "next": None})

    items: list[ExtensionOut]
    next: str | None = _NEXT


_TENANT_FIELDS: dict[str, Any] = {
    "sip_domain": "north.example.com",
    "language": "en",
    "time_zone": "Europe/Berlin",
    "email_subject": None,
    "email_introduction": None,
}
_STANDARD_WORDS = "A template for mails of mailboxes that have none; `null`: the standard words."
TENANT: dict[str, Any] = {
    "id": "5d0f2f0e-7a9f-4a55-8f67-30d2f41b7c33",
    "name": "north",
    **_TENANT_FIELDS,
    **_TIMES,
}
_SipDomain = Annotated[str, Field(min_length=1, max_length=253, description="Unique; a host name in ASCII.")]
_TimeZone = Annotated[str, Field(min_length=1, max_length=64, description="A name of the IANA database.")]


_RetainDays = Annotated[RetainDays, Field(description=RETAIN_DAYS)]
_TrashDays = Annotated[TrashDays, Field(description=f"{TRASH_DAYS} `null`: what the settings say.")]
_MaxMessages = Annotated[MaxMessages, Field(description=MAX_MESSAGES)]
_MaxTotalSeconds = Annotated[MaxTotalSeconds, Field(description=MAX_TOTAL_SECONDS)]


class TenantIn(Input):
    """A tenant to be made; it gets the feature codes `*56` and `*57`."""

    model_config = example({"name": "north", **_TENANT_FIELDS})

    name: Annotated[
        str,
        Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?$", description="Unique; never changes."),
    ]
    sip_domain: _SipDomain
    language: Language = "en"
    time_zone: _TimeZone = "UTC"
    retain_days: _RetainDays = DEFAULT_RETAIN_DAYS
    trash_days: _TrashDays | None = None
    max_messages: _MaxMessages = 0
    max_total_seconds: _MaxTotalSeconds = 0
    email_subject: MailSubject | None = Field(None, description=_STANDARD_WORDS)
    email_introduction: MailIntroduction | None = Field(None, description=_STANDARD_WORDS)


class TenantPatch(Input):
    """What is to change; fields that are left out stay as they are."""

    model_config = example({"time_zone": "Europe/Berlin"})

    sip_domain: _SipDomain = left_out()
    language: Language = left_out()
    time_zone: _TimeZone = left_out()
    retain_days: _RetainDays = left_out()
    trash_days: _TrashDays | None = left_out()
    max_messages: _MaxMessages = left_out()
    max_total_seconds: _MaxTotalSeconds = left_out()
    email_subject: MailSubject | None = left_out(_STANDARD_WORDS)
    email_introduction: MailIntroduction | None = left_out(_STANDARD_WORDS)

    def changes(self) -> TenantChanges:
        """Return what the service takes."""
        return cast("TenantChanges", self.model_dump(exclude_unset=True))


class TenantOut(Output):
    """A tenant: one organisation, one SIP domain, one number space."""

    model_config = example(TENANT)

    id: UUID
    name: str
    sip_domain: str
    language: str = Field(description="Of mailboxes that have none of their own.")
    time_zone: str
    retain_days: int = Field(description="Of mailboxes that say nothing else, as the next three.")
    trash_days: int | None
    max_messages: int
    max_total_seconds: int
    email_subject: str | None = Field(description=_STANDARD_WORDS)
    email_introduction: str | None = Field(description=_STANDARD_WORDS)
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, tenant: Tenant) -> TenantOut:
        """Make it from the service's value."""
        return cls(
            id=tenant.id,
            name=tenant.name,
            sip_domain=tenant.sip_domain,
            language=tenant.language,
            time_zone=tenant.time_zone,
            retain_days=tenant.retain_days,
            trash_days=tenant.trash_days,
            max_messages=tenant.max_messages,
            max_total_seconds=tenant.max_total_seconds,
            email_subject=tenant.email_subject,
            email_introduction=tenant.email_introduction,
            created_at=tenant.created_at,
            updated_at=tenant.updated_at,
        )


class TenantPage(Output):
    """Some tenants, by name."""

    model_config = example({"items": [TENANT], "next": None})

    items: list[TenantOut]
    next: str | None = _NEXT


class LanguageOut(Output):
    """A language that has prompts."""

    tag: str
    name: str = Field(description="In English.")
    own_name: str = Field(description="In the language itself.")


class LanguageList(Output):
    """All languages that have prompts."""

    model_config = example({"items": [{"tag": "en", "name": "English", "own_name": "English"}]})

    items: list[LanguageOut]
