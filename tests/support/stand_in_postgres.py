"""Stands in for the image of PostgreSQL: `python -m tests.support.stand_in_postgres PORT [pg_isready …]`.

As the image does, it makes a database in PGDATA out of POSTGRES_USER and POSTGRES_PASSWORD_FILE
where there is none, refuses to without a password, and lets nobody in over TCP without it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from controlplane.supervisor.postgres import EmbeddedPostgres


def _binaries(folder: Path) -> tuple[Path, int | None, int | None]:
    """Return where the programs are, and who may run them."""
    embedded = EmbeddedPostgres(folder / "never-made")
    shutil.rmtree(embedded._sockets)
    return embedded._binaries, embedded._owner.uid, embedded._owner.gid


def main() -> None:
    """Make the database if there is none, and become its server."""
    port, *words = sys.argv[1:]
    data = Path(os.environ["PGDATA"])
    binaries, uid, gid = _binaries(data.parent)
    if words:
        os.execv(binaries / "pg_isready", [*words, "--port", port])
    if uid is not None and gid is not None:
        os.chown(data, uid, gid)
        data.chmod(0o700)
    if not (data / "PG_VERSION").exists():
        _make(binaries, data, uid, gid)
    if uid is not None and gid is not None:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    os.chdir("/")
    options = {"listen_addresses": "127.0.0.1", "port": port, "unix_socket_directories": "", "fsync": "off"}
    settings = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
    server = str(binaries / "postgres")
    os.execv(server, [server, "-D", str(data), *settings])


def _make(binaries: Path, data: Path, uid: int | None, gid: int | None) -> None:
    given = os.environ.get("POSTGRES_PASSWORD_FILE")
    if given is None:
        sys.exit("Database is uninitialized and superuser password is not specified.")
    user = os.environ.get("POSTGRES_USER", "postgres")
    with tempfile.NamedTemporaryFile("w") as password:
        password.write(Path(given).read_text())
        password.flush()
        if uid is not None and gid is not None:
            os.chown(password.name, uid, gid)
        command = ["-D", str(data), "-U", user, "--pwfile", password.name, "--encoding=UTF8", "--locale=C"]
        auth = ["--auth-local=scram-sha-256", "--auth-host=scram-sha-256", "--no-sync", "--no-instructions"]
        _run([str(binaries / "initdb"), *command, *auth], uid, gid)
    # In single-user mode, as nobody can connect yet.
    single = [str(binaries / "postgres"), "--single", "-D", str(data), "postgres"]
    _run(single, uid, gid, given=f'CREATE DATABASE "{user}";\n')


def _run(command: list[str], uid: int | None, gid: int | None, *, given: str = "") -> None:
    done = subprocess.run(
        command,
        input=given,
        capture_output=True,
        text=True,
        check=False,
        user=uid,
        group=gid,
        extra_groups=None if uid is None else [],
        cwd="/",
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C", "HOME": "/"},
    )
    if done.returncode != 0:
        sys.exit(f"{command[0]}: {done.stderr.strip()[-500:]}")


if __name__ == "__main__":
    main()
