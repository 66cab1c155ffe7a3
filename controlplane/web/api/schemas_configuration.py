"""The published configuration in JSON."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from controlplane.domain.configuration import Action, EditedFile, FileDifference, Mode
from controlplane.services.configuration_state import (
    ConfigurationState,
    ListedRevision,
    NotedChange,
    NotedChanges,
    RevisionDetails,
    State,
)
from controlplane.services.publishing_asked import Preview
from controlplane.web.api.fields import Input, Output, example
from controlplane.web.paging import MAX_LIMIT

_SYSTEM = "Told to system tokens only, else null."

_CHANGE = {
    "kind": "extension",
    "name": "103",
    "action": "added",
    "fields": [],
    "author": "token provisioning",
    "changed_at": "2026-03-02T09:00:00Z",
}
_FILE = {
    "path": "asterisk/pjsip.conf",
    "change": "changed",
    "difference": "--- a/asterisk/pjsip.conf\n+++ b/asterisk/pjsip.conf\n@@ -70,3 +70,4 @@\n+[103]\n",
}
_REVISION = {
    "number": 12,
    "digest": "9b74c9897bac770ffc029102a200c5de",
    "state": "live",
    "author": "token provisioning",
    "error": None,
    "put_back": None,
    "edited_copy": None,
    "created_at": "2026-03-02T09:00:00Z",
    "live_at": "2026-03-02T09:00:01Z",
}


class ChangeOut(Output):
    """A change of an object that is a part of the configuration."""

    model_config = example(_CHANGE)

    kind: str = Field(description="`extension`, `tenant`, `trunk`, and so on.")
    name: str = Field(description="The number, the name of what has none, or the code.")
    action: Action
    fields: list[str] = Field(description="Which fields were changed; never their values.")
    author: str = Field(description="Who did it: `token <name>`, or `system`.")
    changed_at: datetime

    @classmethod
    def of(cls, found: NotedChange) -> ChangeOut:
        """Make it from the service's value."""
        return cls(
            kind=found.kind,
            name=found.name,
            action=Action(found.action),
            fields=list(found.fields),
            author=found.author,
            changed_at=found.changed_at,
        )


class FileOut(Output):
    """What changes in one file."""

    model_config = example(_FILE)

    path: str
    change: Action
    difference: str | None = Field(
        description="A unified difference with `***` for secrets; null if it is too long to read."
    )

    @classmethod
    def of(cls, found: FileDifference) -> FileOut:
        """Make it from the service's value."""
        return cls(path=found.path, change=found.change, difference=found.difference)


class EditedFileOut(Output):
    """A published file that somebody changed, removed or added by hand."""

    path: str
    change: Action

    @classmethod
    def of(cls, found: EditedFile) -> EditedFileOut:
        """Make it from the service's value."""
        return cls(path=found.path, change=found.change)


class RevisionOut(Output):
    """How the publishing of a revision went."""

    model_config = example(_REVISION)

    number: int
    digest: str = Field(description="Empty if it could not be rendered.")
    state: Literal["pending", "live", "failed", "superseded"]
    author: str | None = Field(
        description=f"Who asked for it, or made its last change: `token <name>`, `cli`, `system`. {_SYSTEM}"
    )
    error: str | None = Field(description=f"Why it failed. {_SYSTEM}")
    put_back: bool | None = Field(
        description="Of one that failed: whether the switch was seen to run the last good one again."
    )
    edited_copy: str | None = Field(
        description=f"Where files that were edited by hand, and that it replaced, are kept. {_SYSTEM}"
    )
    created_at: datetime
    live_at: datetime | None

    @classmethod
    def of(cls, found: ListedRevision) -> RevisionOut:
        """Make it from the service's value."""
        return cls(**_fields(found))


class RevisionDetailsOut(RevisionOut):
    """A revision with what it changed."""

    model_config = example({**_REVISION, "changes": [_CHANGE], "changes_left_out": 0, "files": [_FILE]})

    changes: list[ChangeOut] = Field(
        description="Of the objects of this tenant; of all for a system token. The newest 200, newest last."
    )
    changes_left_out: int = Field(description="How many older ones are not listed.")
    files: list[FileOut] | None = Field(
        description="Null also where it is not known: before the first version that kept it. " + _SYSTEM
    )

    @classmethod
    def details(cls, found: RevisionDetails) -> RevisionDetailsOut:
        """Make it from the service's value."""
        return cls(**_fields(found.listed), **_changes(found.changes), files=_files(found.files))


class RevisionPage(Output):
    """A page of revisions."""

    model_config = example({"items": [_REVISION], "next": None})

    items: list[RevisionOut]
    next: str | None = Field(description="Pass it as `after` for the next page; null on the last one.")


class PendingOut(Output):
    """What the database says and the switch does not run yet."""

    revision: int | None = Field(description="Its revision, if it was noted or tried.")
    refused: int | None = Field(
        description="The revision that failed when somebody published last what waits of the tenant by hand."
    )
    changes: list[ChangeOut]
    changes_left_out: int
    files: list[FileOut] | None = Field(description=_SYSTEM)


class ConfigurationOut(Output):
    """Whether the switch runs what was changed."""

    model_config = example(
        {
            "state": "pending",
            "mode": "manual",
            "mode_chosen_by": "token provisioning",
            "by_hand": ["default"],
            "live": 12,
            "pending": {
                "revision": None,
                "refused": None,
                "changes": [_CHANGE],
                "changes_left_out": 0,
                "files": None,
            },
            "edited": [],
            "revisions": [_REVISION],
        }
    )

    state: State = Field(
        description="`pending`: a change is on its way. `failed`: the switch keeps the last good revision."
    )
    mode: Mode = Field(
        description="Whether changes of the tenant are published by themselves, or wait for a person."
    )
    mode_chosen_by: str | None = Field(description="Who chose it; null where the settings decide.")
    by_hand: list[str] | None = Field(
        description=f"The names of all tenants whose changes wait for a person. {_SYSTEM}"
    )
    live: int | None = Field(description="The number of the revision that the switch runs.")
    pending: PendingOut
    edited: list[EditedFileOut] | None = Field(
        description=f"Files of the live revision that somebody edited by hand. {_SYSTEM}"
    )
    revisions: list[RevisionOut] = Field(description="The newest 20, newest first.")

    @classmethod
    def of(cls, found: ConfigurationState) -> ConfigurationOut:
        """Make it from the service's value."""
        return cls(
            state=found.state,
            mode=found.mode.mode,
            mode_chosen_by=found.mode.chosen_by,
            by_hand=None if found.by_hand is None else list(found.by_hand),
            live=found.live,
            pending=PendingOut(
                revision=found.waiting,
                refused=found.mode.failed_revision,
                **_changes(found.changes),
                files=_files(found.files),
            ),
            edited=None if found.edited is None else [EditedFileOut.of(file) for file in found.edited],
            revisions=[RevisionOut.of(revision) for revision in found.revisions],
        )


class PreviewOut(Output):
    """What publishing would do now."""

    model_config = example(
        {
            "digest": "9b74c9897bac770ffc029102a200c5de",
            "changes": [_CHANGE],
            "changes_left_out": 0,
            "files": [_FILE],
            "edited": [],
        }
    )

    digest: str
    changes: list[ChangeOut]
    changes_left_out: int
    files: list[FileOut] | None = Field(description=_SYSTEM)
    edited: list[EditedFileOut] | None = Field(
        description=f"What somebody edited by hand; it is refused without `overwrite`. {_SYSTEM}"
    )

    @classmethod
    def of(cls, found: Preview) -> PreviewOut:
        """Make it from the service's value."""
        return cls(
            digest=found.digest,
            **_changes(found.changes),
            files=_files(found.files),
            edited=None if found.edited is None else [EditedFileOut.of(file) for file in found.edited],
        )


class ConfigurationPatch(Input):
    """What can be chosen."""

    model_config = example({"mode": "manual"})

    # A word, because the bodies are read strictly.
    mode: Literal["automatic", "manual"]


class Publishing(BaseModel):
    """How to publish."""

    model_config = ConfigDict(extra="forbid")

    dry_run: Annotated[bool, Field(description="Render, check and compare, and change nothing.")] = False
    overwrite: Annotated[
        bool,
        Field(description="Replace files that somebody edited by hand; a copy is kept. By a system token."),
    ] = False


class RevisionPaging(BaseModel):
    """How the list of revisions is read."""

    model_config = ConfigDict(extra="forbid")

    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT, description="How many items.")] = 50
    after: Annotated[str | None, Field(max_length=512, description="`next` of the page before.")] = None


def _fields(found: ListedRevision) -> dict[str, object]:
    revision = found.revision
    return {
        "number": revision.id,
        "digest": revision.digest,
        "state": revision.state,
        "author": found.author,
        "error": found.error,
        "put_back": revision.put_back,
        "edited_copy": found.edited_copy,
        "created_at": revision.created_at,
        "live_at": revision.live_at,
    }


def _changes(found: NotedChanges) -> dict[str, object]:
    return {
        "changes": [ChangeOut.of(change) for change in found.items],
        "changes_left_out": found.left_out,
    }


def _files(found: Sequence[FileDifference] | None) -> list[FileOut] | None:
    return None if found is None else [FileOut.of(file) for file in found]
