"""`controlplane create-admin`, as people and programs run it."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.api import Api
from tests.support.portal import PASSWORD, Browser, make_user

COMMAND = [sys.executable, "-m", "controlplane.entrypoints.cli", "create-admin"]


def run(environment: dict[str, str], *arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    """Run the command with a standard input that is no terminal."""
    return subprocess.run(
        [*COMMAND, *arguments], input=typed, capture_output=True, text=True, check=False, env=environment
    )


async def test_admin_signs_in_with_the_password(
    api: Api, environment: dict[str, str], visitor: Browser
) -> None:
    """One by the standard input, of everything; one by a file, of a tenant. No password is printed."""
    file = Path(environment["CONTROLPLANE_PATHS__SPOOL"]).parent / "password"
    file.write_text(f"{PASSWORD}\r\nanother line\n")
    first = run(environment, "Alice", "--password-file", "-", typed=f"{PASSWORD}\n")
    second = run(
        environment, "bob", "--tenant", "default", "--display-name", "Bob B.", "--password-file", str(file)
    )
    users = api.rows("SELECT user_name, display_name, role FROM users ORDER BY user_name")
    paths = []
    for user_name in ("alice", "bob"):
        await visitor.sign_in(user_name)
        paths.append(visitor.path)
        await visitor.send("/sign-out")

    assert (0, "alice can sign in at http://127.0.0.1:8000/\n") == (first.returncode, first.stdout)
    assert second.returncode == 0
    assert [
        {"user_name": "alice", "display_name": "Alice", "role": "system_admin"},
        {"user_name": "bob", "display_name": "Bob B.", "role": "tenant_admin"},
    ] == users
    assert ["/portal/welcome", "/portal/welcome"] == paths
    assert PASSWORD not in first.stdout + first.stderr + second.stdout + second.stderr


async def test_what_is_wrong_is_said_in_a_sentence(api: Api, environment: dict[str, str]) -> None:
    """Exit code 1 or 2, one line, and nobody is made."""
    await make_user(api, "alice")
    wrong = {
        "There is no terminal to ask for the password": ("bob",),
        "/nowhere cannot be read": ("bob", "--password-file", "/nowhere"),
        "The password is too short": ("bob", "--password-file", "-"),
        "A user name has": ("b ob", "--password-file", "-"),
        "There is no tenant": ("bob", "--tenant", "north", "--password-file", "-"),
        "Somebody has this user name": ("ALICE", "--password-file", "-"),
    }
    told = {}
    for sentence, arguments in wrong.items():
        typed = "short" if "short" in sentence else PASSWORD
        done = run(environment, *arguments, typed=typed)
        told[sentence] = (done.returncode in {1, 2}, sentence in done.stderr, "Traceback" in done.stderr)

    assert dict.fromkeys(wrong, (True, True, False)) == told
    assert [{"user_name": "alice"}] == api.rows("SELECT user_name FROM users")


@pytest.mark.parametrize(("again", "code"), [(PASSWORD, 0), ("something else", 2)])
def test_password_is_asked_for_twice(environment: dict[str, str], again: str, code: int) -> None:
    """On a terminal, without showing it."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, "alice"],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=environment,
        start_new_session=True,
    )
    os.close(theirs)
    shown = b""
    for typed, prompt in ((PASSWORD, b"Password: "), (again, b"again: ")):
        while not shown.endswith(prompt):
            shown += os.read(ours, 1024)
        os.write(ours, f"{typed}\n".encode())
    process.wait(60)
    os.close(ours)

    assert (code, False) == (process.returncode, PASSWORD.encode() in shown)
