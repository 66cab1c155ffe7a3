"""Render what the database says now, for the switch."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol
from uuid import UUID

from controlplane.callflows.prompts import Prompt, PromptFiles, Tone
from controlplane.domain.language import first_available
from controlplane.domain.numbers import Feature
from controlplane.rendering.asterisk import AsteriskRenderer
from controlplane.rendering.context import (
    AgentContext,
    AsteriskContext,
    ExtensionContext,
    FeatureCodeContext,
    InstallationContext,
    QueueContext,
    TenantContext,
    VoiceContext,
    at_domain,
)
from controlplane.rendering.context_freeswitch import (
    FreeswitchContext,
    FreeswitchInstallation,
    MailboxContext,
    TenantMailboxes,
)
from controlplane.rendering.context_inbound import InboundRuleContext, TrunkContext
from controlplane.rendering.escape import RenderingError
from controlplane.rendering.freeswitch import FreeswitchRenderer
from controlplane.rendering.parts import Part
from controlplane.rendering.pieces import Cutter, Piece
from controlplane.rendering.renderer import Renderer
from controlplane.rendering.tree import digest_of, text_digest
from controlplane.speech.catalogue import available_languages
from controlplane.storage.configuration import (
    ConfiguredExtension,
    ConfiguredMailbox,
    ConfiguredQueue,
    ConfiguredRule,
    ConfiguredTenant,
    ConfiguredTrunk,
)
from controlplane.storage.database import Database
from controlplane.storage.published_tenants import (
    at_one_moment,
    published_extensions,
    published_mailboxes,
    published_or_current,
)

# A full render of hundreds of thousands of extensions.
_READ_SECONDS: Final = 300.0

# What the dialplan says by itself.
DIALPLAN_PROMPTS = (
    Prompt.GREETING_STANDARD,
    Prompt.THANK_YOU,
    Prompt.TECHNICAL_PROBLEM,
    Prompt.NUMBER_UNKNOWN,
    Prompt.FEATURE_UNKNOWN,
    Prompt.CHECK_UNAVAILABLE,
    Tone.BEEP,
    Tone.HOLD,
)
# What mod_voicemail says besides.
NATIVE_PROMPTS = (Prompt.MESSAGE_TOO_SHORT,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendering:
    """What rendering needs besides the database; the kind of `installation` says for which switch."""

    templates: Path
    installation: InstallationContext | FreeswitchInstallation
    prompts: PromptFiles

    @property
    def has_mailboxes(self) -> bool:
        """Whether mailboxes are rendered, which does not scale: only the switch's own voicemail needs it."""
        return isinstance(self.installation, FreeswitchInstallation) and self.installation.native


class Sink(Protocol):
    """Takes what is rendered, file by file. Its methods run in a thread, and may wait for a disk."""

    def take_over(self, path: str, source: str, endpoints: Sequence[str] = ()) -> str | None:
        """Have a part that was made of these sources as it is; return its SHA-256, None without it."""
        ...

    def add(self, path: str, text: str, *, source: str = "", endpoints: Sequence[str] = ()) -> None:
        """Have a file of this text; with a `source` it is a part."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """What a switch says once it runs what was handed over."""

    digest: str
    endpoints: frozenset[str] = field(repr=False)


async def render_configuration(
    database: Database, rendering: Rendering, sink: Sink, *, current: Collection[UUID] = ()
) -> Rendered:
    """Read what is provisioned and render what the sink has not; raises RenderingError, Unavailable, OSError.

    Of tenants that publish by hand that is what is published, but of those in `current`. Extensions are read,
    rendered and handed over piece by piece, so that memory holds one piece.
    """
    async with database.transaction(seconds=_READ_SECONDS) as session:
        # What one publishes by hand meanwhile, or by itself again, is in it whole or not at all.
        await at_one_moment(session)
        boxes = await published_mailboxes(session, current=current) if rendering.has_mailboxes else []
        tenants = tuple(_tenant(tenant) for tenant in await published_or_current(session, current=current))
        handing = _Handing(await asyncio.to_thread(_renderer, rendering, tenants, boxes), sink)
        if handing.renderer.has_phones:
            extensions = published_extensions(session, current=current)
            async for tenant, piece in _pieces(extensions, tenants):
                await asyncio.to_thread(handing.piece, tenant, piece)
    return await asyncio.to_thread(handing.rest, tenants)


async def _pieces(
    extensions: AsyncIterator[tuple[UUID, ConfiguredExtension]], tenants: Sequence[TenantContext]
) -> AsyncIterator[tuple[TenantContext, Piece]]:
    """Cut the extensions of each tenant as they are read."""
    by_id = {tenant.id: tenant for tenant in tenants}
    tenant, cutter = None, Cutter()
    async for tenant_id, extension in extensions:
        if tenant is None or tenant.id != tenant_id:
            for piece in cutter.end():
                if tenant is not None:
                    yield tenant, piece
            # One that was made since the tenants were read comes with what follows.
            tenant, cutter = by_id.get(tenant_id), Cutter()
        if tenant is not None:
            for piece in cutter.push(_extension(tenant, extension)):
                yield tenant, piece
    for piece in cutter.end():
        if tenant is not None:
            yield tenant, piece


class _Handing:
    """Hands over to a sink what is rendered, and leaves out what it has."""

    def __init__(self, renderer: Renderer, sink: Sink) -> None:
        self.renderer = renderer
        self._sink = sink
        self._digests: dict[str, str] = {}
        self._endpoints: set[str] = set()
        self._pieces: dict[UUID, list[str]] = {}

    def piece(self, tenant: TenantContext, piece: Piece) -> None:
        self._pieces.setdefault(tenant.id, []).append(piece.name)
        self._part(self.renderer.piece(tenant, piece))

    def rest(self, tenants: Sequence[TenantContext]) -> Rendered:
        for tenant in tenants:
            for part in self.renderer.parts(tenant):
                self._part(part)
        whole = self.renderer.whole({tenant.id: self._pieces.get(tenant.id, ()) for tenant in tenants})
        self._digests |= {path: text_digest(text) for path, text in whole.files.items()}
        digest = digest_of(self._digests)
        for path, text in {**whole.files, **whole.named(digest)}.items():
            self._sink.add(path, text)
        return Rendered(digest=digest, endpoints=whole.endpoints | self._endpoints)

    def _part(self, part: Part) -> None:
        self._endpoints.update(part.endpoints)
        digest = self._sink.take_over(part.path, part.source, part.endpoints)
        if digest is None:
            text = self.renderer.text(part)
            self._sink.add(part.path, text, source=part.source, endpoints=part.endpoints)
            digest = text_digest(text)
        self._digests[part.path] = digest


def _renderer(
    rendering: Rendering, tenants: tuple[TenantContext, ...], boxes: Sequence[ConfiguredMailbox]
) -> Renderer:
    languages = {tenant.language for tenant in tenants}
    match rendering.installation:
        case FreeswitchInstallation() as freeswitch:
            mailboxes = _mailboxes(tenants, boxes)
            languages |= {box.language for tenant in mailboxes for box in tenant.mailboxes}
            said = (*DIALPLAN_PROMPTS, *NATIVE_PROMPTS) if freeswitch.native else DIALPLAN_PROMPTS
            return FreeswitchRenderer(
                FreeswitchContext(
                    installation=freeswitch,
                    tenants=tenants,
                    prompts=_voices(languages, said, rendering.prompts),
                    mailboxes=mailboxes,
                ),
                templates=rendering.templates,
            )
        case asterisk:
            prompts = _voices(languages, DIALPLAN_PROMPTS, rendering.prompts)
            return AsteriskRenderer(
                AsteriskContext(installation=asterisk, tenants=tenants, prompts=prompts),
                templates=rendering.templates,
            )


def _tenant(tenant: ConfiguredTenant) -> TenantContext:
    try:
        codes = tuple(
            FeatureCodeContext(code=code, feature=Feature(feature)) for code, feature in tenant.feature_codes
        )
    except ValueError as error:
        raise RenderingError(f"A feature code of tenant {tenant.name} does something unknown.") from error
    trunks = {trunk.name: trunk.id for trunk in tenant.trunks}
    return TenantContext(
        id=tenant.id,
        name=tenant.name,
        sip_domain=tenant.sip_domain,
        language=tenant.language,
        feature_codes=codes,
        queues=tuple(_queue(queue, at_domain(tenant.name, tenant.sip_domain)) for queue in tenant.queues),
        trunks=tuple(_trunk(trunk) for trunk in tenant.trunks),
        # By a trunk that is not enabled no call comes.
        rules=tuple(
            _rule(rule, trunks)
            for rule in tenant.rules
            if rule.settings.trunk is None or rule.settings.trunk in trunks
        ),
    )


def _extension(tenant: TenantContext, extension: ConfiguredExtension) -> ExtensionContext:
    return ExtensionContext(
        number=extension.number,
        display_name=extension.display_name,
        endpoint=f"{extension.number}{tenant.at_domain}",
        a1_hash=extension.sip_a1_hash,
    )


def _queue(queue: ConfiguredQueue, after_number: str) -> QueueContext:
    settings = queue.settings
    return QueueContext(
        id=queue.id,
        number=queue.number,
        strategy=settings.strategy,
        ring_seconds=settings.ring_seconds,
        wrap_up_seconds=settings.wrap_up_seconds,
        max_wait_seconds=settings.max_wait_seconds,
        max_callers=settings.max_callers,
        exit_key=settings.exit_key,
        agents=tuple(
            AgentContext(number=agent, endpoint=f"{agent}{after_number}") for agent in settings.agents
        ),
    )


def _trunk(trunk: ConfiguredTrunk) -> TrunkContext:
    settings = trunk.settings
    return TrunkContext(
        id=trunk.id,
        addresses=settings.addresses,
        host=settings.host or "",
        port=settings.port,
        username=settings.username,
        password=settings.password or "",
        did_in=settings.did_in,
    )


def _rule(rule: ConfiguredRule, trunks: Mapping[str, UUID]) -> InboundRuleContext:
    settings = rule.settings
    return InboundRuleContext(
        dids=settings.dids,
        callers=settings.callers,
        trunk=None if settings.trunk is None else trunks[settings.trunk],
        hours=rule.hours,
        destinations=rule.destinations,
    )


def _mailboxes(
    tenants: Sequence[TenantContext], boxes: Sequence[ConfiguredMailbox]
) -> tuple[TenantMailboxes, ...]:
    available = available_languages()
    of_tenant: dict[UUID, list[MailboxContext]] = {}
    for box in boxes:
        of_tenant.setdefault(box.tenant_id, []).append(
            MailboxContext(
                id=box.id,
                language=first_available(box.languages, available),
                max_message_seconds=box.max_message_seconds,
            )
        )
    return tuple(
        TenantMailboxes(tenant_id=tenant.id, mailboxes=tuple(of_tenant[tenant.id]))
        for tenant in tenants
        if tenant.id in of_tenant
    )


def _voices(
    languages: Collection[str], said: Sequence[Prompt | Tone], prompts: PromptFiles
) -> tuple[VoiceContext, ...]:
    return tuple(_voice(language, said, prompts) for language in sorted(languages))


def _voice(language: str, said: Sequence[Prompt | Tone], prompts: PromptFiles) -> VoiceContext:
    return VoiceContext(
        language=language,
        files=tuple(
            (
                utterance.value,
                tuple(path.absolute().with_suffix("") for path in prompts.files(utterance, language)),
            )
            for utterance in said
        ),
    )
