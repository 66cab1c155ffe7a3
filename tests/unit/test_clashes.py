"""Which numbers of ours another dialplan answers, given what it does with each."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from uuid import UUID

import pytest
from controlplane.domain.clashes import Answer, Clash, Dialled, HandedOver, as_ranges, find_clashes

ACME, BETA = UUID(int=1), UUID(int=2)
NAMES = {ACME: "acme", BETA: "beta"}


class Dialplan:
    """A dialplan of contexts with numbers and what each belongs to; `*` fits any, behind that one."""

    def __init__(
        self, contexts: Mapping[str, Mapping[str, str]], over: Mapping[str, Collection[HandedOver]]
    ) -> None:
        self._contexts = contexts
        self._over = over

    def handing_over(self) -> Mapping[str, Collection[HandedOver]]:
        """Return what the test said."""
        return self._over

    def answers(self, context: str, dialled: str) -> Iterator[Answer]:
        """Yield the extensions of a number, which are divided by blanks; `ours` is one of us."""
        numbers = self._contexts.get(context, {})
        for name in f"{numbers.get(dialled, '')} {numbers.get('*', '')}".split():
            yield Answer(context=context, extension=name, ours=name == "ours")


def dialled(*texts: str, tenant: UUID = ACME) -> list[Dialled]:
    """Return numbers of a tenant."""
    return [Dialled(tenant_id=tenant, tenant=NAMES[tenant], text=text) for text in texts]


def over(tenant: UUID = ACME, *, codes: bool = True) -> list[HandedOver]:
    """Return that a context hands over the numbers of a tenant."""
    return [HandedOver(tenant_id=tenant, codes=codes)]


def found(clashes: list[Clash] | None) -> list[tuple[str, str, tuple[str, ...]]]:
    """Return what matters of clashes."""
    assert clashes is not None
    return [(clash.answer.extension, clash.tenant, clash.numbers) for clash in clashes]


def test_what_another_extension_takes_is_a_clash() -> None:
    """What goes to us is none, and neither is what nobody takes; one extension is one clash."""
    plan = Dialplan(
        {"phones": {"8001": "_80XX", "8002": "_80XX", "8003": "ours", "8100": "8100"}}, {"phones": over()}
    )
    ours = dialled("8001", "8002", "8003", "8004", "8100")

    assert [("8100", "acme", ("8100",)), ("_80XX", "acme", ("8001", "8002"))] == found(
        find_clashes(plan, contexts=(), ours=ours)
    )


def test_a_tenant_is_asked_about_where_its_numbers_are_dialled() -> None:
    """In a context of acme's phones the numbers of beta are somebody else's business."""
    plan = Dialplan({"phones": {"8001": "8001"}}, {"phones": over(ACME)})

    assert [] == found(find_clashes(plan, contexts=(), ours=dialled("8001", tenant=BETA)))


@pytest.mark.parametrize(("codes", "expected"), [(True, [("*5", "acme", ("*56",))]), (False, [])])
def test_a_feature_code_counts_where_codes_are_dialled(codes: bool, expected: list[object]) -> None:
    """Callers from outside reach numbers only."""
    plan = Dialplan({"phones": {"*56": "*5"}}, {"phones": over(codes=codes)})

    assert expected == found(find_clashes(plan, contexts=(), ours=dialled("*56")))


def test_an_extension_for_any_number_is_a_clash_where_it_keeps_calls_from_us() -> None:
    """Without it the number would be ours; elsewhere it is a way out, or a number not dialled there."""
    contexts = {
        "others": {"8001": "8001", "*": "_X."},
        "phones": {"8001": "8001", "*": "_X."},
        "swallowing": {"*": "_X. ours"},
    }
    plan = Dialplan(contexts, {"phones": over(), "swallowing": over()})

    assert [("8001", "others", 1), ("8001", "phones", 1), ("_X.", "swallowing", 2)] == [
        (clash.answer.extension, clash.answer.context, len(clash.numbers))
        for clash in find_clashes(plan, contexts=("others", "phones"), ours=dialled("8001", "8002")) or ()
    ]


def test_what_takes_too_long_is_given_up() -> None:
    """The answer is that there is none."""
    plan = Dialplan({}, {"phones": over()})

    assert None is find_clashes(plan, contexts=(), ours=dialled("8001"), in_time=lambda: False)


def test_numbers_that_follow_each_other_are_a_range() -> None:
    """Of equal length: 999 and 1000 are two, and so are 099 and 100 one."""
    numbers = ["8003", "8001", "8002", "8005", "999", "1000", "099", "100", "*56"]

    assert ["*56", "099-100", "999", "1000", "8001-8003", "8005"] == as_ranges(numbers)
