"""`controlplane apply`, `export` and `demo company`, as people and programs run them."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from controlplane.apply.declaration import read_declaration
from controlplane.entrypoints.demo_company import FILE, what_to_dial, without_mail
from controlplane.services.pin_hashing import make_key

PIN = "290174"
TEAM = """\
mailboxes: [{number: "8001", display_name: Team}]
ring-groups: [{number: "6100", display_name: Sales}]
"""


@pytest.fixture
def environment(database_url: str, tmp_path: Path) -> dict[str, str]:
    """Return the settings of an installation on the database."""
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("CONTROLPLANE_")},
        "CONTROLPLANE_DATABASE_URL": database_url,
        "CONTROLPLANE_PRIVATE": "true",
        "CONTROLPLANE_PINS__KEYS": make_key(),
        **{
            f"CONTROLPLANE_PATHS__{name}": str(tmp_path / name.lower())
            for name in ("RECORDINGS", "SPOOL", "PROMPTS", "CONFIGURATION")
        },
    }


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return a file with a mailbox and a ring group."""
    path = tmp_path / "team.yaml"
    path.write_text(TEAM)
    return path


def run(
    environment: dict[str, str], *arguments: str, stdin: str | int = ""
) -> subprocess.CompletedProcess[str]:
    """Run a command; its standard input is a text, or an open terminal."""
    given = {"input": stdin} if isinstance(stdin, str) else {"stdin": stdin}
    return subprocess.run(  # type: ignore[call-overload, no-any-return]  # one or the other
        [sys.executable, "-m", "controlplane.entrypoints.cli", *arguments],
        **given,
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )


def names(environment: dict[str, str]) -> list[str]:
    """Return the numbers of all that is there."""
    with psycopg.connect(environment["CONTROLPLANE_DATABASE_URL"]) as connection:
        return [number for (number,) in connection.execute("SELECT number FROM numbers ORDER BY number")]


def answering(environment: dict[str, str], answer: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command at a terminal where somebody types a line."""
    ours, its = pty.openpty()
    try:
        os.write(ours, answer.encode())
        return run(environment, *arguments, stdin=its)
    finally:
        os.close(ours)
        os.close(its)


def test_a_file_is_applied_without_asking(environment: dict[str, str], file: Path) -> None:
    """With --yes; the PIN that was made is shown; again, there is nothing to change."""
    first = run(environment, "apply", str(file), "--yes")
    second = run(environment, "apply", str(file))

    assert (0, ["6100", "8001"], 0) == (first.returncode, names(environment), second.returncode), first.stderr
    assert "+ mailbox 8001 “Team” (pin made)\n+ ring group 6100 “Sales”\n" in first.stdout
    assert "  mailbox 8001: pin " in first.stdout
    assert "Tenant default\nNothing to change; 2 as the file says.\n" == second.stdout


@pytest.mark.parametrize(
    ("answer", "code", "made"), [("y\n", 0, 2), ("yes\n", 0, 2), ("\n", 1, 0), ("n\n", 1, 0)]
)
def test_somebody_is_asked(
    environment: dict[str, str], file: Path, answer: str, code: int, made: int
) -> None:
    """Only yes is yes."""
    done = answering(environment, answer, "apply", str(file))

    assert (code, made) == (done.returncode, len(names(environment)))
    assert "Apply this? [y/N]" in done.stdout
    assert ("controlplane: Nothing was changed.\n" if code else "") == done.stderr


def test_where_nobody_can_be_asked_nothing_is_changed(environment: dict[str, str], file: Path) -> None:
    """The plan is shown, and the remedy."""
    done = run(environment, "apply", str(file), stdin="y\n")

    assert (2, []) == (done.returncode, names(environment))
    assert "2 to create" in done.stdout
    assert "say --yes, or --dry-run" in done.stderr


def test_a_dry_run_only_shows(environment: dict[str, str], file: Path) -> None:
    """It asks nothing, and ends well."""
    done = run(environment, "apply", str(file), "--dry-run")

    assert (0, [], "") == (done.returncode, names(environment), done.stderr)
    assert "2 to create, 0 to change, 0 to remove, 0 unchanged." in done.stdout


def test_prune_removes(environment: dict[str, str], file: Path) -> None:
    """Without it, what else is there is named."""
    run(environment, "apply", str(file), "--yes")
    file.write_text("ring-groups: []\n")
    kept = run(environment, "apply", str(file), "--yes")
    removed = run(environment, "apply", str(file), "--yes", "--prune")

    assert "left as they are: ring group 6100 (--prune removes them)" in kept.stdout
    assert "- ring group 6100 “Sales”" in removed.stdout
    assert ["8001"] == names(environment)


def test_all_faults_are_listed(environment: dict[str, str], file: Path) -> None:
    """On the standard error, with the file, lines and paths; the exit code is 1."""
    file.write_text('mailboxes:\n- {number: 8001, name: "\x1b[2J"}\nring_groups: []\n'.replace("\x1b", "\\e"))
    done = run(environment, "apply", str(file), "--yes")

    assert (1, "") == (done.returncode, done.stdout)
    assert [
        f"controlplane: {file} cannot be applied; nothing was changed:",
        "  line 2: mailboxes[0].display_name: This field is required.",
    ] == done.stderr.splitlines()[:2]
    assert 4 == len(done.stderr.splitlines())


def test_a_secret_comes_from_the_environment_and_is_nowhere_shown(
    environment: dict[str, str], file: Path
) -> None:
    """Not in what is printed, and not in the log."""
    file.write_text('mailboxes: [{number: "8001", display_name: Team, pin: "${TEAM_PIN}"}]')
    done = run({**environment, "TEAM_PIN": PIN}, "apply", str(file), "--yes")
    weak = run({**environment, "TEAM_PIN": "7777"}, "apply", str(file), "--yes")

    assert (0, 1) == (done.returncode, weak.returncode)
    assert "+ mailbox 8001 “Team” (pin set)" in done.stdout
    assert not [told for one in (done, weak) for told in (PIN, "7777") if told in one.stdout + one.stderr]


def test_a_pin_comes_from_a_file_beside_the_tenants(environment: dict[str, str], file: Path) -> None:
    """That everybody may read it is told, and it is taken all the same."""
    beside = file.with_name("team.pin")
    beside.write_text(PIN)
    beside.chmod(0o644)
    file.write_text('mailboxes: [{number: "8001", display_name: Team, pin_file: team.pin}]')
    done = run(environment, "apply", str(file), "--yes")

    assert (0, f"controlplane: Everybody on this machine may read {beside}: chmod 600 it.") == (
        done.returncode,
        done.stderr.strip(),
    )
    assert "+ mailbox 8001 “Team” (pin set)" in done.stdout
    assert PIN not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("apply",), 2, "Missing argument"),
        (("apply", "nowhere.yaml"), 2, "nowhere.yaml cannot be read (No such file or directory)."),
        (("apply", "/"), 2, "/ cannot be read (Is a directory)."),
        (("apply", "-", "--yes", "--dry-run"), 2, "nothing to say yes to"),
        (("apply", "-", "--state-dir", "nowhere"), 2, "Nothing runs in nowhere"),
        (
            ("apply", "-"),
            1,
            "the standard input cannot be applied; nothing was changed:\n  The file is empty.",
        ),
        (("export", "--tenant", "nowhere"), 1, "There is no tenant of this name."),
        (("demo", "company", "--state-dir", "nowhere"), 2, "Nothing runs in nowhere"),
        (("demo", "--switch", "none"), 2, "needs a switch"),
        (("demo", "village"), 2, "No such command"),
        (("demo", "--switch", "freeswitch", "company"), 2, "which has its switch"),
        (("demo", "company", "village"), 2, "unexpected extra argument"),
        (("demo", "company", "--prune"), 2, "No such option: --prune"),
        (("demo", "company", "--yes", "--dry-run"), 2, "nothing to say yes to"),
    ],
)
def test_wrong_use_is_told(
    environment: dict[str, str], arguments: tuple[str, ...], code: int, said: str
) -> None:
    """One sentence, and nothing on the standard output."""
    done = run(environment, *arguments)

    assert (code, "") == (done.returncode, done.stdout)
    assert said in " ".join(done.stderr.replace("│", " ").split(" "))


def test_an_export_can_be_piped_into_apply(environment: dict[str, str], file: Path) -> None:
    """Nothing else is on the standard output, and nothing changes."""
    run(environment, "apply", str(file), "--yes")
    exported = run(environment, "export")
    again = run(environment, "apply", "-", "--prune", stdin=exported.stdout)

    assert (0, 0) == (exported.returncode, again.returncode)
    assert "Nothing to change" in again.stdout
    assert {"8001", "6100"} <= set(exported.stdout.replace("'", " ").split())


def test_the_example_says_what_to_dial(tmp_path: Path) -> None:
    """By its own numbers; and when calls from outside do not reach the receptionist."""
    file = read_declaration(FILE.read_bytes(), {})
    ready = json.loads('{"mailbox": {"number": "8001", "pin": "290174"}}')
    monday = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
    told = what_to_dial(file, ready, tmp_path, now=monday)
    sunday = what_to_dial(file, ready, tmp_path, now=monday.replace(day=1))

    assert "  6000     the main number: 1 is Sales, 3 is IT support, 5 is Example Company\n" in told
    assert "*568001  to hear the shared mailbox; PIN 290174" in told
    assert f"controlplane phone --state-dir {tmp_path} 493023125100 listen:2 press:5 beep" in told
    assert (False, True) == ("closed now" in told, "closed now" in sunday)


def test_nobody_is_mailed_where_mail_is_real() -> None:
    """The addresses of the example are made up."""
    file = read_declaration(FILE.read_bytes(), {})
    assert [True] == [
        bool(one.email_recipients) for one in file.declaration.mailboxes or [] if one.number == "8001"
    ]
    without_mail(file)

    assert [] == [
        one for one in file.declaration.mailboxes or [] if one.email_recipients or one.email_notification
    ]
