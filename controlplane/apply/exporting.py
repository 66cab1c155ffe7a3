"""Writing a tenant as a file that changes nothing where it came from."""

from __future__ import annotations

from typing import Any, Final

import yaml

from controlplane.apply.declaration import KEYS, Declaration
from controlplane.apply.resource import Form, Reading
from controlplane.apply.sections import SECTIONS
from controlplane.apply.tenant import tenant_form
from controlplane.services.tenants import get_tenant
from controlplane.storage.database import Database, JoinedDatabase

_HEAD: Final = """\
# A tenant of Shared Voicemail, for `controlplane apply`. What is left out has its default.
# PINs and passwords are not here: they stay as they are.
"""
_BREAKS: Final = frozenset("\x85\u2028\u2029")
# Switched by phone, and no matter of a file.
_SWITCHED: Final = {"office-hours": {"closed_now": True}, "extensions": {"rules": {"do_not_disturb": True}}}


async def export_file(db: Database, *, tenant: str) -> str:
    """Return the file of a tenant (by name), without secrets; raises NotFound."""
    async with db.transaction() as session:
        joined = JoinedDatabase(session)
        of = Reading(db=joined, tenant=await get_tenant(joined, name=tenant))
        content: Form = {"tenant": {"name": of.tenant.name, **tenant_form(of.tenant)}}
        for one in SECTIONS:
            found = await one.present(of)
            forms = [found[key].form for key in sorted(found)]
            # A feature without a code is not in use.
            content[one.section] = [_entry(one.section, form) for form in forms if form.get("code", "*")]
    return _HEAD + write_file(content)


def write_file(content: Form) -> str:
    """Write values as a file that reads as the same values."""
    written: str = yaml.dump(
        content, Dumper=_Dumper, sort_keys=False, allow_unicode=True, default_flow_style=None, width=100
    )
    return written


class _Dumper(yaml.SafeDumper):  # type: ignore[misc]  # The library has no types.
    """Writes values out where they are."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 (the library's)
        """Say yes: a file for people has no anchors that nobody named."""
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    """Quote what the library would write as a line break that is read as a blank."""
    style = '"' if _BREAKS & set(text) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def _entry(section: str, form: Form) -> Form:
    """Return what an object has besides its defaults, its key first."""
    excluded: Any = _SWITCHED.get(section)
    entry = _ENTRIES[section].model_validate(form)
    shown: Form = entry.model_dump(mode="json", exclude_defaults=True, exclude=excluded)
    if shown.get("rules") == {}:
        del shown["rules"]
    key = KEYS[section]
    return {key: form[key], **shown}


def _entry_models() -> dict[str, Any]:
    """Return the schema of each section's entries."""
    found = {}
    for name, field in Declaration.model_fields.items():
        if name != "tenant":
            (listed,) = (one for one in field.annotation.__args__ if one is not type(None))  # type: ignore[union-attr]  # all are lists or None
            found[field.alias or name] = listed.__args__[0]
    return found


_ENTRIES: Final = _entry_models()
