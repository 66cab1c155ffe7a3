"""What `up` makes so that the first call can be placed: a mailbox, two extensions, a token, a link.

Repeated at each start, and changes nothing that is there: what somebody changed stays changed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import structlog

from controlplane.domain.configuration import SYSTEM
from controlplane.domain.errors import Conflict, NotFound
from controlplane.domain.extension import a1_hash, generate_sip_password
from controlplane.domain.mailbox import SayDatetime
from controlplane.domain.pin import Pin, PinPolicy
from controlplane.entrypoints.pin_keys import hasher_of
from controlplane.entrypoints.publish import publisher_of, write_before_start
from controlplane.entrypoints.ready import Extension, Installation
from controlplane.services.extensions import create_extension, update_extension
from controlplane.services.mailboxes import NewMailbox, create_mailbox, get_mailbox
from controlplane.services.pin_hashing import UnreadablePin
from controlplane.services.publishing import Outcome, publish
from controlplane.services.sign_in_links import link_of_the_machine
from controlplane.services.tenants import default_tenant
from controlplane.services.tokens import authenticate, create_token
from controlplane.settings import Settings
from controlplane.storage import extensions, mailboxes
from controlplane.storage.database import Database
from controlplane.storage.queue import Jobs, make_app
from controlplane.supervisor.faults import CannotStart
from controlplane.supervisor.state import StateFolder, write_private
from controlplane.web.portal.addresses import link_address

MAILBOX = "8001"
EXTENSIONS = {"101": "Alice", "102": "Bob"}
_RECIPIENT = "team@example.com"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parts:
    settings: Settings
    state: StateFolder
    database: Database
    jobs: Jobs
    tenant_id: UUID
    new_sip_passwords: bool


async def install(settings: Settings, state: StateFolder, *, new_sip_passwords: bool = False) -> Installation:
    """Make what is missing of mailbox, extensions and token; the secrets are kept in the state folder.

    Raises CannotStart when another object has a number that is needed, or when the password of an
    extension was lost: phones are registered with it, so a new one is made by `new_sip_passwords` only.
    """
    url = settings.database_url.get_secret_value()
    database = Database(settings.sqlalchemy_url)
    app = make_app(url, pool_size=1)
    try:
        async with app.open_async():
            tenant = await default_tenant(database)
            parts = _Parts(
                settings=settings,
                state=state,
                database=database,
                jobs=Jobs(app),
                tenant_id=tenant.id,
                new_sip_passwords=new_sip_passwords,
            )
            try:
                pin, mailbox_id = await _mailbox(parts)
                made = [await _extension(parts, number, name) for number, name in EXTENSIONS.items()]
            except Conflict as error:
                raise CannotStart(
                    f"{error.sentence} `up` needs the numbers {MAILBOX}, {', '.join(EXTENSIONS)}:"
                    " use another state folder."
                ) from error
            token_file = await _token(parts)
            secret = await link_of_the_machine(database, now=datetime.now(UTC))
    finally:
        await database.close()
    return Installation(
        token_file=token_file,
        portal_link=link_address(settings.http.public_url, secret),
        mailbox=MAILBOX,
        pin=pin,
        greeting=settings.paths.configuration / "greetings" / f"{mailbox_id}.wav",
        extensions=tuple(made),
    )


async def publish_before_start(settings: Settings) -> None:
    """Write route files and configuration for a switch that is about to start; raises CannotStart."""
    result = await write_before_start(settings)
    if result.outcome is Outcome.FAILED:
        raise CannotStart(f"The switch's configuration cannot be made: {result.error}")


async def publish_and_verify(settings: Settings) -> None:
    """Have the running switch confirm that it runs what is published; raises CannotStart."""
    database = Database(settings.sqlalchemy_url)
    try:
        result = await publish(publisher_of(settings, database))
    finally:
        await database.close()
    if result.outcome is not Outcome.LIVE:
        raise CannotStart(f"The switch does not run what was published: {result.error or result.outcome}")


def policy_of(settings: Settings) -> PinPolicy:
    """Return the rules of PINs."""
    pins = settings.pins
    return PinPolicy(
        min_length=pins.min_length,
        generated_length=pins.generated_length,
        refuse_one_digit_repeated=pins.refuse_one_digit_repeated,
        refuse_runs=pins.refuse_runs,
        refuse_mailbox_number=pins.refuse_mailbox_number,
    )


async def _mailbox(parts: _Parts) -> tuple[str | None, UUID]:
    """Return the PIN, None if it is another one by now or was lost, and the mailbox's id."""
    policy = policy_of(parts.settings)
    hasher = hasher_of(parts.settings)
    try:
        try:
            mailbox_id = (
                await get_mailbox(parts.database, tenant_id=parts.tenant_id, number=MAILBOX)
            ).mailbox.id
        except NotFound:
            pin = Pin(parts.state.secret("mailbox-pin", lambda: policy.generate(number=MAILBOX).reveal()))
            mailbox = await create_mailbox(
                parts.database,
                parts.jobs,
                hasher,
                policy,
                tenant_id=parts.tenant_id,
                new=NewMailbox(
                    number=MAILBOX,
                    display_name="Sales",
                    pin=pin,
                    # Captured mail reaches nobody; real mail must not go to an address that we made up.
                    email_recipients=() if parts.settings.smtp.host else (_RECIPIENT,),
                    email_notification=parts.settings.smtp.host is None,
                    say_datetime=SayDatetime.H12,
                ),
            )
            return pin.reveal(), mailbox.id
        kept = parts.state.kept("mailbox-pin")
        if kept is None:
            return None, mailbox_id
        async with parts.database.transaction() as session:
            facts = await mailboxes.pin_facts(session, mailbox_id)
        try:
            right = facts is not None and await hasher.verify(facts.pin_hash, Pin(kept))
        except UnreadablePin:
            # Its key was lost or replaced: whoever has no copy of it sets PINs anew.
            structlog.get_logger().warning("mailbox.pin_key_missing", number=MAILBOX)
            right = False
        return kept if right else None, mailbox_id
    finally:
        hasher.close()


async def _extension(parts: _Parts, number: str, display_name: str) -> Extension:
    file = f"extension-{number}"
    realm = parts.settings.sip.realm
    async with parts.database.transaction() as session:
        row = await extensions.by_number(session, parts.tenant_id, number)
    if row is None:
        password = parts.state.secret(file, generate_sip_password)
        await create_extension(
            parts.database,
            parts.jobs,
            tenant_id=parts.tenant_id,
            number=number,
            display_name=display_name,
            sip_password=password,
            realm=realm,
            by=SYSTEM,
        )
        return Extension(number=number, sip_password=password)
    kept = parts.state.kept(file)
    if kept is None:
        return await _with_new_password(parts, number, parts.state.secrets / file)
    ours = row.sip_a1_hash == a1_hash(number=number, realm=realm, password=kept)
    return Extension(number=number, sip_password=kept if ours else None)


async def _with_new_password(parts: _Parts, number: str, path: Path) -> Extension:
    """Give an extension whose password was lost a new one, if that was asked for."""
    if not parts.new_sip_passwords:
        raise CannotStart(
            f"The SIP password of extension {number} is missing ({path}): put the file back,"
            " or start once with --new-sip-passwords to make a new one."
        )
    _, password = await update_extension(
        parts.database,
        parts.jobs,
        tenant_id=parts.tenant_id,
        number=number,
        changes={"sip_password": None},
        realm=parts.settings.sip.realm,
        by=SYSTEM,
    )
    write_private(path, f"{password}\n")
    return Extension(number=number, sip_password=password)


async def _token(parts: _Parts) -> Path:
    """Return the file of a system token that is in force."""
    path = parts.state.secrets / "token"
    kept = parts.state.kept("token")
    if kept is not None:
        known = await authenticate(parts.database, kept, tenant=None, now=datetime.now(UTC))
        if known is not None:
            return path
    _, token = await create_token(parts.database, name="up", tenant=None, expires_at=None, by=SYSTEM)
    write_private(path, token + "\n")
    return path
