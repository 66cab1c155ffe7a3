"""Makes the secrets of an installation, a file each: `controlplane secrets --output DIR`.

What is there stays, so that it may be run again after an upgrade that wants another secret.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from controlplane.entrypoints.private_settings import pin_key, random_secret
from controlplane.supervisor.faults import CannotStart
from controlplane.supervisor.state import write_private

ROLE = "controlplane"
_PASSWORD, _URL = "database-password", "database-url"
_MADE: dict[str, Callable[[], str]] = {
    "link-key": random_secret,
    "pin-keys": pin_key,
    "outbound-socket": random_secret,
    "event-socket": random_secret,
    "fastagi": random_secret,
    "manager": random_secret,
    # Nobody but the mail server knows it: empty until it is written there.
    "smtp-password": str,
}


def main(output: Path, *, database: str, group: int | None) -> None:
    """Make the files that are missing; `group` may read them, by default only their owner.

    `database` is host and port in the database's URL. Raises CannotStart.
    """
    try:
        output.mkdir(mode=0o700, parents=True, exist_ok=True)
        made = _make(output, database)
        if group is not None:
            os.chown(output, -1, group)
            output.chmod(0o750)
            for name in made:
                os.chown(output / name, -1, group)
                (output / name).chmod(0o640)
    except OSError as error:
        raise CannotStart(f"{output} cannot be written ({error.strerror}): name another folder.") from error
    print(f"Made in {output}: {', '.join(made)}" if made else f"Everything is in {output} already.")


def _make(output: Path, database: str) -> list[str]:
    """Return the names of what was made."""
    made = []
    if not (output / _PASSWORD).exists() and (output / _URL).exists():
        raise CannotStart(f"{output / _PASSWORD} is missing, and {_URL} names it: put it back.")
    wanted = {_PASSWORD: random_secret, _URL: lambda: _url(output, database), **_MADE}
    for name, make in wanted.items():
        if not (output / name).exists():
            write_private(output / name, f"{make()}\n")
            made.append(name)
    return made


def _url(output: Path, database: str) -> str:
    password = (output / _PASSWORD).read_text().strip()
    return f"postgresql://{ROLE}:{password}@{database}/{ROLE}"
