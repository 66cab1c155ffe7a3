"""The control plane as it runs in earnest: a database and four processes beside a switch that is not ours."""

from __future__ import annotations

import asyncio
import base64
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import psycopg
from controlplane.entrypoints.doctor import examine
from controlplane.entrypoints.prefetch import make_prompts
from controlplane.settings import load
from controlplane.speech.cache import PromptCache
from controlplane.supervisor import tether
from controlplane.supervisor.asterisk_tree import cache_folder
from controlplane.supervisor.postgres import EmbeddedPostgres
from tests.support.dialplan_rig import free_port
from tests.support.product import PIN, SHORT

_COMMAND = (sys.executable, "-m", "controlplane.entrypoints.cli")
PROCESSES = ("web", "calls", "events", "jobs")
_READY_SECONDS = 45.0
_END_SECONDS = 10.0


class ControlPlane:
    """One installation below `folder`, with the settings of a documentation page."""

    def __init__(self, folder: Path, settings: Mapping[str, str]) -> None:
        self.folder = folder
        self._postgres = EmbeddedPostgres(folder / "postgres", fsync=False)
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        port = free_port()
        self._url = f"http://127.0.0.1:{port}"
        key = base64.b64encode(secrets.token_bytes(32)).decode()
        self.settings = {
            **SHORT,
            "CONTROLPLANE_DATABASE_URL": self._postgres.start(),
            "CONTROLPLANE_LINK_KEY": secrets.token_urlsafe(32),
            "CONTROLPLANE_PINS__KEYS": f"k1:{key}",
            "CONTROLPLANE_PATHS__MAIL": str(folder / "mail"),
            "CONTROLPLANE_HTTP__PORT": str(port),
            **settings,
        }
        for name, value in self.settings.items():
            if name.startswith("CONTROLPLANE_PATHS__"):
                Path(value).mkdir(mode=0o750, parents=True, exist_ok=True)
        prompts = Path(self.settings["CONTROLPLANE_PATHS__PROMPTS"])
        # What `controlplane prompts` makes, from where it was made once for all tests.
        make_prompts(cache_folder(os.environ) / "prompts", prompts)
        self.prompts = PromptCache(prompts)
        self._token = ""

    @property
    def configuration(self) -> Path:
        """The folder that the switch reads."""
        return Path(self.settings["CONTROLPLANE_PATHS__CONFIGURATION"])

    def run(self, *words: str) -> tuple[int, str]:
        """Run a command; returns its exit code and all that it said."""
        done = subprocess.run(
            [*_COMMAND, *words],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=60,
        )
        return done.returncode, done.stdout

    async def wrong(self, **other: str) -> str:
        """Return what `doctor` finds wrong, with its remedies; `other` are further settings."""
        findings = await examine(load(self.settings | other))
        wrong = [finding for finding in findings if finding.remedy is not None]
        return "\n".join(f"{finding.subject}: {finding.found} {finding.remedy}" for finding in wrong)

    def install(self) -> None:
        """Do what the first start of an installation needs."""
        code, said = self.run("migrate")
        assert code == 0, said
        code, said = self.run("create-token", "--name", "test")
        assert code == 0, said
        self._token = said.strip().splitlines()[-1]

    def start(self, *names: str) -> None:
        """Start processes, all of them without a name, and wait until they serve."""
        for name in names or PROCESSES:
            with (self.folder / f"{name}.log").open("ab") as log:
                self._processes[name] = subprocess.Popen(
                    [sys.executable, "-I", "-S", tether.__file__, str(os.getpid()), *_COMMAND, name],
                    env=self._environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,  # as systemd does
                )
        deadline = time.monotonic() + _READY_SECONDS
        while not self._serves():
            for name, process in self._processes.items():
                assert process.poll() is None, (self.folder / f"{name}.log").read_text()[-2000:]
            assert time.monotonic() < deadline, "the processes did not become ready"
            time.sleep(0.1)

    def end(self, *names: str) -> None:
        """End processes, all of them without a name."""
        ended = [self._processes.pop(name) for name in names or tuple(self._processes)]
        for process in ended:
            process.terminate()
        for process in ended:
            try:
                process.wait(_END_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def stop(self) -> None:
        """End all of it."""
        self.end()
        self._postgres.stop()

    def api(self) -> httpx.AsyncClient:
        """Return a client with a token of the whole installation."""
        return httpx.AsyncClient(
            base_url=f"{self._url}/api/v1", headers={"Authorization": f"Bearer {self._token}"}, timeout=20
        )

    async def mailbox(self, number: str) -> None:
        """Make a mailbox and wait until it can be dialled; its PIN is PIN."""
        wanted = {"number": number, "display_name": f"Team {number}", "pin": PIN}
        async with self.api() as api:
            answer = await api.post("/mailboxes", json=wanted)
        assert answer.status_code == 201, answer.text
        deadline = time.monotonic() + _READY_SECONDS
        while not any(self.configuration.glob(f"routes/*/{number[-2:]}/{number}")):
            assert time.monotonic() < deadline, f"{number} has no route file"
            await asyncio.sleep(0.05)

    async def messages(self, number: str) -> list[dict[str, Any]]:
        """Return the messages of a mailbox, newest first."""
        async with self.api() as api:
            answer = await api.get(f"/mailboxes/{number}/messages")
        assert answer.status_code == 200, answer.text
        return list(answer.json()["items"])

    async def the_message(self, number: str) -> dict[str, Any]:
        """Wait for the one message of a mailbox."""
        (message,) = await self.wait_for_messages(number, 1)
        return message

    async def wait_for_messages(
        self, number: str, count: int, *, seconds: float = 60
    ) -> list[dict[str, Any]]:
        """Wait until a mailbox has `count` messages; return them."""
        deadline = time.monotonic() + seconds
        while len(found := await self.messages(number)) < count:
            assert time.monotonic() < deadline, f"{len(found)} of {count} messages within {seconds} s"
            await asyncio.sleep(0.1)
        return found

    def sources_of_tries(self, number: str) -> list[str]:
        """Return who tried the PIN of a mailbox, in the words of the database."""
        query = (
            "SELECT source FROM pin_tries JOIN mailboxes m ON m.id = mailbox_id"
            " WHERE m.number = %s ORDER BY pin_tries.id"
        )
        with psycopg.connect(self.settings["CONTROLPLANE_DATABASE_URL"]) as connection:
            return [source for (source,) in connection.execute(query, (number,)).fetchall()]

    def _serves(self) -> bool:
        listener = "OUTBOUND_SOCKET" if self.settings["CONTROLPLANE_SWITCH"] == "freeswitch" else "FASTAGI"
        port = int(self.settings[f"CONTROLPLANE_{listener}__PORT"])
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=5):
                return httpx.get(f"{self._url}/readyz", timeout=5).status_code == 200
        except (OSError, httpx.HTTPError):
            return False

    @property
    def _environment(self) -> dict[str, str]:
        plain = {name: os.environ[name] for name in ("PATH", "HOME", "TZ") if name in os.environ}
        return plain | self.settings | {"PYTHONPATH": str(Path(__file__).parents[2])}
