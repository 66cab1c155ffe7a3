"""An admin's own subject and introduction of a mail: Jinja, rendered in a process of its own.

A template is a program of somebody who may only say how mails are to be. It runs in Jinja's sandbox, without
globals, and here with little time and memory, nothing to write to and no secret to find: one that loops is
ended.
"""

from __future__ import annotations

import json
import os
import re
import resource
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from jinja2 import StrictUndefined, TemplateSyntaxError, meta
from jinja2.sandbox import ImmutableSandboxedEnvironment

VARIABLES: Final = (
    "CALLER_NAME",
    "CALLER_NUMBER",
    "CALLER_EXTENSION_NUMBER",
    "DATE_TIME",
    "TENANT_NAME",
    "PBX_WEB_DOMAIN",
    "VOICEMAIL_DOWNLOAD_URL",
    "VOICEMAIL_NAME",
    "VOICEMAIL_NUMBER",
    "DURATION",
    "REACHED_BY",
)
"""What a template may say; the first eight have the names that they have at PortSIP."""
LONGEST: Final = {"email_subject": 500, "email_introduction": 10_000}
"""What a template may say at most, in characters, by the field that it is in."""

_SECONDS: Final = 20
_CPU_SECONDS: Final = 2
_MEMORY: Final = 2**28
_TOO_MUCH_TIME: Final = "template-too-slow"
_FOREIGN: Final = re.compile(r"%%\s*([A-Za-z_]{1,64})\s*%%")


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateFault:
    """What is wrong with a template; `details` has what the sentence names."""

    error_id: str
    sentence: str
    details: Mapping[str, str]


def render_words(template: str, variables: Mapping[str, str], *, longest: int) -> str | TemplateFault:
    """Return what a template says with these values, or what is wrong with it. Blocks, for 20 s at most."""
    environment = {"PATH": os.environ.get("PATH", ""), "PYTHONPATH": os.pathsep.join(sys.path)}
    asked = json.dumps({"template": template, "variables": dict(variables), "longest": longest})
    try:
        done = subprocess.run(
            [sys.executable, "-m", __name__],
            input=asked.encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return _fault(_TOO_MUCH_TIME, "It takes too long, and was stopped. Take loops out of it.")
    if done.returncode != 0:
        return _fault(_TOO_MUCH_TIME, "It takes too long or too much memory, and was stopped.")
    answer: dict[str, Any] = json.loads(done.stdout)
    if "text" in answer:
        return str(answer["text"])
    return _fault(answer["error_id"], answer["sentence"], **answer["details"])


def main() -> int:
    """Render what comes in, and say how it went."""
    asked = json.loads(sys.stdin.buffer.read())
    templates = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False)
    templates.globals.clear()
    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds = int(used.ru_utime + used.ru_stime) + 1 + _CPU_SECONDS
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    for limit in (resource.RLIMIT_FSIZE, resource.RLIMIT_CORE):
        resource.setrlimit(limit, (0, 0))
    said = _render(templates, **asked)
    if isinstance(said, TemplateFault):
        answer = {"error_id": said.error_id, "sentence": said.sentence, "details": dict(said.details)}
    else:
        answer = {"text": said}
    sys.stdout.write(json.dumps(answer))
    return 0


def _render(
    templates: ImmutableSandboxedEnvironment, *, template: str, variables: dict[str, str], longest: int
) -> str | TemplateFault:
    foreign = _FOREIGN.search(template)
    if foreign is not None:
        name = foreign[1]
        return _fault(
            "template-foreign", f"Write {{{{ {name} }}}} instead of {foreign[0]}.", name=name, text=foreign[0]
        )
    try:
        asked = meta.find_undeclared_variables(templates.parse(template))
        if unknown := sorted(asked - variables.keys()):
            known = ", ".join(variables)
            return _fault(
                "template-unknown-variable",
                f"There is no variable {unknown[0]}. There are {known}.",
                name=unknown[0],
                known=known,
            )
        said, length = [], 0
        for piece in templates.from_string(template).generate(variables):
            said.append(piece)
            length += len(piece)
            if length > longest:
                return _fault(
                    "template-too-long",
                    f"What it says is longer than {longest} characters.",
                    longest=str(longest),
                )
        # What no mail can carry, and no JSON.
        return "".join(said).encode("utf-8", "replace").decode()
    except TemplateSyntaxError as error:
        line, reason = str(error.lineno), _short(error.message or "")
        return _fault(
            "template-unreadable", f"It cannot be read: line {line}: {reason}.", line=line, reason=reason
        )
    except MemoryError:
        return _fault("template-too-large", "It needs too much memory.")
    except Exception as error:  # noqa: BLE001 (whatever a template does, it is its own fault)
        reason = _short(f"{type(error).__name__}: {error}")
        return _fault("template-fails", f"It fails: {reason}.", reason=reason)


def _short(text: str) -> str:
    return " ".join(text.split())[:200].rstrip(". ")


def _fault(error_id: str, sentence: str, **details: str) -> TemplateFault:
    return TemplateFault(error_id=error_id, sentence=sentence, details=details)


if __name__ == "__main__":
    sys.exit(main())
