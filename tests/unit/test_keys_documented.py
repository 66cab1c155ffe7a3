"""The key tables: without contradiction, announced truly, and printed in docs/call-flows.md."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from controlplane.callflows.keys import ALL_KEYS, KEYS, SKIP_SECONDS, Action, State, markdown
from controlplane.callflows.prompts import Prompt
from controlplane.speech import catalogue
from tests.support.write_key_tables import tables_in, with_tables

WORDS = {"*": "star", "#": "pound"}
MENUS = (
    Prompt.REVIEW_MENU,
    Prompt.MAIN_MENU,
    Prompt.MESSAGE_MENU,
    Prompt.MESSAGE_HELP,
    Prompt.MESSAGE_DELETED,
    Prompt.OPTIONS_MENU,
    Prompt.GREETING_MENU,
    Prompt.RECORDED_MENU,
)
WITHOUT_DELETING = {
    Prompt.MESSAGE_MENU_LISTEN: Prompt.MESSAGE_MENU,
    Prompt.MESSAGE_HELP_LISTEN: Prompt.MESSAGE_HELP,
}


def english(prompt: Prompt) -> str:
    """Return a prompt's English sentence."""
    return catalogue.load("en").prompts[prompt]


def keys_in(sentence: str) -> set[str]:
    """Return the keys that a sentence names."""
    found = set(re.findall(r"\b[0-9]\b", sentence))
    return found | {key for key, word in WORDS.items() if re.search(rf"\bpress {word}\b", sentence)}


@pytest.mark.parametrize("state", State)
def test_no_key_has_two_meanings_in_a_state(state: State) -> None:
    """Each key is bound once at most."""
    keys = [binding.key for binding in KEYS[state]]

    assert sorted(set(keys)) == sorted(keys)


@pytest.mark.parametrize("state", State)
def test_every_key_is_on_a_phone(state: State) -> None:
    """Twelve keys there are."""
    assert set(ALL_KEYS) >= {binding.key for binding in KEYS[state]}


def test_every_action_has_a_key() -> None:
    """Nothing is built that nobody can reach."""
    assert set(Action) == {binding.action for bindings in KEYS.values() for binding in bindings}


def test_a_key_means_the_same_in_all_states_of_a_message() -> None:
    """Only 1 (back or replay) and 7 (delete or undo) depend on what the message is doing."""
    states = (State.PLAYING, State.ENDED, State.DELETED, State.PLAYING_DELETED)
    meanings: dict[str, set[Action]] = {}
    for state in states:
        for binding in KEYS[state]:
            meanings.setdefault(binding.key, set()).add(binding.action)

    assert {"1", "7"} == {key for key, actions in meanings.items() if len(actions) > 1}


@pytest.mark.parametrize("state", State)
def test_the_english_prompts_tell_the_keys_that_the_table_says(state: State) -> None:
    """Where a binding names a prompt, that sentence names the key."""
    silent = [
        (binding.key, binding.announced)
        for binding in KEYS[state]
        if binding.announced and binding.key not in keys_in(english(binding.announced))
    ]

    assert [] == silent


@pytest.mark.parametrize("prompt", MENUS)
def test_the_english_menus_tell_no_key_without_function(prompt: Prompt) -> None:
    """What is not built yet is not announced."""
    states = [s for s, bindings in KEYS.items() if any(b.announced is prompt for b in bindings)]
    bound = {binding.key for state in states for binding in KEYS[state]}

    assert set() == keys_in(english(prompt)) - bound


@pytest.mark.parametrize(("prompt", "whole"), WITHOUT_DELETING.items())
def test_the_menus_of_who_may_not_delete_lack_7_alone(prompt: Prompt, whole: Prompt) -> None:
    """Every other key is told as ever."""
    assert {"7"} == keys_in(english(whole)) - keys_in(english(prompt))


def test_the_skip_is_as_long_as_it_is_said() -> None:
    """5 in the figures, the table and the sentence."""
    assert (5, "back 5 seconds", "forward 5 seconds") == (SKIP_SECONDS, Action.BACK, Action.FORWARD)
    assert "five seconds" in english(Prompt.MESSAGE_HELP)


def test_the_documentation_prints_the_tables(root: Path) -> None:
    """docs/call-flows.md holds what the flows obey; `tests.support.write_key_tables` brings it there."""
    page = (root / "docs" / "call-flows.md").read_text()

    assert markdown() == tables_in(page)


def test_writing_the_tables_changes_nothing_else() -> None:
    """The text around the tables stays."""
    page = "before\n<!-- key tables: begin -->\nold\n<!-- key tables: end -->\nafter\n"
    written = with_tables(page)

    assert (True, True, markdown()) == (
        written.startswith("before\n"),
        written.endswith("after\n"),
        tables_in(written),
    )


def test_the_documentation_names_every_prompt_of_the_flows(root: Path) -> None:
    """Who reads what a caller hears finds each prompt there, the dialplan's own included."""
    page = (root / "docs" / "call-flows.md").read_text()

    assert [] == [prompt.value for prompt in Prompt if f"`{prompt.value}`" not in page]
