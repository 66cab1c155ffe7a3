"""The values of `lint`: what it looks at, and what it finds."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import StrEnum

from controlplane.domain.numbers import NumberKind
from controlplane.domain.routing.extension_rules import ExtensionRules
from controlplane.domain.routing.kinds import RoutingObject

UNREAD_DAYS = 30


class Severity(StrEnum):
    """How bad it is: calls go wrong, calls may be lost, or it is good to know."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class FindingId(StrEnum):
    """What was found."""

    LOOP = "loop"
    RULE_NEVER_MATCHES = "rule-never-matches"
    EXCEPTION_NEVER_MATCHES = "exception-never-matches"
    NOBODY_RINGS = "nobody-rings"
    LEADS_TO_DISABLED_MAILBOX = "leads-to-disabled-mailbox"
    VOICEMAIL_OF_NOBODY = "voicemail-of-nobody"
    LANGUAGE_WITHOUT_PROMPTS = "language-without-prompts"
    NO_OFFICE_HOURS = "no-office-hours"
    MAILBOX_NOT_READ = "mailbox-not-read"
    MAILBOX_WITHOUT_MAIL = "mailbox-without-mail"
    NAME_SAYS_NOTHING = "name-says-nothing"
    NOTHING_POINTS_AT_IT = "nothing-points-at-it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One finding about one object; `field` is the path of what is wrong, if it is one field.

    `details` are what the sentence names, for who says it in other words.
    """

    severity: Severity
    finding: FindingId
    kind: str
    number: str | None
    name: str
    field: str | None = None
    sentence: str
    remedy: str
    details: Mapping[str, str] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class LintMailbox:
    """A mailbox, as far as findings are about it. `has_old_new_messages`: not heard for UNREAD_DAYS."""

    number: str
    name: str
    language: str | None
    enabled: bool
    is_mailed: bool
    operator: str | None
    has_old_new_messages: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LintExtension:
    """An extension and its rules."""

    number: str
    name: str
    rules: ExtensionRules


@dataclass(frozen=True, slots=True, kw_only=True)
class Everything:
    """All of a tenant.

    `pointed_at` are the numbers that something points at, `unspoken` the languages that have no prompts.
    """

    mailboxes: Sequence[LintMailbox] = ()
    extensions: Sequence[LintExtension] = ()
    objects: Sequence[RoutingObject] = ()
    pointed_at: AbstractSet[str] = frozenset()
    unspoken: AbstractSet[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What a finding is about."""

    kind: str
    number: str | None
    name: str

    def found(
        self,
        severity: Severity,
        finding: FindingId,
        sentence: str,
        remedy: str,
        *,
        at: str | None = None,
        **details: str,
    ) -> Finding:
        """Return a finding about it."""
        return Finding(
            severity=severity,
            finding=finding,
            kind=self.kind,
            number=self.number,
            name=self.name,
            field=at,
            sentence=sentence,
            remedy=remedy,
            details=details,
        )


def subject_of(one: RoutingObject | LintExtension | LintMailbox) -> Subject:
    """Return what a finding about it is about."""
    match one:
        case RoutingObject():
            return Subject(kind=one.kind.value, number=one.number, name=one.name)
        case LintExtension():
            return Subject(kind=NumberKind.EXTENSION.value, number=one.number, name=one.name)
        case LintMailbox():
            return Subject(kind=NumberKind.MAILBOX.value, number=one.number, name=one.name)
