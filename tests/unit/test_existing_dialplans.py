"""What a dialplan that is not ours does with a number, read from what each switch says of it."""

from __future__ import annotations

from uuid import UUID
from xml.etree import ElementTree as ET

import pytest
from controlplane.domain.clashes import Answer, ExistingDialplan, HandedOver
from controlplane.domain.errors import SwitchUnavailable
from controlplane.switches.asterisk.ami import AmiMessage
from controlplane.switches.asterisk.dialplan import AsteriskDialplan
from controlplane.switches.freeswitch.dialplan import FreeSwitchDialplan, read_dialplan
from controlplane.switches.patterns import Pattern

TENANT = UUID("00000000-0000-4000-8000-000000000001")
INSIDE, OUTSIDE = f"cp-extension-{TENANT}", f"cp-outside-{TENANT}"


def asterisk(text: str) -> AsteriskDialplan:
    """Read lines as of an extensions.conf: `[context]`, `include`, `8001,1,Dial(…)`."""
    lines, context = [], ""
    for line in filter(None, map(str.strip, text.splitlines())):
        if line.startswith("["):
            context = line[1:-1]
        elif line.startswith("include "):
            lines.append(
                AmiMessage((("Context", context), ("IncludeContext", line.removeprefix("include "))))
            )
        else:
            name, priority, application = line.split(",", 2)
            word, _, data = application.partition("(")
            values = {"Context": context, "Extension": name, "Priority": priority, "Application": word}
            lines.append(AmiMessage((*values.items(), ("AppData", data.removesuffix(")")))))
    return AsteriskDialplan(lines)


def freeswitch(extensions: str) -> FreeSwitchDialplan:
    """Read extensions of a context `phones`, and one of ours."""
    contexts = f'<context name="phones">{extensions}</context><context name="{INSIDE}"/>'
    return FreeSwitchDialplan(ET.fromstring(f'<section name="dialplan">{contexts}</section>'))


def extension(name: str, expression: str, data: str = "", **attributes: str) -> str:
    """Return an extension for numbers; it answers, or transfers to `data`."""
    more = "".join(f' {key.rstrip("_")}="{value}"' for key, value in attributes.items())
    action = f'application="transfer" data="{data}"' if data else 'application="answer"'
    return (
        f'<extension name="{name}"{more}><condition field="destination_number" expression="{expression}">'
        f"<action {action}/></condition></extension>"
    )


def first(plan: ExistingDialplan, number: str) -> Answer | None:
    """Return what takes a number that a phone dials."""
    return next(plan.answers("phones", number), None)


def takes(answer: Answer | None) -> tuple[str, bool] | None:
    """Return the extension and whether it is ours."""
    return None if answer is None else (answer.extension, answer.ours)


@pytest.mark.parametrize(
    ("pattern", "fitting", "other"),
    [
        ("_80XX", ["8000", "8099"], ["800", "80000", "80a0"]),
        ("_8[0-24]ZN", ["8012", "8499"], ["8312", "8402", "8011"]),
        ("_8.", ["80", "8012*"], ["8", "70"]),
        ("_8!", ["8", "80"], ["7"]),
        ("_nxx-xxxx", ["2001234"], ["1001234"]),
        ("_*5[]6", ["*56"], ["*5"]),
    ],
)
def test_a_pattern_fits_what_it_means(pattern: str, fitting: list[str], other: list[str]) -> None:
    """Letters of any case, sets, ranges, and the two signs for the rest."""
    parsed = Pattern.parse(pattern)
    assert parsed is not None

    assert fitting == [number for number in (*fitting, *other) if parsed.matches(number)]


def test_patterns_stand_in_the_order_of_asterisk() -> None:
    """The smaller set first, position by position; `.` behind all sets, and `!` behind that."""
    wanted = ["_7XXX", "_[78]XXX", "_ZXXX", "_X00X", "_X[0-5]XX", "_XXXX", "_X.", "_X!", "_.", "_!"]
    parsed = {name: Pattern.parse(name) for name in reversed(wanted)}

    assert wanted == sorted(parsed, key=lambda name: parsed[name].order if parsed[name] else ())


def test_asterisk_asks_a_context_before_what_it_includes() -> None:
    """In each a name before patterns; a hint is no extension that answers."""
    plan = asterisk("""
        [phones]
        include more,9:00-17:00,mon-fri,*,*
        _80XX,1,Dial(PJSIP/1000)
        8002,hint,PJSIP/1000
        [more]
        8001,1,Answer()
        8101,1,Answer()
        """)

    assert [("_80XX", False), ("_80XX", False), ("8101", False), None] == [
        takes(first(plan, number)) for number in ("8001", "8002", "8101", "8201")
    ]
    assert "more" == getattr(first(plan, "8101"), "context", "")


@pytest.mark.parametrize(
    "lines",
    [
        f"_8XXX,1,Goto({INSIDE},${{EXTEN}},1)",
        f"_8XXX,1,NoOp()\n_8XXX,2,GotoIf($[1=1]?{INSIDE},${{EXTEN}},1:other,s,1)",
        f"_8XXX,1,Dial(Local/${{EXTEN}}@{INSIDE}/n)",
        f"include {INSIDE}\n[{INSIDE}]\n_X.,1,NoOp()",
        f"include more\n[more]\n_8XXX,1,Goto({INSIDE},${{EXTEN}},1)",
        f"_8XXX,1,Goto(more,${{EXTEN}},1)\n[more]\n_X.,1,Goto({INSIDE},${{EXTEN}},1)",
        f"8001,1,Dial(PJSIP/8001,20)\n8001,2,Goto({INSIDE},${{EXTEN}},1)\ninclude {INSIDE}",
    ],
)
def test_what_goes_to_us_on_asterisk_is_no_clash(lines: str) -> None:
    """By a jump, an inclusion, a Local channel, through another context; and the context is known for it."""
    plan = asterisk(f"[phones]\n{lines}")
    answer = first(plan, "8001")

    assert answer is not None
    assert answer.ours
    assert {HandedOver(tenant_id=TENANT, codes=True)} == set(plan.handing_over()["phones"])


def test_a_jump_to_another_number_of_ours_is_a_clash() -> None:
    """Their 8001 that goes to our 7001 when nobody answers has 8001; and two may jump to each other."""
    plan = asterisk(f"""
        [phones]
        _7XXX,1,Goto({OUTSIDE},${{EXTEN}},1)
        8001,1,Dial(PJSIP/8001,20)
        8001,2,Goto({OUTSIDE},7001,1)
        8002,1,Goto(8003,1)
        8003,1,Goto(8002,1)
        """)

    assert [("8001", False), ("8002", False)] == [takes(first(plan, number)) for number in ("8001", "8002")]
    assert {HandedOver(tenant_id=TENANT, codes=False)} == set(plan.handing_over()["phones"])


def test_a_part_of_the_number_is_cut_as_asterisk_does() -> None:
    """`98001` with its first digit cut reaches our 8001, which is not the number dialled."""
    plan = asterisk(f"[phones]\n_9XXXX,1,Goto({INSIDE},${{EXTEN:1}},1)\n_8XXX,1,Goto(in,${{EXTEN:0:4}},1)\n"
                    f"[in]\n_X.,1,Goto({INSIDE},${{EXTEN:-4}},1)")  # fmt: skip

    assert [("_9XXXX", False), ("_8XXX", True)] == [
        takes(first(plan, number)) for number in ("98001", "8001")
    ]


def test_freeswitch_asks_extensions_in_their_order() -> None:
    """The first that fits takes the call; one that says `continue` takes none."""
    plan = freeswitch(
        extension("log", "^.*$", continue_="true")
        + extension("groups", "^80(\\d{2})$")
        + extension("eight", "^8001$")
        + extension("ours", "^([89]\\d+)$", f"$1 XML {INSIDE}")
        + extension("nine", "^9001$")
    )

    assert [("groups ^80(\\d{2})$", False), ("ours ^([89]\\d+)$", True), None] == [
        takes(first(plan, number)) for number in ("8001", "9001", "7001")
    ]
    assert {HandedOver(tenant_id=TENANT, codes=True)} == set(plan.handing_over()["phones"])


def test_a_transfer_is_followed_on_freeswitch() -> None:
    """Through another extension, with what was in the brackets; to another number of ours is not to us."""
    plan = freeswitch(
        extension("short", "^9(8\\d{3})$", "$1")
        + extension("same", "^(6\\d{3})$", "$1-x XML phones")
        + extension("again", "^(\\d+)-x$", f"$1 XML {INSIDE}")
        + extension("ours", "^(8\\d{3})$", f"${{destination_number}} XML {INSIDE}")
        + extension("round", "^5000$", "5000")
    )

    assert [False, True, True, False] == [
        answer.ours for number in ("98001", "6001", "8001", "5000") if (answer := first(plan, number))
    ]


ACTION = '<action application="answer"/>'


def condition(expression: str = "", *inside: str, field: str = "destination_number", **more: str) -> str:
    """Return a condition with what is inside; without an expression it asks for nothing."""
    asks = {"field": field, "expression": expression} if expression else {}
    attributes = " ".join(f'{name.rstrip("_")}="{value}"' for name, value in (asks | more).items())
    return f"<condition {attributes}>{''.join(inside)}</condition>"


def regexes(*expressions: str) -> str:
    """Return regular expressions that a condition has several of, and an action."""
    tags = (f'<regex field="destination_number" expression="{one}"/>' for one in expressions)
    return "".join([*tags, ACTION])


@pytest.mark.parametrize(
    ("conditions", "taken"),
    [
        # A time, a caller or a variable beside the number: it may take it.
        (condition("^8001$", ACTION, wday="2-6"), True),
        (condition("^1$", field="caller_id_number") + condition("^8001$", ACTION), True),
        (condition("^8001$", ACTION) + condition("^1$", ACTION, field="${x}"), True),
        # It would take any other number, too: what else it asks for decides.
        (condition("^true$", field="${user_exists(id)}") + condition("^\\d{4}$", ACTION), False),
        (condition("^1$", ACTION, field="${x}"), False),
        (condition("", ACTION, wday="1"), False),
        # Without any question it takes all.
        (condition("", ACTION), True),
        (condition("^9$", break_="never") + condition("", ACTION), True),
        (condition("^9$") + condition("", ACTION), False),
        (condition("^8", break_="on-true") + condition("", ACTION), False),
        (condition("^8", break_="always") + condition("", ACTION), False),
        (condition("^9$", '<anti-action application="answer"/>'), True),
        (condition("^8", condition("1$", ACTION)), True),
        (condition("^8", condition("^9")) + condition("", ACTION), False),
        (condition("^8", condition("^9"), break_="never") + condition("", ACTION), True),
        (condition("", regexes("^9", "^8"), regex="any"), True),
        (condition("", regexes("^9", "^8"), regex="all"), False),
        (condition("", regexes("1$", "^8"), regex="xor"), False),
        (f'<condition field="destination_number"><expression>^8001$</expression>{ACTION}</condition>', True),
        (condition("/^8001$/i", ACTION), True),
        (condition("_80XX", ACTION), True),
        (condition("^(8001$", ACTION), False),
    ],
)
def test_conditions_of_freeswitch(conditions: str, taken: bool) -> None:
    """As mod_dialplan_xml goes through them, with more than the number left open."""
    plan = freeswitch(f'<extension name="x">{conditions}</extension>')

    assert taken == (first(plan, "8001") is not None)


class Socket:
    """An event socket that answers one thing."""

    def __init__(self, text: str) -> None:
        self._text = text

    async def api(self, line: str) -> str:
        """Answer."""
        return self._text


@pytest.mark.parametrize(
    "text", ["can't find anything\n", "-ERR permission denied", "<section><", "<!DOCTYPE a><section/>"]
)
async def test_what_is_no_dialplan_is_said(text: str) -> None:
    """It is one sentence, and nothing is guessed."""
    with pytest.raises(SwitchUnavailable):
        await read_dialplan(Socket(text))  # type: ignore[arg-type]


async def test_twenty_thousand_numbers_among_ten_thousand_extensions() -> None:
    """Extensions for one number each are found without trying them all: it counts what is tried."""
    plan = freeswitch("".join(extension(f"u{n}", f"^{n}$") for n in range(10_000, 20_000)))
    context = plan._contexts["phones"]

    assert 0 == len(context.others)
    assert 1 == len(list(context.candidates("12345")))
    assert ("u12345 ^12345$", False) == takes(first(plan, "12345"))
