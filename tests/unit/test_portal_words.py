"""The words of the portal: every one that a page or an error asks for is there, and none is there in vain."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest
from controlplane.domain.audit import AuditAction, AuditWay
from controlplane.domain.configuration import Action, Mode, ObjectKind
from controlplane.domain.errors import InvalidValue
from controlplane.domain.greeting import Because, NotHeard
from controlplane.domain.mailbox import AfterMail, AttachmentFormat, GreetingKind, MailboxOrder, SayDatetime
from controlplane.domain.message import MessageState, ReachedReason
from controlplane.domain.numbers import Feature, NumberKind
from controlplane.domain.presence import Doing, ListeningBy, ProcessKind
from controlplane.domain.rights import Right
from controlplane.domain.routing.call_queue import QueueStrategy
from controlplane.domain.routing.destination import ByHours, DestinationAction
from controlplane.domain.routing.extension_rules import CallerException, ExtensionRules
from controlplane.domain.routing.findings import FindingId, Severity
from controlplane.domain.routing.hours import Holiday, OfficeHours, Weekday
from controlplane.domain.routing.kinds import SETTINGS, RoutingKind
from controlplane.domain.routing.receptionist import KeyRule
from controlplane.domain.routing.ring_group import RingStrategy
from controlplane.domain.routing.simulation import PhoneState, Result
from controlplane.domain.routing.trunk_state import Failure, TrunkState
from controlplane.domain.user import Role
from controlplane.services.configuration_state import State
from controlplane.services.message_changes import BulkAction
from controlplane.services.transfer.moving import ResourceName
from controlplane.services.transfer.resource import Outcome
from controlplane.services.users import INTERFACE_LANGUAGES
from controlplane.web.portal import words
from controlplane.web.portal.call_queues_page import CALL_QUEUES
from controlplane.web.portal.exception_page import FIELDS as EXCEPTION
from controlplane.web.portal.extensions_page import EXTENSIONS
from controlplane.web.portal.form_fields import FormField
from controlplane.web.portal.health_page import _KNOWN_FAULTS, ATTENTION, BAD, GOOD
from controlplane.web.portal.inbound_rules_page import INBOUND_RULES
from controlplane.web.portal.mailbox_form import new_entries
from controlplane.web.portal.navigation import GROUPS
from controlplane.web.portal.office_hours_page import OFFICE_HOURS
from controlplane.web.portal.ring_groups_page import RING_GROUPS
from controlplane.web.portal.routes import _TITLES
from controlplane.web.portal.trunks_page import TRUNKS
from controlplane.web.portal.virtual_receptionists_page import RECEPTIONISTS
from controlplane.web.portal.voicemail_actions import _LEFT, PURGE
from controlplane.web.portal.voicemail_query import SHOWN
from controlplane.web.portal.words import Catalogues
from tests.support.hostile import HOSTILE_TEXTS

OBJECTS = (CALL_QUEUES, RING_GROUPS, EXTENSIONS, RECEPTIONISTS, INBOUND_RULES, TRUNKS, OFFICE_HOURS)
"""The kinds of objects that have pages of their own."""
HERE = Path(words.__file__).parent
_ASKED = re.compile(r"""\b(?:t|words)(\.count)?\(\s*f?"([a-z-]+(?:\.[a-z0-9_-]*[a-z0-9])+)(?=")""")
_OF_IDS = (
    *(
        "errors.",
        "import-errors.",
        "mailbox-errors.",
        "mailbox-delete-errors.",
        "object-errors.",
        "delete-errors.",
    ),
    *("trunk-delete-errors.", "office-hours-delete-errors."),
)
"""Sections whose words are found by the id of an error."""
_NOTICE = re.compile(r'notice(?:=| = )"([a-z-]+)"(?: if enabled else "([a-z-]+)")?')


def _asked() -> set[str]:
    """Return the keys that templates and modules name; the ends of what is put together are added."""
    found = set()
    for path in [*HERE.glob("templates/*.html"), *HERE.glob("*.py")]:
        text = path.read_text(encoding="utf-8")
        for count, key in _ASKED.findall(text):
            found |= {f"{key}.one", f"{key}.other"} if count else {key}
        for pair in _NOTICE.findall(text):
            found |= {f"notices.{key}" for key in pair if key}
    found |= {f"navigation.{group.key}" for group in GROUPS}
    found |= {f"navigation.{entry.key}" for group in GROUPS for entry in group.entries}
    found |= {f"languages.{language}" for language in INTERFACE_LANGUAGES}
    found |= _of_mailboxes() | _of_objects() | _of_numbers() | _of_members() | _of_the_system()
    found |= _of_publishing() | _of_findings() | _of_simulator() | _of_files()
    for kind in {*_TITLES.values(), "failed", "refused", "not-theirs"}:
        found |= {f"problems.{kind}.title", f"problems.{kind}.text"}
    found |= {f"problems.{kind}.remedy" for kind in ("not-found", "refused", "not-theirs")}
    counted = {f"done.{did}" for did in (*BulkAction, PURGE)} | {f"left.{fate}" for fate in _LEFT}
    found |= {f"voicemail.{each}.{form}" for each in counted for form in ("one", "other")}
    found |= {f"voicemail-shown.{shown}" for shown in SHOWN}
    found |= {f"voicemail-states.{state}" for state in MessageState}
    found |= {f"voicemail-listening.{by}" for by in ListeningBy}
    for kind in ("all", "unread", "urgent", "trash"):
        found |= {f"voicemail-empty.{kind}-title", f"voicemail-empty.{kind}-text"}
    found |= {f"wait.{unit}.{form}" for unit in ("seconds", "minutes") for form in ("one", "other")}
    return found


def _of_the_system() -> set[str]:
    """Return the keys that the pages about the system put together."""
    found = {f"audit-actions.{action.value}" for action in AuditAction}
    found |= {f"audit-ways.{way.value}" for way in AuditWay}
    authors = (
        "token",
        "extension",
        "caller",
        "mail-link",
        "system",
        "cli",
        "command-line",
        "link-of-the-machine",
    )
    found |= {f"audit-authors.{author}" for author in authors}
    kinds = (
        "message",
        "recording",
        "mail",
        "tenant",
        "feature-code",
        "reserved-numbers",
        "publishing",
        "token",
        "user",
    )
    found |= {f"audit-kinds.{kind}" for kind in (*kinds, "token", "user", *NumberKind, *RoutingKind)}
    found |= {
        f"audit-fields.{name}"
        for name in (
            *("to", "pin", "password", "sip_password", "time_zone", "sip_domain", "mode"),
            *("agent", "extension", "user", "mailbox", "role", "played_is_read", "pin_spared", "expires_at"),
            *(
                "user_name",
                "feature",
                "first",
                "last",
                "note",
                "recorded_greetings",
                "do_not_disturb",
                "closed_now",
            ),
        )
    }
    columns = ("when", "who", "way", "done", "kind", "subject", "changes", "yes", "no")
    found |= {f"audit.{column}" for column in columns}
    found |= {f"settings.publishing-{mode.value}" for mode in Mode}
    found |= {f"notices.publishing-{mode.value}" for mode in Mode} | {"notices.mails-none"}
    found |= {f"mails.{action}" for action in ("retry", "discard")}
    found |= {f"health.{state}" for state in (GOOD, ATTENTION, BAD, "spool", "recordings")}
    found |= {f"health.all-{state}" for state in (GOOD, ATTENTION, BAD)}
    found |= {f"health-processes.{kind.value}" for kind in ProcessKind}
    found |= {f"health-faults.{what}" for what in _KNOWN_FAULTS}
    found |= {f"health-remedies.{what}" for what in (*_KNOWN_FAULTS, "calls", "events", "jobs")}
    found |= {f"calls.{doing.value}" for doing in Doing}
    for step in ("mailbox", "extension", "phone", "message", "heard"):
        found |= {f"welcome.{step}", f"welcome.{step}-text", f"welcome.{step}-button"}
    return found | {"settings.secret-set", "settings.not-set"}


def _of_members() -> set[str]:
    """Return the keys that the pages of users, teams and members put together."""
    found = {f"roles.{role.value.replace('_', '-')}" for role in Role} | {
        "mailbox.members",
        "mailboxes.members",
    }
    found |= {f"rights.{right.value}" for right in Right} | {"audit-kinds.team", "audit-fields.people"}
    found |= {
        f"user-lost.{each}.{form}" for each in ("mailboxes", "teams", "tokens") for form in ("one", "other")
    }
    return found | {
        f"notices.member-{each}"
        for each in ("added", "added-first", "changed", "removed", "removed-last", "removed-own")
    }


def _of_mailboxes() -> set[str]:
    """Return the keys that the pages of mailboxes put together."""
    found = {
        f"mailbox.{name}"
        for name in ("number", "pin", *new_entries(), "voicemail", "greetings", "settings", "mail")
    }
    found |= {
        f"mailbox.{name}" for name in ("display_name", "language", "email_recipients", "email_notice_only")
    }
    found |= {
        f"mailbox.{name}" for name in ("source_greetings", "language-of-mailbox", "pin-once", "pin-kept")
    }
    found |= {f"mailbox.say_datetime-{one.value}" for one in SayDatetime}
    found |= {f"mailbox.email_attachment_format-{one.value}" for one in AttachmentFormat}
    found |= {f"audit-fields.{name}" for name in ("email_subject", "email_introduction")}
    found |= {f"mailbox.after_mail-{one.value}" for one in AfterMail}
    found |= {f"mailbox.{name}" for name in ("language-of-tenant", "pin-made", "pin-good", "on", "off")}
    found |= {f"mailboxes.open-{page}" for page in ("settings", "voicemail", "delete")}
    found |= {f"mailboxes.{order.value}" for order in MailboxOrder}
    found |= {f"authors.{kind}" for kind in ("user", "token", "extension", "caller", "somebody")}
    found |= {"mailbox-add.button", "mailbox-delete.button", "mailbox-delete.button-re-point"}
    found |= {f"kinds.{kind.value}" for kind in (*NumberKind, *RoutingKind)}
    types: list[type] = [ExtensionRules, ByHours, *SETTINGS.values()]
    names = {each.name for one in types for each in fields(one)} | {"destination", "fallback", "exceptions"}
    names |= {"operator_number"}
    return found | {f"slots.{name}" for name in names if Catalogues().of("en").has(f"slots.{name}")}


def _of_publishing() -> set[str]:
    """Return the keys that the pages about changes put together; fields may also be those of `slots`."""
    types = [ExtensionRules, CallerException, OfficeHours, Holiday, KeyRule, *SETTINGS.values()]
    english = Catalogues().of("en")
    names = {each.name for one in types for each in fields(one)} | {*Weekday}
    names |= {"display_name", "sip_password", "sip_domain", "language", "code"}
    values = {*DestinationAction, *RingStrategy, *QueueStrategy}
    told = {f"changed-fields.{name}" for name in names} | {f"changed-values.{value}" for value in values}
    found = {key for key in told if english.has(key)}
    states = {"live", "pending", "failed", "superseded"}
    found |= {
        f"{section}.{state}" for section in ("revision-states", "revision-states-long") for state in states
    }
    found |= {f"changes.{word}" for word in (*Action, "yes", "no")}
    found |= {f"publishing.quiet-{state}" for state in State}
    found |= {f"publishing.step-{step}" for step in ("asked", "written", "read")}
    found |= {f"publishing.{each}-{mode}" for each in ("mode", "intro") for mode in Mode}
    found |= {f"publishing.mode-{mode}-hint" for mode in Mode} | {
        f"notices.publishing-{mode}" for mode in Mode
    }
    found |= {f"kinds.{kind}" for kind in ObjectKind} | {"authors.system", "authors.cli"}
    ends = ("bar-failed-by-itself", "refused-text-by-itself", "none-live", "on-their-way", "not-put-back")
    found |= {f"publishing.{end}" for end in (*ends, "bar-button", "files-not-told", "quiet-waiting")}
    return found


def _of_findings() -> set[str]:
    """Return the keys that the pages of the check-up put together."""
    ids = {*FindingId, "rule-never-matches-trunk"}
    found = {f"finding-{part}.{each}" for part in ("sentences", "remedies") for each in ids}
    found |= {f"finding-severities.{each}" for each in Severity}
    return found | {f"findings.which-{each}" for each in ("all", *Severity)}


def _of_files() -> set[str]:
    """Return the keys that the page of imports puts together."""
    counted = {f"import-totals.{outcome}" for outcome in Outcome}
    counted |= {f"import-done.{outcome}" for outcome in Outcome if outcome is not Outcome.REFUSED}
    found = {f"{key}.{form}" for key in counted for form in ("one", "other")}
    found |= {f"import-outcomes.{outcome}" for outcome in Outcome}
    return found | {f"import.{name}" for name in (*ResourceName, "looked", "done")}


def _of_simulator() -> set[str]:
    """Return the keys that the simulator puts together."""
    causes = ("normal", "busy", "no_answer", "not_registered")
    found = {f"simulator.end-hung_up-{cause}" for cause in causes}
    found |= {f"simulator.end-{result}" for result in Result if result is not Result.HUNG_UP}
    found |= {f"simulator.hours-{hours}" for hours in ("open", "closed", "holiday")}
    found |= {f"simulator.wrong-{field}" for field in ("number", "date", "caller", "trunk", "keys", "others")}
    found |= {f"phone-states.{state}" for state in PhoneState}
    return found | {f"reached-reasons.{reason}" for reason in ReachedReason}


def _of_objects() -> set[str]:
    """Return the keys that the pages of objects put together, out of the fields of each kind."""
    english = Catalogues().of("en")
    found = {f"object.{name}" for name in ("number", "display_name", "name", "up", "down", "drop", "nothing")}
    found |= {f"object.{name}-hint" for name in ("number", "display_name", "name")}
    found |= {f"notices.{key}" for key in ("object-added", "named-added", "object-deleted", "named-deleted")}
    found |= {f"notices.agent-logged-{way}" for way in ("in", "out")}
    found |= {"object-delete.button", "object-delete.button-re-point", "object.search", "object-delete.title"}
    found |= {f"destinations.{action.value}" for action in DestinationAction} | {"destinations.none"}
    found |= {f"{pages.word}.{name}" for pages in OBJECTS for name in pages.fields}
    optional: set[str] = set()
    for pages in OBJECTS:
        found |= {f"{pages.plural}.{key}" for key in ("title", "intro", "add", "empty-title", "empty-text")}
        found |= {f"{pages.plural}.{column}" for column in pages.columns}
        for name, kind in pages.fields.items():
            optional |= _of_field(f"{pages.word}.{name}", kind)
        optional |= {f"{pages.word}.{hours}-none" for hours in ("outside_hours", "holidays")}
        optional |= {f"{pages.word}.{key}" for key in ("secret", "secret-title", "secret-text")}
    for name, kind in EXCEPTION.items():
        optional |= _of_field(f"exception.{name}", kind)
    found |= {f"extension.exceptions-count.{form}" for form in ("one", "other")}
    found |= {"exceptions.add", "exceptions.one", "notices.exception-added", "notices.exception-saved"}
    return found | {key for key in optional if english.has(key)}


def _of_field(key: str, kind: FormField) -> set[str]:
    """Return the keys that a field may have: without them it is said in the words of all kinds."""
    chosen = [*getattr(kind, "values", ()), *getattr(kind, "actions", ())]
    chosen += [action.value for action in getattr(kind, "allowed", ())]
    found = {f"{key}-{each or 'none'}" for each in [*chosen, "none", "hint", "legend", "remove", "add"]}
    for part, own in getattr(kind, "parts", {}).items():
        found |= {f"{key}-{part}"} | _of_field(f"{key}-{part}", own)
    return found


def _of_numbers() -> set[str]:
    """Return the keys that the pages of hours, codes, trunks, receptionists and rules put together."""
    found = {f"features.{feature}{end}" for feature in Feature for end in ("", "-does")}
    found |= {f"feature-codes.code-{key}" for key in ("missing", "wrong")}
    found |= {f"{pages.plural}.{column}" for pages in OBJECTS for column in pages.more_columns}
    found |= {f"office-hours-tabs.{page}" for page in ("week", "holidays")} | {"trunks.system-only"}
    states = ("open", "closed", "holiday")
    found |= {f"greeting-kinds.{kind}" for kind in GreetingKind} | {f"because.{each}" for each in Because}
    found |= {f"not-heard.{each}" for each in NotHeard}
    found |= {f"greetings.reason-{each}" for each in ("direct", "no_answer", "busy", "closed")}
    found |= {f"hours.now-{state}{end}" for state in states for end in ("", "-until")}
    found |= {"hours.now-closed-by-hand", "notices.office-closed", "notices.office-opened"}
    said = ("name-wrong", "first_day-wrong", "last_day-wrong", "wrong", "too-many", "not-chosen")
    found |= {f"holidays.{key}" for key in (*said, "no-source", "changed-meanwhile")}
    found |= {f"holidays.{key}" for key in ("add", "add-title", "change-title")}
    found |= {f"notices.{key}" for key in ("holiday-added", "holiday-changed")}
    found |= {f"notices.{key}" for key in ("holidays-removed", "holidays-copied")}
    found |= {f"trunk-state.{state}{end}" for state in TrunkState for end in ("", "-text")}
    found |= {f"trunk-state.failed-{failure}" for failure in Failure}
    asked = ("title", "namers", "named", "unnamed", "instead", "nothing", "nothing-hint")
    named = (*asked, "button", "button-instead")
    found |= {f"{kind}-delete.{key}" for kind in ("trunk", "office-hours") for key in named}
    found |= {f"inbound-rules.{key}" for key in ("any-number", "anybody")}
    hours_of_keys = [f"{each}-repeat" for each in ("outside_hours", "holidays", "destination")]
    found |= {f"virtual-receptionist.{key}" for key in (*hours_of_keys, "destination-none")}
    found |= {f"receptionist-keys.{hours}" for hours in ("outside_hours", "holidays")}
    found |= {f"notices.{key}" for key in ("key-saved", "key-removed")}
    return found


def test_every_word_that_is_asked_for_is_there() -> None:
    """No page fails for want of a sentence."""
    english = Catalogues().of("en")

    assert [] == sorted(key for key in _asked() if not english.has(key))


def test_no_word_is_there_in_vain() -> None:
    """Each sentence is asked for; those of errors are found by the error's id."""
    known = {key for key in _english() if not key.startswith(_OF_IDS)}

    assert [] == sorted(known - _asked())


def test_each_error_with_words_exists(root: Path) -> None:
    """An id that no code has would never be said."""
    code = "\n".join(path.read_text() for path in (root / "controlplane").rglob("*.py"))
    keys = [key for key in _english() if key.startswith(_OF_IDS)]
    # Those of mailboxes may begin with a field, and a part of it.
    ends = {key: [key.partition(".")[2].split("-", n)[-1] for n in range(3)] for key in keys}

    assert [] == [
        key for key, ids in ends.items() if not any(f'"{each}"' in code or f".{each}" in code for each in ids)
    ]


def test_sentence_that_stands_in_two_files_is_refused(tmp_path: Path) -> None:
    """The second would hide the first."""
    for name in ("one", "two"):
        (tmp_path / f"{name}.toml").write_text(
            '[errors]\ncat-asleep = "The cat is asleep."\n', encoding="utf-8"
        )

    with pytest.raises(ValueError, match=r"two\.toml says errors\.cat-asleep once more"):
        words.sentences_in(tmp_path)


def test_portal_speaks_the_languages_that_users_may_choose() -> None:
    """Each of them has a catalogue, and each catalogue can be chosen."""
    assert sorted(INTERFACE_LANGUAGES) == sorted(Catalogues().languages)


@pytest.mark.parametrize(
    ("language", "n", "sentence"),
    [("en", 1, "1 minute"), ("en", 2, "2 minutes"), ("de", 1, "1 Minute"), ("de", 1200, "1.200 Minuten")],
)
def test_number_decides_the_form(language: str, n: int, sentence: str) -> None:
    """Plurals and thousands are those of the language."""
    assert sentence == Catalogues().of(language).count("wait.minutes", n)


@pytest.mark.parametrize(
    ("seconds", "told"), [(1, "1 second"), (59, "59 seconds"), (60, "1 minute"), (61, "2 minutes")]
)
def test_wait_is_rounded_up(seconds: int, told: str) -> None:
    """Who waits as long as they were told need not wait again."""
    assert told == Catalogues().of("en").waiting(seconds)


def test_error_without_words_says_its_own_sentence() -> None:
    """What the portal has no words for is said in English, and not swallowed."""
    error = InvalidValue("The cat is asleep.", error_id="cat-asleep")

    assert Catalogues().of("de").error(error) == "The cat is asleep."


def test_error_that_lacks_a_detail_says_its_own_sentence() -> None:
    """The sentence of a language may want what the error does not carry."""
    error = InvalidValue("Too short.", error_id="password-too-short")

    assert Catalogues().of("de").error(error) == "Too short."


def test_values_are_no_patterns() -> None:
    """Braces in what people typed are put in as they are."""
    english = Catalogues().of("en")
    told = [english("notices.user-disabled", user=text) for text in HOSTILE_TEXTS]

    assert [f"{text} cannot sign in any more." for text in HOSTILE_TEXTS] == told


def test_values_may_have_any_name() -> None:
    """A cookie or an error that names its values as parameters of ours are named is put in as any other."""
    values = {"key": "5", "self": "x", "n": "7", "user": "alice"}

    assert "alice cannot sign in any more." == Catalogues().of("en")("notices.user-disabled", **values)


def _english() -> dict[str, str]:
    return words.sentences_in(HERE / "catalogues" / "en")
