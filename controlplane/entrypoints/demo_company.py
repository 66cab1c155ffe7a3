"""`controlplane demo company`: the example company in a running `up`, and what to dial there.

It is the file `examples/company.yaml`, applied as `controlplane apply` does; what `up` made at first (the
mailbox 8001, Alice and Bob) has its place in it and keeps its PIN and its passwords.
"""

from __future__ import annotations

import json
import os
import shlex
import time
import urllib.request
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from controlplane.apply.declaration import DeclaredFile, read_declaration
from controlplane.domain.errors import ControlPlaneError
from controlplane.domain.routing.hours import Hours
from controlplane.entrypoints.apply import Asked, Consent, apply
from controlplane.entrypoints.doctor import settings_of
from controlplane.supervisor.faults import CannotStart

FILE = Path(__file__).resolve().parents[2] / "examples" / "company.yaml"
_PUBLISHED_SECONDS = 30.0


def main(state_dir: Path, *, consent: Consent) -> None:
    """Apply the example to the running instance, if there is consent, and print what to dial then.

    Raises CannotStart if nothing runs there, ControlPlaneError if it was not applied.
    """
    settings = settings_of(state_dir)
    ready = json.loads((state_dir / "ready.json").read_text())
    try:
        data = FILE.read_bytes()
    except OSError as error:
        raise CannotStart(f"{FILE} cannot be read ({error.strerror}): it belongs to a checkout.") from error
    file = read_declaration(data, os.environ)
    if settings.smtp.host is not None:
        without_mail(file)
    if not apply(settings, Asked(name=str(FILE), file=file, consent=consent)):
        return
    print(f"\n{what_to_dial(file, ready, state_dir, now=datetime.now(UTC))}")
    if ready["sip_uri"] is not None and not _is_published(ready):
        print("\nIt is not published yet: `controlplane doctor` says why.")


def without_mail(file: DeclaredFile) -> None:
    """Mail nobody: the addresses of the example are made up."""
    for mailbox in file.declaration.mailboxes or ():
        mailbox.email_notification = False
        mailbox.email_recipients = []


def what_to_dial(file: DeclaredFile, ready: Mapping[str, Any], state_dir: Path, *, now: datetime) -> str:
    """Return what there is to try, by the numbers of the file."""
    declared = file.declaration
    names = {
        one.number: one.display_name
        for section in ("mailboxes", "ring-groups", "call-queues")
        for one in declared.section(section) or ()
    }
    (receptionist,) = declared.virtual_receptionists or []
    (rule,) = declared.inbound_rules or []
    did = rule.dids[0].removeprefix("+")
    keys = [(one.keys, str(one.destination.office_hours.number)) for one in receptionist.keys]
    shared = keys[-1][1]
    pin = ready["mailbox"]["pin"] if ready["mailbox"]["number"] == shared else None
    # The key is for the receptionist; outside office hours nobody needs it.
    call = (
        f"controlplane phone --state-dir {shlex.quote(str(state_dir))} {did}"
        f" listen:2 press:{keys[-1][0]} beep 'say:Hello, please call me back.' end"
    )
    lines = [
        "From an extension, with the password that `up` or this printed, dial",
        f"  {receptionist.number:<8} the {receptionist.display_name.lower()}: "
        + ", ".join(f"{key} is {names[number]}" for key, number in keys),
        *(f"  {number:<8} {names[number]}" for _, number in keys),
        f"  *56{shared:<5} to hear the shared mailbox{f'; PIN {pin}' if pin else ''}",
        "  *57      to hear the mailbox of the extension (Alice and Bob have one)",
        f"From outside: {call}",
    ]
    (office,) = declared.office_hours or []
    hours = office.settings().at(now)
    if hours is not Hours.OPEN:
        lines.append(
            f"The office is closed now: calls from outside go to {names[shared]} ({shared}) at once."
        )
    return "\n".join(lines)


def _is_published(ready: Mapping[str, Any]) -> bool:
    """Wait until the switch runs it."""
    token = Path(ready["token_file"]).read_text().strip()
    asked = urllib.request.Request(  # noqa: S310 (http to our own instance)
        f"{ready['api_url']}/configuration", headers={"Authorization": f"Bearer {token}"}
    )
    deadline = time.monotonic() + _PUBLISHED_SECONDS
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(asked, timeout=10) as answer:  # noqa: S310 (see above)
                told = json.load(answer)
        except OSError as error:
            raise ControlPlaneError(f"The API of the instance does not answer: {error}") from error
        if told["state"] == "live" and not told["pending"]["changes"]:
            return True
        time.sleep(0.2)
    return False
