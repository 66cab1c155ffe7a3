"""Render what the database says now, for the switch."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from controlplane.callflows.prompts import Prompt, PromptFiles, Tone
from controlplane.domain.language import first_available
from controlplane.domain.numbers import Feature
from controlplane.rendering.asterisk import render_asterisk
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
from controlplane.rendering.freeswitch import render_freeswitch
from controlplane.rendering.tree import RenderedTree
from controlplane.speech.catalogue import available_languages
from controlplane.storage.configuration import (
    ConfiguredMailbox,
    ConfiguredQueue,
    ConfiguredRule,
    ConfiguredTenant,
    ConfiguredTrunk,
)
from controlplane.storage.database import Database
from controlplane.storage.published_tenants import published_mailboxes, published_or_current

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


async def render_configuration(
    database: Database, rendering: Rendering, *, current: Collection[UUID] = ()
) -> RenderedTree:
    """Read what is provisioned and render it; raises RenderingError, Unavailable.

    Of tenants that publish by hand that is what is published, but of those in `current`.
    """
    async with database.transaction() as session:
        boxes = await published_mailboxes(session, current=current) if rendering.has_mailboxes else []
        tenants = await published_or_current(session, current=current)
    return await asyncio.to_thread(_render, rendering, tenants, boxes)


def _render(
    rendering: Rendering, configured: Sequence[ConfiguredTenant], boxes: Sequence[ConfiguredMailbox]
) -> RenderedTree:
    tenants = tuple(_tenant(tenant) for tenant in configured)
    languages = {tenant.language for tenant in tenants}
    match rendering.installation:
        case FreeswitchInstallation() as freeswitch:
            mailboxes = _mailboxes(tenants, boxes)
            languages |= {box.language for tenant in mailboxes for box in tenant.mailboxes}
            said = (*DIALPLAN_PROMPTS, *NATIVE_PROMPTS) if freeswitch.native else DIALPLAN_PROMPTS
            return render_freeswitch(
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
            return render_asterisk(
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
    after_number = at_domain(tenant.name, tenant.sip_domain)
    trunks = {trunk.name: trunk.id for trunk in tenant.trunks}
    return TenantContext(
        id=tenant.id,
        name=tenant.name,
        sip_domain=tenant.sip_domain,
        language=tenant.language,
        extensions=tuple(
            ExtensionContext(
                number=extension.number,
                display_name=extension.display_name,
                endpoint=f"{extension.number}{after_number}",
                a1_hash=extension.sip_a1_hash,
            )
            for extension in tenant.extensions
        ),
        feature_codes=codes,
        queues=tuple(_queue(queue, after_number) for queue in tenant.queues),
        trunks=tuple(_trunk(trunk) for trunk in tenant.trunks),
        # By a trunk that is not enabled no call comes.
        rules=tuple(
            _rule(rule, trunks)
            for rule in tenant.rules
            if rule.settings.trunk is None or rule.settings.trunk in trunks
        ),
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
