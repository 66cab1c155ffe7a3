"""What a process was started with, for the people who run it: each variable, and no secret."""

from __future__ import annotations

from pydantic import BaseModel, SecretStr

from controlplane.settings import Settings
from controlplane.settings_environment import PREFIX
from controlplane.web.deps import ShownSetting

_URLS_WITH_PASSWORDS = frozenset({"database_url"})


def shown_settings(settings: Settings) -> tuple[ShownSetting, ...]:
    """Return all settings in their order; of a secret only whether it is set."""
    return tuple(_of(settings, PREFIX))


def _of(group: BaseModel, prefix: str) -> list[ShownSetting]:
    found: list[ShownSetting] = []
    for name, field in type(group).model_fields.items():
        value = getattr(group, name)
        variable = f"{prefix}{name.upper()}"
        if isinstance(value, BaseModel):
            found += _of(value, f"{variable}__")
            continue
        secret = isinstance(value, SecretStr) or "SecretStr" in str(field.annotation)
        found.append(
            ShownSetting(
                variable=variable,
                value="set" if secret and value is not None else "" if value is None else _text(value),
                secret=secret or name in _URLS_WITH_PASSWORDS,
                description=field.description or "",
            )
        )
    return found


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
