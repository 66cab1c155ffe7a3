"""The port on which `calls`, `events` and `jobs` tell how they are, and the command that asks there."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from controlplane.domain.errors import ControlPlaneError
from controlplane.entrypoints import health
from controlplane.entrypoints.monitoring import holds, monitoring
from controlplane.entrypoints.private_settings import pin_key
from controlplane.settings import Monitoring
from controlplane.supervisor.faults import CannotStart
from prometheus_client import CollectorRegistry, Counter
from tests.support.dialplan_rig import free_port
from tests.support.scripted_ami import SECRET, USERNAME, ScriptedAmi

ROOT = Path(__file__).parents[2]


async def get(port: int, path: str) -> httpx.Response:
    """Ask a process."""
    async with httpx.AsyncClient() as client:
        return await client.get(f"http://127.0.0.1:{port}{path}")


async def until_ready(port: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until a process says that it can do its work."""
    async with asyncio.timeout(60):
        while True:
            assert process.poll() is None, "the process ended"
            try:
                if (await get(port, "/readyz")).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.1)


@contextmanager
def running(name: str, folder: Path, **settings: str) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """Run a process with a monitoring port; yields the port."""
    port = free_port()
    ours = {
        "PRIVATE": "true",
        "MONITORING__PORT": str(port),
        **{
            f"PATHS__{each.upper()}": str(folder / each)
            for each in ("recordings", "prompts", "configuration", "mail")
        },
        "PATHS__SPOOL": str(folder / "spool"),
    }
    (folder / "spool").mkdir()
    environment = {f"CONTROLPLANE_{key}": value for key, value in (ours | settings).items()}
    process = subprocess.Popen(
        [sys.executable, "-m", "controlplane.entrypoints.cli", name],
        env={**os.environ, "PYTHONPATH": str(ROOT)} | environment,
        stderr=subprocess.DEVNULL,
    )
    with ExitStack() as stack:
        stack.callback(process.wait)
        stack.callback(process.kill)
        yield port, process


async def test_the_three_answers() -> None:
    """Alive, ready with each check by its name, and the figures of the registry that was given."""
    registry = CollectorRegistry()
    Counter("controlplane_tests", "A figure", registry=registry).inc(7)
    settings = Monitoring(port=free_port())
    assert settings.port is not None
    async with monitoring(settings, registry, {"worker": holds(lambda: True, "no worker runs")}):
        alive, ready = await get(settings.port, "/healthz"), await get(settings.port, "/readyz")
        figures, unknown = await get(settings.port, "/metrics"), await get(settings.port, "/secrets")

    assert (200, 200, 200, 404) == tuple(each.status_code for each in (alive, ready, figures, unknown))
    assert {"status": "ready", "checks": {"worker": "ok"}} == ready.json()
    assert "controlplane_tests_total 7.0" in figures.text
    assert "process_resident_memory_bytes" in figures.text


async def test_what_is_not_ready_is_named_without_an_address() -> None:
    """A fact that does not hold, an error, a surprise and a silence are 503, each with its check's name."""

    async def refused() -> None:
        raise OSError(2, "No such file", "/a/path")

    async def surprised() -> None:
        raise RuntimeError("10.0.0.1")

    async def silent() -> None:
        await asyncio.Event().wait()

    settings = Monitoring(port=free_port())
    assert settings.port is not None
    checks = {
        "worker": holds(lambda: False, "no worker runs"),
        "spool": refused,
        "surprise": surprised,
        "silence": silent,
    }
    async with monitoring(settings, CollectorRegistry(), checks):
        answer = await get(settings.port, "/readyz")

    assert 503 == answer.status_code
    assert {
        "worker": "no worker runs",
        "spool": "not available (FileNotFoundError)",
        "surprise": "failed",
        "silence": "no answer in time",
    } == answer.json()["checks"]


async def test_without_a_port_nothing_listens() -> None:
    """It is off by default, so that several processes of one machine need no ports."""
    before = {task.get_name() for task in asyncio.all_tasks()}
    async with monitoring(Monitoring(), CollectorRegistry(), {}):
        after = {task.get_name() for task in asyncio.all_tasks()}

    assert before == after


async def test_a_taken_port_is_named() -> None:
    """The sentence names the setting."""
    settings = Monitoring(port=free_port())
    async with monitoring(settings, CollectorRegistry(), {}):
        with pytest.raises(CannotStart, match="CONTROLPLANE_MONITORING__PORT"):
            async with monitoring(settings, CollectorRegistry(), {}):
                pass


async def test_the_command_says_what_is_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    """`controlplane health` prints the answer, and fails with what is not ready or with nobody there."""
    settings, ready = Monitoring(port=free_port()), [True]
    port = settings.port
    assert port is not None
    async with monitoring(
        settings, CollectorRegistry(), {"worker": holds(lambda: ready[0], "no worker runs")}
    ):
        await asyncio.to_thread(health.main, port=port)
        ready[0] = False
        with pytest.raises(ControlPlaneError, match="no worker runs"):
            await asyncio.to_thread(health.main, port=port)
    with pytest.raises(ControlPlaneError, match="does not answer"):
        await asyncio.to_thread(health.main, port=port)

    assert '"worker": "ok"' in capsys.readouterr().out


async def test_jobs_tells_of_its_worker_and_of_the_spool(database_url: str, tmp_path: Path) -> None:
    """Ready with all three, with the figures of the spool; not when the spool cannot be written."""
    with running("jobs", tmp_path, SWITCH="none", DATABASE_URL=database_url) as (port, process):
        await until_ready(port, process)
        ready: dict[str, Any] = (await get(port, "/readyz")).json()
        figures = (await get(port, "/metrics")).text
        (tmp_path / "spool").rename(tmp_path / "gone")
        (tmp_path / "spool").touch()
        unready = await get(port, "/readyz")
        process.send_signal(signal.SIGTERM)
        code = await asyncio.to_thread(process.wait, 20)

    assert {"worker": "ok", "queue": "ok", "spool": "ok"} == ready["checks"]
    assert "controlplane_spool_left" in figures
    assert 'controlplane_mails_unsent{state="waiting"} 0.0' in figures
    assert (503, "not available (NotADirectoryError)") == (
        unready.status_code,
        unready.json()["checks"]["spool"],
    )
    assert 0 == code


async def test_events_is_ready_only_while_it_hears_the_switch(database_url: str, tmp_path: Path) -> None:
    """Not before the manager interface let it in, and not after that was lost."""
    ami = ScriptedAmi()
    async with ami.listening() as manager:
        given = {"MANAGER__PORT": str(manager), "MANAGER__USERNAME": USERNAME, "MANAGER__SECRET": SECRET}
        with running("events", tmp_path, DATABASE_URL=database_url, **given) as (port, process):
            await until_ready(port, process)
            ready = (await get(port, "/readyz")).json()["checks"]
            ami.answers.clear()
            ami.is_booted = False
            ami.cut()
            async with asyncio.timeout(20):
                while (lost := await get(port, "/readyz")).status_code == 200:  # noqa: ASYNC110 (of a process)
                    await asyncio.sleep(0.05)
            alive = await get(port, "/healthz")
            process.send_signal(signal.SIGTERM)
            code = await asyncio.to_thread(process.wait, 20)

    assert {"switch": "ok", "queue": "ok"} == ready
    assert ("not connected", 200, 0) == (lost.json()["checks"]["switch"], alive.status_code, code)


async def test_calls_is_ready_without_the_database(tmp_path: Path) -> None:
    """It takes calls and leaves them to the dialplan meanwhile, which is what it is there for."""
    given = {
        "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
        "FASTAGI__PORT": str(free_port()),
        "PINS__KEYS": pin_key(),
    }
    with running("calls", tmp_path, **given) as (port, process):
        await until_ready(port, process)
        figures = (await get(port, "/metrics")).text

    assert "controlplane_calls_in_progress 0.0" in figures
