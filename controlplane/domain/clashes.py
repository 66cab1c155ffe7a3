"""Numbers of ours that a switch with a dialplan of its own answers itself, before they reach us."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from random import Random
from typing import Final, Protocol
from uuid import UUID

_PROBES: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The extension of the switch's dialplan that takes a number, in the context where it stands.

    `ours`: it hands the number over to us.
    """

    context: str
    extension: str
    ours: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedOver:
    """Whose numbers a context hands over to us, and whether feature codes are among them."""

    tenant_id: UUID
    codes: bool


class ExistingDialplan(Protocol):
    """What a switch does with numbers in contexts that are not ours."""

    def handing_over(self) -> Mapping[str, Collection[HandedOver]]:
        """Return the contexts in which numbers of ours, as they were dialled, go on to us."""
        ...

    def answers(self, context: str, dialled: str) -> Iterator[Answer]:
        """Yield what fits a number that is dialled in a context: the first takes it, or else the next."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialled:
    """A number or an enabled feature code of a tenant, which has a name too."""

    tenant_id: UUID
    tenant: str
    text: str

    @property
    def is_code(self) -> bool:
        """Whether it is a feature code."""
        return not self.text.isdigit()


@dataclass(frozen=True, slots=True, kw_only=True)
class Clash:
    """An extension of the switch that answers numbers of ours."""

    answer: Answer
    tenant: str
    numbers: tuple[str, ...]


@dataclass(slots=True, kw_only=True)
class _Looked:
    """What was found, by extension and tenant."""

    found: dict[tuple[str, str, str], set[str]] = field(default_factory=dict)
    answers: dict[tuple[str, str], Answer] = field(default_factory=dict)

    def add(self, answer: Answer, dialled: Dialled) -> None:
        place = (answer.context, answer.extension)
        self.answers.setdefault(place, answer)
        self.found.setdefault((*place, dialled.tenant), set()).add(dialled.text)


def find_clashes(
    dialplan: ExistingDialplan,
    *,
    contexts: Collection[str],
    ours: Collection[Dialled],
    in_time: Callable[[], bool] = lambda: True,
) -> list[Clash] | None:
    """Find what of `ours` the switch answers; None if that took too long.

    Looked at are the contexts that hand numbers over to us, and `contexts`, in which the users of the switch
    dial. An extension for whatever is dialled, a way out most often, has no number: it is a clash where the
    number would go to us without it.
    """
    handing_over = dialplan.handing_over()
    looked = _Looked()
    any_number: dict[tuple[str, str, int], bool] = {}
    for context in sorted({*handing_over, *contexts}):
        for dialled in ours:
            if not in_time():
                return None
            tenants = handing_over.get(context, ())
            if tenants and not any(_concerns(one, dialled) for one in tenants):
                continue
            if not tenants and dialled.is_code:
                continue
            answers = dialplan.answers(context, dialled.text)
            answer = next(answers, None)
            if answer is None or answer.ours:
                continue
            key = (answer.context, answer.extension, len(dialled.text))
            if key not in any_number:
                any_number[key] = _takes_any_number(dialplan, context, answer, len(dialled.text))
            if any_number[key] and not any(other.ours for other in answers):
                continue
            looked.add(answer, dialled)
    return [
        Clash(
            answer=looked.answers[context, extension],
            tenant=tenant,
            numbers=tuple(sorted(numbers)),
        )
        for (context, extension, tenant), numbers in sorted(looked.found.items())
    ]


def _concerns(one: HandedOver, dialled: Dialled) -> bool:
    return one.tenant_id == dialled.tenant_id and (one.codes or not dialled.is_code)


def _takes_any_number(dialplan: ExistingDialplan, context: str, answer: Answer, length: int) -> bool:
    def takes(number: str) -> bool:
        return answer in dialplan.answers(context, number)

    return takes_most(takes, length=length)


def takes_most(takes: Callable[[str], bool], *, length: int) -> bool:
    """Say whether most numbers of so many digits are taken, by trying some: always the same ones."""
    digits = Random(length)  # noqa: S311 (no secret: numbers to try)
    tried = ("".join(digits.choices("0123456789", k=length)) for _ in range(_PROBES))
    return 2 * sum(takes(number) for number in tried) > _PROBES


def as_ranges(numbers: Iterable[str]) -> list[str]:
    """Write numbers with those that follow each other as one range: `8001`, `8003-8010`."""
    return [first if first == last else f"{first}-{last}" for first, last in _runs(sorted(numbers))]


def _runs(numbers: list[str]) -> Iterator[tuple[str, str]]:
    numbered = enumerate(sorted(numbers, key=lambda number: (len(number), number)))

    def run(item: tuple[int, str]) -> tuple[int, int | str]:
        place, number = item
        return (len(number), int(number) - place) if number.isdigit() else (len(number), number)

    for _, items in groupby(numbered, key=run):
        members = [number for _, number in items]
        yield members[0], members[-1]
