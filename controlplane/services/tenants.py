"""Tenants: making, reading, changing and removing organisations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypedDict
from uuid import uuid4

import structlog
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.configuration import Action, ObjectChange, ObjectKind
from controlplane.domain.errors import Conflict, DomainError, NotFound, PreconditionFailed
from controlplane.domain.limits import DEFAULT_RETAIN_DAYS, LIMITS, check_limit
from controlplane.domain.numbers import Feature
from controlplane.domain.tenant import (
    DEFAULT_TENANT,
    Tenant,
    parse_sip_domain,
    parse_tenant_name,
    parse_time_zone,
)
from controlplane.services.mail_words import check_words, forget_faults
from controlplane.services.publishing_jobs import defer_publishing
from controlplane.services.publishing_modes import begin
from controlplane.services.receptionist_greetings import defer_greeting
from controlplane.speech.choice import choose_language
from controlplane.storage import published_objects, tenants
from controlplane.storage.audit import name_author
from controlplane.storage.constraints import constraint_of
from controlplane.storage.database import Database
from controlplane.storage.paging import Page
from controlplane.storage.queue import Jobs
from controlplane.storage.routing import recorded_greetings
from controlplane.storage.tables import TenantRow
from controlplane.storage.tenants import tenant_values

_FEATURE_CODES = {
    "*16": Feature.CLOSED_NOW,
    "*38": Feature.QUEUE_LOG_IN,
    "*39": Feature.QUEUE_LOG_OUT,
    "*56": Feature.CHECK_MESSAGES,
    "*57": Feature.CHECK_OWN_MAILBOX,
    "*78": Feature.DO_NOT_DISTURB_ON,
    "*79": Feature.DO_NOT_DISTURB_OFF,
}


class TenantChanges(TypedDict, total=False):
    """What is to change; the name never does."""

    sip_domain: str
    language: str
    time_zone: str
    retain_days: int
    trash_days: int | None
    max_messages: int
    max_total_seconds: int
    email_subject: str | None
    email_introduction: str | None


_OF_MAILS = frozenset({"email_subject", "email_introduction"})


async def default_tenant(db: Database) -> Tenant:
    """Return the tenant `default`, which exists from the start."""
    return await get_tenant(db, name=DEFAULT_TENANT)


async def create_tenant(
    db: Database,
    jobs: Jobs,
    *,
    name: str,
    sip_domain: str,
    by: str,
    language: str = "en",
    time_zone: str = "UTC",
    retain_days: int = DEFAULT_RETAIN_DAYS,
    trash_days: int | None = None,
    max_messages: int = 0,
    max_total_seconds: int = 0,
    email_subject: str | None = None,
    email_introduction: str | None = None,
) -> Tenant:
    """Make a tenant with its feature codes; `by` names who did it.

    Raises InvalidValue for a field that breaks its rule, Conflict `tenant-name-taken` or
    `sip-domain-taken`.
    """
    choose_language(language)
    limits = {
        "retain_days": retain_days,
        "trash_days": trash_days,
        "max_messages": max_messages,
        "max_total_seconds": max_total_seconds,
    }
    for field, value in limits.items():
        check_limit(value, field)
    row = TenantRow(
        id=uuid4(),
        name=parse_tenant_name(name),
        sip_domain=parse_sip_domain(sip_domain),
        language=language,
        time_zone=parse_time_zone(time_zone),
        **limits,
        email_subject=email_subject,
        email_introduction=email_introduction,
    )
    await check_words({"email_subject": email_subject, "email_introduction": email_introduction})
    try:
        async with db.transaction() as session:
            await tenants.insert(session, row, feature_codes=_FEATURE_CODES)
            await _check_domain(session, row)
            await begin(session, row.id)
            await defer_publishing(
                session, jobs, tenant_id=row.id, revision=True, change=_change(Action.ADDED, row, by)
            )
    except IntegrityError as error:
        raise _clash(error) from error
    structlog.get_logger().info("tenant.created", tenant_id=str(row.id), name=name)
    return tenant_values(row)


async def get_tenant(db: Database, *, name: str) -> Tenant:
    """Return the tenant of this name; raises NotFound."""
    async with db.transaction() as session:
        return tenant_values(_found(await tenants.by_name(session, name)))


async def list_tenants(db: Database, *, q: str | None, limit: int, after: str | None) -> Page[Tenant]:
    """List tenants by name, after a name."""
    async with db.transaction() as session:
        return await tenants.page(session, q=q, limit=limit, after=after)


async def update_tenant(
    db: Database,
    jobs: Jobs,
    *,
    name: str,
    changes: TenantChanges,
    by: str,
    expected_version: int | None = None,
) -> Tenant:
    """Change a tenant and return it; the greetings that follow its language are spoken again.

    Raises NotFound, PreconditionFailed when the version is not the expected one, InvalidValue,
    Conflict `sip-domain-taken`.
    """
    values: dict[str, Any] = dict(changes)
    if "sip_domain" in changes:
        values["sip_domain"] = parse_sip_domain(changes["sip_domain"])
    if "language" in changes:
        choose_language(changes["language"])
    if "time_zone" in changes:
        values["time_zone"] = parse_time_zone(changes["time_zone"])
    for field in (name for name in LIMITS if name in values):
        check_limit(values[field], field)
    await check_words(values)
    try:
        async with db.transaction() as session:
            row = _found(await tenants.by_name(session, name, lock=True))
            _check_version(row, expected_version)
            values = {key: value for key, value in values.items() if getattr(row, key) != value}
            if values:
                row = await tenants.update_values(session, row.id, values)
                if "sip_domain" in values:
                    await _check_domain(session, row)
                await forget_faults(session, row.id, values)
            # The switch meets nothing of the limits and the mails.
            if published := sorted(values.keys() - LIMITS.keys() - _OF_MAILS):
                await defer_publishing(
                    session,
                    jobs,
                    tenant_id=row.id,
                    revision=True,
                    change=_change(Action.CHANGED, row, by, fields=published),
                )
            elif values:
                await name_author(session, by)
            if "language" in values:
                concerned = await tenants.mailboxes_in_its_language(session, row.id)
                await jobs.defer_each(
                    session, "speech.greeting", [{"mailbox_id": str(mailbox_id)} for mailbox_id in concerned]
                )
                for receptionist_id in await recorded_greetings.speaking_the_tenants_language(
                    session, row.id
                ):
                    await defer_greeting(session, jobs, receptionist_id)
    except IntegrityError as error:
        raise _clash(error) from error
    structlog.get_logger().info("tenant.changed", tenant_id=str(row.id), fields=sorted(values))
    return tenant_values(row)


async def delete_tenant(
    db: Database, jobs: Jobs, *, name: str, by: str, expected_version: int | None = None
) -> None:
    """Remove a tenant with its feature codes and tokens.

    Raises NotFound, PreconditionFailed, Conflict `tenant-is-default`, or `tenant-not-empty`
    whose details count what it still holds: mailboxes, extensions, messages (in the trash too), and what
    routes calls by its kind.
    """
    if name == DEFAULT_TENANT:
        raise Conflict("The tenant “default” cannot be deleted.", error_id="tenant-is-default")
    try:
        async with db.transaction() as session:
            row = _found(await tenants.by_name(session, name, lock=True))
            _check_version(row, expected_version)
            held = await tenants.objects(session, row.id)
            if held.mailboxes or held.extensions or held.messages or held.routing:
                raise _not_empty(
                    mailboxes=held.mailboxes,
                    extensions=held.extensions,
                    messages=held.messages,
                    **{kind.replace("-", "_"): count for kind, count in held.routing.items()},
                )
            await tenants.remove(session, row.id)
            await defer_publishing(
                session, jobs, tenant_id=row.id, revision=True, change=_change(Action.REMOVED, row, by)
            )
    except IntegrityError as error:
        raise _clash(error) from error
    structlog.get_logger().info("tenant.deleted", tenant_id=str(row.id), name=name)


async def _check_domain(session: AsyncSession, row: TenantRow) -> None:
    """Raise Conflict `sip-domain-taken` if the switch knows another tenant by the domain of this one."""
    if await published_objects.has_domain(session, row.sip_domain, but=row.id):
        raise Conflict(
            "Another tenant has this SIP domain until it publishes its changes, which it does by hand. "
            "Choose another one, or try again when that is done.",
            error_id="sip-domain-taken",
            field="sip_domain",
        )


def _change(action: Action, row: TenantRow, by: str, *, fields: Sequence[str] = ()) -> ObjectChange:
    return ObjectChange(kind=ObjectKind.TENANT, name=row.name, action=action, by=by, fields=tuple(fields))


def _not_empty(**held: int) -> Conflict:
    return Conflict(
        "The tenant still has objects: delete them, and purge its messages first. `details` counts them.",
        error_id="tenant-not-empty",
        details=held,
    )


def _clash(error: IntegrityError) -> DomainError:
    match constraint_of(error):
        case "uq_tenants_name":
            return Conflict("Another tenant has this name.", error_id="tenant-name-taken", field="name")
        case "uq_tenants_sip_domain":
            return Conflict(
                "Another tenant has this SIP domain.", error_id="sip-domain-taken", field="sip_domain"
            )
        case str(name) if name.endswith("_tenants"):
            return _not_empty()
        case _:
            raise error


def _found(row: TenantRow | None) -> TenantRow:
    if row is None:
        raise NotFound("There is no tenant of this name.", error_id="no-such-tenant")
    return row


def _check_version(row: TenantRow, expected: int | None) -> None:
    if expected is not None and row.version != expected:
        raise PreconditionFailed("The tenant was changed by somebody else since it was read.")
