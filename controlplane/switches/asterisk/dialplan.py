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
from controlplane.switches.contexts import OURS, tenant_of
from controlplane.switches.patterns import Pattern

_DEPTH: Final = 8
_AT_A_TIME: Final = 100
_GOING: Final = frozenset({"goto", "gotoif", "gosub", "gosubif"})
_LOCAL: Final = re.compile(r"Local/([^@,&/]+)@([^/,&)]+)", re.IGNORECASE)
_DIALLED: Final = re.compile(r"\$\{EXTEN(?::(-?\d+))?(?::(\d+))?\}")
_ENDPOINT: Final = re.compile(r"[A-Za-z0-9_.@+-]{1,128}", re.ASCII)


@dataclass(frozen=True, slots=True)
class _Going:
    """Where an extension sends a call: a context, none if it is its own, and what is dialled there."""

    context: str | None
    dialled: str


@dataclass(slots=True, kw_only=True)
class _Extension:
    name: str
    going: list[_Going] = field(default_factory=list)
    begins: bool = False
    """Whether it has a first step: hints have none."""


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
            if not name.startswith(OURS) and (reached := frozenset(self._reached(name, set()))):
                found[name] = reached
        return found

    def answers(self, context: str, dialled: str) -> Iterator[Answer]:
        """Yield what fits a number that is dialled in a context: the first takes it."""
        for where, extension in self._fitting(context, dialled, set()):
            yield Answer(
                context=where,
                extension=extension.name,
                ours=self._is_ours(where, extension, dialled, dialled, 0),
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

    def _is_ours(self, where: str, extension: _Extension, here: str, dialled: str, depth: int) -> bool:
        """Say whether a number goes on to us as the number `dialled`; `here` is what it is by now."""
        if where.startswith(OURS):
            return here == dialled
        if depth == _DEPTH:
            return False
        for going in extension.going:
            there = _substituted(going.dialled, here)
            context = going.context or where
            if context.startswith(OURS):
                # What stands in a variable may well be the number.
                if there == dialled or "${" in there:
                    return True
                continue
            found = next(self._fitting(context, there, set()), None)
            if found is not None and self._is_ours(*found, there, dialled, depth + 1):
                return True
        return False

    def _reached(self, name: str, seen: set[str]) -> Iterator[HandedOver]:
        """Yield whose numbers go on to us from a context, by its includes and its extensions."""
        tenant = tenant_of(name)
        if tenant is not None:
            yield HandedOver(tenant_id=tenant[1], codes=tenant[0] == "extension")
            return
        context = self._contexts.get(name)
        if context is None or name in seen:
            return
        seen.add(name)
        for included in context.includes:
            yield from self._reached(included, seen)
        for extension in context.extensions.values():
            for going in extension.going:
                if going.context is not None and _DIALLED.search(going.dialled):
                    yield from self._reached(going.context, seen)


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


def _going(application: str, data: str) -> list[_Going]:
    if application.lower() in _GOING:
        _, asked, choices = data.partition("?")
        labels = choices.split(":") if asked else [data]
        return [going for label in labels if (going := _label(label)) is not None]
    return [_Going(context, dialled) for dialled, context in _LOCAL.findall(data)]


def _label(label: str) -> _Going | None:
    """Read `context,extension,priority`, of which the first two may be left out; `(…)` are arguments."""
    parts = label.partition("(")[0].strip().split(",")
    match parts:
        case [dialled, _]:
            return _Going(None, dialled)
        case [context, dialled, _]:
            return _Going(context, dialled)
        case _:
            return None


def _substituted(text: str, dialled: str) -> str:
    """Put the number in the place of `${EXTEN}`, of `${EXTEN:1}` and of `${EXTEN:0:3}`."""

    def part(found: re.Match[str]) -> str:
        rest = dialled[int(found[1] or 0) :]
        return rest if found[2] is None else rest[: int(found[2])]

    return _DIALLED.sub(part, text)
