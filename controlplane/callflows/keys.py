"""Which key does what in which state: the data that the flows obey and that docs/call-flows.md prints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from controlplane.callflows.prompts import Prompt

ALL_KEYS = "0123456789*#"
SKIP_SECONDS = 5


class State(StrEnum):
    """What a person on the phone is in the middle of; the value is its title in the documentation."""

    GREETING = "While the greeting is said"
    RECORDING = "While the message is recorded"
    REVIEW = "Review menu"
    COUNTS = "While the counts are said"
    MAIN_MENU = "Main menu"
    MAIN_MENU_MANAGE = "Main menu, for who may manage the mailbox"
    OPTIONS = "Mailbox options"
    SPOKEN = "Greeting or name of the mailbox"
    RECORDED = "After a greeting or name was recorded"
    PLAYING = "While a message is announced or plays"
    ENDED = "After the end of a message"
    DELETED = "After a message was deleted"
    PLAYING_DELETED = "While a deleted message plays"
    FORWARD = "Forwarding a message"
    NOTE = "A note before the message"


class Action(StrEnum):
    """What a key does; the value is its description in the documentation."""

    SKIP = "skip the greeting"
    OPERATOR = "go to the operator, if the mailbox has one"
    LOG_IN = "enter the PIN and hear the messages, if the mailbox allows that"
    END_RECORDING = "end the recording"
    SEND = "send the message"
    LISTEN = "listen to the message"
    RECORD_AGAIN = "record it again"
    URGENT = "mark it as urgent, or take that back"
    NEW_MESSAGES = "new messages"
    SAVED_MESSAGES = "saved messages"
    BACK = "back 5 seconds"
    FORWARD = "forward 5 seconds"
    REPLAY = "replay from the start"
    KEEP = "keep it (saved), and go on"
    DELETE = "delete it"
    UNDO = "undo the deletion"
    PREVIOUS = "previous message"
    NEXT = "next message"
    ENVELOPE = "say the caller, date and time, the way and the length"
    FORWARD_MESSAGE = "forward it"
    CALL_BACK = "call the caller back"
    LEAVE_ELSEWHERE = "leave a message for another mailbox"
    TO_MAILBOX = "to another mailbox"
    TO_RECIPIENTS = "by mail to the recipients of this mailbox"
    WITH_NOTE = "record a note, and forward both"
    WITHOUT_NOTE = "forward it without a note"
    BACK_TO_MESSAGE = "back to the message"
    HELP = "help: say all keys"
    MAIN_MENU = "main menu"
    LEAVE = "leave"
    OPTIONS = "mailbox options"
    GREETING = "the greeting"
    NAME = "the spoken name"
    CHANGE_PIN = "change the PIN"
    STANDARD = "back to the standard one"
    KEEP_RECORDING = "keep the recording"
    CANCEL = "go back"
    HEAR = "listen to it"
    RECORD = "record it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """A key and what it does; `announced` is the prompt that tells it, None if none does."""

    key: str
    action: Action
    announced: Prompt | None = None


def _bind(*rows: tuple[str, Action, Prompt | None]) -> tuple[Binding, ...]:
    return tuple(Binding(key=key, action=action, announced=announced) for key, action, announced in rows)


def _in_a_message(
    first: tuple[tuple[str, Action], ...], told_first: Mapping[str, Prompt]
) -> tuple[Binding, ...]:
    """Add the keys that do the same in each state of a message; all are told by the help."""
    rows = (
        *first,
        ("4", Action.PREVIOUS),
        ("5", Action.ENVELOPE),
        ("6", Action.NEXT),
        ("8", Action.FORWARD_MESSAGE),
        ("9", Action.CALL_BACK),
        ("0", Action.HELP),
        ("*", Action.MAIN_MENU),
        ("#", Action.LEAVE),
    )
    return _bind(*((key, action, told_first.get(key, Prompt.MESSAGE_HELP)) for key, action in rows))


KEYS: Mapping[State, tuple[Binding, ...]] = MappingProxyType(
    {
        State.GREETING: _bind(
            ("#", Action.SKIP, None), ("0", Action.OPERATOR, None), ("*", Action.LOG_IN, None)
        ),
        State.RECORDING: _bind(("#", Action.END_RECORDING, None)),
        State.REVIEW: _bind(
            ("1", Action.SEND, Prompt.REVIEW_MENU),
            ("2", Action.LISTEN, Prompt.REVIEW_MENU),
            ("3", Action.RECORD_AGAIN, Prompt.REVIEW_MENU),
            ("4", Action.URGENT, Prompt.REVIEW_MENU),
        ),
        State.COUNTS: _bind(
            ("1", Action.NEW_MESSAGES, None),
            ("2", Action.SAVED_MESSAGES, None),
            ("*", Action.MAIN_MENU, None),
            ("#", Action.LEAVE, None),
        ),
        State.MAIN_MENU: _bind(
            ("1", Action.NEW_MESSAGES, Prompt.MAIN_MENU),
            ("2", Action.SAVED_MESSAGES, Prompt.MAIN_MENU),
            ("3", Action.LEAVE_ELSEWHERE, Prompt.MAIN_MENU),
            ("#", Action.LEAVE, Prompt.MAIN_MENU),
        ),
        State.MAIN_MENU_MANAGE: _bind(
            ("1", Action.NEW_MESSAGES, Prompt.MAIN_MENU),
            ("2", Action.SAVED_MESSAGES, Prompt.MAIN_MENU),
            ("3", Action.LEAVE_ELSEWHERE, Prompt.MAIN_MENU),
            ("0", Action.OPTIONS, Prompt.OPTIONS_KEY),
            ("#", Action.LEAVE, Prompt.MAIN_MENU),
        ),
        State.OPTIONS: _bind(
            ("1", Action.GREETING, Prompt.OPTIONS_MENU),
            ("2", Action.NAME, Prompt.OPTIONS_MENU),
            ("3", Action.CHANGE_PIN, Prompt.OPTIONS_MENU),
            ("*", Action.MAIN_MENU, Prompt.OPTIONS_MENU),
            ("#", Action.LEAVE, Prompt.OPTIONS_MENU),
        ),
        State.SPOKEN: _bind(
            ("1", Action.HEAR, Prompt.GREETING_MENU),
            ("2", Action.RECORD, Prompt.GREETING_MENU),
            ("3", Action.STANDARD, Prompt.GREETING_MENU),
            ("*", Action.CANCEL, Prompt.GREETING_MENU),
        ),
        State.RECORDED: _bind(
            ("1", Action.KEEP_RECORDING, Prompt.RECORDED_MENU),
            ("2", Action.HEAR, Prompt.RECORDED_MENU),
            ("3", Action.RECORD_AGAIN, Prompt.RECORDED_MENU),
            ("*", Action.CANCEL, Prompt.RECORDED_MENU),
        ),
        State.PLAYING: _in_a_message(
            (("1", Action.BACK), ("3", Action.FORWARD), ("2", Action.KEEP), ("7", Action.DELETE)), {}
        ),
        State.ENDED: _in_a_message(
            (("1", Action.REPLAY), ("2", Action.KEEP), ("7", Action.DELETE)),
            dict.fromkeys("12760", Prompt.MESSAGE_MENU),
        ),
        State.DELETED: _in_a_message(
            (("1", Action.REPLAY), ("2", Action.KEEP), ("7", Action.UNDO)), {"7": Prompt.MESSAGE_DELETED}
        ),
        State.PLAYING_DELETED: _in_a_message(
            (("1", Action.BACK), ("3", Action.FORWARD), ("2", Action.KEEP), ("7", Action.UNDO)), {}
        ),
        State.FORWARD: _bind(
            ("1", Action.TO_MAILBOX, Prompt.FORWARD_MENU),
            ("2", Action.TO_RECIPIENTS, Prompt.FORWARD_MENU),
            ("*", Action.BACK_TO_MESSAGE, Prompt.FORWARD_MENU),
        ),
        State.NOTE: _bind(
            ("1", Action.WITH_NOTE, Prompt.NOTE_MENU),
            ("2", Action.WITHOUT_NOTE, Prompt.NOTE_MENU),
            ("*", Action.BACK_TO_MESSAGE, Prompt.NOTE_MENU),
        ),
    }
)


def action_of(state: State, key: str) -> Action | None:
    """Return what `key` does in `state`; None if nothing."""
    return next((binding.action for binding in KEYS[state] if binding.key == key), None)


def keys_of(state: State) -> str:
    """Return all keys that do something in `state`."""
    return "".join(binding.key for binding in KEYS[state])


def key_of(state: State, action: Action) -> str:
    """Return the key that does something in `state`; raises StopIteration if none does."""
    return next(binding.key for binding in KEYS[state] if binding.action is action)


def markdown() -> str:
    """Print the tables as they stand in docs/call-flows.md."""
    parts = []
    for state, bindings in KEYS.items():
        rows = [
            f"| `{binding.key}` | {binding.action} | "
            + (f"`{binding.announced}` |" if binding.announced else "nobody |")
            for binding in bindings
        ]
        parts.append("\n".join([f"### {state}", "", "| key | does | told by |", "|---|---|---|", *rows]))
    return "\n\n".join(parts) + "\n"
