"""A second, tiny walk of a call over a routing that is written down as plain values.

It shares nothing with the product: what it says is compared with the product's simulation. Tokens are
numbers, `hangup`, `repeat`, `ring`, or empty. Rules are three tokens: in office hours, outside, on holidays.
"""

from __future__ import annotations

from typing import Any

Way = list[tuple[str, str, str | None, str, int | None]]
Told = tuple[str, str | None, str | None, int, Way]


def walk(numbers: dict[str, dict[str, Any]], call: dict[str, Any]) -> Told:
    """Return result, number, cause, seconds and the way (kind, number, key, reason, seconds) of a call."""
    way: Way = []
    keys = list(call["keys"])
    number, failed, hops = call["to"], None, 0
    while True:
        hops += 1
        if hops == 11:
            return ("cut", number, None, _spent(way), way)
        thing = numbers[number]
        if thing["kind"] == "mailbox":
            key = _at_greeting(thing, keys)
            if key != "0":
                return ("log_in" if key == "*" else "mailbox", number, None, _spent(way), way)
            way.append(("mailbox", number, "0", "exit_key", None))
            number, failed = thing["operator"], None
            continue
        end, token, reason, key, seconds = _at(numbers, number, call, keys)
        if end is not None:
            return ("answered", end, None, _spent(way) + (seconds or 0), way)
        goodbye = thing["kind"] == "virtual-receptionist" and token == "hangup"
        if goodbye and reason != "closed":
            return ("hung_up", None, "normal", _spent(way) + (seconds or 0), way)
        way.append((thing["kind"], number, key, reason, seconds))
        if thing["kind"] == "virtual-receptionist":
            if reason == "direct":
                failed = (thing["call_failed"], number)
            elif reason == "timeout":
                failed = None
        if token == "" and failed is not None:
            token, at = failed
            failed = None
            way.append(("virtual-receptionist", at, None, "call_failed", None))
            token = at if token == "repeat" else token
            reason = "call_failed"
        if not token.isdigit():
            cause = reason if reason in {"busy", "no_answer", "not_registered"} else "normal"
            return ("hung_up", None, cause, _spent(way), way)
        number = token


def _at_greeting(thing: dict[str, Any], keys: list[str]) -> str:
    """Return the first key that does something while a mailbox greets; empty if none does."""
    does = {"#": True, "0": bool(thing.get("operator")), "*": thing.get("log_in", False)}
    while keys:
        key = keys.pop(0)
        if does.get(key):
            return key
    return ""


def _spent(way: Way) -> int:
    return sum(step[4] or 0 for step in way)


def _at(
    numbers: dict[str, dict[str, Any]], number: str, call: dict[str, Any], keys: list[str]
) -> tuple[str | None, str, str, str | None, int | None]:
    """Return who answers, or the next token with reason, key and seconds."""
    thing = numbers[number]
    hours = call["hours"]
    if thing["kind"] == "extension":
        return _extension(thing, number, call)
    if hours != 0 and thing["closed"]:
        return (None, thing["closed"], "closed", None, None)
    if thing["kind"] == "ring-group":
        return _group(numbers, number, call)
    if thing["kind"] == "call-queue":
        able = [
            one
            for one in thing["agents"]
            if not numbers[one]["dnd"] and call["states"][one] != "unregistered"
        ]
        if not able and not thing["wait"]:
            return (None, thing["no_agents"], "no_agents", None, None)
        taking = [one for one in able if call["states"][one] == "answered"]
        if taking:
            return (taking[0], "", "", None, None)
        if keys and keys[0] == thing["exit_key"]:
            return (None, thing["exit"], "exit_key", keys.pop(0), None)
        return (None, thing["no_answer"], "queue_timeout", None, thing["max_wait"])
    token, reason, key, seconds = reception(thing, hours, keys)
    return (None, token, reason, key, seconds)


def reception(thing: dict[str, Any], hours: int, keys: list[str]) -> tuple[str, str, str | None, int]:
    """Return where a receptionist sends a caller who presses these keys, with reason, key and seconds."""
    silent = 0
    for _ in range(20):
        pressed = keys.pop(0) if keys else None
        if pressed is None:
            silent += 1
            if silent > thing["repeats"]:
                break
        elif thing["keys"].get(pressed, ("repeat",) * 3)[hours] != "repeat":
            return (thing["keys"][pressed][hours], "direct", pressed, silent * thing["timeout_seconds"])
    return (thing["timeout"], "timeout", None, silent * thing["timeout_seconds"])


def _extension(
    thing: dict[str, Any], number: str, call: dict[str, Any]
) -> tuple[str | None, str, str, str | None, int | None]:
    hours, state = call["hours"], call["states"][number]
    let_through = False
    for caller, when, token in thing["exceptions"]:
        if caller == call["caller"] and (
            when == "a" or (when == "o" and hours == 0) or (when == "c" and hours)
        ):
            if token != "ring":
                return (None, token, "always", None, None)
            let_through = True
            break
    if not let_through:
        if thing["always"] and thing["always"][hours] != "ring":
            return (None, thing["always"][hours], "always", None, None)
        if thing["dnd"]:
            rule = thing["dnd_to"] or thing["busy"]
            return (None, rule[hours] if rule else "", "busy", None, None)
    if state == "answered":
        return (number, "", "", None, None)
    reason = {
        "declined": "busy",
        "busy": "busy",
        "unanswered": "no_answer",
        "unregistered": "not_registered",
    }[state]
    rule = thing[reason]
    seconds = {"busy": 0, "no_answer": thing["seconds"], "not_registered": None}[reason]
    return (None, rule[hours] if rule else "", reason, None, seconds)


def _group(
    numbers: dict[str, dict[str, Any]], number: str, call: dict[str, Any]
) -> tuple[str | None, str, str, str | None, int | None]:
    thing = numbers[number]
    states = [
        "busy" if numbers[one]["dnd"] else call["states"][one].replace("declined", "busy")
        for one in thing["members"]
    ]
    if thing["strategy"] == "simultaneous":
        if "answered" in states:
            return (thing["members"][states.index("answered")], "", "", None, 0)
        tried = states
        spent = min(thing["ring"], thing["total"]) if "unanswered" in states else 0
    else:
        tried, spent = [], 0
        for one, state in zip(thing["members"], states, strict=True):
            if spent >= thing["total"]:
                break
            if state == "answered":
                return (one, "", "", None, spent)
            tried.append(state)
            spent += min(thing["ring"], thing["total"] - spent) if state == "unanswered" else 0
    reason = next(
        (name for state, name in (("unanswered", "no_answer"), ("busy", "busy")) if state in tried),
        "not_registered",
    )
    if thing["no_answer"] == "repeat":
        return (None, number, reason, None, max(spent, min(5, thing["ring"])))
    return (None, thing["no_answer"], reason, None, spent)
