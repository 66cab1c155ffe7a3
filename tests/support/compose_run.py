"""Runs docker-compose.yml without an engine: each service a process, with what the file gives it and no more.

A service gets exactly its command, its environment, its secret files and its health check, and is
started when what it waits for is healthy or done. The paths of its volumes become folders of the
test; a path on no volume leads nowhere. The names of services become the loopback address. What is
not tried: users, capabilities, read-only roots, the separation of the networks, and published ports.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from tests.support.compose_file import ComposeFault, Plan, Service
from tests.support.compose_images import Image
from tests.support.compose_rules import SECRETS

_NOWHERE = "/proc/no-volume"
_HEALTHY_SECONDS = 90.0
_ASK_AGAIN_SECONDS = 0.4


class Composed:
    """The running services. Use `up` first, `down` last."""

    def __init__(
        self,
        plan: Plan,
        images: Mapping[str, Image],
        folder: Path,
        *,
        places: Mapping[str, str],
    ) -> None:
        """Run below `folder`; `places` says which `host:port` in a secret is where on this machine."""
        self.plan = plan
        self.folder = folder
        self._images = images
        self._places = places
        self._processes: dict[str, asyncio.subprocess.Process] = {}
        self.started: list[str] = []

    def volume(self, name: str) -> Path:
        """Return the folder of a named volume."""
        made = self.folder / "volumes" / name
        made.mkdir(parents=True, exist_ok=True)
        return made

    def log(self, name: str) -> str:
        """Return what a service wrote."""
        path = self.folder / f"{name}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    async def up(self) -> None:
        """Start everything in the order that the file asks for; raises ComposeFault naming who failed."""
        made = {name: asyncio.Event() for name in self.plan.services}

        async def one(service: Service) -> None:
            for other in service.depends_on:
                await made[other].wait()
            await self.start(service.name)
            made[service.name].set()

        try:
            async with asyncio.TaskGroup() as starting:
                for service in self.plan.services.values():
                    starting.create_task(one(service))
        except ExceptionGroup as faults:
            raise faults.exceptions[0] from faults

    async def start(self, name: str) -> None:
        """Start one service, and wait until it is healthy or, if it is one that ends, done."""
        service = self.plan.services[name]
        process = await self._launch(service)
        if service.once:
            code = await process.wait()
            if code != 0:
                raise ComposeFault(f"{name} ended with {code}: {self.log(name)[-1500:]}")
        else:
            await self._until_healthy(service, process)
        self.started.append(name)

    async def execute(self, name: str, *words: str) -> str:
        """Run a command in a service, as `docker compose exec` does; returns its output."""
        service = self.plan.services[name]
        image = self._image(service)
        process = await asyncio.create_subprocess_exec(
            *image.program(list(words)),
            env=self.environment(service),
            cwd="/",
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        output, errors = await process.communicate()
        if process.returncode != 0:
            raise ComposeFault(f"{name}: {words} ended with {process.returncode}: {errors.decode()[-1500:]}")
        return output.decode()

    async def healthy(self, name: str) -> bool:
        """Run the health check of a service once."""
        service = self.plan.services[name]
        assert service.health is not None
        try:
            await self.execute(name, *service.health)
        except ComposeFault:
            return False
        return True

    def process(self, name: str) -> asyncio.subprocess.Process:
        """Return the process of a service."""
        return self._processes[name]

    async def down(self) -> dict[str, int]:
        """Stop all of it, who waits for another first; return how each ended."""
        codes = {}
        for name in reversed(self.started):
            process = self._processes[name]
            if process.returncode is None:
                process.terminate()
                with suppress(TimeoutError):
                    async with asyncio.timeout(20):
                        await process.wait()
            if not self.plan.services[name].once:
                codes[name] = process.returncode if process.returncode is not None else -1
        for process in self._processes.values():
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
        return codes

    def environment(self, service: Service) -> dict[str, str]:
        """Return the environment of a service: what the file says, and what its image sets."""
        image = self._image(service)
        set_by_image = {name: self._placed(service, value) for name, value in image.environment.items()}
        given = {
            name: self._resolved(self._placed(service, value))
            if name.endswith("HOST")
            else self._placed(service, value)
            for name, value in service.environment.items()
        }
        data = service.mount_of("/var/lib/postgresql/data") if service.name == "postgres" else None
        own = {} if data is None else {"PGDATA": self._placed(service, data.target)}
        return {**set_by_image, **own, **given, "PATH": image.path}

    async def _launch(self, service: Service) -> asyncio.subprocess.Process:
        image = self._image(service)
        command = image.program([*image.entry_point, *self._words(service)])
        with (self.folder / f"{service.name}.log").open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *command,
                env=self.environment(service),
                cwd="/",
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._processes[service.name] = process
        return process

    async def _until_healthy(self, service: Service, process: asyncio.subprocess.Process) -> None:
        try:
            async with asyncio.timeout(_HEALTHY_SECONDS):
                while not await self.healthy(service.name):
                    if process.returncode is not None:
                        said = self.log(service.name)[-1500:]
                        raise ComposeFault(f"{service.name} ended with {process.returncode}: {said}")
                    await asyncio.sleep(_ASK_AGAIN_SECONDS)
        except TimeoutError:
            raise ComposeFault(f"{service.name} is not healthy: {self.log(service.name)[-1500:]}") from None

    def _image(self, service: Service) -> Image:
        return self._images[service.image.partition(":")[0]]

    def _words(self, service: Service) -> list[str]:
        # Whoever is not root can give a file to no other group than his own.
        words = [self._placed(service, word) for word in service.command]
        return [str(os.getgid()) if os.geteuid() and word == "10001" else word for word in words]

    def _resolved(self, host: str) -> str:
        return "127.0.0.1" if host in self.plan.services else host

    def _placed(self, service: Service, value: str) -> str:
        """Return a value as it is here, if it is a path of the container."""
        if value.startswith(SECRETS):
            name = value.removeprefix(SECRETS)
            return str(self._secret(service, name)) if name in service.secrets else f"{_NOWHERE}/{name}"
        if not value.startswith("/"):
            return value
        mount = service.mount_of(value)
        if mount is None:
            # What the image brings along is here too; all else would be on its read-only root.
            return value if Path(value).exists() else _NOWHERE + value
        if mount.source == "tmpfs":
            root = self.folder / "tmpfs" / service.name / mount.target.strip("/").replace("/", "-")
            root.mkdir(parents=True, exist_ok=True)
        else:
            root = self.volume(mount.source.strip("./"))
        return str(root) + value.removeprefix(mount.target)

    def _secret(self, service: Service, name: str) -> Path:
        """Return a secret's file, as this service sees it: names in it are places here."""
        text = (self.volume("secrets") / Path(self.plan.secrets[name]).name).read_text()
        for host, place in self._places.items():
            text = text.replace(f"@{host}/", f"@{place}/")
        path = self.folder / "run-secrets" / service.name / name
        path.parent.mkdir(parents=True, exist_ok=True)
        # Each health check asks for it anew while the service may be reading it: it is never half there.
        beside = path.with_suffix(".new")
        beside.write_text(text)
        beside.replace(path)
        return path
