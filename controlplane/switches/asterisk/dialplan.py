"""The dialplan of an Asterisk that is not ours alone: what takes a number before it reaches us.

It is read once by `ShowDialPlan`, and numbers are looked up here as main/pbx.c does: in a context a name that
is the number, then patterns in their order, then the contexts that it includes. Not seen: what a `switch`
line asks for elsewhere, and whether an extension is for one caller only, which the list does not say.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from controlplane.domain.clashes import Answer, HandedOver
from controlplane.switches.asterisk.ami import ActionRefused, AmiClient, AmiMessage
from controlplane.switches.contexts import OURS
from controlplane.switches.handing_over import Going, handed_over, hands_over
from controlplane.switches.patterns import Pattern

_AT_A_TIME: Final = 100
_GOING: Final = frozenset({"goto", "gotoif", "gosub", "gosubif"})
_LOCAL: Final = re.compile(r"Local/([^@,&/]+)@([^/,&)]+)", re.IGNORECASE)
_DIALLED: Final = re.compile(r"\$\{EXTEN(?::(-?\d+))?(?::(\d+))?\}")
_ENDPOINT: Final = re.compile(r"[A-Za-z0-9_.@+-]{1,128}", re.ASCII)


@dataclass(slots=True, kw_only=True)
class _Extension:
    name: str
    going: list[Going] = field(default_factory=list)
    begins: bool = False
    """Whether it has a first step: hints have none."""

    def goings(self, dialled: str) -> Iterator[Going]:
        """Yield where it sends a number."""
        for one in self.going:
            yield Going(one.context, _substituted(one.dialled, dialled))


@dataclass(slots=True)
class _Context:
    extensions: dict[str, _Extension] = field(default_factory=dict)
    includes: list[str] = field(default_factory=list)
    patterns: list[tuple[Pattern, _Extension]] = field(default_factory=list)

    def fitting(self, dialled: str) -> Iterator[_Extension]:
        exact = self.extensions.get(dialled)
        if exact is not None and exact.begins:
            yield exact
        for pattern, extension in self.patterns:
            if pattern.matches(dialled):
                yield extension


class AsteriskDialplan:
    """Implements `domain.clashes.ExistingDialplan` from the lines of a `ShowDialPlan`."""

    def __init__(self, lines: Iterable[AmiMessage]) -> None:
        self._contexts: dict[str, _Context] = {}
        for line in lines:
            context = self._contexts.setdefault(line.get("Context"), _Context())
            if included := line.get("IncludeContext"):
                # Times at which it counts may follow: it counts then.
                context.includes.append(re.split(r"[,|]", included)[0])
            elif name := line.get("Extension"):
                extension = context.extensions.setdefault(name, _Extension(name=name))
                extension.begins |= line.get("Priority") == "1"
                extension.going += _going(line.get("Application"), line.get("AppData"))
        for context in self._contexts.values():
            parsed = [
                (Pattern.parse(name), extension)
                for name, extension in context.extensions.items()
                if name.startswith("_") and extension.begins
            ]
            context.patterns = [(pattern, extension) for pattern, extension in parsed if pattern is not None]
            context.patterns.sort(key=lambda item: item[0].order)

    def handing_over(self) -> Mapping[str, Collection[HandedOver]]:
        """Return the contexts in which numbers of ours, as they were dialled, go on to us."""
        found: dict[str, frozenset[HandedOver]] = {}
        for name in self._contexts:
            if not name.startswith(OURS) and (reached := frozenset(handed_over(self, name))):
                found[name] = reached
        return found

    def answers(self, context: str, dialled: str) -> Iterator[Answer]:
        """Yield what fits a number that is dialled in a context: the first takes it."""
        for where, extension in self._fitting(context, dialled, set()):
            yield Answer(
                context=where,
                extension=extension.name,
                ours=hands_over(self, where, extension.goings(dialled), here=dialled, dialled=dialled),
            )

    def _fitting(self, name: str, dialled: str, seen: set[str]) -> Iterator[tuple[str, _Extension]]:
        context = self._contexts.get(name)
        if context is None or name in seen:
            return
        seen.add(name)
        for extension in context.fitting(dialled):
            yield name, extension
        for included in context.includes:
            yield from self._fitting(included, dialled, seen)

    def onward(self, name: str) -> Iterable[str]:
        """Return the contexts that a context includes, and to which its extensions send what was dialled."""
        context = self._contexts.get(name)
        if context is None:
            return ()
        goings = (going for extension in context.extensions.values() for going in extension.going)
        return [
            *context.includes,
            *(one.context for one in goings if one.context is not None and _DIALLED.search(one.dialled)),
        ]

    def taken(self, name: str, dialled: str) -> tuple[str, Iterable[Going]] | None:
        """Return where what takes a number of a context stands, and where that sends the call."""
        found = next(self._fitting(name, dialled, set()), None)
        return None if found is None else (found[0], found[1].goings(dialled))


async def read_dialplan(client: AmiClient) -> AsteriskDialplan:
    """Ask for all contexts at once; raises SwitchUnavailable."""
    lines = await client.list_action("ShowDialPlan")
    return await asyncio.to_thread(AsteriskDialplan, lines)


async def contexts_of_endpoints(client: AmiClient) -> frozenset[str]:
    """Return the contexts in which endpoints of PJSIP dial; raises SwitchUnavailable.

    One question each: the list has no contexts, and all about one endpoint would include its password.
    """
    try:
        endpoints = await client.list_action("PJSIPShowEndpoints")
    except ActionRefused:
        return frozenset()
    names = [name for endpoint in endpoints if _ENDPOINT.fullmatch(name := endpoint.get("ObjectName"))]
    found: set[str] = set()
    for start in range(0, len(names), _AT_A_TIME):
        some = names[start : start + _AT_A_TIME]
        found.update(await asyncio.gather(*(_context_of(client, name) for name in some)))
    return frozenset(found - {""})


async def _context_of(client: AmiClient, endpoint: str) -> str:
    """Return the context of an endpoint; nothing where the function for it is not loaded."""
    try:
        return (await client.action("Getvar", Variable=f"PJSIP_ENDPOINT({endpoint},context)")).get("Value")
    except ActionRefused:
        return ""


def _going(application: str, data: str) -> list[Going]:
    if application.lower() in _GOING:
        _, asked, choices = data.partition("?")
        labels = choices.split(":") if asked else [data]
        return [going for label in labels if (going := _label(label)) is not None]
    return [Going(context, dialled) for dialled, context in _LOCAL.findall(data)]


def _label(label: str) -> Going | None:
    """Read `context,extension,priority`, of which the first two may be left out; `(…)` are arguments."""
    parts = label.partition("(")[0].strip().split(",")
    match parts:
        case [dialled, _]:
            return Going(None, dialled)
        case [context, dialled, _]:
            return Going(context, dialled)
        case _:
            return None


def _substituted(text: str, dialled: str) -> str:
    """Put the number in the place of `${EXTEN}`, of `${EXTEN:1}` and of `${EXTEN:0:3}`."""

    def part(found: re.Match[str]) -> str:
        rest = dialled[int(found[1] or 0) :]
        return rest if found[2] is None else rest[: int(found[2])]

    return _DIALLED.sub(part, text)
