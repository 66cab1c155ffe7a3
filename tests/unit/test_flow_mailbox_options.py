"""Mailbox options, as who manages a mailbox meets them on the phone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from controlplane.callflows.call import Entry
from controlplane.callflows.ending import Ending, Outcome
from controlplane.callflows.option_ports import OptionsDesk
from controlplane.callflows.prompts import AudioFile, Greeting, Prompt, Tone
from controlplane.domain.errors import Unavailable
from controlplane.domain.mailbox import Mailbox
from controlplane.domain.pin import Pin, PinPolicy
from controlplane.domain.rights import ALL_RIGHTS, Admission, parse_rights
from tests.support.fake_call import wav_ms
from tests.support.fake_desk import Desk

MENU = (Prompt.MAIN_MENU, Prompt.OPTIONS_KEY)


class FakeScratch:
    """A recording in a folder."""

    def __init__(self, folder: Path, number: int) -> None:
        self.wav = folder / f"{number}.wav"

    def duration_ms(self) -> int:
        """Measure it."""
        return wav_ms(self.wav)

    async def remove(self) -> None:
        """Remove it."""
        self.wav.unlink(missing_ok=True)


class FakeChanges:
    """Notes the changes; `usable` says whether recordings are, `unavailable` that nothing can be changed."""

    def __init__(self) -> None:
        self.made: list[tuple[str, ...]] = []
        self.usable = True
        self.unavailable = False

    async def keep_greeting(self, mailbox: Mailbox, wav: Path, *, by: str) -> bool:
        """Note its length."""
        return self._keep("greeting", wav, by)

    async def standard_greeting(self, mailbox: Mailbox, *, by: str) -> None:
        """Note it."""
        self._note("standard greeting", by)

    async def keep_name(self, mailbox: Mailbox, wav: Path, *, by: str) -> bool:
        """Note its length."""
        return self._keep("name", wav, by)

    async def standard_name(self, mailbox: Mailbox, *, by: str) -> None:
        """Note it."""
        self._note("standard name", by)

    async def change_pin(self, mailbox: Mailbox, pin: Pin, *, by: str) -> None:
        """Note the digits."""
        self._note(f"pin {pin.reveal()}", by)

    def _keep(self, what: str, wav: Path, by: str) -> bool:
        if self.usable:
            self._note(f"{what} of {wav_ms(wav) / 1000:g} s", by)
        return self.usable

    def _note(self, *change: str) -> None:
        if self.unavailable:
            raise Unavailable("The database does not answer.")
        self.made.append(change)


class Managed(Desk):
    """A mailbox with a PIN, and a call of somebody who may manage it."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, log_in_from_greeting=True)
        self.dial(entry=Entry.CHECK)
        self.changes = FakeChanges()
        self.scratches = folder / "scratches"
        self.scratches.mkdir()
        self.begun = 0

    async def manage(self) -> Ending:
        """Run the checking of messages, or the leaving of one, with mailbox options."""

        async def scratch() -> FakeScratch:
            self.begun += 1
            return FakeScratch(self.scratches, self.begun)

        desk = OptionsDesk(changes=self.changes, scratch=scratch, pin_policy=PinPolicy())
        leaves = self.call.facts.entry is Entry.LEAVE
        return await (self.leave(desk=desk) if leaves else self.check(desk=desk))

    def logs_in(self, extension: str | None) -> None:
        """Script: another call, by an extension or from outside (None), that logs in during the greeting."""
        self.dial(extension=extension)
        self.call.expect_to_hear(Greeting(display_name="Sales"))
        self.call.press("*")
        self.let_in()

    def in_options(self) -> None:
        """Script: the PIN, an empty mailbox, and 0."""
        self.let_in()
        self.call.expect_to_hear(Prompt.NO_MESSAGES, *MENU)
        self.call.press("0")
        self.call.expect_to_hear(Prompt.OPTIONS_MENU)

    def leaves(self) -> None:
        """Script: the options are left by #, and the call ends."""
        self.call.press("#")
        self.call.expect_to_hear(Prompt.GOODBYE)

    def recorded(self, prompt: Prompt, seconds: float) -> None:
        """Script: somebody speaks after the tone, until #."""
        self.call.expect_to_hear(prompt, Tone.BEEP)
        self.call.say_for(seconds)
        self.call.press("#")

    def left(self) -> list[Path]:
        """Return the recordings that were not removed."""
        return list(self.scratches.iterdir())


@pytest.fixture
def managed(tmp_path: Path) -> Managed:
    """Return it, called by extension 101."""
    return Managed(tmp_path)


async def test_a_greeting_is_recorded_heard_and_kept(managed: Managed) -> None:
    """Recorded, recorded again, heard, kept; then callers hear it, and so does who listens to it here."""
    call = managed.call
    managed.in_options()
    call.press("1")
    call.expect_to_hear(Prompt.GREETING_MENU)
    call.press("1")
    call.expect_to_hear(Greeting(display_name="Sales"), Prompt.GREETING_MENU)
    call.press("2")
    managed.recorded(Prompt.RECORD_GREETING, 3)
    call.expect_to_hear(Prompt.RECORDED_MENU)
    call.press("3")
    managed.recorded(Prompt.RECORD_GREETING, 5)
    call.expect_to_hear(Prompt.RECORDED_MENU)
    call.press("1")
    call.expect_to_hear(Prompt.GREETING_KEPT, Prompt.GREETING_MENU)
    call.press("*")
    call.expect_to_hear(Prompt.OPTIONS_MENU)
    managed.leaves()

    ending = await managed.manage()

    call.assert_over()
    assert Outcome.FINISHED is ending.outcome
    assert [("greeting of 5 s", "extension 101")] == managed.changes.made
    assert [] == managed.left()


async def test_the_standard_greeting_and_name_come_back(managed: Managed) -> None:
    """One key each; the name is recorded and kept before."""
    call = managed.call
    managed.in_options()
    call.press("2")
    call.expect_to_hear(Prompt.NAME_MENU)
    call.press("2")
    managed.recorded(Prompt.RECORD_NAME, 2)
    call.expect_to_hear(Prompt.RECORDED_MENU)
    call.press("1")
    call.expect_to_hear(Prompt.NAME_KEPT, Prompt.NAME_MENU)
    call.press("3")
    call.expect_to_hear(Prompt.NAME_STANDARD_AGAIN, Prompt.NAME_MENU)
    call.press("*")
    call.expect_to_hear(Prompt.OPTIONS_MENU)
    call.press("1")
    call.expect_to_hear(Prompt.GREETING_MENU)
    call.press("3")
    call.expect_to_hear(Prompt.GREETING_STANDARD_AGAIN, Prompt.GREETING_MENU)
    call.press("*")
    call.expect_to_hear(Prompt.OPTIONS_MENU)
    call.press("*")
    call.expect_to_hear(*MENU)
    managed.leaves()

    await managed.manage()

    call.assert_over()
    assert ["name of 2 s", "standard name", "standard greeting"] == [one for one, _ in managed.changes.made]
    assert [] == managed.left()


async def test_nothing_is_kept_that_was_not_confirmed(managed: Managed) -> None:
    """Too short, then gone back from: told so, and nothing is changed or left."""
    call = managed.call
    managed.in_options()
    call.press("1")
    call.expect_to_hear(Prompt.GREETING_MENU)
    call.press("2")
    managed.recorded(Prompt.RECORD_GREETING, 0.2)
    call.expect_to_hear(Prompt.RECORDING_TOO_SHORT, Prompt.NOTHING_KEPT, Prompt.GREETING_MENU)
    call.press("2")
    managed.recorded(Prompt.RECORD_GREETING, 4)
    call.expect_to_hear(Prompt.RECORDED_MENU)
    call.press("*")
    call.expect_to_hear(Prompt.NOTHING_KEPT, Prompt.GREETING_MENU)
    call.press("2")
    call.expect_to_hear(Prompt.RECORD_GREETING, Tone.BEEP)
    call.say_for(4)
    call.hang_up()

    ending = await managed.manage()

    assert Outcome.HUNG_UP is ending.outcome
    assert ([], []) == (managed.changes.made, managed.left())


async def test_what_cannot_be_used_is_recorded_again(managed: Managed) -> None:
    """Silence is no greeting: told when it is to be kept."""
    call = managed.call
    managed.changes.usable = False
    managed.in_options()
    call.press("1")
    call.expect_to_hear(Prompt.GREETING_MENU)
    call.press("2")
    managed.recorded(Prompt.RECORD_GREETING, 3)
    call.expect_to_hear(Prompt.RECORDED_MENU)
    call.press("1")
    call.expect_to_hear(Prompt.RECORDING_UNUSABLE)
    managed.recorded(Prompt.RECORD_GREETING, 3)
    call.expect_to_hear(Prompt.RECORDED_MENU)
    call.press("*")
    call.expect_to_hear(Prompt.NOTHING_KEPT, Prompt.GREETING_MENU)
    call.press("*")
    call.expect_to_hear(Prompt.OPTIONS_MENU)
    managed.leaves()

    await managed.manage()

    call.assert_over()
    assert [] == managed.left()


async def test_a_pin_is_entered_twice(managed: Managed) -> None:
    """Then it is the new one."""
    call = managed.call
    managed.in_options()
    call.press("3")
    call.expect_to_hear(Prompt.ENTER_NEW_PIN)
    call.press("290174#")
    call.expect_to_hear(Prompt.REPEAT_NEW_PIN)
    call.press("290174#")
    call.expect_to_hear(Prompt.PIN_CHANGED, Prompt.OPTIONS_MENU)
    managed.leaves()

    await managed.manage()

    call.assert_over()
    assert [("pin 290174", "extension 101")] == managed.changes.made


@pytest.mark.parametrize(
    ("weak", "said"),
    [
        ("123", Prompt.PIN_TOO_SHORT),
        ("7777", Prompt.PIN_ONE_DIGIT),
        ("4567", Prompt.PIN_RUN),
        ("9876", Prompt.PIN_RUN),
        ("8001", Prompt.PIN_IS_NUMBER),
        ("29" * 17, Prompt.PIN_TOO_LONG),
        ("29*17", Prompt.PIN_NOT_DIGITS),
    ],
    ids=["short", "one digit", "up", "down", "the number", "long", "a star"],
)
async def test_a_weak_pin_is_told_why(managed: Managed, weak: str, said: Prompt) -> None:
    """Before it is entered again; then another one may be, and nothing is changed without one."""
    call = managed.call
    managed.in_options()
    call.press("3")
    call.expect_to_hear(Prompt.ENTER_NEW_PIN)
    call.press(f"{weak}#")
    call.expect_to_hear(said, Prompt.ENTER_NEW_PIN)
    call.press("290174#")
    call.expect_to_hear(Prompt.REPEAT_NEW_PIN)
    call.press("290175#")
    call.expect_to_hear(Prompt.PIN_NOT_SAME, Prompt.ENTER_NEW_PIN)
    call.expect_to_hear(Prompt.PIN_UNCHANGED, Prompt.OPTIONS_MENU)
    managed.leaves()

    await managed.manage()

    call.assert_over()
    assert [] == managed.changes.made


async def test_three_refused_pins_are_enough(managed: Managed) -> None:
    """The last reason, and that nothing was changed."""
    call = managed.call
    managed.in_options()
    call.press("3")
    call.expect_to_hear(Prompt.ENTER_NEW_PIN)
    for _ in range(2):
        call.press("1111#")
        call.expect_to_hear(Prompt.PIN_ONE_DIGIT, Prompt.ENTER_NEW_PIN)
    call.press("1111#")
    call.expect_to_hear(Prompt.PIN_ONE_DIGIT, Prompt.PIN_UNCHANGED, Prompt.OPTIONS_MENU)
    managed.leaves()

    await managed.manage()

    call.assert_over()


async def test_who_was_spared_the_pin_enters_it_here(managed: Managed) -> None:
    """A wrong one is refused, the right one opens the options, once for the call."""
    admission = Admission(rights=ALL_RIGHTS, pin_spared=True, user_name="alice")
    managed.voicemail.members[managed.mailbox.id] = {"101": admission}
    call = managed.call
    call.expect_to_hear(Prompt.NO_MESSAGES, *MENU)
    call.press("0")
    call.expect_to_hear(Prompt.ENTER_PIN)
    call.press("1234#")
    call.expect_to_hear(Prompt.PIN_INCORRECT, Prompt.ENTER_PIN)
    call.press("4071#")
    call.expect_to_hear(Prompt.OPTIONS_MENU)
    call.press("*")
    call.expect_to_hear(*MENU)
    call.press("0")
    call.expect_to_hear(Prompt.OPTIONS_MENU)
    call.press("1")
    call.expect_to_hear(Prompt.GREETING_MENU)
    call.press("3")
    call.expect_to_hear(Prompt.GREETING_STANDARD_AGAIN, Prompt.GREETING_MENU)
    call.press("*")
    call.expect_to_hear(Prompt.OPTIONS_MENU)
    managed.leaves()

    await managed.manage()

    call.assert_over()
    assert [("standard greeting", "extension 101 (user alice)")] == managed.changes.made


async def test_who_may_not_manage_is_not_told_of_the_key(managed: Managed) -> None:
    """And 0 does nothing."""
    managed.voicemail.members[managed.mailbox.id] = {"101": Admission(rights=parse_rights(["delete"]))}
    call = managed.call
    managed.let_in()
    call.expect_to_hear(Prompt.NO_MESSAGES, Prompt.MAIN_MENU)
    call.press("0")
    call.expect_to_hear(Prompt.GOODBYE)

    await managed.manage()

    call.assert_over()


async def test_who_logs_in_during_the_greeting_and_may_manage_has_the_options(managed: Managed) -> None:
    """An extension is the same, whichever way it was let in."""
    managed.voicemail.members[managed.mailbox.id] = {"101": Admission(rights=ALL_RIGHTS, user_name="alice")}
    managed.logs_in("101")
    call = managed.call
    call.expect_to_hear(Prompt.NO_MESSAGES, *MENU)
    call.press("0")
    call.expect_to_hear(Prompt.OPTIONS_MENU)
    call.press("3")
    call.expect_to_hear(Prompt.ENTER_NEW_PIN)
    call.press("508213#")
    call.expect_to_hear(Prompt.REPEAT_NEW_PIN)
    call.press("508213#")
    call.expect_to_hear(Prompt.PIN_CHANGED, Prompt.OPTIONS_MENU)
    managed.leaves()

    await managed.manage()

    call.assert_over()
    assert [("pin 508213", "extension 101 (user alice)")] == managed.changes.made


@pytest.mark.parametrize(("extension", "rights"), [("101", ["delete"]), (None, [])])
async def test_who_logs_in_during_the_greeting_without_that_right_has_none(
    managed: Managed, extension: str | None, rights: list[str]
) -> None:
    """A member who only listens and deletes, and everybody from outside though they know the PIN."""
    if rights:
        managed.voicemail.members[managed.mailbox.id] = {"101": Admission(rights=parse_rights(rights))}
    managed.logs_in(extension)
    call = managed.call
    call.expect_to_hear(Prompt.NO_MESSAGES, Prompt.MAIN_MENU)
    call.press("0")
    call.expect_to_hear(Prompt.GOODBYE)

    await managed.manage()

    call.assert_over()
    assert [] == managed.changes.made


async def test_a_database_that_fails_ends_the_call(managed: Managed) -> None:
    """The caller is told, and what was spoken is gone."""
    call = managed.call
    managed.changes.unavailable = True
    managed.in_options()
    call.press("1")
    call.expect_to_hear(Prompt.GREETING_MENU)
    call.press("2")
    managed.recorded(Prompt.RECORD_GREETING, 3)
    call.expect_to_hear(Prompt.RECORDED_MENU)
    call.press("1")
    call.expect_to_hear(Prompt.TECHNICAL_PROBLEM, Prompt.GOODBYE)

    ending = await managed.manage()

    call.assert_over()
    assert Outcome.BROKEN_OFF is ending.outcome
    assert [] == managed.left()


async def test_what_was_kept_is_heard_at_once(managed: Managed) -> None:
    """Although no job has put it where calls find it."""
    call = managed.call
    managed.voicemail._mailboxes[managed.mailbox.id] = replace(managed.mailbox, greeting="Old words.")
    managed.in_options()
    call.press("1")
    call.expect_to_hear(Prompt.GREETING_MENU)
    call.press("1")
    call.expect_to_hear(Greeting(display_name="Sales", text="Old words."), Prompt.GREETING_MENU)
    call.press("2")
    managed.recorded(Prompt.RECORD_GREETING, 3)
    call.expect_to_hear(Prompt.RECORDED_MENU)
    call.press("1")
    call.expect_to_hear(Prompt.GREETING_KEPT, Prompt.GREETING_MENU)
    call.press("1")
    call.expect_to_hear(AudioFile(path=managed.scratches / "1.wav"), Prompt.GREETING_MENU)
    call.press("*")
    call.expect_to_hear(Prompt.OPTIONS_MENU)
    managed.leaves()

    await managed.manage()

    call.assert_over()
    assert [] == managed.left()
