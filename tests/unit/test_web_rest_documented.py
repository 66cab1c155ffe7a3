"""docs/rest.md names what the API answers."""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path

from controlplane.domain.pin import PinPolicy
from controlplane.web import errors
from controlplane.web.api.schemas_mailboxes import MailboxIn

# Not answers of the API: of the command line, of the page of a link, of what has no call yet.
ELSEWHERE = {
    "expires-in-the-past",
    "invalid-token-name",
    "no-such-token",
    "link-expired",
    "link-invalid",
    "message-purged",
    "invalid",
}

# Of signing in and of users, for which there are pages alone; the portal's catalogues have words for them.
ELSEWHERE |= {
    *("wrong-password", "wrong-own-password", "too-many-tries", "link-used"),
    *("stale-form", "foreign-form", "no-such-page", "no-such-action"),
    *("password-too-short", "password-too-long", "password-too-simple", "password-is-user-name"),
    *("last-system-admin", "own-user", "admins-only"),
}

# Of greetings that are tried before they are used.
ELSEWHERE |= {"no-such-draft", "no-such-tried-name", "no-such-greeting", "invalid-moment"}
# Of pages about the system.
ELSEWHERE |= {"no-such-mail", "no-such-recording", "no-audio", "no-phones", "no-such-day"}
# Of what the simulator plays.
ELSEWHERE |= {"nothing-said"}

STATUS = {"NotFound": 404, "Conflict": 409, "PreconditionFailed": 412, "InvalidValue": 422}
# A row of an import: there it is a part of `import-refused`.
ROWS = {("named-twice", 409)}


def _documented(root: Path) -> set[str]:
    return set(re.findall(r"`([a-z0-9_-]+)`", (root / "docs/rest.md").read_text()))


def test_every_error_id_is_documented(root: Path) -> None:
    """Each error_id of domain, services and web stands in the table."""
    folders = [root / "controlplane" / name for name in ("domain", "services", "web")]
    source = "".join(path.read_text() for folder in folders for path in folder.rglob("*.py"))
    used = set(re.findall(r'error_id ?= ?"([a-z-]+)"', source))
    used |= {error_id for error_id, _ in errors._OF_STATUS.values()} | set(errors._ID_OF_TYPE.values())

    assert used - ELSEWHERE - _documented(root) == set()


def _rows(root: Path) -> list[tuple[int, str]]:
    """Return each status and error_id of the table."""
    table = re.findall(r"^\| ([0-9]{3}) \| (.*) \|$", (root / "docs/rest.md").read_text(), re.MULTILINE)
    return [
        (int(status), error_id) for status, ids in table for error_id in re.findall(r"`([a-z][a-z-]+)`", ids)
    ]


def test_error_ids_stand_once_under_their_status(root: Path) -> None:
    """What is not found is a 404, a clash a 409, a wrong value a 422; no status names an error_id twice."""
    raised: set[tuple[int, str]] = set()
    for path in (root / "controlplane").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in STATUS:
                raised |= {
                    (STATUS[node.func.id], keyword.value.value)
                    for keyword in node.keywords
                    if keyword.arg == "error_id" and isinstance(keyword.value, ast.Constant)
                }
    rows = _rows(root)
    missing = {(status, one) for status, one in raised - set(rows) if one not in ELSEWHERE}

    assert [] == [row for row, count in Counter(rows).items() if count > 1]
    assert ROWS == {(one, status) for status, one in missing}


def test_every_rule_of_pins_is_documented(root: Path) -> None:
    """Each rule that a PIN may break has its error_id in the table."""
    policy = PinPolicy()
    broken = {policy._broken_rule(digits, "8001") for digits in ("x", "1", "1" * 33, "7777", "4567", "8001")}

    assert broken - _documented(root) == set()


def test_every_field_of_a_mailbox_is_documented(root: Path) -> None:
    """Each field that can be sent stands in the table of fields."""
    assert set(MailboxIn.model_fields) - _documented(root) == set()
