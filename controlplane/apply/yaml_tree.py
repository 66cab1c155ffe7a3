"""YAML as a tree that knows its lines: mappings, lists, and the scalars of JSON.

Files are hostile until they were read. Of YAML there is what a configuration needs: one document, no tags,
keys that are there once, and aliases as long as the whole stays small. A plain scalar is true, false, null,
a whole number or text, and nothing else: no word, time or date turns into another thing by its looks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import yaml

from controlplane.apply.faults import Fault, RefusedFile

MAX_BYTES: Final = 2_000_000
MAX_NODES: Final = 200_000
MAX_DEPTH: Final = 30

_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INTEGER: Final = re.compile(r"-?[0-9]{1,18}", re.ASCII)
_WORDS: Final[dict[str, bool | None]] = {"true": True, "false": False, "null": None, "~": None, "": None}

Scalar = str | int | bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A value, and the line it begins on. `text` is how a plain scalar was written.

    `size` counts the nodes below it and itself, those of aliases too.
    """

    value: dict[str, Node] | list[Node] | Scalar
    line: int
    text: str | None = None
    size: int = 1

    def plain(self) -> Any:
        """Return the value without its lines."""
        if isinstance(self.value, dict):
            return {name: node.plain() for name, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.plain() for node in self.value]
        return self.value

    def at(self, path: tuple[str | int, ...]) -> Node:
        """Return the node at a path, or the last one on the way there that exists."""
        node = self
        for part in path:
            below = node.below(part)
            if below is None:
                break
            node = below
        return node

    def below(self, part: str | int) -> Node | None:
        """Return the field or the item of this name or place, if there is one."""
        if isinstance(self.value, dict):
            return self.value.get(str(part))
        if isinstance(self.value, list) and isinstance(part, int) and part < len(self.value):
            return self.value[part]
        return None


def read_tree(data: bytes) -> Node:
    """Read a document whose root is a mapping; raises RefusedFile naming the line."""
    if len(data) > MAX_BYTES:
        raise _refused(f"The file is larger than {MAX_BYTES // 1_000_000} MB.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise _refused("This is not UTF-8; save the file as UTF-8.", line) from error
    try:
        root = _Reader(yaml.parse(text, Loader=_LOADER)).document()
    except yaml.YAMLError as error:
        raise _syntax(error) from error
    if not isinstance(root.value, dict):
        raise _refused("The file is a mapping of sections such as `mailboxes:`.", root.line)
    return root


class _Reader:
    """Builds the tree out of the parser's events."""

    def __init__(self, events: Iterator[Any]) -> None:
        self._events = events
        self._anchors: dict[str, Node] = {}
        self._count = 0

    def document(self) -> Node:
        """Return the root of the only document."""
        root: Node | None = None
        for event in self._events:
            if not isinstance(event, yaml.DocumentStartEvent):
                continue
            if root is not None:
                raise _refused("There is a second document; a file has one.", _line(event))
            root = self._node(next(self._events), 0)
        if root is None or root.value is None:
            raise _refused("The file is empty.")
        return root

    def _node(self, event: Any, depth: int) -> Node:
        line = _line(event)
        if isinstance(event, yaml.AliasEvent):
            node = self._anchors.get(event.anchor)
            if node is None:
                raise _refused(f"Nothing before has the anchor &{event.anchor[:64]}.", line)
            self._counted(node.size, line)
            return node
        if depth > MAX_DEPTH:
            raise _refused(f"This is nested more than {MAX_DEPTH} deep.", line)
        self._counted(1, line)
        if event.tag is not None and event.tag != "!":
            raise _refused(f"Tags such as {event.tag[:64]} are not read here.", line)
        if isinstance(event, yaml.ScalarEvent):
            node = _scalar(event, line)
        elif isinstance(event, yaml.SequenceStartEvent):
            node = self._list(line, depth)
        else:
            node = self._mapping(line, depth)
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        return node

    def _list(self, line: int, depth: int) -> Node:
        items: list[Node] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            items.append(self._node(event, depth + 1))
        return Node(value=items, line=line, size=1 + sum(item.size for item in items))

    def _mapping(self, line: int, depth: int) -> Node:
        fields: dict[str, Node] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent):
                raise _refused("The name of a field is one word.", _line(event))
            self._counted(1, _line(event))
            name = event.value
            if name in fields:
                raise _refused(
                    f"{name[:64]} is there twice; the first is on line {fields[name].line}.", _line(event)
                )
            fields[name] = self._node(next(self._events), depth + 1)
        return Node(value=fields, line=line, size=1 + sum(1 + node.size for node in fields.values()))

    def _counted(self, more: int, line: int) -> None:
        self._count += more
        if self._count > MAX_NODES:
            raise _refused(f"The file has more than {MAX_NODES} values, aliases written out.", line)


def _scalar(event: Any, line: int) -> Node:
    text = str(event.value)
    if not event.implicit[0]:
        return Node(value=text, line=line)
    if text in _WORDS:
        return Node(value=_WORDS[text], line=line, text=text)
    if _INTEGER.fullmatch(text):
        return Node(value=int(text), line=line, text=text)
    return Node(value=text, line=line, text=text)


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1


def _syntax(error: yaml.YAMLError) -> RefusedFile:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "it cannot be read"
    return _refused(f"This is no YAML: {problem}.", None if mark is None else mark.line + 1)


def _refused(sentence: str, line: int | None = None) -> RefusedFile:
    return RefusedFile([Fault(sentence=sentence, line=line)])
