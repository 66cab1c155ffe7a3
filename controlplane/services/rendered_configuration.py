"""Render what the database says now, for the switch."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from controlplane.callflows.prompts import Prompt, PromptFiles, Tone
from controlplane.domain.numbers import Feature
from controlplane.rendering.asterisk import render_asterisk
from controlplane.rendering.context import (
    AsteriskContext,
    ExtensionContext,
    FeatureCodeContext,
    InstallationContext,
    TenantContext,
    VoiceContext,
    at_domain,
)
from controlplane.rendering.context_freeswitch import FreeswitchContext, FreeswitchInstallation
from controlplane.rendering.escape import RenderingError
from controlplane.rendering.freeswitch import render_freeswitch
from controlplane.rendering.tree import RenderedTree
from controlplane.storage.configuration import ConfiguredTenant, configured_tenants
from controlplane.storage.database import Database

# What the dialplan says by itself.
DIALPLAN_PROMPTS = (
    Prompt.GREETING_STANDARD,
    Prompt.THANK_YOU,
    Prompt.TECHNICAL_PROBLEM,
    Prompt.NUMBER_UNKNOWN,
    Prompt.FEATURE_UNKNOWN,
    Prompt.CHECK_UNAVAILABLE,
    Tone.BEEP,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendering:
    """What rendering needs besides the database; the kind of `installation` says for which switch."""

    templates: Path
    installation: InstallationContext | FreeswitchInstallation
    prompts: PromptFiles


async def render_configuration(database: Database, rendering: Rendering) -> RenderedTree:
    """Read what is provisioned and render it; raises RenderingError, Unavailable."""
    async with database.transaction() as session:
        tenants = await configured_tenants(session)
    return await asyncio.to_thread(_render, rendering, tenants)


def _render(rendering: Rendering, configured: Sequence[ConfiguredTenant]) -> RenderedTree:
    tenants = tuple(_tenant(tenant) for tenant in configured)
    prompts = tuple(
        _voice(language, rendering.prompts) for language in sorted({tenant.language for tenant in tenants})
    )
    match rendering.installation:
        case FreeswitchInstallation() as freeswitch:
            return render_freeswitch(
                FreeswitchContext(installation=freeswitch, tenants=tenants, prompts=prompts),
                templates=rendering.templates,
            )
        case asterisk:
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
    )


def _voice(language: str, prompts: PromptFiles) -> VoiceContext:
    return VoiceContext(
        language=language,
        files=tuple(
            (
                utterance.value,
                tuple(path.absolute().with_suffix("") for path in prompts.files(utterance, language)),
            )
            for utterance in DIALPLAN_PROMPTS
        ),
    )
