"""Writes the switch's configuration anywhere, without touching the switch: `controlplane render`."""

from __future__ import annotations

import asyncio
from pathlib import Path

from controlplane.domain.errors import ControlPlaneError
from controlplane.entrypoints import migrate
from controlplane.entrypoints.publish import rendering_of
from controlplane.rendering.tree import RenderedTree
from controlplane.services.rendered_configuration import render_configuration
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
        tree = asyncio.run(_render(settings))
        output.mkdir(mode=0o700, parents=True, exist_ok=True)
        for path, text in tree.files.items():
            target = output / path
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            target.touch(mode=0o600)
            target.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ControlPlaneError(f"{output} cannot be written ({error.strerror}).") from error
    print(f"Revision {tree.digest[:12]}: {len(tree.files)} files in {output}")


async def _render(settings: Settings) -> RenderedTree:
    database = Database(settings.sqlalchemy_url)
    try:
        rendering = rendering_of(settings, PromptCache(settings.paths.prompts))
        return await render_configuration(database, rendering)
    finally:
        await database.close()
