"""What the templates of FreeSWITCH see: frozen values and nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from controlplane.domain.event_socket import DOMAIN, RIGHTS, user_password
from controlplane.domain.tenant import DEFAULT_TENANT
from controlplane.rendering.context import CallsContext, SipContext, TenantContext, VoiceContext, queue_names
from controlplane.rendering.context_inbound import TrunkContext

_SILENCE_THRESHOLD = 200
NATIVE_PROFILE = "shared-voicemail"
NATIVE_DOMAIN = "cp-voicemail-"
NATIVE_FOLDER = "native"
"""Where mod_voicemail keeps its messages, below the spool."""

LONGEST_NATIVE_SECONDS = 1000
"""mod_voicemail takes no higher limit of a message's length."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SocketContext:
    """Where `calls` listens, as `host:port`."""

    address: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventSocketUserContext:
    """One who may log in at the event socket, and what he may do there."""

    name: str
    events: tuple[str, ...]
    api: tuple[str, ...]
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventSocketContext:
    """The switch's own event socket, on loopback only; the users' passwords come from its own."""

    port: int
    password: str = field(repr=False)

    @property
    def domain(self) -> str:
        """The directory's domain of the users."""
        return DOMAIN

    @property
    def users(self) -> tuple[EventSocketUserContext, ...]:
        """Those who log in with less than everything."""
        return tuple(
            EventSocketUserContext(
                name=user.value,
                events=rights.events,
                api=rights.api,
                password=user_password(user, secret=self.password),
            )
            for user, rights in RIGHTS.items()
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FreeswitchPaths:
    """Absolute folders that the dialplan reads and writes; `live` is where these files are published."""

    routes: Path
    greetings: Path
    spool: Path
    live: Path

    @property
    def hours(self) -> Path:
        """Where the files of office hours are: beside the route files."""
        return self.routes.with_name("hours")


@dataclass(frozen=True, slots=True, kw_only=True)
class FreeswitchCalls(CallsContext):
    """Figures of the dialplan; a threshold of 0 switches the end by silence off, 0 seconds do not."""

    @property
    def silence_threshold(self) -> int:
        """The energy below which there is silence."""
        return _SILENCE_THRESHOLD if self.silence_seconds else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class MailboxContext:
    """A mailbox in the directory of mod_voicemail; `language` is one that has prompts."""

    id: UUID
    language: str
    max_message_seconds: int

    @property
    def native_seconds(self) -> int:
        """The longest message that mod_voicemail takes for it."""
        return min(self.max_message_seconds, LONGEST_NATIVE_SECONDS)

    @property
    def native_profile(self) -> str:
        """The profile whose limit is this mailbox's: there is no limit of a user."""
        return f"{NATIVE_PROFILE}-{self.native_seconds}"


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantMailboxes:
    """The mailboxes of a tenant, which are a domain of their own in the directory."""

    tenant_id: UUID
    mailboxes: tuple[MailboxContext, ...]

    @property
    def domain(self) -> str:
        """The name of that domain."""
        return f"{NATIVE_DOMAIN}{self.tenant_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class FreeswitchInstallation:
    """What settings decide, the same for all revisions of an installation.

    With `native` mod_voicemail takes messages when `calls` does not answer, else the dialplan does.
    """

    sip: SipContext
    socket: SocketContext
    event_socket: EventSocketContext
    paths: FreeswitchPaths
    calls: FreeswitchCalls
    native: bool = False

    @property
    def native_storage(self) -> Path:
        """Where mod_voicemail keeps what it recorded."""
        return self.paths.spool / NATIVE_FOLDER


@dataclass(frozen=True, slots=True, kw_only=True)
class FreeswitchContext:
    """Everything that is rendered for FreeSWITCH; `mailboxes` only where mod_voicemail is to know them."""

    installation: FreeswitchInstallation
    tenants: tuple[TenantContext, ...]
    prompts: tuple[VoiceContext, ...]
    mailboxes: tuple[TenantMailboxes, ...] = ()

    @property
    def native_profiles(self) -> tuple[tuple[str, int], ...]:
        """The profiles of mod_voicemail and their longest message: ours, and one for each length in use."""
        boxes = [box for tenant in self.mailboxes for box in tenant.mailboxes]
        used = sorted({(box.native_seconds, box.native_profile) for box in boxes})
        ours = (NATIVE_PROFILE, min(self.installation.calls.max_message_seconds, LONGEST_NATIVE_SECONDS))
        return (ours, *((name, seconds) for seconds, name in used))

    def domain_of(self, tenant: TenantContext) -> str:
        """Return the domain of the directory that holds a tenant's extensions.

        Phones reach the one of the realm alone; the others have names that no tenant's SIP domain is.
        """
        return self.installation.sip.realm if tenant.name == DEFAULT_TENANT else str(tenant.id)

    @property
    def endpoints(self) -> frozenset[str]:
        """The users of the directory who are phones, each with its domain, and the gateways."""
        if not self.installation.sip.phones:
            return frozenset()
        phones = frozenset(
            f"{extension.number}@{self.domain_of(tenant)}"
            for tenant in self.tenants
            for extension in tenant.extensions
        )
        return phones | {name for name, _ in self.gateways}

    @property
    def gateways(self) -> tuple[tuple[str, TrunkContext], ...]:
        """The trunks that register, each with the name of its gateway."""
        secret = self.installation.event_socket.password
        return tuple(
            (trunk.gateway(secret), trunk)
            for tenant in self.tenants
            for trunk in tenant.trunks
            if trunk.username is not None
        )

    @property
    def queues(self) -> frozenset[str]:
        """The names of all call queues."""
        return queue_names(self.tenants)
