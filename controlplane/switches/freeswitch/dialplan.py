"""The dialplan of a FreeSWITCH that is not ours alone: what takes a number before it reaches us.

The XML is read once, and numbers are tried here as mod_dialplan_xml does: the extensions of a context in
their order, the first one that matches takes the call, unless it says `continue`. What a condition asks for
beside the number (a time, a variable, who calls) is not known here. An extension that asks for such a thing
counts as taking the number, unless it would take any other one too.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final
from xml.etree.ElementTree import Element, ParseError, XMLParser

from controlplane.domain.clashes import Answer, HandedOver, takes_most
from controlplane.domain.errors import SwitchUnavailable
from controlplane.switches.contexts import OURS
from controlplane.switches.freeswitch.inbound import InboundClient
from controlplane.switches.handing_over import Going, handed_over, hands_over
from controlplane.switches.patterns import Pattern

_NUMBER: Final = frozenset({"destination_number", "${destination_number}"})
_GOING: Final = frozenset({"transfer", "execute_extension"})
_TRUE: Final = frozenset({"true", "yes", "on", "enabled", "active", "allow"})
_LITERAL: Final = re.compile(r"\^\(?([0-9]+)\)?\$", re.ASCII)
_DIALLED: Final = re.compile(r"\$\{destination_number\}|\$(\d)")
_FLAGS: Final = {"i": re.IGNORECASE, "s": re.DOTALL}
# Times are attributes of a condition. Any other attribute than these is one.
_NO_TIMES: Final = frozenset({"field", "expression", "break", "regex", "require-nested", "name"})
# Of `list_users`, behind the name of the user.
_CONTEXT_COLUMN: Final = 1


@dataclass(slots=True)
class _Walk:
    """What one extension does with a number."""

    dialled: str
    acts: bool = False
    certain: bool = True
    matched: bool = False
    groups: tuple[str, ...] = ()
    going: list[Going] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Extension:
    name: str
    element: Element
    begins: re.Pattern[str] | Pattern | None
    """What a number must fit for anything to happen; None is that it is not known."""
    going: tuple[Going, ...]


@dataclass(slots=True)
class _Context:
    extensions: list[_Extension]
    literals: dict[str, list[int]] = field(default_factory=dict)
    others: list[int] = field(default_factory=list)

    def candidates(self, dialled: str) -> Iterator[_Extension]:
        places = self.literals.get(dialled)
        for place in sorted([*self.others, *places]) if places else self.others:
            extension = self.extensions[place]
            if extension.begins is None or _fits(extension.begins, dialled):
                yield extension


class FreeSwitchDialplan:
    """Implements `domain.clashes.ExistingDialplan` from the dialplan section of the loaded XML."""

    def __init__(self, section: Element) -> None:
        self._expressions: dict[str, re.Pattern[str] | Pattern | None] = {}
        self._taking_any: dict[tuple[int, int], bool] = {}
        self._contexts: dict[str, _Context] = {}
        for element in section.iter("context"):
            name = element.get("name", "")
            if not name.startswith(OURS) and name not in self._contexts:
                self._contexts[name] = _context(element)

    def handing_over(self) -> Mapping[str, Collection[HandedOver]]:
        """Return the contexts in which numbers of ours, as they were dialled, go on to us."""
        found: dict[str, frozenset[HandedOver]] = {}
        for name in self._contexts:
            if reached := frozenset(handed_over(self, name)):
                found[name] = reached
        return found

    def answers(self, context: str, dialled: str) -> Iterator[Answer]:
        """Yield what fits a number that is dialled in a context: the first takes it."""
        for extension, walk in self._fitting(context, dialled):
            ours = hands_over(self, context, walk.going, here=dialled, dialled=dialled)
            yield Answer(context=context, extension=extension.name, ours=ours)

    def _fitting(self, name: str, dialled: str) -> Iterator[tuple[_Extension, _Walk]]:
        context = self._contexts.get(name)
        for extension in () if context is None else context.candidates(dialled):
            walk = self._walked(extension, dialled)
            if walk.acts and (
                walk.certain or (walk.matched and not self._takes_any(extension, len(dialled)))
            ):
                yield extension, walk

    def _walked(self, extension: _Extension, dialled: str) -> _Walk:
        walk = _Walk(dialled)
        self._conditions(extension.element, walk)
        return walk

    def _takes_any(self, extension: _Extension, length: int) -> bool:
        """Say whether an extension takes whatever number has so many digits."""
        key = (id(extension.element), length)
        if key not in self._taking_any:
            self._taking_any[key] = takes_most(
                lambda number: self._walked(extension, number).matched, length=length
            )
        return self._taking_any[key]

    def onward(self, name: str) -> Iterable[str]:
        """Return the contexts to which a context sends what was dialled."""
        context = self._contexts.get(name)
        if context is None:
            return ()
        goings = (going for extension in context.extensions for going in extension.going)
        return [one.context for one in goings if one.context is not None and _DIALLED.search(one.dialled)]

    def taken(self, name: str, dialled: str) -> tuple[str, Iterable[Going]] | None:
        """Return where what takes a number of a context stands, and where that sends the call."""
        found = next(self._fitting(name, dialled), None)
        return None if found is None else (name, found[1].going)

    def _conditions(self, parent: Element, walk: _Walk) -> bool:
        """Go through conditions in their order; returns False where nested ones end the whole extension."""
        proceed = True
        for condition in parent.findall("condition"):
            result = self._result(condition, walk)
            walk.certain &= result is not None
            proceed = result is not False
            if proceed:
                _act(condition, "action", walk)
            if result is not True and _act(condition, "anti-action", walk):
                proceed = True
            breaks = condition.get("break", "on-false").lower()
            ending = {"never": None, "on-true": True}.get(breaks, False)
            if breaks == "always" or (ending is not None and result is ending):
                break
            if proceed and not self._conditions(condition, walk):
                if breaks == "never":
                    continue
                return False
        return proceed or parent.get("require-nested", "true").lower() not in _TRUE

    def _result(self, condition: Element, walk: _Walk) -> bool | None:
        """Return whether a condition holds; None if that depends on more than the number."""
        timed = bool(set(condition.keys()) - _NO_TIMES)
        rule = condition.get("regex")
        if rule is not None:
            results = [self._one(item, walk) for item in condition.findall("regex")]
            found = _joined(rule.lower(), results)
        elif condition.get("field") is None:
            return None if timed else True
        else:
            found = self._one(condition, walk)
        return None if timed and found is not False else found

    def _one(self, element: Element, walk: _Walk) -> bool | None:
        inner = element.find("expression")
        expression = element.get("expression", "") if inner is None else (inner.text or "")
        if element.get("field") not in _NUMBER:
            return None
        if expression not in self._expressions:
            self._expressions[expression] = _compiled(expression)
        compiled = self._expressions[expression]
        if compiled is None:
            return None
        if isinstance(compiled, Pattern):
            found = compiled.matches(walk.dialled)
            groups: tuple[str, ...] = (walk.dialled, walk.dialled)
        else:
            match = compiled.search(walk.dialled)
            found = match is not None
            groups = () if match is None else (match[0], *(group or "" for group in match.groups()))
        if found:
            walk.matched = True
            walk.groups = groups
        return found


async def read_dialplan(client: InboundClient) -> FreeSwitchDialplan:
    """Ask for the whole dialplan at once; raises SwitchUnavailable."""
    return FreeSwitchDialplan(_parsed(await client.api("xml_locate dialplan")))


async def contexts_of_users(client: InboundClient) -> frozenset[str]:
    """Return the contexts in which users of the directory dial; raises SwitchUnavailable."""
    _, *lines = (await client.api("list_users")).splitlines() or [""]
    columns = [line.split("|") for line in lines if "|" in line]
    return frozenset(fields[_CONTEXT_COLUMN] for fields in columns) - {"", "context", "n/a"}


def _parsed(text: str) -> Element:
    """Parse what `xml_locate` says: no document type, so that no entity can grow."""
    start = text.find("<")
    if start < 0 or "<!DOCTYPE" in text:
        raise SwitchUnavailable("FreeSWITCH does not show its dialplan.")
    parser = XMLParser()  # noqa: S314 (entities need a document type, which was refused)
    try:
        parser.feed(text[start:])
        root: Element = parser.close()
    except ParseError as error:
        raise SwitchUnavailable("The dialplan that FreeSWITCH shows cannot be read.") from error
    return root


def _context(element: Element) -> _Context:
    context = _Context([])
    for extension in element.findall("extension"):
        if extension.get("continue", "").lower() in _TRUE:
            continue
        expressions = [
            condition.get("expression", "")
            for condition in extension.iter("condition")
            if condition.get("field") in _NUMBER
        ]
        first = _first_of(extension)
        literal = None if first is None else _LITERAL.fullmatch(first)
        place = len(context.extensions)
        shown = " or ".join(dict.fromkeys(expressions))
        context.extensions.append(
            _Extension(
                name=f"{extension.get('name') or 'without a name'} {shown}".strip(),
                element=extension,
                begins=None if first is None else _compiled(first),
                going=tuple(_all_going(extension)),
            )
        )
        if literal is None:
            context.others.append(place)
        else:
            context.literals.setdefault(literal[1], []).append(place)
    return context


def _first_of(extension: Element) -> str | None:
    """Return the expression for the number that an extension begins with; None if it begins otherwise."""
    first = extension.find("condition")
    if first is None or first.get("field") not in _NUMBER or first.get("break") is not None:
        return None
    if first.find("anti-action") is not None or first.get("regex") is not None:
        return None
    return first.get("expression")


def _fits(compiled: re.Pattern[str] | Pattern, dialled: str) -> bool:
    if isinstance(compiled, Pattern):
        return compiled.matches(dialled)
    return compiled.search(dialled) is not None


def _all_going(extension: Element) -> Iterable[Going]:
    for action in (*extension.iter("action"), *extension.iter("anti-action")):
        if (going := _going(action)) is not None:
            yield going


def _act(condition: Element, tag: str, walk: _Walk) -> bool:
    actions = condition.findall(tag)
    walk.acts |= bool(actions)
    for action in actions:
        if (going := _going(action)) is not None:
            walk.going.append(Going(dialled=_substituted(going.dialled, walk), context=going.context))
    return bool(actions)


def _going(action: Element) -> Going | None:
    """Read `[-bleg|-both] NUMBER [DIALPLAN [CONTEXT]]`."""
    if action.get("application") not in _GOING:
        return None
    data = (action.text or "").strip() or action.get("data", "")
    words = [word for word in data.split() if not word.startswith("-")]
    if not words:
        return None
    return Going(dialled=words[0], context=words[2] if len(words) > 2 else None)  # noqa: PLR2004 (see above)


def _substituted(text: str, walk: _Walk) -> str:
    """Put the number, or what was in the brackets of the expression, in the place of what stands for it."""

    def part(found: re.Match[str]) -> str:
        if found[1] is None:
            return walk.dialled
        place = int(found[1])
        return walk.groups[place] if place < len(walk.groups) else ""

    return _DIALLED.sub(part, text)


def _joined(rule: str, results: list[bool | None]) -> bool | None:
    match rule:
        case "all":
            return False if False in results else None if None in results else True
        case "xor":
            return None if None in results else results.count(True) == 1
        case _:
            return True if True in results else None if None in results else False


def _compiled(expression: str) -> re.Pattern[str] | Pattern | None:
    """Return what an expression means: `_80XX` is Asterisk's way, `/…/i` has flags; None if that is open."""
    if "${" in expression:
        return None
    if expression.startswith("_"):
        return Pattern.parse(expression)
    flags = 0
    with_flags = re.fullmatch(r"/(.*)/([a-z]*)", expression, re.DOTALL)
    if with_flags is not None:
        expression = with_flags[1]
        for letter in with_flags[2]:
            flags |= _FLAGS.get(letter, 0)
    try:
        return re.compile(expression, flags)
    except re.error:
        return None
