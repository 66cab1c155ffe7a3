"""The call forward rules of an extension in JSON."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from controlplane.domain.routing.extension_rules import MOST_LAMPS, CallerException, ExtensionRules, When
from controlplane.web.api.fields import Input, Output, example
from controlplane.web.api.schemas_destinations import (
    FORWARD,
    ByHoursBody,
    DestinationBody,
    NameField,
    NumberOfTenant,
    by_hours_of,
)

_EXCEPTION: dict[str, Any] = {
    "caller": "49301234*",
    "destination": {"action": "ring", "number": None},
    "when": "always",
}
_RULE: dict[str, Any] = {"office_hours": FORWARD, "outside_hours": None, "holidays": None}
_RULES: dict[str, Any] = {
    "office_hours": None,
    "exceptions": [_EXCEPTION],
    "always": None,
    "do_not_disturb": False,
    "do_not_disturb_destination": None,
    "busy": _RULE,
    "no_answer": _RULE,
    "no_answer_seconds": 30,
    "not_registered": None,
    "mailbox": None,
    "mwi_mailboxes": ["8001"],
}


class CallerExceptionBody(Input):
    """What happens to the calls of some callers, before all rules."""

    model_config = example(_EXCEPTION)

    caller: Annotated[
        str,
        Field(
            max_length=40,
            description="A number, a range such as 4930100-4930199, or digits with `*` for any one digit.",
        ),
    ]
    destination: Annotated[
        DestinationBody,
        Field(description="`ring` lets the phones ring in spite of all rules and of do not disturb."),
    ]
    when: Annotated[When, Field(strict=False, description="Holidays are outside hours.")] = When.ALWAYS

    def value(self) -> CallerException:
        """Return the domain's exception; not checked yet."""
        return CallerException(caller=self.caller, destination=self.destination.value(), when=self.when)


_Hours = Annotated[NameField | None, Field(description="Office hours by name; `null` is the tenant's.")]
_Exceptions = Annotated[
    list[CallerExceptionBody], Field(max_length=50, description="The first that means the caller counts.")
]
_Always = Annotated[
    ByHoursBody | None, Field(description="No phone rings; with `ring` they do, as without this rule.")
]
_Disturb = Annotated[bool, Field(description="No phone rings, and the extension counts as busy.")]
_Disturbed = Annotated[ByHoursBody | None, Field(description="While not to be disturbed; `null`: as `busy`.")]
_Busy = Annotated[ByHoursBody | None, Field(description="When it is on a call, or declines this one.")]
_NoAnswer = Annotated[ByHoursBody | None, Field(description="After `no_answer_seconds` without an answer.")]
_Seconds = Annotated[int, Field(ge=5, le=300, description="So long its phones ring.")]
_NotRegistered = Annotated[ByHoursBody | None, Field(description="When no phone of it is reachable.")]
_Mailbox = Annotated[
    NumberOfTenant | None,
    Field(description="The mailbox that it owns: that of `forward_to_voicemail`, opened by `*57`."),
]
_Lamps = Annotated[
    list[NumberOfTenant],
    Field(
        max_length=MOST_LAMPS,
        description="Mailboxes that light the lamp of its phones (MWI), besides the one that it owns.",
    ),
]


class ExtensionRulesIn(Input):
    """All rules of an extension; what is left out has its default."""

    model_config = example(_RULES)

    office_hours: _Hours = None
    exceptions: _Exceptions = []  # noqa: RUF012 (pydantic copies it)
    always: _Always = None
    do_not_disturb: _Disturb = False
    do_not_disturb_destination: _Disturbed = None
    busy: _Busy = None
    no_answer: _NoAnswer = None
    no_answer_seconds: _Seconds = 30
    not_registered: _NotRegistered = None
    mailbox: _Mailbox = None
    mwi_mailboxes: _Lamps = []  # noqa: RUF012 (pydantic copies it)

    def value(self) -> ExtensionRules:
        """Return the domain's rules; not checked yet."""
        return ExtensionRules(
            office_hours=self.office_hours,
            exceptions=tuple(one.value() for one in self.exceptions),
            always=by_hours_of(self.always),
            do_not_disturb=self.do_not_disturb,
            do_not_disturb_destination=by_hours_of(self.do_not_disturb_destination),
            busy=by_hours_of(self.busy),
            no_answer=by_hours_of(self.no_answer),
            no_answer_seconds=self.no_answer_seconds,
            not_registered=by_hours_of(self.not_registered),
            mailbox=self.mailbox,
            mwi_mailboxes=tuple(self.mwi_mailboxes),
        )


class ExtensionRulesOut(Output):
    """All rules of an extension."""

    model_config = example(_RULES)

    office_hours: str | None
    exceptions: list[CallerExceptionBody]
    always: ByHoursBody | None
    do_not_disturb: bool
    do_not_disturb_destination: ByHoursBody | None
    busy: ByHoursBody | None
    no_answer: ByHoursBody | None
    no_answer_seconds: int
    not_registered: ByHoursBody | None
    mailbox: str | None
    mwi_mailboxes: list[str]

    @classmethod
    def of(cls, rules: ExtensionRules) -> ExtensionRulesOut:
        """Make it from the domain's."""
        by_hours = ("always", "do_not_disturb_destination", "busy", "no_answer", "not_registered")
        named = {name: getattr(rules, name) for name in by_hours}
        return cls(
            office_hours=rules.office_hours,
            exceptions=[
                CallerExceptionBody(
                    caller=one.caller, destination=DestinationBody.of(one.destination), when=one.when
                )
                for one in rules.exceptions
            ],
            do_not_disturb=rules.do_not_disturb,
            no_answer_seconds=rules.no_answer_seconds,
            mailbox=rules.mailbox,
            mwi_mailboxes=list(rules.mwi_mailboxes),
            **{name: None if rule is None else ByHoursBody.of(rule) for name, rule in named.items()},
        )
