"""What is allowed and yet makes no sense: findings over everything that routes the calls of a tenant."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from controlplane.domain.routing.call_queue import CallQueue
from controlplane.domain.routing.destination import DestinationAction, Pointer, destinations_in
from controlplane.domain.routing.extension_rules import ExtensionRules
from controlplane.domain.routing.findings import (
    UNREAD_DAYS,
    Everything,
    Finding,
    FindingId,
    Severity,
    Subject,
    subject_of,
)
from controlplane.domain.routing.hours import OfficeHours
from controlplane.domain.routing.inbound_rule import InboundRule
from controlplane.domain.routing.kinds import TENANT_HOURS, RoutingKind, Settings
from controlplane.domain.routing.loops import all_loops, automatic_ways
from controlplane.domain.routing.never_matching import shadowed_exceptions, shadowed_rules
from controlplane.domain.routing.ring_group import RingGroup
from controlplane.domain.routing.trunk import Trunk

_SHORTEST_NAME = 2
# Pointers that no call takes: which mailbox an extension owns, and which its lamp shows.
_NO_WAYS = ("mailbox", "mwi_mailboxes.")


def lint(everything: Everything) -> list[Finding]:
    """Return all findings, the worst first, then by kind, number and name."""
    found = [
        *_loops(everything),
        *_rules(everything),
        *_destinations(everything),
        *_nobody(everything),
        *_languages(everything),
        *_hours(everything),
        *_mailboxes(everything),
        *_unreached(everything),
    ]
    order = {severity: at for at, severity in enumerate(Severity)}
    return sorted(
        found, key=lambda one: (order[one.severity], one.finding, one.kind, one.number or "", one.name)
    )


def _settings(everything: Everything) -> Iterator[tuple[Subject, Settings | ExtensionRules]]:
    for extension in everything.extensions:
        yield subject_of(extension), extension.rules
    for one in everything.objects:
        yield subject_of(one), one.settings


def _loops(everything: Everything) -> Iterator[Finding]:
    subjects: dict[str, Subject] = {}
    ways: dict[str, list[Pointer]] = {}
    for subject, settings in _settings(everything):
        if subject.number is not None:
            subjects[subject.number] = subject
            ways[subject.number] = list(automatic_ways(settings))
    for loop in all_loops(ways):
        way = " → ".join([*(step.number for step in loop), loop[0].number])
        yield subjects[loop[0].number].found(
            Severity.ERROR,
            FindingId.LOOP,
            f"A call would go round in a circle: {way}.",
            "Send it elsewhere at one of these places, or end it there.",
            at=loop[0].slot,
            way=way,
        )


def _rules(everything: Everything) -> Iterator[Finding]:
    rules = {
        one.name: (one, one.settings) for one in everything.objects if isinstance(one.settings, InboundRule)
    }
    disabled = {
        one.name for one in everything.objects if isinstance(one.settings, Trunk) and not one.settings.enabled
    }
    for name, earlier in shadowed_rules({name: rule for name, (_, rule) in rules.items()}):
        yield subject_of(rules[name][0]).found(
            Severity.WARNING,
            FindingId.RULE_NEVER_MATCHES,
            f"The rule {earlier} comes first, and takes all the calls that this one means.",
            "Give this one a smaller priority than the other, or remove it.",
            rule=earlier,
        )
    for one, rule in rules.values():
        if rule.enabled and rule.trunk in disabled:
            yield subject_of(one).found(
                Severity.WARNING,
                FindingId.RULE_NEVER_MATCHES,
                f"The trunk {rule.trunk} is disabled, so that no call comes by it.",
                "Enable the trunk, or let the rule count for another one.",
                at="trunk",
                trunk=str(rule.trunk),
            )
    for extension in everything.extensions:
        for later, before in shadowed_exceptions(extension.rules.exceptions):
            yield subject_of(extension).found(
                Severity.WARNING,
                FindingId.EXCEPTION_NEVER_MATCHES,
                f"Exception {before + 1} comes first, and takes all calls that exception {later + 1} means.",
                "Put it before the other one, or remove it.",
                at=f"exceptions.{later}",
                before=str(before + 1),
                later=str(later + 1),
            )


def _nobody(everything: Everything) -> Iterator[Finding]:
    for one in everything.objects:
        match one.settings:
            case RingGroup(members=()):
                what, at = "members", "members"
            case CallQueue(agents=()):
                what, at = "agents", "agents"
            case _:
                continue
        yield subject_of(one).found(
            Severity.WARNING,
            FindingId.NOBODY_RINGS,
            f"It has no {what}, so that nobody can take a call.",
            f"Give it {what}, or send callers elsewhere.",
            at=at,
        )


def _destinations(everything: Everything) -> Iterator[Finding]:
    disabled = {one.number for one in everything.mailboxes if not one.enabled}
    owning = {one.number: one.rules.mailbox for one in everything.extensions}
    for subject, settings in _settings(everything):
        leads = _leads_to(settings)
        for slot, destination in destinations_in(settings):
            if destination.action is not DestinationAction.FORWARD_TO_VOICEMAIL:
                continue
            owner = destination.number or subject.number or ""
            owned = owning.get(owner)
            if owned is None:
                leads.pop(slot, None)
                yield subject.found(
                    Severity.ERROR,
                    FindingId.VOICEMAIL_OF_NOBODY,
                    f"The extension {owner} owns no mailbox, so that the call ends.",
                    "Give the extension a mailbox, or name a number.",
                    at=slot,
                    extension=owner,
                )
            else:
                leads[slot] = owned
        for slot, number in leads.items():
            if number in disabled:
                yield _leads_to_disabled(subject, slot, number)
    for mailbox in everything.mailboxes:
        if mailbox.operator in disabled:
            yield _leads_to_disabled(subject_of(mailbox), "operator_number", mailbox.operator)


def _leads_to_disabled(subject: Subject, slot: str, number: str) -> Finding:
    return subject.found(
        Severity.ERROR,
        FindingId.LEADS_TO_DISABLED_MAILBOX,
        f"The mailbox {number} is disabled: callers are told that it takes no messages.",
        "Enable the mailbox, or send callers elsewhere.",
        at=slot,
        mailbox=number,
    )


def _leads_to(settings: Settings | ExtensionRules) -> dict[str, str]:
    """Return the numbers that calls may be sent to, by the fields that name them.

    Nobody is sent to a mailbox because an extension owns it; its owner may use it though it is disabled.
    """
    pointers = () if isinstance(settings, OfficeHours) else settings.pointers()
    return {one.slot: one.number for one in pointers if not one.slot.startswith(_NO_WAYS)}


def _languages(everything: Everything) -> Iterator[Finding]:
    tagged: list[tuple[Subject, str | None]] = [
        (subject_of(one), one.language) for one in everything.mailboxes
    ]
    tagged += [(subject_of(one), getattr(one.settings, "language", None)) for one in everything.objects]
    for subject, language in tagged:
        if language in everything.unspoken:
            yield subject.found(
                Severity.ERROR,
                FindingId.LANGUAGE_WITHOUT_PROMPTS,
                f"There are no prompts in the language {language}.",
                "Choose one of `GET /languages`.",
                at="language",
                language=language or "",
            )


def _hours(everything: Everything) -> Iterator[Finding]:
    if any(one.kind is RoutingKind.OFFICE_HOURS and one.name == TENANT_HOURS for one in everything.objects):
        return
    for subject, settings in _settings(everything):
        if getattr(settings, "office_hours", None) is None and _asks_hours(settings):
            yield subject.found(
                Severity.WARNING,
                FindingId.NO_OFFICE_HOURS,
                f"It does something else outside office hours, but there are none named {TENANT_HOURS}: "
                "it is always open.",
                f"Make office hours named {TENANT_HOURS}, or name others here.",
                at="office_hours",
            )


def _asks_hours(settings: Settings | ExtensionRules) -> bool:
    return getattr(settings, "closed", None) is not None or any(
        slot.endswith((".outside_hours", ".holidays")) for slot, _ in destinations_in(settings)
    )


def _mailboxes(everything: Everything) -> Iterator[Finding]:
    owned = {one.rules.mailbox for one in everything.extensions}
    for one in everything.mailboxes:
        subject = subject_of(one)
        if one.has_old_new_messages:
            yield subject.found(
                Severity.WARNING,
                FindingId.MAILBOX_NOT_READ,
                f"It has messages that nobody has heard for {UNREAD_DAYS} days.",
                "Find somebody who reads it, or point callers elsewhere.",
                days=str(UNREAD_DAYS),
            )
        if not one.is_mailed and one.number not in owned:
            yield subject.found(
                Severity.INFO,
                FindingId.MAILBOX_WITHOUT_MAIL,
                "Nobody is mailed about its messages, and no extension owns it.",
                "Set `email_recipients` and `email_notification`, or let an extension own it.",
                at="email_recipients",
            )
        yield from _says_nothing(subject)
    for extension in everything.extensions:
        yield from _says_nothing(subject_of(extension))
    for routing in everything.objects:
        if routing.number is not None:
            yield from _says_nothing(subject_of(routing))


def _says_nothing(subject: Subject) -> Iterator[Finding]:
    letters = [letter for letter in subject.name if letter.isalpha()]
    words = subject.kind.replace("-", " ")
    rest = subject.name.casefold().replace(words, "").replace("voicemail", "").strip(" #-_.:0123456789")
    if len(letters) < _SHORTEST_NAME or not rest:
        yield subject.found(
            Severity.INFO,
            FindingId.NAME_SAYS_NOTHING,
            "Its name does not say whom or what it is for.",
            "Give it a name that people know it by.",
            at="display_name",
        )


def _unreached(everything: Everything) -> Iterator[Finding]:
    for one in _pointable(everything):
        if one.number not in everything.pointed_at:
            yield one.found(
                Severity.INFO,
                FindingId.NOTHING_POINTS_AT_IT,
                "Nothing leads here: only who dials its number gets here.",
                "Point something at it, or remove it.",
            )


def _pointable(everything: Everything) -> Iterable[Subject]:
    yield from (subject_of(one) for one in everything.mailboxes)
    yield from (subject_of(one) for one in everything.objects if one.number is not None)


def totals(findings: Iterable[Finding]) -> Mapping[FindingId, int]:
    """Return how many there are of each."""
    counted: dict[FindingId, int] = {}
    for one in findings:
        counted[one.finding] = counted.get(one.finding, 0) + 1
    return counted
