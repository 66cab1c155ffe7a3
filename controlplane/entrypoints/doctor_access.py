"""What `doctor` says of permissions: whether the switch may use our folders, and that others may not."""

from __future__ import annotations

import asyncio
import grp
import os
import pwd
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from controlplane.entrypoints.findings import Finding
from controlplane.settings import Settings

_LISTENS = "0A"
_OTHERS = stat.S_IRWXO


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """Who runs the switch. `groups` None: they cannot be seen from here, as in another container."""

    uid: int
    groups: frozenset[int] | None

    @property
    def name(self) -> str:
        """Its name, if it has one here."""
        try:
            return pwd.getpwuid(self.uid).pw_name
        except KeyError:
            return f"user {self.uid}"

    def may(self, path: Path, wanted: int) -> bool | None:
        """Say whether it may do this with a folder (bits of S_IRWXO); None if that depends on its groups."""
        found = path.stat()
        if self.uid == 0:
            return True
        if found.st_uid == self.uid:
            return found.st_mode >> 6 & wanted == wanted
        if self.groups is None:
            of_group, of_others = found.st_mode >> 3 & wanted == wanted, found.st_mode & wanted == wanted
            return of_others if of_group == of_others else None
        shift = 3 if found.st_gid in self.groups else 0
        return found.st_mode >> shift & wanted == wanted


async def check_access(settings: Settings) -> list[Finding]:
    """The switch may write into the spool and read what it plays and runs; nobody else may read secrets."""
    return await asyncio.to_thread(_check, settings)


def _check(settings: Settings) -> list[Finding]:
    return [*_of_switch(settings), *_of_others(settings)]


def _of_switch(settings: Settings) -> list[Finding]:
    if settings.switch == "none":
        return []
    port = settings.event_socket.port if settings.switch == "freeswitch" else settings.manager.port
    user = listener(port)
    subject = "folders of the switch"
    if user is None:
        return [Finding(subject=subject, found="who runs the switch cannot be seen from here")]
    return of_user(
        user,
        {
            settings.paths.spool: os.W_OK | os.R_OK | os.X_OK,
            settings.paths.recordings: os.R_OK | os.X_OK,
            settings.paths.prompts: os.R_OK | os.X_OK,
            settings.paths.configuration: os.R_OK | os.X_OK,
        },
    )


def of_user(user: User, needed: Mapping[Path, int]) -> list[Finding]:
    """Say which of these folders a user cannot reach, or not use as it must."""
    subject = "folders of the switch"
    unsure = False
    for path, wanted in needed.items():
        if not path.is_dir():
            continue
        for folder, bits in [(path, wanted), *((above, os.X_OK) for above in path.resolve().parents)]:
            allowed = user.may(folder, bits)
            unsure = unsure or allowed is None
            if allowed is False:
                what = "write into" if bits & os.W_OK else "enter" if bits == os.X_OK else "read"
                group = _group(path)
                remedy = (
                    f"Put the user of the switch into the group {group} and start it again, and give {folder}"
                    f" to that group (chmod {'g+rwxs' if bits & os.W_OK else 'g+rx'})."
                )
                found = f"the switch ({user.name}) may not {what} {folder}"
                return [Finding(subject=subject, found=found, remedy=remedy)]
    if unsure:
        found = f"depend on the groups of {user.name}, which cannot be seen from here"
        return [Finding(subject=subject, found=found)]
    return [Finding(subject=subject, found=f"{user.name} may write into the spool and read the others")]


def _of_others(settings: Settings) -> list[Finding]:
    """Recordings are private, and the published configuration has passwords."""
    findings = []
    for name in ("recordings", "spool", "configuration"):
        path: Path = getattr(settings.paths, name)
        if (
            path.is_dir()
            and path.stat().st_mode & _OTHERS
            and all(_is_open(above) for above in path.resolve().parents)
        ):
            remedy = f"chmod o-rwx {path}"
            found = f"{path} is open to every user of this machine"
            findings.append(Finding(subject=f"permissions of {name}", found=found, remedy=remedy))
    for variable, text in os.environ.items():
        path = Path(text)
        if (
            variable.startswith("CONTROLPLANE_")
            and variable.endswith("_FILE")
            and path.is_file()
            and path.stat().st_mode & _OTHERS
            and all(_is_open(above) for above in path.resolve().parents)
        ):
            found = f"{path} is open to every user of this machine"
            findings.append(Finding(subject=variable, found=found, remedy=f"chmod o-rwx {path}"))
    return findings or [Finding(subject="permissions", found="nobody else reads recordings and secrets")]


def _is_open(folder: Path) -> bool:
    return bool(folder.stat().st_mode & stat.S_IXOTH)


def _group(path: Path) -> str:
    gid = path.stat().st_gid
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)


def listener(port: int) -> User | None:
    """Return who listens on a TCP port of this machine (or of this container's network); None: nobody."""
    for table in ("tcp", "tcp6"):
        try:
            lines = Path(f"/proc/self/net/{table}").read_text().splitlines()[1:]
        except OSError:
            continue
        for fields in map(str.split, lines):
            if fields[3] == _LISTENS and int(fields[1].rpartition(":")[2], 16) == port:
                return User(uid=int(fields[7]), groups=_groups(int(fields[7])))
    return None


def _groups(uid: int) -> frozenset[int] | None:
    if uid == os.geteuid():
        return frozenset({os.getegid(), *os.getgroups()})
    try:
        found = pwd.getpwuid(uid)
        return frozenset(os.getgrouplist(found.pw_name, found.pw_gid))
    except (KeyError, OSError):
        return None
