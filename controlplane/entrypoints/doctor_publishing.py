"""What the doctor looks at in the published files: whether somebody edited them by hand."""

from __future__ import annotations

import asyncio

from controlplane.entrypoints.findings import Finding
from controlplane.services.publisher import edited_files
from controlplane.settings import Settings
from controlplane.storage.revision_folder import RevisionFolder

_SUBJECT = "published files"
_NAMES_SHOWN = 5
_REMEDY = (
    "Keep what you need of them in files of your own; `controlplane publish --overwrite` writes ours anew "
    "and keeps a copy in edited/."
)


async def check_edited_files(settings: Settings) -> list[Finding]:
    """The files of the live revision are as they were written."""
    folder = RevisionFolder(settings.paths.configuration.absolute())
    try:
        edited = await asyncio.to_thread(edited_files, folder)
    except OSError as error:
        found = f"{folder.root} cannot be read ({error.strerror})"
        return [Finding(subject=_SUBJECT, found=found, remedy="Give it to the user who runs this.")]
    if not edited:
        return [Finding(subject=_SUBJECT, found="are as they were written")]
    names = ", ".join(f"{file.path} ({file.change})" for file in edited[:_NAMES_SHOWN])
    return [Finding(subject=_SUBJECT, found=f"{len(edited)} edited by hand: {names}", remedy=_REMEDY)]
