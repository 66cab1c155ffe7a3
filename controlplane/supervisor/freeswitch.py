"""A private FreeSWITCH: its folders, its command, and the facts that say that it runs.

All of its configuration is the published one, which it reads through the live link, so that a
reload reads what was published last.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path

from controlplane.rendering.freeswitch import PROFILE
from controlplane.supervisor.faults import CannotStart
from controlplane.supervisor.freeswitch_tree import FreeswitchTree

_FOLDERS = ("log", "db", "run", "tmp", "scripts", "certs", "storage", "cache", "sounds", "grammar", "htdocs")
_ASK_AGAIN_SECONDS = 0.05
_ANSWER_SECONDS = 5.0


class PrivateFreeswitch:
    """One FreeSWITCH of our own.

    `home` holds its files, `live` is the folder of the published configuration files; `password`
    is that of its event socket.
    """

    name = "FreeSWITCH"

    def __init__(self, tree: FreeswitchTree, *, home: Path, live: Path, password: str) -> None:
        self.tree = tree
        self._home = home
        self._live = live
        self._password = password

    @property
    def command(self) -> tuple[str, ...]:
        """The words that run it in the foreground."""
        folders = {"-conf": self._live, "-mod": self.tree.modules, "-recordings": self._home / "storage"}
        folders |= {f"-{name if name != 'tmp' else 'temp'}": self._home / name for name in _FOLDERS}
        words = [str(word) for pair in folders.items() for word in pair]
        # Without -nosql it would write each step of each call into a database, for lists that nobody reads.
        return (str(self.tree.program), "-nf", "-nc", "-nosql", "-nonat", "-nocal", "-np", *words)

    @property
    def environment(self) -> Mapping[str, str]:
        """What it needs besides the plain environment."""
        return {"LD_LIBRARY_PATH": str(self.tree.libraries), "HOME": str(self._home)}

    @property
    def log(self) -> Path:
        """Where it writes what it has to say."""
        return self._home / "log" / "freeswitch.log"

    def last_error(self) -> str:
        """Return the last line of the log that is an error, for a sentence about its end."""
        try:
            lines = self.log.read_text(errors="replace").splitlines()
        except OSError:
            return "it said nothing"
        wrong = (line for line in reversed(lines) if "[ERR]" in line or "[CRIT]" in line)
        return next(wrong, lines[-1] if lines else "")

    def configure(self) -> None:
        """Make its folders; may be repeated."""
        for folder in _FOLDERS:
            (self._home / folder).mkdir(mode=0o700, parents=True, exist_ok=True)

    def prepare(self) -> None:
        """Remove what a killed process left; call it before each start."""
        (self._home / "run" / "freeswitch.pid").unlink(missing_ok=True)

    async def until_booted(self, port: int, *, limit_seconds: float, check: Callable[[], None]) -> None:
        """Wait until its event socket lets us in and its SIP profile runs; raises CannotStart.

        `check` is called now and then, and raises when waiting is in vain.
        """
        try:
            async with asyncio.timeout(limit_seconds):
                while not self._runs(await self.ask(port, "sofia status")):
                    check()
                    await asyncio.sleep(_ASK_AGAIN_SECONDS)
        except TimeoutError:
            raise CannotStart(
                f"FreeSWITCH did not come up within {limit_seconds:.0f} s"
                f" ({self.last_error()}): see {self.log}."
            ) from None

    @staticmethod
    def _runs(status: str) -> bool:
        return any(PROFILE in line and "RUNNING" in line for line in status.splitlines())

    async def ask(self, port: int, command: str) -> str:
        """Give an api command on the event socket; returns the answer, empty if nobody listens or in time."""
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                try:
                    await reader.readuntil(b"\n\n")
                    writer.write(f"auth {self._password}\n\n".encode())
                    await reader.readuntil(b"\n\n")
                    writer.write(f"api {command}\n\n".encode())
                    head = (await reader.readuntil(b"\n\n")).decode(errors="replace")
                    length = next(
                        (line for line in head.splitlines() if line.startswith("Content-Length:")), ":0"
                    )
                    answer = await reader.readexactly(int(length.partition(":")[2]))
                    return answer.decode(errors="replace")
                finally:
                    writer.close()
        except (OSError, TimeoutError, EOFError, asyncio.LimitOverrunError, ValueError):
            return ""
