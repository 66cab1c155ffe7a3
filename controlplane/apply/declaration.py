"""What a file says of a tenant: the objects of the REST API with the words and rules of its schemas.

What an object leaves out has the default that the REST API gives. Some things are not a matter of files
and stay as they are where they are left out: secrets, and what people switch by phone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path as FolderPath
from typing import Annotated, Any, Final

from pydantic import BaseModel, Field, SecretStr, ValidationError

from controlplane.apply.faults import Fault, RefusedFile
from controlplane.apply.pin_files import STANDARD_INPUT, UnreadablePinFile, read_pin_file
from controlplane.apply.yaml_tree import Node, read_tree
from controlplane.domain.numbers import Feature
from controlplane.domain.tenant import DEFAULT_TENANT
from controlplane.web.api.fields import (
    Input,
    Language,
    MailIntroduction,
    MailSubject,
    MaxMessages,
    MaxTotalSeconds,
    RetainDays,
    TrashDays,
)
from controlplane.web.api.schemas import ExtensionIn
from controlplane.web.api.schemas_call_queues import CallQueueIn
from controlplane.web.api.schemas_extension_rules import ExtensionRulesIn
from controlplane.web.api.schemas_feature_codes import FeatureCodeIn
from controlplane.web.api.schemas_inbound_rules import InboundRuleIn
from controlplane.web.api.schemas_mailboxes import MailboxIn
from controlplane.web.api.schemas_numbers import ReservedIn
from controlplane.web.api.schemas_office_hours import OfficeHoursIn
from controlplane.web.api.schemas_ring_groups import RingGroupIn
from controlplane.web.api.schemas_trunks import TrunkIn
from controlplane.web.api.schemas_virtual_receptionists import VirtualReceptionistIn
from controlplane.web.errors import field_path, field_problem

SECRETS: Final = {"mailboxes": "pin", "extensions": "sip_password", "trunks": "password"}
"""The secret field of each section that has one; it may name a variable of the environment."""

_VARIABLE: Final = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}", re.ASCII)

_PIN_FILE: Final = "pin_file"
_LONE_DASH: Final = re.compile(rb"[ \t]*(?:-[ \t]+)*pin_file[ \t]*:[ \t]+-[ \t]*(?:#.*)?", re.ASCII)
_HERE: Final = FolderPath()

Path = tuple[str | int, ...]


class TenantEntry(Input):
    """Which tenant the file is about; what is left out of the others stays as it is."""

    name: str = DEFAULT_TENANT
    sip_domain: str | None = None
    language: Language | None = None
    time_zone: str | None = None
    retain_days: RetainDays | None = None
    trash_days: TrashDays | None = None
    max_messages: MaxMessages | None = None
    max_total_seconds: MaxTotalSeconds | None = None
    email_subject: MailSubject | None = None
    email_introduction: MailIntroduction | None = None


class MailboxEntry(MailboxIn):
    """A mailbox; without a PIN a new one gets one, and another keeps its own."""

    pin: SecretStr | None = None  # type: ignore[assignment]  # A file may leave it out.
    # Where the PIN stands; it is read before this is made.
    pin_file: str | None = None


class ExtensionEntry(ExtensionIn):
    """An extension and its rules; without a password a new one gets one, and another keeps its own."""

    rules: ExtensionRulesIn = ExtensionRulesIn()


class FeatureCodeEntry(FeatureCodeIn):
    """Which code does a feature."""

    feature: Annotated[Feature, Field(strict=False)]


class Declaration(Input):
    """A tenant. A section that is left out says nothing about its objects."""

    tenant: TenantEntry = TenantEntry()
    reserved_numbers: list[ReservedIn] | None = Field(None, alias="reserved-numbers")
    feature_codes: list[FeatureCodeEntry] | None = Field(None, alias="feature-codes")
    office_hours: list[OfficeHoursIn] | None = Field(None, alias="office-hours")
    trunks: list[TrunkIn] | None = None
    mailboxes: list[MailboxEntry] | None = None
    extensions: list[ExtensionEntry] | None = None
    ring_groups: list[RingGroupIn] | None = Field(None, alias="ring-groups")
    call_queues: list[CallQueueIn] | None = Field(None, alias="call-queues")
    virtual_receptionists: list[VirtualReceptionistIn] | None = Field(None, alias="virtual-receptionists")
    inbound_rules: list[InboundRuleIn] | None = Field(None, alias="inbound-rules")

    def section(self, name: str) -> list[Any] | None:
        """Return the entries of a section by its name in the file; None if the file has none."""
        found: list[Any] | None = getattr(self, name.replace("-", "_"))
        return found


KEYS: Final = {
    "reserved-numbers": "first",
    "feature-codes": "feature",
    "office-hours": "name",
    "trunks": "name",
    "mailboxes": "number",
    "extensions": "number",
    "ring-groups": "number",
    "call-queues": "number",
    "virtual-receptionists": "number",
    "inbound-rules": "name",
}
"""The sections, and the field that says which object an entry is about."""


class DeclaredFile:
    """A declaration, and the lines that it came from."""

    def __init__(self, tree: Node, declaration: Declaration, warnings: Sequence[str] = ()) -> None:
        self._tree = tree
        self.declaration = declaration
        self.warnings = tuple(warnings)

    def fault(self, sentence: str, path: Path) -> Fault:
        """Return a fault at a path of the file."""
        return _fault(self._tree, sentence, path)

    def value_at(self, path: Path) -> Any:
        """Return what stands at a path, or nearest to it."""
        node = self._tree.at(path)
        return node.text if isinstance(node.value, int) else node.value


def read_declaration(
    data: bytes, environment: Mapping[str, str], *, folder: FolderPath = _HERE
) -> DeclaredFile:
    """Read a file; `environment` has what secrets may name as `${NAME}`, `folder` what a `pin_file` names.

    Raises RefusedFile with everything that is wrong.
    """
    tree = _tree(data)
    plain = tree.plain()
    warnings: list[str] = []
    missing = [*_with_variables(plain, environment), *_with_pin_files(tree, plain, folder, warnings)]
    declaration, faults = _validated(tree, plain)
    faults = [*(_fault(tree, sentence, path) for sentence, path in missing), *faults]
    if declaration is not None:
        faults += [_fault(tree, sentence, path) for sentence, path in _twice(tree, declaration)]
    if faults or declaration is None:
        raise RefusedFile(faults)
    return DeclaredFile(tree, declaration, warnings)


def _tree(data: bytes) -> Node:
    try:
        return read_tree(data)
    except RefusedFile as error:
        # YAML takes a `-` without quotes for the beginning of a list, and knows nothing of the field.
        line = error.faults[0].line or 0
        if any(map(_LONE_DASH.fullmatch, data.splitlines()[max(line - 1, 0) : line])):
            raise RefusedFile([Fault(sentence=STANDARD_INPUT, line=line, path=_PIN_FILE)]) from error
        raise


def _with_variables(plain: Any, environment: Mapping[str, str]) -> Iterator[tuple[str, Path]]:
    """Put the values of variables in their places; yield what is wrong with the others."""
    for section, field in SECRETS.items():
        entries = plain.get(section)
        for index, entry in enumerate(entries if isinstance(entries, list) else ()):
            if not isinstance(entry, dict) or not isinstance(entry.get(field), str):
                continue
            named = _VARIABLE.fullmatch(entry[field])
            if named is None:
                continue
            value = environment.get(named[1])
            if not value:
                yield (
                    f"The environment has no {named[1]}: set it, or leave the field out.",
                    (section, index, field),
                )
            else:
                entry[field] = value


def _with_pin_files(
    tree: Node, plain: Any, folder: FolderPath, warnings: list[str]
) -> Iterator[tuple[str, Path]]:
    """Put the PINs of files in their places; yield what is wrong with the others."""
    entries = plain.get("mailboxes")
    for index, entry in enumerate(entries if isinstance(entries, list) else ()):
        path: Path = ("mailboxes", index, _PIN_FILE)
        if not isinstance(entry, dict) or not isinstance(entry.get(_PIN_FILE), str | int):
            continue
        # A name of digits is one as it was written.
        name = tree.at(path).text or entry[_PIN_FILE]
        if not isinstance(name, str):
            continue
        if entry.get("pin") is not None:
            yield "There is a pin, too: leave one of them out.", path
            continue
        try:
            read = read_pin_file(name, folder)
        except UnreadablePinFile as error:
            yield str(error), path
            continue
        entry["pin"] = read.pin
        warnings += [] if read.warning is None else [read.warning]


def _validated(tree: Node, plain: Any) -> tuple[Declaration | None, list[Fault]]:
    """Validate; numbers, keys and PINs that were written without quotes are the text that was written."""
    try:
        return Declaration.model_validate(plain), []
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
    is_mended = False
    for fault in found:
        node = tree.at(fault["loc"])
        if fault["type"] == "string_type" and node.text is not None and isinstance(node.value, int):
            _put(plain, fault["loc"], node.text)
            is_mended = True
    if is_mended:
        try:
            return Declaration.model_validate(plain), []
        except ValidationError as error:
            found = error.errors(include_url=False, include_input=False)
    return None, [_of_pydantic(tree, dict(fault)) for fault in found]


def _put(plain: Any, path: Path, value: str) -> None:
    for part in path[:-1]:
        plain = plain[part]
    plain[path[-1]] = value


def _of_pydantic(tree: Node, fault: Mapping[str, Any]) -> Fault:
    path: Path = tuple(fault["loc"])
    sentence = field_problem({**fault, "loc": ("file", *path)}).detail
    if fault["type"] == "extra_forbidden":
        sentence = f"There is no such field. {_there_are(path)}"
    elif fault["type"] == "bool_type":
        sentence = "This is true or false."
    return _fault(tree, sentence, path)


def _there_are(path: Path) -> str:
    model: Any = Declaration
    for part in path[:-1]:
        if isinstance(part, int):
            continue
        fields = {field.alias or name: field for name, field in model.model_fields.items()}
        model = _model_in(fields[str(part)].annotation)
    names = [field.alias or name for name, field in model.model_fields.items()]
    return f"There are {', '.join(names)}."


def _model_in(annotation: Any) -> Any:
    """Return the schema that a field holds, whatever is around it."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    inner = (_model_in(one) for one in getattr(annotation, "__args__", ()))
    return next((model for model in inner if model is not None), None)


def _twice(tree: Node, declaration: Declaration) -> Iterator[tuple[str, Path]]:
    """Yield the entries whose key another one has; numbers are of one space, whatever has them."""
    seen: dict[tuple[str, str], Path] = {}
    for section, key in KEYS.items():
        for index, entry in enumerate(declaration.section(section) or ()):
            value = str(getattr(entry, key))
            path: Path = (section, index, key)
            space = "number" if key == "number" else section
            first = seen.setdefault((space, value), path)
            if first is not path:
                yield (
                    f"{value} is there twice: {field_path(first[:2])} on line {tree.at(first).line} has it.",
                    path,
                )


def _fault(tree: Node, sentence: str, path: Path) -> Fault:
    if path[-1:] == ("pin",) and tree.at(path[:-1]).below(_PIN_FILE) is not None:
        path = (*path[:-1], _PIN_FILE)
    return Fault(sentence=sentence, line=tree.at(path).line, path=field_path(path) or None)
