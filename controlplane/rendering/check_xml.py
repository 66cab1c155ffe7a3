"""Read a rendered XML file as FreeSWITCH's switch_xml.c does, to see that it holds together."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from controlplane.rendering.escape import RenderingError

_TWICE_IS_WRONG = ("context", "configuration", "domain")


def check_xml(path: str, text: str) -> None:
    """Raise RenderingError unless the file is well-formed, has no document type, and names nothing twice."""
    if "<!DOCTYPE" in text or "<![CDATA[" in text:
        raise RenderingError(f"{path}: there is a document type or a section of raw text.")
    try:
        root = ET.fromstring(text)  # noqa: S314 (ours, and without a document type there are no entities)
    except ET.ParseError as error:
        raise RenderingError(f"{path}: {error}") from error
    for tag in _TWICE_IS_WRONG:
        names = [str(element.get("name")) for element in root.iter(tag)]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise RenderingError(f"{path}: the {tag} {twice[0]} is there twice.")
