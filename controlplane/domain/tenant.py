"""A tenant: one organisation, one SIP domain, one number space."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from controlplane.domain.errors import InvalidValue

DEFAULT_TENANT = "default"

_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?", re.ASCII)
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
_MAX_DOMAIN = 253


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    """One organisation. `name` never changes; `language` is the default of its mailboxes.

    So are the limits (`domain.limits`); `trash_days` None is what the settings say.
    """

    id: UUID
    name: str
    sip_domain: str
    language: str
    time_zone: str
    retain_days: int
    trash_days: int | None
    max_messages: int
    max_total_seconds: int
    email_subject: str | None
    email_introduction: str | None
    """Templates of what the mails of its mailboxes say that have none; None: the standard words."""
    version: int
    created_at: datetime
    updated_at: datetime


def parse_tenant_name(text: str, *, field: str = "name") -> str:
    """Return the name; raise InvalidValue (`invalid-tenant-name`) if it is none."""
    if not _NAME.fullmatch(text):
        raise InvalidValue(
            "A tenant's name has 1 to 64 of a-z, 0-9 and hyphens, with no hyphen at its ends.",
            error_id="invalid-tenant-name",
            field=field,
        )
    return text


def parse_sip_domain(text: str, *, field: str = "sip_domain") -> str:
    """Return a host name or an IPv4 address in lower case; raise InvalidValue (`invalid-sip-domain`)."""
    domain = text.lower()
    if len(domain) > _MAX_DOMAIN or not all(_LABEL.fullmatch(label) for label in domain.split(".")):
        raise InvalidValue(
            "A SIP domain is a host name such as sip.example.com, in ASCII.",
            error_id="invalid-sip-domain",
            field=field,
        )
    return domain


def parse_time_zone(text: str, *, field: str = "time_zone") -> str:
    """Return the name of a time zone of the IANA database; raise InvalidValue (`invalid-time-zone`)."""
    try:
        known = ZoneInfo(text).key == text
    except (LookupError, ValueError, OSError):
        # OSError: the name of a folder of the database, such as `Europe`.
        known = False
    if not known:
        raise InvalidValue(
            "A time zone is a name of the IANA database such as Europe/Berlin or UTC.",
            error_id="invalid-time-zone",
            field=field,
        )
    return text
