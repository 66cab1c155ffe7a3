"""A private Asterisk: its fixed configuration, its command, and the facts that say that it runs.

The rendered part of the configuration is included from the published one, so that a reload
reads what was published last. AMI is TCP; only the control socket needs a short path.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable, Mapping
from pathlib import Path

from controlplane.supervisor.asterisk_tree import AsteriskTree
from controlplane.supervisor.faults import CannotStart

_TEMPLATES = Path(__file__).resolve().parents[2] / "asterisk"
RENDERED = (
    "extensions.conf", "manager.conf", "modules.conf", "musiconhold.conf", "pjsip.conf", "queues.conf",
    "rtp.conf",
)  # fmt: skip
# Modules that find no file of their own refuse to load or complain at each start.
_EMPTY = (
    "acl", "ccss", "cli", "cli_aliases", "cli_permissions", "codecs", "dnsmgr", "features",
    "minivm", "pjproject", "pjsip_notify", "res_stun_monitor", "stasis",
    "udptl", "xmpp",
)  # fmt: skip
_ASK_AGAIN_SECONDS = 0.05
_CONTROL_PATH_LIMIT = 107


class PrivateAsterisk:
    """One Asterisk of our own.

    `home` holds its files, `run_folder` (short, 0700) its control socket, `live` is the folder of
    the published configuration files.
    """

    name = "Asterisk"

    def __init__(self, tree: AsteriskTree, *, home: Path, run_folder: Path, live: Path) -> None:
        self.tree = tree
        self._home = home
        self._run = run_folder
        self._live = live
        if len(str(run_folder / "asterisk.ctl")) > _CONTROL_PATH_LIMIT:
            raise CannotStart(
                f"The path {run_folder} is too long for Asterisk: set XDG_RUNTIME_DIR to a shorter one."
            )

    @property
    def command(self) -> tuple[str, ...]:
        """The words that run it in the foreground."""
        return (*self.tree.command, "-f", "-C", str(self._configuration))

    @property
    def environment(self) -> Mapping[str, str]:
        """What it needs besides the plain environment."""
        return {}

    @property
    def log(self) -> Path:
        """Where it writes what it has to say."""
        return self._home / "log" / "messages"

    def last_error(self) -> str:
        """Return the last line of the log that is an error, for a sentence about its end."""
        try:
            lines = self.log.read_text(errors="replace").splitlines()
        except OSError:
            return "it said nothing"
        return next((line for line in reversed(lines) if "ERROR" in line), lines[-1] if lines else "")

    def configure(self) -> None:
        """Write the fixed part of the configuration; may be repeated."""
        for folder in ("etc", "var", "db", "spool", "log"):
            (self._home / folder).mkdir(mode=0o700, parents=True, exist_ok=True)
        places = {
            "@HOME@": self._home,
            "@RUN@": self._run,
            "@MODULES@": self.tree.modules,
            "@DATA@": self.tree.data,
        }
        for template in sorted(_TEMPLATES.glob("*.conf")):
            text = template.read_text()
            for name, path in places.items():
                text = text.replace(name, str(path))
            (self._home / "etc" / template.name).write_text(text)
        for name in RENDERED:
            (self._home / "etc" / name).write_text(f'#include "{self._live / name}"\n')
        for name in _EMPTY:
            (self._home / "etc" / f"{name}.conf").touch()

    def prepare(self) -> None:
        """Remove what a killed process left in the run folder; call it before each start."""
        for name in ("asterisk.ctl", "asterisk.pid"):
            (self._run / name).unlink(missing_ok=True)

    async def until_booted(self, port: int, *, limit_seconds: float, check: Callable[[], None]) -> None:
        """Wait until it says that it is fully booted and its manager interface, on `port`, greets.

        Raises CannotStart. `check` is called now and then, and raises when waiting is in vain.
        """
        try:
            async with asyncio.timeout(limit_seconds):
                while "fully booted" not in await self._ask("core waitfullybooted"):
                    check()
                    await asyncio.sleep(_ASK_AGAIN_SECONDS)
                while not await _greets(port):
                    check()
                    await asyncio.sleep(_ASK_AGAIN_SECONDS)
        except TimeoutError:
            raise CannotStart(
                f"Asterisk did not come up within {limit_seconds:.0f} s: see {self.log}."
            ) from None

    async def _ask(self, command: str) -> str:
        """Give a command on the control socket; returns the answer, empty if nobody listens."""
        if not (self._run / "asterisk.ctl").exists():
            return ""
        process = await asyncio.create_subprocess_exec(
            *self.tree.command, "-C", str(self._configuration), "-rx", command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={"PATH": os.defpath, "HOME": str(self._home)},
        )  # fmt: skip
        try:
            answer, _ = await process.communicate()
        except asyncio.CancelledError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            raise
        return answer.decode(errors="replace")

    @property
    def _configuration(self) -> Path:
        return self._home / "etc" / "asterisk.conf"


async def _greets(port: int) -> bool:
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    try:
        return b"Asterisk Call Manager" in await reader.readline()
    except OSError:
        return False
    finally:
        writer.close()
