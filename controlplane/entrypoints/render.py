"""Writes the switch's configuration anywhere, without touching the switch: `controlplane render`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from controlplane.domain.errors import ControlPlaneError
from controlplane.entrypoints import migrate
from controlplane.entrypoints.publish import rendering_of
from controlplane.services.rendered_configuration import Rendered, render_configuration
from controlplane.settings import Settings
from controlplane.speech.cache import PromptCache
from controlplane.storage.database import Database


def main(settings: Settings, output: Path) -> None:
    """Render into a new or empty folder; raises ControlPlaneError when it is not, or cannot be written.

    The files hold secrets, so nobody but their owner may read them.
    """
    try:
        if output.exists() and any(output.iterdir()):
            raise ControlPlaneError(f"{output} is not empty: name a new folder.")
        migrate.require(settings)
        output.mkdir(mode=0o700, parents=True, exist_ok=True)
        sink = _Written(output)
        rendered = asyncio.run(_render(settings, sink))
    except OSError as error:
        raise ControlPlaneError(f"{output} cannot be written ({error.strerror}).") from error
    print(f"Revision {rendered.digest[:12]}: {sink.count} files in {output}")


class _Written:
    """A sink that writes each file."""

    def __init__(self, output: Path) -> None:
        self._output = output
        self.count = 0

    def take_over(self, path: str, source: str, endpoints: Sequence[str] = ()) -> None:
        """Have nothing yet."""

    def add(self, path: str, text: str, *, source: str = "", endpoints: Sequence[str] = ()) -> None:
        """Write it."""
        del source, endpoints
        target = self._output / path
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        target.touch(mode=0o600)
        target.write_text(text, encoding="utf-8")
        self.count += 1


async def _render(settings: Settings, sink: _Written) -> Rendered:
    database = Database(settings.sqlalchemy_url)
    try:
        rendering = rendering_of(settings, PromptCache(settings.paths.prompts))
        return await render_configuration(database, rendering, sink)
    finally:
        await database.close()
