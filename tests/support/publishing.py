"""What the tests of publishing share: a publisher over a fake switch, and provisioned rows."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from uuid import UUID, uuid4

from controlplane.callflows.prompts import Utterance
from controlplane.rendering.environment import TEMPLATES
from controlplane.services.publishing import Publisher
from controlplane.services.rendered_configuration import Rendering, render_configuration
from controlplane.services.switch_control import SwitchControl
from controlplane.storage.database import Database
from controlplane.storage.revision_folder import RevisionFolder
from controlplane.storage.tables import ExtensionRow, NumberRow
from sqlalchemy import delete, text
from tests.support.dialplan_rig import rig_context
from tests.support.rig import Rig, a1_hash


class NoPrompts:
    """A cache in which nothing was made yet."""

    def files(self, _utterance: Utterance, _language: str) -> list[Path]:
        """Return nothing."""
        return []


def make_publisher(
    database: Database,
    root: Path,
    control: SwitchControl | None,
    *,
    templates: Path = TEMPLATES,
    reached: Callable[[str], None] = lambda _: None,
) -> Publisher:
    """Return a publisher into `root`."""
    return Publisher(
        database=database,
        folder=RevisionFolder(root, reached=reached),
        rendering=Rendering(
            templates=templates,
            installation=rig_context(Path("/srv/shared-voicemail")).installation,
            prompts=NoPrompts(),
        ),
        control=control,
        verify_seconds=0.3,
        reached=reached,
    )


class _Files(dict[str, str]):
    """A sink that has nothing, and takes all."""

    def take_over(self, path: str, source: str, endpoints: Sequence[str] = ()) -> None:
        del path, source, endpoints

    def add(self, path: str, text: str, *, source: str = "", endpoints: Sequence[str] = ()) -> None:
        del source, endpoints
        self[path] = text


async def rendered_now(
    publisher: Publisher, *, current: Collection[UUID] = ()
) -> tuple[str, Mapping[str, str]]:
    """Return the digest and the files that publishing would make now; of `current` with what waits."""
    files = _Files()
    rendered = await render_configuration(publisher.database, publisher.rendering, files, current=current)
    return rendered.digest, files


def publisher_to(rig: Rig, database: Database, *, verify_seconds: float = 30) -> Publisher:
    """Return a publisher to the real switch of a rig."""
    return Publisher(
        database=database,
        folder=RevisionFolder(rig.home / "configuration"),
        rendering=Rendering(templates=TEMPLATES, installation=rig.installation, prompts=NoPrompts()),
        control=rig.control,
        verify_seconds=verify_seconds,
    )


async def add_extension(database: Database, tenant_id: UUID, number: str, name: str = "Alice") -> UUID:
    """Provision an extension."""
    extension_id = uuid4()
    async with database.transaction() as session:
        session.add(NumberRow(tenant_id=tenant_id, number=number, kind="extension", object_id=extension_id))
        session.add(
            ExtensionRow(
                id=extension_id,
                tenant_id=tenant_id,
                number=number,
                display_name=name,
                sip_a1_hash=a1_hash(number, "password"),
            )
        )
    return extension_id


async def remove_extension(database: Database, tenant_id: UUID, number: str) -> None:
    """Remove it again."""
    async with database.transaction() as session:
        await session.execute(
            delete(NumberRow).where(NumberRow.tenant_id == tenant_id, NumberRow.number == number)
        )
        await session.execute(
            delete(ExtensionRow).where(ExtensionRow.tenant_id == tenant_id, ExtensionRow.number == number)
        )


async def revision_states(database: Database) -> list[tuple[str, str]]:
    """Return digest (cut) and state of all revisions, oldest first."""
    async with database.transaction() as session:
        rows = await session.execute(
            text("SELECT left(digest, 8), state FROM configuration_revisions ORDER BY id")
        )
        return [(digest, state) for digest, state in rows]
