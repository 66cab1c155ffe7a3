"""Beside a switch that was there before us: its users leave and check messages, and keep what they had."""

from __future__ import annotations

from pathlib import Path

from controlplane.callflows.prompts import MessageCounts, Prompt
from tests.support.existing import OUTSIDE, Existing, Line
from tests.support.product import PIN
from tests.support.stock_switch import digests

MANAGEMENT = {"asterisk": "MANAGER__SECRET", "freeswitch": "EVENT_SOCKET__PASSWORD"}
# What the page says is added to, or made, in the switch's own folder.
FILES = {
    "asterisk": {"extensions.conf", "manager.conf", "modules.conf", "pjsip.conf"},
    "freeswitch": {
        "autoload_configs/event_socket.conf.xml",
        "autoload_configs/modules.conf.xml",
        "autoload_configs/switch.conf.xml",
        "dialplan/shared-voicemail.xml",
        "dialplan/default/00_shared_voicemail.xml",
        "dialplan/public/00_shared_voicemail.xml",
        "directory/default.xml",
        "directory/default/1000.xml",
        "directory/default/1001.xml",
    },
}


async def _leave(phone: Line, box: str, words: Path, **options: str) -> None:
    """Leave a message; the greeting is cut short, and the end is a hangup as with most callers."""
    call = await phone.dial(box, **options)
    await call.press("#")
    await call.expect_beep()
    await call.say(words)
    await call.hang_up()


def test_the_lines_of_the_page_are_all_it_takes(existing: Existing) -> None:
    """With every block of the page in its place publishing is confirmed, and doctor finds nothing wrong."""
    code, said = existing.publishing[-1]

    assert (0, True) == (code, "is live" in said), said
    assert existing.wrong["nothing"] == ""
    assert set() == existing.switch.page.unasked


def test_each_step_left_out_is_named(existing: Existing) -> None:
    """Without the way in that is named; with it, the modules, the dialplan and FreeSWITCH's parameter."""
    first, second = existing.wrong["everything"], existing.wrong["our lines"]
    way_in = {"asterisk": "manager.conf", "freeswitch": "event_socket.conf"}[existing.name]
    left_out = {
        "asterisk": ("not loaded: func_uri", "lacks cp-number", "extensions.conf"),
        "freeswitch": (
            "not loaded: mod_lua",
            "lacks cp-kind",
            "cp-dialplan.xml",
            '"api-expansion" value="false"',
        ),
    }[existing.name]

    assert way_in in first
    assert way_in not in second
    assert [] == [words for words in left_out if words not in second]
    assert 1 == existing.publishing[0][0]


async def test_a_wrong_password_is_named(existing: Existing) -> None:
    """With all in place, a password that is not the switch's is the finding."""
    name = f"CONTROLPLANE_{MANAGEMENT[existing.name]}"
    group, _, _ = name.rpartition("__")

    assert f"{group}__*" in await existing.control.wrong(**{name: "another-one"})


async def test_no_file_of_the_switch_is_ours(existing: Existing) -> None:
    """Only what the page names differs from the stock files; publishing a change writes to none of them."""
    changed = {path for path, digest in existing.extended.items() if existing.stock.get(path) != digest}
    before = existing.revision
    async with existing.control.api() as api:
        answer = await api.post("/tenants", json={"name": "acme", "sip_domain": "acme.example"})
    assert answer.status_code == 201, answer.text
    code, said = existing.control.run("publish")

    assert (0, "is live") == (code, "is live" if "is live" in said else said)
    assert before != existing.revision
    assert FILES[existing.name] == changed
    assert existing.extended == digests(existing.switch.configuration)


async def test_a_user_hears_what_another_one_left(existing: Existing, words: Path) -> None:
    """A mailbox made just now is reached without a reload; who called is whom the switch let in."""
    before = existing.revision
    await existing.control.mailbox("7001")
    # On Asterisk the user in From is the one who must know the password.
    claimed = {"asterisk": "1000", "freeswitch": "1001"}[existing.name]
    async with existing.phone("1000") as phone:
        await _leave(phone, "7001", words, local_uri=f'"The Boss" <sip:{claimed}@127.0.0.1>')
    message = await existing.control.the_message("7001")
    async with existing.phone("1001") as phone:
        call = await phone.dial("*567001")
        await call.expect_to_hear(Prompt.ENTER_PIN)
        await call.press(f"{PIN}#")
        await call.expect_to_hear(MessageCounts(new=1, saved=0))
        await call.expect_sound(words, "the message")
        await call.hang_up()

    assert ("1000", "User 1000") == (message["caller_number"], message["caller_name"])
    assert ["1001"] == existing.control.sources_of_tries("7001")
    assert before == existing.revision


async def test_a_claimed_number_opens_nothing(existing: Existing) -> None:
    """A wrong PIN counts against the user whose password was given, not against the number in From."""
    await existing.control.mailbox("7002")
    async with existing.phone("1000") as phone:
        forged = {"local_uri": '"User 1001" <sip:1001@127.0.0.1>'}
        call = await phone.dial("*567002", answered=existing.name == "freeswitch", **forged)
        if existing.name == "asterisk":
            assert 401 == await call.expect_the_end()
        else:
            await call.expect_to_hear(Prompt.ENTER_PIN)
            await call.press("999111#")
            await call.expect_to_hear(Prompt.PIN_INCORRECT)
            await call.hang_up()

    assert {"asterisk": [], "freeswitch": ["1000"]}[existing.name] == existing.control.sources_of_tries(
        "7002"
    )


async def test_users_call_each_other_as_before(existing: Existing) -> None:
    """Their own dialplan still rings the other phone."""
    async with existing.phone("1000") as alice, existing.phone("1001") as bob:
        call = await alice.dial("1001", answered=False)
        ringing, _ = await bob.phone.incoming()
        await bob.phone.answer(ringing)
        await call.call.answered()
        await call.hang_up()

        assert 200 == await ringing.ended()


async def test_a_user_without_our_line_is_let_into_no_mailbox(existing: Existing, words: Path) -> None:
    """At the feature code it hears that this code is not in use; it can leave a message."""
    await existing.control.mailbox("7003")
    async with existing.phone("1002") as phone:
        call = await phone.dial("*567003")
        await call.expect_to_hear(Prompt.FEATURE_UNKNOWN)
        await call.expect_the_end()
        await _leave(phone, "7003", words)
    message = await existing.control.the_message("7003")

    assert {"asterisk": "1002", "freeswitch": ""}[existing.name] == (message["caller_number"] or "")
    assert [] == existing.control.sources_of_tries("7003")


async def test_a_caller_from_outside_reaches_numbers_only(existing: Existing, words: Path) -> None:
    """The context that the page adds for calls from outside takes a message, and knows no feature code."""
    await existing.control.mailbox("7004")
    async with existing.phone(OUTSIDE) as phone:
        await _leave(phone, "7004", words)
        code = await phone.dial("*567004", answered=False)
        refused = await code.expect_the_end()
    message = await existing.control.the_message("7004")

    assert "5551234" == message["caller_number"]
    assert 400 <= refused


async def test_the_dialplan_takes_messages_alone(existing: Existing, words: Path) -> None:
    """With `calls` stopped a user leaves a message; at the feature code it hears that it must wait."""
    await existing.control.mailbox("7005")
    existing.control.end("calls")
    try:
        async with existing.phone("1000") as phone:
            call = await phone.dial("7005")
            await call.expect_beep()
            await call.say(words)
            await call.press("#")
            await call.expect_to_hear(Prompt.THANK_YOU)
            message = await existing.control.the_message("7005")
            check = await phone.dial("*567005")
            await check.expect_to_hear(Prompt.CHECK_UNAVAILABLE)
            await check.hang_up()
    finally:
        existing.control.start("calls")

    assert "1000" == message["caller_number"]
