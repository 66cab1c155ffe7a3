"""The words of the portal: every one that a page or an error asks for is there, and none is there in vain."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest
from controlplane.domain.audit import AuditAction, AuditWay
from controlplane.domain.configuration import Mode
from controlplane.domain.errors import InvalidValue
from controlplane.domain.mailbox import AttachmentFormat, MailboxOrder, SayDatetime
from controlplane.domain.message import MessageState
from controlplane.domain.numbers import NumberKind
from controlplane.domain.presence import Doing, ProcessKind
from controlplane.domain.routing.destination import ByHours
from controlplane.domain.routing.extension_rules import ExtensionRules
from controlplane.domain.routing.kinds import SETTINGS, RoutingKind
from controlplane.services.messages import BulkAction
from controlplane.services.users import INTERFACE_LANGUAGES
from controlplane.web.portal import words
from controlplane.web.portal.health_page import _KNOWN_FAULTS, ATTENTION, BAD, GOOD
from controlplane.web.portal.mailbox_form import new_entries
from controlplane.web.portal.navigation import GROUPS
from controlplane.web.portal.routes import _TITLES
from controlplane.web.portal.voicemail_actions import _LEFT, PURGE
from controlplane.web.portal.voicemail_query import SHOWN
from controlplane.web.portal.words import Catalogues
from tests.support.hostile import HOSTILE_TEXTS

HERE = Path(words.__file__).parent
_ASKED = re.compile(r"""\b(?:t|words)(\.count)?\(\s*f?"([a-z-]+(?:\.[a-z0-9_-]*[a-z0-9])+)(?=")""")
_OF_IDS = ("errors.", "mailbox-errors.", "mailbox-delete-errors.")
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
    found |= _of_mailboxes() | _of_the_system()
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


def _of_the_system() -> set[str]:
    """Return the keys that the pages about the system put together."""
    found = {f"audit-actions.{action.value}" for action in AuditAction}
    found |= {f"audit-ways.{way.value}" for way in AuditWay}
    authors = ("token", "extension", "mail-link", "system", "cli", "command-line", "link-of-the-machine")
    found |= {f"audit-authors.{author}" for author in authors}
    kinds = (
        "message",
        "recording",
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
        for name in ("pin", "password", "sip_password", "time_zone", "sip_domain", "mode")
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
