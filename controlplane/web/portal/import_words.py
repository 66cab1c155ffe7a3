"""What is wrong with a file and with its rows, in the words of the person.

The sentences of forms are said where they fit a cell; `import-errors` has those for what only files have.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from controlplane.domain.errors import DomainError
from controlplane.domain.mailbox import MAX_DISPLAY_NAME, MAX_MESSAGE_SECONDS, MAX_RECIPIENTS
from controlplane.domain.pin import PinPolicy
from controlplane.services.mailbox_rules import (
    LONGEST_MINIMUM_SECONDS,
    MAX_GREETING,
)
from controlplane.services.transfer.moving import ResourceName
from controlplane.web.portal.change_words import field_label
from controlplane.web.portal.words import Words

_OWN: Final = "import-errors"


def file_fault(error: DomainError, words: Words) -> str:
    """Say why a file is no table of ours."""
    keys = (f"{_OWN}.{error.details.get('what', 'file')}", f"{_OWN}.file-{error.error_id}")
    return _first(keys, error, words, error.details)


def row_fault(error: DomainError, words: Words, name: ResourceName, *, key: str, pins: PinPolicy) -> str:
    """Say why a row is refused; `key` is what its object is known by."""
    if not error.field:
        return words.error(error)
    path = error.field.replace("[", ".").replace("]", "").split(".")
    values = {
        "pin_least": pins.min_length,
        "pin_most": pins.max_length,
        "name_most": MAX_DISPLAY_NAME,
        "recipients_most": MAX_RECIPIENTS,
        "greeting_most": MAX_GREETING,
        "minimum_most": LONGEST_MINIMUM_SECONDS,
        "seconds_most": MAX_MESSAGE_SECONDS,
        **({"number": key} if path[0] == "number" else {}),
        **error.details,
    }
    if "kind" in values:
        values["kind"] = words(f"kinds.{values['kind']}")
    said = _first(_keys(name, path[0], error.error_id), error, words, values)
    return f"{field_label([part for part in path if not part.isdecimal()], words)}: {said}"


def _keys(name: ResourceName, field: str, error_id: str) -> Iterator[str]:
    of_forms = "mailbox-errors" if name is ResourceName.MAILBOXES else "object-errors"
    for section in (_OWN, of_forms):
        yield f"{section}.{field}-{error_id}"
        yield f"{section}.{error_id}"
    yield f"errors.{error_id}"


def _first(keys: Iterable[str], error: DomainError, words: Words, values: Mapping[str, object]) -> str:
    """Return the first sentence that is there and says no more than is known; else the error's own."""
    for key in keys:
        if words.has(key):
            try:
                return words(key, **values)
            except (KeyError, IndexError):
                continue
    return error.sentence
