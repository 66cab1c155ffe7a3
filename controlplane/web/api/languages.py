"""`/languages`: which languages may be chosen."""

from __future__ import annotations

from babel import Locale
from fastapi import APIRouter

from controlplane.speech.choice import offered_languages
from controlplane.web.api.responses import problems
from controlplane.web.api.schemas import LanguageList, LanguageOut
from controlplane.web.paths import API
from controlplane.web.security import Asking

router = APIRouter(prefix=f"{API}/languages", tags=["languages"])


@router.get("", response_model=LanguageList, responses=problems())
async def list_languages(_: Asking) -> LanguageList:
    """List the languages that have prompts and a voice; a tag such as `en-GB` falls back to `en`."""
    return LanguageList(items=[_language(tag) for tag in offered_languages()])


def _language(tag: str) -> LanguageOut:
    locale = Locale.parse(tag, sep="-")
    return LanguageOut(
        tag=tag, name=locale.get_display_name("en") or tag, own_name=locale.get_display_name() or tag
    )
