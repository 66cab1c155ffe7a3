"""Findings over everything that routes calls."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import uuid4

import pytest
from controlplane.domain.routing.call_queue import CallQueue
from controlplane.domain.routing.destination import HANGUP, ByHours, Destination, DestinationAction
from controlplane.domain.routing.extension_rules import CallerException, ExtensionRules, When
from controlplane.domain.routing.findings import (
    Everything,
    FindingId,
    LintExtension,
    LintMailbox,
    Severity,
)
from controlplane.domain.routing.hours import OfficeHours
from controlplane.domain.routing.inbound_rule import InboundRule
from controlplane.domain.routing.kinds import SETTINGS, RoutingObject, Settings
from controlplane.domain.routing.lint import lint
from controlplane.domain.routing.masks import covers, matches
from controlplane.domain.routing.never_matching import shadowed_rules
from controlplane.domain.routing.receptionist import KeyRule, VirtualReceptionist
from controlplane.domain.routing.ring_group import RingGroup
from controlplane.domain.routing.trunk import Trunk
from hypothesis import given
from hypothesis import strategies as st

NOW = datetime(2026, 3, 2, tzinfo=UTC)


def _to(number: str) -> Destination:
    return Destination(action=DestinationAction.FORWARD_TO_NUMBER, number=number)


def _object(key: str, settings: Settings, name: str = "Support team") -> RoutingObject:
    kind = next(kind for kind, type_ in SETTINGS.items() if type_ is type(settings))
    return RoutingObject(
        id=uuid4(),
        tenant_id=uuid4(),
        kind=kind,
        number=key if kind.number_kind else None,
        name=name if kind.number_kind else key,
        settings=settings,
        version=1,
        created_at=NOW,
        updated_at=NOW,
    )


def _mailbox(
    number: str,
    *,
    name: str = "Sales",
    enabled: bool = True,
    is_mailed: bool = True,
    operator: str | None = None,
) -> LintMailbox:
    return LintMailbox(
        number=number,
        name=name,
        language=None,
        enabled=enabled,
        operator=operator,
        is_mailed=is_mailed,
        has_old_new_messages=False,
    )


def _rule(**settings: object) -> InboundRule:
    return InboundRule(destination=ByHours(office_hours=HANGUP), **settings)  # type: ignore[arg-type]


def _extension(number: str, rules: ExtensionRules) -> LintExtension:
    return LintExtension(number=number, name="Alice", rules=rules)


def _found(*objects: RoutingObject | LintMailbox | LintExtension) -> set[tuple[str, str, str | None]]:
    """Return finding, number or name, and field of all that is found, besides what nothing points at."""
    everything = Everything(
        mailboxes=[one for one in objects if isinstance(one, LintMailbox)],
        extensions=[one for one in objects if isinstance(one, LintExtension)],
        objects=[one for one in objects if isinstance(one, RoutingObject)],
        unspoken={"xx"},
    )
    return {
        (one.finding.value, one.number or one.name, one.field)
        for one in lint(everything)
        if one.finding is not FindingId.NOTHING_POINTS_AT_IT
    }


VOICEMAIL = Destination(action=DestinationAction.FORWARD_TO_VOICEMAIL)
KEY = VirtualReceptionist(keys=(KeyRule(keys="5", destination=ByHours(office_hours=_to("8001"))),))


@pytest.mark.parametrize(
    ("objects", "found"),
    [
        ([_mailbox("8001")], set()),
        (
            [_mailbox("8001", operator="8002"), _mailbox("8002", enabled=False)],
            {("leads-to-disabled-mailbox", "8001", "operator_number")},
        ),
        ([_object("6100", RingGroup())], {("nobody-rings", "6100", "members")}),
        ([_object("6200", CallQueue())], {("nobody-rings", "6200", "agents")}),
        (
            [_object("6000", KEY), _mailbox("8001", enabled=False)],
            {("leads-to-disabled-mailbox", "6000", "keys.0.destination.office_hours")},
        ),
        (
            [_extension("101", ExtensionRules(busy=ByHours(office_hours=VOICEMAIL)))],
            {("voicemail-of-nobody", "101", "busy.office_hours")},
        ),
        (
            [
                _extension("101", ExtensionRules(busy=ByHours(office_hours=VOICEMAIL), mailbox="8001")),
                _mailbox("8001", is_mailed=False),
            ],
            set(),
        ),
        ([_mailbox("8001", is_mailed=False)], {("mailbox-without-mail", "8001", "email_recipients")}),
        ([_mailbox("8001", name="8001")], {("name-says-nothing", "8001", "display_name")}),
        ([_mailbox("8001", name="Mailbox 1")], {("name-says-nothing", "8001", "display_name")}),
        (
            [_object("6000", VirtualReceptionist(language="xx"))],
            {("language-without-prompts", "6000", "language")},
        ),
        (
            [_object("6100", RingGroup(members=("101",), closed=_to("8001")))],
            {("no-office-hours", "6100", "office_hours")},
        ),
        (
            [
                _object("6100", RingGroup(members=("101",), closed=_to("8001"))),
                _object("default", OfficeHours(time_zone="UTC")),
            ],
            set(),
        ),
        (
            [
                _object("6100", RingGroup(members=("101",), no_answer=_to("6200"))),
                _object("6200", CallQueue(agents=("101",), full=_to("6100"))),
            ],
            {("loop", "6100", "no_answer")},
        ),
        ([_object("a", _rule()), _object("b", _rule(dids=("49*",)))], {("rule-never-matches", "b", None)}),
        ([_object("b", _rule()), _object("a", _rule(dids=("49*",)))], set()),
        ([_object("a", _rule(enabled=False)), _object("b", _rule())], set()),
        ([_object("a", _rule(trunk="t")), _object("b", _rule())], set()),
        (
            [
                _object("a", _rule(trunk="t")),
                _object("t", Trunk(addresses=("192.0.2.1",), enabled=False)),
            ],
            {("rule-never-matches", "a", "trunk")},
        ),
        (
            [
                _extension(
                    "101",
                    ExtensionRules(
                        exceptions=(
                            CallerException(caller="493*", destination=HANGUP),
                            CallerException(caller="4930", destination=HANGUP, when=When.OFFICE_HOURS),
                            CallerException(caller="4931", destination=HANGUP),
                        )
                    ),
                )
            ],
            {
                ("exception-never-matches", "101", "exceptions.1"),
                ("exception-never-matches", "101", "exceptions.2"),
            },
        ),
    ],
)
def test_what_is_found(
    objects: list[RoutingObject | LintMailbox | LintExtension], found: set[tuple[str, str, str | None]]
) -> None:
    """Each finding has its object and its field, and what makes sense has none."""
    assert found == _found(*objects)


_FORWARDS = ByHours(office_hours=_to("8001"), outside_hours=_to("8001"), holidays=_to("8001"))
_EVERY_POINTER: list[RoutingObject | LintExtension] = [
    _object("6100", RingGroup(members=("101",), no_answer=_to("8001"), closed=_to("8001"))),
    _object(
        "6200",
        CallQueue(
            agents=("101",),
            no_answer=_to("8001"),
            no_agents=_to("8001"),
            full=_to("8001"),
            exit_key="1",
            exit=_to("8001"),
            closed=_to("8001"),
        ),
    ),
    _object(
        "6000",
        VirtualReceptionist(
            keys=(KeyRule(keys="1", destination=_FORWARDS),),
            timeout=_to("8001"),
            call_failed=_to("8001"),
            fallback="8001",
            closed=_to("8001"),
        ),
    ),
    _object("main", InboundRule(destination=_FORWARDS)),
    _extension(
        "101",
        ExtensionRules(
            exceptions=(CallerException(caller="49*", destination=_to("8001")),),
            always=_FORWARDS,
            do_not_disturb_destination=_FORWARDS,
            busy=_FORWARDS,
            no_answer=_FORWARDS,
            not_registered=_FORWARDS,
            mailbox="8001",
        ),
    ),
]


@pytest.mark.parametrize("one", _EVERY_POINTER, ids=lambda one: one.number or one.name)
def test_everything_that_can_send_a_call_to_a_disabled_mailbox_is_found(
    one: RoutingObject | LintExtension,
) -> None:
    """Each field that points at it, but for that of who owns it, who sends nobody there by that."""
    settings = one.rules if isinstance(one, LintExtension) else one.settings
    assert not isinstance(settings, OfficeHours)
    pointing = {pointer.slot for pointer in settings.pointers() if pointer.number == "8001"} - {"mailbox"}
    found = {at for finding, _, at in _found(one, _mailbox("8001", enabled=False)) if "disabled" in finding}

    assert pointing == found


def test_what_nothing_points_at_is_good_to_know() -> None:
    """The worst come first, and this one last."""
    group = _object("6100", RingGroup(no_answer=_to("8001")))
    found = lint(Everything(mailboxes=[_mailbox("8001")], objects=[group], pointed_at={"8001"}))

    assert [
        (Severity.WARNING, FindingId.NOBODY_RINGS, "6100"),
        (Severity.INFO, FindingId.NOTHING_POINTS_AT_IT, "6100"),
    ] == [(one.severity, one.finding, one.number) for one in found]


_DIGITS = st.text("012", min_size=2, max_size=3)
_RANGES = st.tuples(_DIGITS, _DIGITS).filter(lambda ends: len(ends[0]) == len(ends[1]) and ends[0] <= ends[1])
_MASKS = st.one_of(_DIGITS, st.text("01*", min_size=2, max_size=3), _RANGES.map("-".join))
_ALL = [f"{number:0{width}d}" for width in (2, 3) for number in range(10**width)]


@given(wider=_MASKS, narrower=_MASKS)
def test_a_mask_that_covers_another_means_all_its_numbers(wider: str, narrower: str) -> None:
    """Whatever is said to be covered is; ranges within patterns with a * in the middle may be missed."""
    is_covered = all(matches(wider, number) for number in _ALL if matches(narrower, number))
    may_miss = "-" in narrower and "*" in wider

    assert (covers(wider, narrower), True) in {(is_covered, True), (False, may_miss)}


@given(
    wider=st.lists(_MASKS | _DIGITS.map("+{}".format), max_size=4),
    narrower=st.lists(_MASKS | _DIGITS.map("+{}".format), max_size=4),
)
def test_a_rule_takes_another_ones_calls_if_its_masks_cover_all_of_them(
    wider: list[str], narrower: list[str]
) -> None:
    """Each of the later rule's masks is covered by one of the earlier rule's; none are any number."""
    rules = {"a": _rule(dids=tuple(wider)), "b": _rule(dids=tuple(narrower))}
    is_covered = bool(narrower) and all(any(covers(one, mask) for one in wider) for mask in narrower)

    assert ([("b", "a")] if not wider or is_covered else []) == list(shadowed_rules(rules))


@pytest.mark.timeout(20)
def test_many_rules_with_many_numbers_are_looked_over_in_no_time() -> None:
    """A request may look over a thousand rules of twenty numbers; mask by mask it takes most of a minute."""
    rules = {
        f"rule-{place}": _rule(dids=tuple(f"49{place:04}{number:02}" for number in range(20)))
        for place in range(1000)
    }

    assert [] == list(shadowed_rules(rules))
    assert [("rule-x", "rule-7")] == list(shadowed_rules({**rules, "rule-x": _rule(dids=("49000705",))}))
