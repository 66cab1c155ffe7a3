"""The pages that are in the menu, in groups."""

from __future__ import annotations

from dataclasses import dataclass

from controlplane.services.user_sessions import SignedIn


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A page in the menu: `key` names its words and marks the page that is open.

    Members of mailboxes see those that are `for_members`.
    """

    key: str
    path: str
    icon: str
    system_only: bool = False
    for_members: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Some pages with a heading."""

    key: str
    entries: tuple[Entry, ...]


GROUPS = (
    Group(
        key="voicemail", entries=(Entry(key="mailboxes", path="/mailboxes", icon="inbox", for_members=True),)
    ),
    Group(
        key="calls",
        entries=(
            Entry(key="call-queues", path="/call-queues", icon="queue"),
            Entry(key="ring-groups", path="/ring-groups", icon="bell"),
            Entry(key="virtual-receptionists", path="/virtual-receptionists", icon="keypad"),
            Entry(key="extensions", path="/extensions", icon="phone"),
            Entry(key="inbound-rules", path="/inbound-rules", icon="inwards"),
            Entry(key="trunks", path="/trunks", icon="trunk"),
            Entry(key="office-hours", path="/office-hours", icon="clock"),
            Entry(key="feature-codes", path="/feature-codes", icon="star"),
            Entry(key="simulator", path="/simulator", icon="try"),
            Entry(key="findings", path="/findings", icon="check"),
        ),
    ),
    Group(
        key="system",
        entries=(
            Entry(key="health", path="/health", icon="health", system_only=True),
            Entry(key="calls-now", path="/calls", icon="phone"),
            Entry(key="mails", path="/mails", icon="mail"),
            Entry(key="quarantine", path="/quarantine", icon="aside", system_only=True),
            Entry(key="publishing", path="/publishing", icon="publish"),
            Entry(key="audit", path="/audit", icon="log"),
            Entry(key="import", path="/import", icon="table"),
            Entry(key="users", path="/users", icon="people"),
            Entry(key="teams", path="/teams", icon="team"),
            Entry(key="tokens", path="/tokens", icon="key"),
            Entry(key="settings", path="/settings", icon="settings"),
        ),
    ),
)


def groups_for(by: SignedIn) -> list[Group]:
    """Return what this person may open."""
    shown = [
        Group(
            key=group.key,
            entries=tuple(entry for entry in group.entries if _may_open(by, entry)),
        )
        for group in GROUPS
    ]
    return [group for group in shown if group.entries]


def _may_open(by: SignedIn, entry: Entry) -> bool:
    return (by.admin or entry.for_members) and (by.system or not entry.system_only)
