"""Admins of the portal from the command line: `controlplane create-admin`."""

from __future__ import annotations

import getpass
import sys
from pathlib import Path

from controlplane.domain.password import Password
from controlplane.entrypoints.tokens import with_database
from controlplane.services.password_hashing import PasswordHasher
from controlplane.services.users import NewUser, create_user
from controlplane.settings import Settings
from controlplane.supervisor.faults import CannotStart


def create(
    settings: Settings, *, user_name: str, tenant: str | None, display_name: str, password_file: Path | None
) -> None:
    """Make an admin of a tenant (by name), or of everything.

    Raises CannotStart when there is no password to be had, InvalidValue, NotFound, Conflict,
    Unavailable.
    """
    password = _asked() if password_file is None else _read(password_file)
    hasher = PasswordHasher()
    try:
        user = with_database(
            settings,
            lambda database: create_user(
                database,
                hasher,
                new=NewUser(user_name=user_name, display_name=display_name, tenant=tenant, password=password),
                scope=None,
                by="command line",
            ),
        )
    finally:
        hasher.close()
    print(f"{user.user_name} can sign in at {settings.http.public_url}/")


def _asked() -> Password:
    if not sys.stdin.isatty():
        raise CannotStart(
            "There is no terminal to ask for the password: name a --password-file, or - for stdin."
        )
    first = getpass.getpass("Password: ")
    if getpass.getpass("The same again: ") != first:
        raise CannotStart("The two passwords differ: try again.")
    return Password(first)


def _read(path: Path) -> Password:
    try:
        text = sys.stdin.read() if str(path) == "-" else path.read_text(encoding="utf-8")
    except OSError as error:
        raise CannotStart(f"{path} cannot be read ({error.strerror}): name another file.") from error
    except UnicodeDecodeError:
        raise CannotStart(f"{path} is no text: write the password into its first line.") from None
    return Password(text.partition("\n")[0].rstrip("\r"))
