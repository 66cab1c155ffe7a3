"""`controlplane create-token`, `list-tokens` and `revoke-token`, as programs run them."""

from __future__ import annotations

import subprocess
import sys

import httpx
import psycopg
import pytest


def run(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command."""
    return subprocess.run(
        [sys.executable, "-m", "controlplane.entrypoints.cli", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )


def ids(environment: dict[str, str]) -> list[str]:
    """Return the ids that `list-tokens` shows."""
    return [line.split("\t")[0] for line in run(environment, "list-tokens").stdout.splitlines()]


def test_token_is_all_that_a_shell_gets(environment: dict[str, str]) -> None:
    """`TOKEN=$(controlplane create-token …)` works as a header at once; the log is on stderr."""
    controlplane = f"{sys.executable} -m controlplane.entrypoints.cli"
    done = subprocess.run(
        ["sh", "-c", f'TOKEN=$({controlplane} create-token --name billing); printf "%s" "$TOKEN"'],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )
    header = httpx.Headers({"Authorization": f"Bearer {done.stdout}"})

    assert (True, 1) == (header["Authorization"].startswith("Bearer svm_"), len(done.stdout.split()))
    assert "token.created" in done.stderr
    assert done.stdout not in done.stderr


def test_list_has_no_token_in_clear(environment: dict[str, str]) -> None:
    """A line each: id, tenant, when made, when it expires, name, whose it is."""
    run(environment, "create-token", "--name", "billing", "--tenant", "default")
    run(environment, "create-token", "--name", "all of them", "--expires-days", "1")
    lines = [line.split("\t") for line in run(environment, "list-tokens").stdout.splitlines()]

    assert [("default", "never", "billing"), ("(all)", False, "all of them")] == [
        (tenant, expires if expires == "never" else not expires, name)
        for _, tenant, _, expires, name, _ in lines
    ]


@pytest.mark.parametrize("by", ["id", "name"])
def test_revoked_token_is_in_force_no_more(environment: dict[str, str], by: str) -> None:
    """By its id or its name; the id is printed."""
    run(environment, "create-token", "--name", "billing")
    run(environment, "create-token", "--name", "kept")
    first, second = ids(environment)
    done = run(environment, "revoke-token", *([first] if by == "id" else ["--name", "billing"]))

    assert (0, f"{first}\n", [second]) == (done.returncode, done.stdout, ids(environment))


def test_name_of_several_tokens_revokes_none(environment: dict[str, str]) -> None:
    """Which one was meant is not guessed."""
    for _ in range(2):
        run(environment, "create-token", "--name", "billing")
    done = run(environment, "revoke-token", "--name", "billing")

    assert (1, 2) == (done.returncode, len(ids(environment)))
    assert done.stderr == (
        "controlplane: 2 tokens have this name: name one by its id, see `controlplane list-tokens`.\n"
    )


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ((), 2, "Name one token"),
        (("--name", "nobody"), 1, "no token of this name"),
        (("7c9a4d6e-3f52-4f0e-9d0b-0d7f6a1f2b3c",), 1, "no such token in force"),
    ],
)
def test_token_that_is_not_there_is_told(
    environment: dict[str, str], arguments: tuple[str, ...], code: int, said: str
) -> None:
    """One sentence, and nothing for programs."""
    done = run(environment, "revoke-token", *arguments)

    assert (code, "", 1) == (done.returncode, done.stdout, len(done.stderr.splitlines()))
    assert said in done.stderr


@pytest.mark.parametrize("command", [("create-token", "--name", "x"), ("publish",), ("list-tokens",)])
def test_without_a_database_the_reason_and_the_remedy_are_told(
    environment: dict[str, str], command: tuple[str, ...]
) -> None:
    """As `migrate` says it."""
    environment["CONTROLPLANE_DATABASE_URL"] = "postgresql://x@/x?host=/nowhere"
    done = run(environment, *command)

    assert (1, "", 1) == (done.returncode, done.stdout, len(done.stderr.splitlines()))
    assert "(connection" in done.stderr
    assert "check CONTROLPLANE_DATABASE_URL" in done.stderr


def test_without_tables_the_remedy_is_to_migrate(environment: dict[str, str]) -> None:
    """An empty database is the usual state of a first start."""
    url = environment["CONTROLPLANE_DATABASE_URL"]
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE without_tables")
        environment["CONTROLPLANE_DATABASE_URL"] = url.replace("/controlplane?", "/without_tables?")
        done = run(environment, "create-token", "--name", "x")
        connection.execute("DROP DATABASE without_tables WITH (FORCE)")

    assert done.returncode == 1
    assert "run `controlplane migrate`" in done.stderr
