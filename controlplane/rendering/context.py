"""What the templates of Asterisk see: frozen values and nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import assert_never
from uuid import UUID

from controlplane.domain.numbers import Feature
from controlplane.domain.routing.call_queue import QueueStrategy
from controlplane.domain.routing.limits import MAX_HOPS, RING_SECONDS
from controlplane.domain.tenant import DEFAULT_TENANT
from controlplane.rendering.context_inbound import InboundRuleContext, TrunkContext
from controlplane.rendering.escape import RenderingError

QUEUE_PREFIX = "cp-"
"""What the names of our queues at a switch begin with; other queues are not ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtensionContext:
    """An authenticated phone account. `endpoint` is its name in PJSIP."""

    number: str
    display_name: str
    endpoint: str
    a1_hash: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureCodeContext:
    """A code such as `*56`."""

    code: str
    feature: Feature

    @property
    def context(self) -> str:
        """The dialplan's context that does it."""
        match self.feature:
            case Feature.CHECK_MESSAGES:
                return "cp-check"
            case Feature.CHECK_OWN_MAILBOX:
                return "cp-check-own"
            case (
                Feature.CLOSED_NOW
                | Feature.DO_NOT_DISTURB_ON
                | Feature.DO_NOT_DISTURB_OFF
                | Feature.QUEUE_LOG_IN
                | Feature.QUEUE_LOG_OUT
            ):
                return "cp-feature"
            case _ as never:
                assert_never(never)

    @property
    def takes_digits(self) -> bool:
        """Whether the code may be followed by a number."""
        return self.feature in {Feature.CHECK_MESSAGES, Feature.QUEUE_LOG_IN, Feature.QUEUE_LOG_OUT}

    @property
    def hears_a_mailbox(self) -> bool:
        """Whether a BLF key with this code and a number shows a lamp."""
        return self.feature is Feature.CHECK_MESSAGES

    @property
    def patterns(self) -> tuple[str, ...]:
        """What is dialled for it, in Asterisk's patterns."""
        return (self.code, f"_{self.code}X!") if self.takes_digits else (self.code,)


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentContext:
    """An agent of a call queue: the number of an extension, and its endpoint in PJSIP."""

    number: str
    endpoint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueContext:
    """A call queue, as far as the switch's own queue knows it; the rest is read with each call.

    `max_callers` 0 is no limit; `exit_key` is `None` or one of the phone's keys.
    """

    id: UUID
    number: str
    strategy: QueueStrategy
    ring_seconds: int
    wrap_up_seconds: int
    max_wait_seconds: int
    max_callers: int
    exit_key: str | None
    agents: tuple[AgentContext, ...] = ()

    @property
    def name(self) -> str:
        """What the switch calls it."""
        return f"{QUEUE_PREFIX}{self.id}"

    @property
    def pressed(self) -> str:
        """The exit key as the way of a call has it."""
        return (self.exit_key or "").replace("*", "s").replace("#", "h")


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantContext:
    """A tenant; `language` is one that has prompts, `rules` are in the order in which they are asked.

    `extensions` is empty where they are streamed, piece by piece.
    """

    id: UUID
    name: str
    sip_domain: str
    language: str
    extensions: tuple[ExtensionContext, ...] = ()
    feature_codes: tuple[FeatureCodeContext, ...] = ()
    queues: tuple[QueueContext, ...] = ()
    trunks: tuple[TrunkContext, ...] = ()
    rules: tuple[InboundRuleContext, ...] = ()

    @property
    def at_domain(self) -> str:
        """What follows a number in the name of an endpoint: nothing for the default tenant."""
        return at_domain(self.name, self.sip_domain)


def at_domain(tenant_name: str, sip_domain: str) -> str:
    """Return `@domain`, or nothing for the default tenant, whose phones may use any address of ours."""
    return "" if tenant_name == DEFAULT_TENANT else f"@{sip_domain.lower()}"


def lamps_of(tenant: TenantContext) -> str:
    """Return what follows the number in the name of a lamp at Asterisk, as the control plane tells it."""
    return "default" if tenant.name == DEFAULT_TENANT else str(tenant.id)


def queue_names(tenants: tuple[TenantContext, ...]) -> frozenset[str]:
    """Return what the switch calls the queues of these tenants."""
    return frozenset(queue.name for tenant in tenants for queue in tenant.queues)


@dataclass(frozen=True, slots=True, kw_only=True)
class SipContext:
    """Addresses and ports of SIP and RTP. `bind` is `address:port`, an IPv6 address in brackets.

    Without `phones` the switch has SIP endpoints of its own, and none of ours are rendered. A registration
    at a provider lasts `trunk_expiry_seconds`: so long after he forgot us he knows us again.
    """

    bind: str
    external_address: str | None
    local_networks: tuple[str, ...]
    rtp_first: int
    rtp_last: int
    realm: str
    max_contacts: int
    phones: bool = True
    trunk_expiry_seconds: int = 120
    trunk_retry_seconds: int = 30

    @property
    def host(self) -> str:
        """The address without the port and without brackets."""
        return self.bind.rpartition(":")[0].removeprefix("[").removesuffix("]")

    @property
    def port(self) -> int:
        """The port."""
        return int(self.bind.rpartition(":")[2])


@dataclass(frozen=True, slots=True, kw_only=True)
class AgiContext:
    """Where `calls` listens, as `host:port`."""

    address: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagerContext:
    """The manager interface, on loopback only."""

    port: int
    username: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class PathsContext:
    """Absolute folders that the dialplan reads and writes."""

    routes: Path
    greetings: Path
    spool: Path

    @property
    def hours(self) -> Path:
        """Where the files of office hours are: beside the route files."""
        return self.routes.with_name("hours")

    @property
    def live(self) -> Path:
        """Where these files are published: beside the route files."""
        return self.routes.with_name("live") / "asterisk"


@dataclass(frozen=True, slots=True, kw_only=True)
class CallsContext:
    """Figures of the dialplan (`domain.routing.limits`), most of them in seconds."""

    silence_seconds: int
    max_message_seconds: int = 300
    ring_seconds: int = RING_SECONDS
    first_answer_seconds: int = 5
    max_hops: int = MAX_HOPS


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceContext:
    """The prompts of a language by name: paths without `.wav`, played in order; empty if not made yet."""

    language: str
    files: tuple[tuple[str, tuple[Path, ...]], ...]


HOLD = "hold"
"""The prompt that callers of a queue wait to."""


def music_of(prompts: tuple[VoiceContext, ...]) -> Path | None:
    """Return what callers of a queue wait to, without `.wav`; None if it is not made yet."""
    named = (files for voice in prompts for name, files in voice.files if name == HOLD)
    return next((files[0] for files in named if files), None)


def default_among(tenants: tuple[TenantContext, ...]) -> TenantContext:
    """Return the tenant of callers whose domain says nothing; raises RenderingError."""
    for tenant in tenants:
        if tenant.name == DEFAULT_TENANT:
            return tenant
    raise RenderingError("There is no tenant named default; run the migrations.")


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallationContext:
    """What settings decide, the same for all revisions of an installation."""

    sip: SipContext
    agi: AgiContext
    manager: ManagerContext
    paths: PathsContext
    calls: CallsContext


@dataclass(frozen=True, slots=True, kw_only=True)
class AsteriskContext:
    """Everything that is rendered for Asterisk."""

    installation: InstallationContext
    tenants: tuple[TenantContext, ...]
    prompts: tuple[VoiceContext, ...]

    @property
    def endpoints(self) -> frozenset[str]:
        """The names of all endpoints that we render."""
        if not self.installation.sip.phones:
            return frozenset()
        extensions = {extension.endpoint for tenant in self.tenants for extension in tenant.extensions}
        trunks = {trunk.context for tenant in self.tenants for trunk in tenant.trunks}
        return frozenset({"anonymous"} | extensions | trunks)

    @property
    def queues(self) -> frozenset[str]:
        """The names of all call queues."""
        return queue_names(self.tenants)
