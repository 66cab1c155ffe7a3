"""What the system can say. Each prompt is a sentence of the message catalogue (`speech/catalogues`).

An utterance is text with values; the language is the call's. `speech` turns it into the sentence
and finds the WAV file by language, voice and sentence; a file that is not there is left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from controlplane.domain.colleague import Colleague
from controlplane.domain.mailbox import SayDatetime


class Prompt(StrEnum):
    """A fixed sentence; the value is its key in the catalogues. The English text is beside it."""

    # leaving a message
    GREETING_STANDARD = (
        "greeting-standard"  # Please leave a message after the tone. (spoken without a mailbox's name)
    )
    YOU_HAVE_REACHED = "you-have-reached"  # You have reached (then the name as somebody said it)
    MESSAGE_TOO_SHORT = "message-too-short"  # Your message was too short. Please speak after the tone.
    EARLIER_KEPT = "earlier-kept"  # That was too short. Your earlier recording is kept.
    MESSAGE_DROPPED = "message-dropped"  # No message was recorded. Goodbye.
    MESSAGE_SENT = "message-sent"  # Thank you. Your message has been sent. Goodbye.
    # To send your message, press 1. To listen to it, press 2. To record it again, press 3. To mark it as
    # urgent, press 4.
    REVIEW_MENU = "review-menu"
    MARKED_URGENT = "marked-urgent"  # Your message is marked as urgent.
    NOT_URGENT = "not-urgent"  # Your message is no longer marked as urgent.
    RECORD_AFTER_TONE = "record-after-tone"  # Please speak after the tone.
    MAILBOX_DISABLED = "mailbox-disabled"  # This mailbox is not taking messages at the moment. Goodbye.
    MAILBOX_FULL = "mailbox-full"  # This mailbox is full and takes no more messages. Goodbye.
    MAILBOX_UNKNOWN = "mailbox-unknown"  # There is no mailbox with this number. Goodbye.
    NUMBER_UNKNOWN = "number-unknown"  # This number is not in use. Goodbye.
    # checking messages
    ENTER_MAILBOX = "enter-mailbox"  # Please enter the mailbox number, followed by the pound key.
    ENTER_PIN = "enter-pin"  # Please enter your PIN, followed by the pound key.
    PIN_INCORRECT = (
        "pin-incorrect"  # That is not correct. (said also when locked, and for an unknown mailbox)
    )
    TOO_MANY_TRIES = "too-many-tries"  # There were too many incorrect attempts. Goodbye.
    NO_MESSAGES = "no-messages"  # You have no messages.
    NO_NEW_MESSAGES = "no-new-messages"  # There are no more new messages. (asked for 1, none left)
    NO_SAVED_MESSAGES = "no-saved-messages"  # There are no saved messages.
    NO_OWN_MAILBOX = "no-own-mailbox"  # Your extension has no mailbox of its own. Goodbye.
    MEMBERS_ONLY = "members-only"  # Only members of this mailbox can hear its messages.
    # For new messages, press 1. For saved messages, press 2. To leave a message for another mailbox, press 3.
    # To end, press pound.
    MAIN_MENU = "main-menu"
    # To hear it again, press 1. To keep it, press 2. To delete it, press 7. For the next message, press 6.
    # For more options, press 0.
    MESSAGE_MENU = "message-menu"
    # While a message plays, press 1 to go back and 3 to go forward five seconds. At its end, press 1 to hear
    # it again. To keep it, press 2. For the previous message, press 4. For the caller and the time, press 5.
    # For the next message, press 6. To delete it, or to undo that, press 7. To hear these options again,
    # press 0. For the main menu, press star. To forward it, press 8. To call back, press 9. To end, press
    # pound.
    MESSAGE_HELP = "message-help"
    # The same two without the key 7, for who may not delete.
    MESSAGE_MENU_LISTEN = "message-menu-listen"
    MESSAGE_HELP_LISTEN = "message-help-listen"
    DELETE_NOT_ALLOWED = "delete-not-allowed"  # You may not delete messages in this mailbox.
    SAVED_MESSAGES = "saved-messages"  # Saved messages. (between the last new and the first saved one)
    URGENT_MESSAGE = "urgent-message"  # Urgent message. (before who it is from)
    FIRST_MESSAGE = "first-message"  # First message.
    NEXT_MESSAGE = "next-message"  # Next message.
    PREVIOUS_MESSAGE = "previous-message"  # Previous message.
    NO_MORE_MESSAGES = "no-more-messages"  # There are no more messages.
    NO_EARLIER_MESSAGE = "no-earlier-message"  # This is the first message.
    MESSAGE_SAVED = "message-saved"  # Message kept.
    MESSAGE_DELETED = "message-deleted"  # Message deleted. To undo, press 7.
    MESSAGE_RESTORED = "message-restored"  # Message restored.
    ALREADY_DELETED = "already-deleted"  # A colleague has deleted this message in the meantime.
    ALREADY_SAVED = "already-saved"  # A colleague has already kept this message.
    ALREADY_RESTORED = "already-restored"  # A colleague has restored this message in the meantime.
    ALREADY_CHANGED = "already-changed"  # A colleague has marked this message as new in the meantime.
    COLLEAGUE_LISTENING = "colleague-listening"  # A colleague is listening to this message.
    MESSAGE_GONE = "message-gone"  # This message no longer exists.
    CALLING_BACK = "calling-back"  # Calling back.
    CALL_BACK_IMPOSSIBLE = "call-back-impossible"  # This caller cannot be called back from here.
    # To forward the message to another mailbox, press 1. To have it emailed to the recipients of this
    # mailbox, press 2. To go back to the message, press star.
    FORWARD_MENU = "forward-menu"
    # To record a note before the message, press 1. To forward it without a note, press 2. To cancel, press
    # star.
    NOTE_MENU = "note-menu"
    MESSAGE_FORWARDED = "message-forwarded"  # The message has been forwarded.
    NOT_FORWARDED = "not-forwarded"  # The message was not forwarded.
    MESSAGE_MAILED = "message-mailed"  # The message will be emailed to the recipients of this mailbox.
    NO_RECIPIENTS = "no-recipients"  # This mailbox has no email recipients.
    FORWARD_NOT_ALLOWED = "forward-not-allowed"  # You may not forward messages from this mailbox.
    NO_SUCH_MAILBOX = "no-such-mailbox"  # There is no mailbox with this number. (asked for again)
    SAME_MAILBOX = "same-mailbox"  # This is the mailbox that you are in.
    OTHER_DISABLED = "other-disabled"  # That mailbox is not taking messages at the moment.
    OTHER_FULL = "other-full"  # That mailbox is full and takes no more messages.
    RECORDING_UNAVAILABLE = "recording-unavailable"  # This recording cannot be played now.
    CALLER_UNKNOWN = "caller-unknown"  # Message from an unknown caller.
    INVALID_KEY = "invalid-key"  # That key has no function here.
    GOODBYE = "goodbye"  # Goodbye.
    # mailbox options
    OPTIONS_KEY = "options-key"  # For the mailbox options, press 0. (behind the main menu, for who may)
    # For the greeting, press 1. For the spoken name, press 2. To change the PIN, press 3. For the main menu,
    # press star. To end, press pound.
    OPTIONS_MENU = "options-menu"
    # To listen to the greeting, press 1. To record it, press 2. For the standard greeting, press 3. To go
    # back, press star.
    GREETING_MENU = "greeting-menu"
    NAME_MENU = "name-menu"  # The same of the name.
    # To keep the recording, press 1. To listen to it, press 2. To record it again, press 3. To go back
    # without keeping it, press star.
    RECORDED_MENU = "recorded-menu"
    RECORD_GREETING = "record-greeting"  # Please speak the greeting after the tone, then press pound.
    RECORD_NAME = "record-name"  # Please say the name after the tone, then press pound.
    RECORDING_TOO_SHORT = "recording-too-short"  # The recording was too short.
    RECORDING_UNUSABLE = "recording-unusable"  # This recording cannot be used.
    NOTHING_KEPT = "nothing-kept"  # Nothing was changed.
    GREETING_KEPT = "greeting-kept"  # Callers hear the new greeting from now on.
    GREETING_STANDARD_AGAIN = "greeting-standard-again"  # Callers hear the standard greeting again.
    NAME_KEPT = "name-kept"  # Callers hear the new name from now on.
    NAME_STANDARD_AGAIN = "name-standard-again"  # The recorded name is no longer used.
    ENTER_NEW_PIN = "enter-new-pin"  # Please enter the new PIN, followed by the pound key.
    REPEAT_NEW_PIN = "repeat-new-pin"  # Please enter the new PIN again, followed by the pound key.
    PIN_CHANGED = "pin-changed"  # The PIN was changed.
    PIN_UNCHANGED = "pin-unchanged"  # The PIN was not changed.
    PIN_NOT_SAME = "pin-not-same"  # You entered two different PINs.
    PIN_NOT_DIGITS = "pin-not-digits"  # A PIN can only have digits.
    PIN_TOO_SHORT = "pin-too-short"  # This PIN is too short.
    PIN_TOO_LONG = "pin-too-long"  # This PIN is too long.
    PIN_ONE_DIGIT = "pin-one-digit"  # A PIN must not be the same digit again and again.
    PIN_RUN = "pin-run"  # A PIN must not be digits in a row, such as 1 2 3 4.
    PIN_IS_NUMBER = "pin-is-number"  # A PIN must not be the number of the mailbox, or its end.
    # feature codes
    CLOSED_NOW = "closed-now"  # The office is closed from now on.
    OPEN_AS_USUAL = "open-as-usual"  # The office is open at the usual hours again.
    DO_NOT_DISTURB_ON = "do-not-disturb-on"  # Do not disturb is on.
    DO_NOT_DISTURB_OFF = "do-not-disturb-off"  # Do not disturb is off.
    QUEUE_LOGGED_IN = "queue-logged-in"  # You are logged in to the queue.
    QUEUE_LOGGED_OUT = "queue-logged-out"  # You are logged out of the queue.
    QUEUE_UNKNOWN = "queue-unknown"  # You are not an agent in this queue.
    # at a virtual receptionist
    RECEPTIONIST_STANDARD = (
        "receptionist-standard"  # Welcome. Please make your choice. (without its own words)
    )
    INVALID_CHOICE = "invalid-choice"  # That is not a valid choice.
    # said by the dialplan when we cannot
    CHECK_UNAVAILABLE = (
        "check-unavailable"  # Messages cannot be played at the moment. Please try again later.
    )
    THANK_YOU = "thank-you"  # Thank you. Goodbye.
    TECHNICAL_PROBLEM = "technical-problem"  # There is a technical problem. Please try again later.
    FEATURE_UNKNOWN = "feature-unknown"  # This code is not in use. Goodbye.


class Tone(StrEnum):
    """What is not speech."""

    BEEP = "beep"
    SILENCE = "silence"  # half a second
    HOLD = "hold"  # what a caller who waits hears, again and again


@dataclass(frozen=True, slots=True, kw_only=True)
class Greeting:
    """`You have reached Sales. Please leave a message after the tone.` Made when a mailbox is saved.

    `text` is what is said instead; `recording` is the digest of what is played instead of both.
    `name_recording` is that of the mailbox's name as somebody said it, for the standard sentence.
    """

    display_name: str
    text: str | None = None
    recording: str | None = None
    name_recording: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageCounts:
    """`Two new messages, one saved message.` by two utterances; above 99: `more than 99`."""

    new: int
    saved: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FromNumber:
    """`Message from 1 0 2.` Made when a message is deposited; digits one by one."""

    number: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedAt:
    """`Received Monday, November 23, at 3:45 PM.` Made when a message is deposited.

    `at` is local time of the tenant; `clock` is 12h or 24h.
    """

    at: datetime
    clock: SayDatetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SentOnBy:
    """`From the call queue Sales. After 3 minutes.` Made when a message is deposited.

    `kind` is that of the object that sent the call into the mailbox, `name` its display name or its number,
    `seconds` how long the caller was there, None if that is not known or says nothing.
    """

    kind: str
    name: str
    seconds: int | None = None


class Deed(StrEnum):
    """What a colleague did with a message; the value is its key in the catalogues."""

    DELETED = "deleted"
    SAVED = "saved"
    RESTORED = "restored"
    CHANGED = "changed"  # marked as new
    PURGED = "purged"
    LISTENING = "listening"

    @property
    def by_somebody(self) -> Prompt:
        """The sentence that names nobody."""
        match self:
            case Deed.DELETED:
                return Prompt.ALREADY_DELETED
            case Deed.SAVED:
                return Prompt.ALREADY_SAVED
            case Deed.RESTORED:
                return Prompt.ALREADY_RESTORED
            case Deed.CHANGED:
                return Prompt.ALREADY_CHANGED
            case Deed.PURGED:
                return Prompt.MESSAGE_GONE
            case Deed.LISTENING:
                return Prompt.COLLEAGUE_LISTENING


@dataclass(frozen=True, slots=True, kw_only=True)
class ByColleague:
    """`Already deleted by extension 1 0 2.` In parts, of which only the name of a person is made for it.

    Somebody who is not known, or whose name was not spoken yet, is `a colleague`; who called from outside is
    `somebody from outside`.
    """

    deed: Deed
    who: Colleague


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageLength:
    """`Length: 2 minutes, 10 seconds.` Made when a message is deposited."""

    seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnWords:
    """Sentences that somebody wrote: the greeting of a virtual receptionist. Made when it is saved."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioFile:
    """A file as it is."""

    path: Path


Utterance = (
    Prompt
    | Tone
    | Greeting
    | OwnWords
    | MessageCounts
    | FromNumber
    | ReceivedAt
    | SentOnBy
    | ByColleague
    | MessageLength
    | AudioFile
)


class PromptFiles(Protocol):
    """Where the WAV files of utterances are; both switch adapters get one."""

    def files(self, utterance: Utterance, language: str) -> list[Path]:
        """Return the existing WAV files (8 kHz, 16 bit, mono) that say it, in order; [] if there is none.

        Never synthesises and never blocks longer than a look at the disk.
        """
        ...
