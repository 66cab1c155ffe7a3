"""Forms of the portal that bring a file along.

The parts of such a body are read as they arrive, and a file goes to the disk from a megabyte on: nothing of
it is held twice. The edge bounds the whole body (`web/edge.py` names the addresses that take more).
"""

from __future__ import annotations

import unicodedata
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email.message import Message
from http import HTTPStatus
from typing import Final

from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

from controlplane.web.errors import MalformedRequest

_MEDIA_TYPE: Final = "multipart/form-data"
_MAX_FILES: Final = 5
_MAX_FIELDS: Final = 100
_MAX_FIELD_BYTES: Final = 64 * 1024
_MAX_NAME: Final = 100
_UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


@dataclass(frozen=True, slots=True)
class Upload:
    """A file of a form; `name` is what the browser called it, fit to be shown and for nothing else."""

    name: str
    size: int
    _file: UploadFile

    async def read(self, most: int = -1) -> bytes:
        """Return its bytes from where reading stopped, at most so many."""
        return await self._file.read(most)


@dataclass(frozen=True, slots=True)
class Parts:
    """The fields of a form in their order, and its files by the field in which they were chosen."""

    fields: list[tuple[str, str]]
    uploads: dict[str, Upload]


@asynccontextmanager
async def reading_parts(request: Request) -> AsyncIterator[Parts]:
    """Read a body in parts, whose files are there until this ends; raises MalformedRequest."""
    # No browser names another one, and among Python's codecs are some that are none of text.
    if str(_content_type(request).get_param("charset", "utf-8")).lower() != "utf-8":
        raise MalformedRequest("The text of this form is not UTF-8.")
    try:
        data = await request.form(
            max_files=_MAX_FILES, max_fields=_MAX_FIELDS, max_part_size=_MAX_FIELD_BYTES
        )
    except HTTPException as error:
        if error.status_code != HTTPStatus.BAD_REQUEST:
            raise
        raise MalformedRequest(f"This form cannot be read: {error.detail}") from error
    try:
        parts = Parts([], {})
        for name, value in data.multi_items():
            if isinstance(value, str):
                parts.fields.append((name, value))
            elif value.filename or value.size:
                parts.uploads[name] = Upload(shown_name(value.filename or ""), value.size or 0, value)
        yield parts
    finally:
        await data.close()


def has_parts(request: Request) -> bool:
    """Say whether a body comes in parts."""
    return _content_type(request).get_content_type() == _MEDIA_TYPE


def _content_type(request: Request) -> Message:
    header = Message()
    header["Content-Type"] = request.headers.get("content-type", "")
    return header


def shown_name(name: str) -> str:
    """Return the name of a file without folders and without what cannot be seen, cut to a length to show."""
    last = name.replace("\\", "/").rpartition("/")[2]
    seen = "".join(char for char in last if unicodedata.category(char) not in _UNSEEN).strip()
    return seen if len(seen) <= _MAX_NAME else f"{seen[: _MAX_NAME - 1]}…"
