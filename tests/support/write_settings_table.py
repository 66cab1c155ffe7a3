"""Print every setting as the table of docs/operations.md: `python -m tests.support.write_settings_table`."""

from __future__ import annotations

import re
import types
from pathlib import Path
from typing import Any, Union, get_args, get_origin

from controlplane.settings import Settings
from pydantic import BaseModel, SecretStr
from pydantic_core import PydanticUndefined

PAGE = Path(__file__).parents[2] / "docs" / "operations.md"
_TABLE = re.compile(r"\| setting \|.*?(?=\n\n)|@@SETTINGS@@", re.DOTALL)


def _group(annotation: Any) -> type[BaseModel] | None:
    return annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None


def _default(value: Any, annotation: Any) -> str:
    if value is PydanticUndefined:
        return "required"
    if isinstance(value, SecretStr):
        secret = value.get_secret_value()
        return "a secret" if secret == "change-me" else f"`{secret}`"
    if value is None:
        kinds = get_args(annotation) if get_origin(annotation) in {Union, types.UnionType} else ()
        return "none, a secret" if SecretStr in kinds else "none"
    if isinstance(value, tuple):
        return f"`{list(value)}`".replace("'", '"')
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def names(model: type[BaseModel] = Settings, prefix: str = "CONTROLPLANE_") -> list[tuple[str, str, str]]:
    """List name, default and description of each setting, in their order."""
    rows: list[tuple[str, str, str]] = []
    for name, field in model.model_fields.items():
        group = _group(field.annotation)
        if group is not None:
            rows += names(group, f"{prefix}{name.upper()}__")
        else:
            default = _default(field.default, field.annotation)
            rows.append((f"{prefix}{name.upper()}", default, field.description or ""))
    return rows


def table() -> str:
    """Return the table in Markdown."""
    rows = [f"| `{name}` | {default} | {text} |" for name, default, text in names()]
    return "\n".join(["| setting | default | |", "|---|---|---|", *rows])


def main() -> None:
    """Write the table into the page."""
    PAGE.write_text(_TABLE.sub(lambda _: table(), PAGE.read_text(), count=1))


if __name__ == "__main__":
    main()
