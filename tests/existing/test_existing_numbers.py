"""Numbers that a switch answers itself: `doctor` names them, and calls show that it is right."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from controlplane.phone.phone import PhoneError
from tests.support.existing import Existing

# What a call ends with, and how an Asterisk says it.
CODES = {486: 17, 480: 19, 404: 1, 484: 28, 500: 38, 603: 21}


def _asterisk(name: str, code: int) -> str:
    return f"exten => {name},1,Hangup({CODES[code]})"


def _freeswitch(name: str, code: int) -> str:
    """Write an extension; its name is a number, or a pattern as Asterisk has it."""
    expression = name
    if name.startswith("_"):
        expression = name[1:].replace("X", "[0-9]").replace("Z", "[1-9]").replace("N", "[2-9]")
        expression = expression.removesuffix(".") + (".+" if expression.endswith(".") else "")
    return (
        f'<extension name="{name}"><condition field="destination_number" expression="^{expression}$">'
        f'<action application="respond" data="{code}"/></condition></extension>'
    )


def own_lines(switch: str, extensions: Sequence[tuple[str, int]]) -> str:
    """Return an administrator's extensions that end a call with a code each; the first one counts first."""
    line = {"asterisk": _asterisk, "freeswitch": _freeswitch}[switch]
    return "\n".join(line(name, code) for name, code in extensions)


@asynccontextmanager
async def mailboxes(existing: Existing, *numbers: str) -> AsyncIterator[None]:
    """Have mailboxes until the block ends."""
    for number in numbers:
        await existing.control.mailbox(number)
    try:
        yield
    finally:
        async with existing.control.api() as api:
            for number in numbers:
                await api.delete(f"/mailboxes/{number}")


async def clashes(existing: Existing) -> list[str]:
    """Return what `doctor` says of numbers, a line each, without the remedy."""
    lines = (await existing.control.wrong()).splitlines()
    said = [line.removeprefix("numbers: ") for line in lines if line.startswith("numbers: ")]
    assert all("POST /numbers/reserved" in line for line in said), said
    return [line.partition(" Give one of the two another number")[0] for line in said]


async def codes_of(existing: Existing, *numbers: str) -> list[int]:
    """Dial numbers as a user of the switch; return what each call ends with, 200 if it is answered."""
    codes = []
    async with existing.phone("1000") as phone:
        for number in numbers:
            call = await phone.dial(number, answered=False)
            try:
                await call.call.answered(seconds=10)
            except PhoneError:
                codes.append(await call.expect_the_end())
            else:
                codes.append(200)
                await call.hang_up()
    return codes


async def test_an_extension_of_the_switch_with_our_number_is_named(existing: Existing) -> None:
    """So is a pattern, with all numbers that it takes; the calls end there. What is ours alone is not."""
    own = [("7031", 486), ("_704X", 480), ("_70[56]Z", 404)]
    numbers = ("7030", "7031", "7041", "7042", "7045", "7050", "7051")
    async with mailboxes(existing, *numbers):
        before = await clashes(existing)
        async with existing.switch.own_lines(own_lines(existing.name, own)):
            named = await clashes(existing)
            codes = await codes_of(existing, *numbers)
        after = await clashes(existing)
    where = {
        "asterisk": "extension {} of context from-phones",
        "freeswitch": "extension {} ^{}$ of context default",
    }[existing.name]
    shown = {"_704X": "704[0-9]", "_70[56]Z": "70[56][1-9]"}
    expected = sorted(
        f"{clashing}: the switch answers by {where.format(name, shown.get(name, name))}"
        for clashing, name in (("7031", "7031"), ("7041-7042, 7045", "_704X"), ("7051", "_70[56]Z"))
    )

    assert ([], expected, []) == (before, sorted(named), after)
    assert [200, 486, 480, 480, 480, 200, 404] == codes


async def test_what_the_switch_came_with_is_named(existing: Existing) -> None:
    """A mailbox with a number of the stock dialplan; nobody added a line for it."""
    number, name = {"asterisk": ("1055", "_1XXX"), "freeswitch": ("8255", "call-group-simo")}[existing.name]
    async with mailboxes(existing, number):
        named = await clashes(existing)

    assert [True] == [f"{number}: the switch answers by extension {name} " in line for line in named], named


async def test_a_way_to_us_through_another_context_is_no_clash(existing: Existing) -> None:
    """Their extension that hands the number on to a context of theirs, and that to us."""
    tenant = existing.tenant
    lines = {
        "asterisk": f"""
            exten => _707X,1,Goto(own-way,${{EXTEN}},1)
            include => own-include
            [own-way]
            exten => _X.,1,Goto(cp-extension-{tenant},${{EXTEN}},1)
            [own-include]
            include => cp-extension-{tenant}
            """,
        "freeswitch": f"""
            <extension name="own-way"><condition field="destination_number" expression="^(707.)$">
              <action application="transfer" data="$1-way"/></condition></extension>
            <extension name="own-way-2"><condition field="destination_number" expression="^(\\d+)-way$">
              <action application="transfer" data="$1 XML cp-extension-{tenant}"/></condition></extension>
            """,
    }[existing.name]
    async with mailboxes(existing, "7071"), existing.switch.own_lines(lines):
        named = await clashes(existing)
        (code,) = await codes_of(existing, "7071")

    assert ([], 200) == (named, code)


async def test_a_feature_code_that_the_switch_has_is_named(existing: Existing) -> None:
    """`*57` opens one's own mailbox, unless the switch has another use for it."""
    own = {"asterisk": [("*57", 486)], "freeswitch": [("[*]57", 486)]}[existing.name]
    async with existing.switch.own_lines(own_lines(existing.name, own)):
        (named,) = await clashes(existing)
        (code,) = await codes_of(existing, "*57")

    assert ("*57: the switch answers by extension", 486) == (
        named[: len("*57: the switch answers by extension")],
        code,
    )


async def test_the_extension_that_is_foreseen_takes_the_call(existing: Existing) -> None:
    """Among patterns that fit at once the one that `doctor` names is the one that ends the call."""
    own = [
        ("_7[0-4]8X", 484),
        ("7085", 486),
        ("_708[1-4]", 480),
        ("_70[89]X", 404),
        ("_7[08]XX", 500),
        ("_X.", 603),
    ]
    numbers = ("7080", "7085", "7083", "7095", "7899", "7488")
    async with mailboxes(existing, *numbers), existing.switch.own_lines(own_lines(existing.name, own)):
        named = await clashes(existing)
        codes = await codes_of(existing, *numbers)
    named_by = {
        number: code
        for name, code in own
        for line in named
        for number in numbers
        if number in line.partition(":")[0].split(", ") and f"extension {name} " in line
    }

    assert codes == [named_by.get(number, 200) for number in numbers], named
    assert 3 <= len(set(codes))
