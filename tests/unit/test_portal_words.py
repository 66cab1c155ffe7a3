"""The words of the portal: every one that a page or an error asks for is there, and none is there in vain."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest
from controlplane.domain.errors import InvalidValue
from controlplane.domain.mailbox import AttachmentFormat, MailboxOrder, SayDatetime
from controlplane.domain.message import MessageState
from controlplane.domain.numbers import Feature, NumberKind
from controlplane.domain.routing.destination import ByHours, DestinationAction
from controlplane.domain.routing.extension_rules import ExtensionRules
from controlplane.domain.routing.kinds import SETTINGS, RoutingKind
from controlplane.domain.routing.trunk_state import Failure, TrunkState
from controlplane.services.messages import BulkAction
from controlplane.services.users import INTERFACE_LANGUAGES
from controlplane.web.portal import words
from controlplane.web.portal.call_queues_page import CALL_QUEUES
from controlplane.web.portal.extensions_page import EXTENSIONS
from controlplane.web.portal.form_fields import FormField
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
    *("errors.", "mailbox-errors.", "mailbox-delete-errors.", "object-errors.", "delete-errors."),
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
    found |= _of_mailboxes() | _of_objects() | _of_numbers()
    for kind in {*_TITLES.values(), "failed", "refused"}:
        found |= {f"problems.{kind}.title", f"problems.{kind}.text"}
    counted = {f"done.{did}" for did in (*BulkAction, PURGE)} | {f"left.{fate}" for fate in _LEFT}
    found |= {f"voicemail.{each}.{form}" for each in counted for form in ("one", "other")}
    found |= {f"voicemail-shown.{shown}" for shown in SHOWN}
    found |= {f"voicemail-states.{state}" for state in MessageState}
    for kind in ("all", "unread", "trash"):
        found |= {f"voicemail-empty.{kind}-title", f"voicemail-empty.{kind}-text"}
    found |= {f"wait.{unit}.{form}" for unit in ("seconds", "minutes") for form in ("one", "other")}
    return found


def _of_mailboxes() -> set[str]:
    """Return the keys that the pages of mailboxes put together."""
    found = {f"mailbox.{name}" for name in ("number", "pin", *new_entries(), "voicemail", "settings")}
    found |= {f"mailbox.{name}" for name in ("display_name", "language", "email_recipients")}
    found |= {
        f"mailbox.{name}" for name in ("source_greetings", "language-of-mailbox", "pin-once", "pin-kept")
    }
    found |= {f"mailbox.say_datetime-{one.value}" for one in SayDatetime}
    found |= {f"mailbox.email_attachment_format-{one.value}" for one in AttachmentFormat}
    found |= {f"mailbox.{name}" for name in ("language-of-tenant", "pin-made", "pin-good", "on", "off")}
    found |= {f"mailboxes.open-{page}" for page in ("settings", "voicemail", "delete")}
    found |= {f"mailboxes.{order.value}" for order in MailboxOrder}
    found |= {f"authors.{kind}" for kind in ("user", "token", "somebody")}
    found |= {"mailbox-add.button", "mailbox-delete.button", "mailbox-delete.button-re-point"}
    found |= {f"kinds.{kind.value}" for kind in (*NumberKind, *RoutingKind)}
    types: list[type] = [ExtensionRules, ByHours, *SETTINGS.values()]
    names = {each.name for one in types for each in fields(one)} | {"destination", "fallback", "exceptions"}
    return found | {f"slots.{name}" for name in names if Catalogues().of("en").has(f"slots.{name}")}


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
