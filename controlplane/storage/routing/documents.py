"""Settings of objects as they are stored: JSON documents of the domain's own types."""

from __future__ import annotations

from typing import Any, Final, cast

from pydantic import TypeAdapter

from controlplane.domain.routing.extension_rules import ExtensionRules
from controlplane.domain.routing.kinds import SETTINGS, RoutingKind, Settings

_ADAPTERS: Final = {kind: TypeAdapter(type_) for kind, type_ in SETTINGS.items()}
_RULES: Final = TypeAdapter(ExtensionRules)


def to_document(settings: Settings | ExtensionRules) -> dict[str, Any]:
    """Return what is stored; fields that have their default are left out."""
    adapter: TypeAdapter[Any] = _RULES if isinstance(settings, ExtensionRules) else _adapter_of(settings)
    return cast("dict[str, Any]", adapter.dump_python(settings, mode="json", exclude_defaults=True))


def settings_from(kind: RoutingKind, document: dict[str, Any]) -> Settings:
    """Read settings; a document of ours always fits."""
    return _ADAPTERS[kind].validate_python(document)


def rules_from(document: dict[str, Any]) -> ExtensionRules:
    """Read the rules of an extension."""
    return _RULES.validate_python(document)


def with_defaults(kind: str, document: dict[str, Any]) -> dict[str, Any]:
    """Return stored settings of a routing object, or rules of an extension, with what was left out."""
    adapter: TypeAdapter[Any] = _ADAPTERS[RoutingKind(kind)] if kind in set(RoutingKind) else _RULES
    value = adapter.validate_python(document)
    return cast("dict[str, Any]", adapter.dump_python(value, mode="json"))


def _adapter_of(settings: Settings) -> TypeAdapter[Any]:
    kind = next(kind for kind, type_ in SETTINGS.items() if type_ is type(settings))
    return _ADAPTERS[kind]
